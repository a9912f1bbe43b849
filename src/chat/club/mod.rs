//! A chat with accounts: names that belong to somebody, who has to log in before others see them,
//! and operators, who put people out.
//!
//! It stands before the [`Chat`]: what happens passes through here, and who waits to be let in
//! (`lobby`) has not come as far as the chat is concerned. Nothing here waits for a disk or checks a
//! password: that is done elsewhere, and comes as an event.

mod accounts;
mod banning;
mod bans;
mod changes;
mod departed;
mod endings;
mod entering;
pub mod handed;
mod lobby;
mod login;
mod operators;
#[cfg(test)]
mod tests;

pub use bans::list_ban;
pub use login::{already_logged_in, is_registered};
pub(super) use operators::ORDERS;

use crate::address::Address;
use crate::change::{Account, Ban, Change};
use crate::chat::archive;
use crate::chat::asking::Asking;
use crate::chat::club::handed::Handed;
use crate::chat::commands::{self, Does, Offer, Who};
use crate::chat::notices::quote;
use crate::chat::welcome::Opening;
use crate::chat::{Chat, Scene};
use crate::command::{Arguments, Command};
use crate::delivery::Delivery;
use crate::event::{Answer, ClientId, Ending, Event, Inquiry, Tally};
use crate::name::{Called, Name};
use crate::text::{Line, Lines, push_server_line};
use accounts::Accounts;
use bans::Bans;
use departed::Departed;
use endings::Farewell;
use lobby::{Lobby, Visitor, Why};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Instant;

/// Who may come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Everybody.
    Open,
    /// Only people with an account (`--members-only`).
    MembersOnly,
    /// Who gives the room's password (`--password-file`).
    RoomPassword,
}

/// What a server with accounts begins with, and who keeps what becomes of it.
pub struct Membership {
    /// Who may come in.
    pub policy: Policy,
    /// What there is for them.
    pub offers: Vec<Offer>,
    /// All accounts.
    pub accounts: Vec<Account>,
    /// All bans.
    pub bans: Vec<Ban>,
    /// Is handed what changes in the chat. It must not wait.
    pub keep: Box<dyn FnMut(Change) + Send>,
}

pub struct Club {
    chat: Chat,
    policy: Policy,
    accounts: Accounts,
    bans: Bans,
    lobby: Lobby,
    /// What is read in the lobby, and behind it of the history and of how long it is kept. Each is kept
    /// once for all.
    motd: Opening,
    history: Opening,
    notice: Opening,
    departed: Departed,
    /// Connections that may say nothing, whosever they are.
    muted: BTreeSet<ClientId>,
    /// Whom an event has ended, until their last event comes.
    ended: BTreeMap<ClientId, Farewell>,
    handed: Handed,
}

const MUTED: &str = "you are muted, nothing was sent";

impl Club {
    pub fn new(mut chat: Chat, membership: Membership) -> Self {
        chat.offers = membership.offers;
        let notice = chat.room.archive.as_deref().and_then(archive::notice);
        Self {
            chat,
            policy: membership.policy,
            accounts: Accounts::new(membership.accounts),
            bans: Bans::new(membership.bans),
            lobby: Lobby::default(),
            motd: Opening::default(),
            history: Opening::default(),
            notice: Opening::new(notice),
            departed: Departed::default(),
            muted: BTreeSet::new(),
            ended: BTreeMap::new(),
            handed: Handed::new(membership.keep),
        }
    }

    /// Tells one client a line of the server.
    fn tell(&mut self, client: ClientId, content: fmt::Arguments<'_>) {
        let mut text = Vec::new();
        push_server_line(&mut text, content);
        self.chat.delivery().tell(client, Answer::Lines(text));
    }

    /// Takes notice of a line that a client has sent. Returns whether it means anything: not if the
    /// client was ended.
    fn hears(&mut self, client: ClientId) -> bool {
        if self.chat.people.get(client).is_some() {
            self.chat.hear(client);
        }
        !self.ended.contains_key(&client)
    }

    fn asking(&mut self, client: ClientId) -> Asking<'_> {
        let is_operator = self.accounts.is_operator(client);
        let is_banned = matches!(self.why_waits(client), Some(Why::Banned(_)));
        Asking {
            client,
            lacks: is_banned.then_some(Offer::Registration),
            may: if is_operator {
                Who::Operators
            } else {
                Who::Everybody
            },
            text: Vec::new(),
            chat: &mut self.chat,
        }
    }

    /// Who logs in is muted on, since that is about the connection: but not an operator.
    fn is_muted(&self, client: ClientId) -> bool {
        let entry = self.accounts.of(client);
        let is_muted = self.muted.contains(&client) || entry.is_some_and(|entry| entry.is_muted);
        is_muted && !self.accounts.is_operator(client)
    }

    /// Whether the muted may do this all the same: others read nothing of it, but operators.
    fn is_left_to_the_muted(&self, client: ClientId, command: &Command) -> bool {
        let Some(row) = commands::row(command).filter(|row| row.who == Who::Unmuted) else {
            return true;
        };
        let people = &self.chat.people;
        let reader = match command {
            Command::Misused(_) | Command::Row(_, Arguments::None) => return true,
            Command::Row(_, Arguments::Message(Called::Name(name), _)) => people.find(name),
            Command::Row(..) if matches!(row.does, Does::Reply(_)) => {
                let correspondent = people[client].correspondent.as_ref();
                correspondent.map(|(reader, _)| *reader)
            }
            _ => None,
        };
        reader.is_some_and(|reader| self.accounts.is_operator(reader))
    }

    /// Why a client may not have this name, if accounts are the reason.
    fn why_not_called(&self, client: ClientId, name: &Name) -> Option<String> {
        if let Some(mine) = self.accounts.name_of(client) {
            let is_other = mine != name;
            return is_other.then(|| already_logged_in(mine));
        }
        let owner = self.accounts.owning(name)?;
        Some(is_registered(&owner.account.name))
    }

    /// Somebody who is in the chat asks for something.
    fn asked_inside(&mut self, client: ClientId, command: Command) {
        let may = self.asking(client).may;
        match command {
            Command::Row(_, Arguments::Order(order)) if may == Who::Operators => {
                self.obey(client, order);
            }
            Command::Row(row, Arguments::NewName(Ok(name), written)) => {
                if let Some(why) = self.why_not_called(client, &name) {
                    self.tell(client, format_args!("{why}"));
                } else {
                    let name = Arguments::NewName(Ok(name), written);
                    self.chat.asked(client, Command::Row(row, name));
                }
            }
            command => match self.absent_owner(&command) {
                Some(line) => self.tell(client, format_args!("{line}")),
                None => commands::answer(self.asking(client), command),
            },
        }
    }

    /// What `/whois` says of somebody who has an account and is not here.
    fn absent_owner(&self, command: &Command) -> Option<String> {
        let row = commands::row(command)?;
        let Command::Row(_, Arguments::Person(Called::Name(name))) = command else {
            return None;
        };
        let is_here = self.chat.people.find(name).is_some();
        if is_here || !matches!(row.does, Does::PersonOrOwner(_)) {
            return None;
        }
        let owner = self.accounts.owning(name)?;
        Some(login::show_absent(&owner.account))
    }
}

impl Scene for Club {
    fn delivery(&mut self) -> &mut Delivery {
        self.chat.delivery()
    }

    fn joined(&mut self, client: ClientId, address: Address, login_name: Option<Name>) {
        let visitor = Visitor {
            address,
            came: self.chat.clock(),
            knows_password: false,
        };
        if self.reason_to_wait(&visitor).is_some() {
            return self.have_wait(client, visitor);
        }
        let is_nobodys = |name: &Name| self.accounts.owning(name).is_none();
        let login_name = login_name.filter(is_nobodys);
        self.chat.joined(client, address, login_name);
    }

    fn said(&mut self, client: ClientId, lines: Lines) {
        if !self.hears(client) {
            return;
        }
        if self.waits_still(client) {
            return self.repeat_why(client, lines.count());
        }
        if self.is_muted(client) {
            // As many times as lines: what comes together is chance.
            for _ in 0..lines.count() {
                self.tell(client, format_args!("{MUTED}"));
            }
            return;
        }
        self.chat.said(client, lines);
    }

    fn asked(&mut self, client: ClientId, command: Command) {
        if !self.hears(client) {
            return;
        }
        if self.waits_still(client) {
            return match commands::row(&command) {
                Some(row) if row.who == Who::Anybody => {
                    commands::answer(self.asking(client), command);
                }
                _ => self.repeat_why(client, 1),
            };
        }
        if self.is_muted(client) && !self.is_left_to_the_muted(client, &command) {
            return self.tell(client, format_args!("{MUTED}"));
        }
        self.asked_inside(client, command);
    }

    /// Who waits, or was ended, finds nothing: its thread gets no answer.
    fn inquired(&mut self, client: ClientId, inquiry: &Inquiry) {
        if !self.hears(client) {
            return;
        }
        match inquiry {
            Inquiry::Account(name, reply) => self.inform(client, name.as_ref(), reply),
            Inquiry::Ignored(_) if self.waits_still(client) => self.repeat_why(client, 1),
            Inquiry::Ignored(_) => self.chat.inquired(client, inquiry),
        }
    }

    fn told(&mut self, event: Event) {
        match event {
            Event::LoggedIn(client, name, hash) if self.hears(client) => {
                self.logged_in(client, &name, &hash);
            }
            Event::Registered(client, name, hash, new) if self.hears(client) => {
                self.registered(client, &name, hash, new);
            }
            Event::PasswordChanged(client, old, new) if self.hears(client) => {
                self.password_changed(client, &old, new);
            }
            Event::GavePassword(client) if self.hears(client) => self.gave_password(client),
            Event::Changed(foreign) => {
                for change in self.handed.lasting(foreign) {
                    self.changed(change);
                }
            }
            _ => {}
        }
    }

    fn leaving(&mut self, client: ClientId, ending: &Ending) {
        if matches!(ending, Ending::Quit(Some(_))) && self.is_muted(client) {
            self.tell(client, format_args!("{MUTED}"));
        }
    }

    fn left(&mut self, client: ClientId, ending: Ending, tally: Tally) {
        self.has_left(client, ending, tally);
    }

    fn reloaded(&mut self, motd: &[String]) {
        self.chat.reloaded(motd);
        self.motd = Opening::default();
    }

    fn waited(&mut self) {
        self.chat.waited();
        self.turn_out_late();
    }

    fn next_due(&self) -> Option<Instant> {
        let dues = [self.chat.next_due(), self.lobby.next_due()];
        dues.into_iter().flatten().min()
    }

    fn ended(&mut self) {
        self.say_goodbye();
        self.chat.ended();
    }
}

/// Words of the server, and behind them the text that somebody gave, if they gave any.
fn with_text(words: &str, text: Option<&Line>) -> String {
    match text {
        Some(text) => format!("{words}: {}", quote(text)),
        None => words.to_owned(),
    }
}

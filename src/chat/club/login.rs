//! Who turns out to own an account, or wants one.

use crate::change::{Account, Change, Presence, Rank};
use crate::chat::club::bans::tell_ban;
use crate::chat::club::lobby::Why;
use crate::chat::club::{Club, MUTED};
use crate::chat::history::Since;
use crate::chat::people::Title;
use crate::clock::show_time;
use crate::event::{ClientId, Ending, Knowledge};
use crate::name::{Name, TAKEN};
use crate::passwords::debts::NewAccount;
use crossbeam_channel::Sender;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How long after a login has ended another connection of the account the next one may, so that two
/// copies of a program do not fight for ever.
const REPLACING_TIME: Duration = Duration::from_secs(10);

pub fn already_logged_in(name: &Name) -> String {
    format!("you are logged in as {name}: connect again to be somebody else")
}

pub fn is_registered(name: &Name) -> String {
    format!("{name} is registered: /login {name}")
}

/// What others read of an account whose owner is not here.
pub fn show_absent(account: &Account) -> String {
    let Title { words, .. } = title(account.rank);
    let name = &account.name;
    match account.last_here {
        Some(last) => format!("{name}{words} was last here at {}", show_time(last)),
        None => format!("{name}{words} has not been here yet"),
    }
}

/// What others read of the owner of an account.
pub fn title(rank: Rank) -> Title {
    match rank {
        Rank::Member => Title {
            mark: "",
            words: ", registered,",
        },
        Rank::Operator => Title {
            mark: "@",
            words: ", operator,",
        },
    }
}

impl Club {
    /// A client has given the password of an account.
    pub fn logged_in(&mut self, client: ClientId, name: &Name, hash: &str) {
        let entry = self.accounts.owning(name);
        let Some(entry) = entry.filter(|entry| *entry.account.hash == *hash) else {
            return self.refuse(client, format_args!("wrong name or password"));
        };
        if let Some(mine) = self.accounts.name_of(client) {
            let line = already_logged_in(mine);
            return self.tell(client, format_args!("{line}"));
        }
        let clock = self.chat.clock();
        let name = entry.account.name.clone();
        let last_here = entry.account.last_here.map(Since::Time);
        let since = entry.said_before.map(Since::Lines).or(last_here);
        let ban = self.bans.of_account(&name, clock.time);
        if let Some(ban) = ban.filter(|_| entry.account.rank != Rank::Operator) {
            let ban = tell_ban(ban);
            return self.refuse(client, format_args!("{ban}"));
        }
        let Some(other) = entry.here else {
            return self.recognize(client, &name, since);
        };
        let replaced = entry.replaced;
        if replaced.is_some_and(|then| clock.since(then) < REPLACING_TIME) {
            let line = format!("{name} has just logged in, try again in a few seconds");
            return self.refuse(client, format_args!("{line}"));
        }
        if let Some(entry) = self.accounts.get_mut(&name) {
            entry.replaced = Some(clock.instant);
        }
        let since = Since::Lines(self.chat.people[other].said_before);
        self.tell(other, format_args!("you logged in elsewhere"));
        self.end(other, Ending::Replaced);
        self.recognize(client, &name, Some(since));
    }

    /// A client wants an account.
    pub fn registered(&mut self, client: ClientId, name: &Name, hash: Arc<str>, new: NewAccount) {
        if let Some(mine) = self.accounts.name_of(client) {
            let line = already_logged_in(mine);
            return self.tell(client, format_args!("{line}"));
        }
        if let Some(owner) = self.accounts.owning(name) {
            let line = is_registered(&owner.account.name);
            return self.refuse(client, format_args!("{line}"));
        }
        if matches!(self.why_waits(client), Some(Why::Banned(_))) {
            self.repeat_why(client, 1);
            return self.end(client, Ending::NoLogin);
        }
        if self.chat.people.check_free(client, name.clone()).is_err() {
            return self.refuse(client, format_args!("{TAKEN}"));
        }
        if self.is_muted(client) {
            // They would call themselves so.
            return self.refuse(client, format_args!("{MUTED}"));
        }
        let account = Account {
            name: name.clone(),
            hash,
            rank: Rank::Member,
            last_here: None,
        };
        self.accounts.put(account.clone());
        self.handed.hand(Change::Account(account));
        new.was_made();
        let person = self.chat.people.get(client);
        let was_called_so = person.is_some_and(|person| person.name == *name);
        self.recognize(client, name, None);
        if was_called_so {
            // Nothing else shows it.
            self.tell(client, format_args!("you are logged in as {name}"));
        }
    }

    /// A client has given the password of its account, which had this hash, and a new one.
    pub fn password_changed(&mut self, client: ClientId, old: &str, new: Arc<str>) {
        let entry = self.accounts.of(client);
        let Some(entry) = entry.filter(|entry| *entry.account.hash == *old) else {
            return self.refuse(client, format_args!("wrong name or password"));
        };
        let known = entry.account.clone();
        let change = Change::Password(known.name.clone(), known.hash, Arc::clone(&new));
        self.handed.hand(change);
        self.accounts.put(Account { hash: new, ..known });
        self.tell(client, format_args!("your password is changed"));
    }

    /// A client is the owner of this account, and reads what was said since they were here.
    fn recognize(&mut self, client: ClientId, name: &Name, since: Option<Since>) {
        self.free(name, Some(client));
        self.accounts.arrive(client, name);
        // After a crash nobody would know of it.
        let now = self.chat.clock().time;
        let stays = Change::WasHere(name.clone(), now, Presence::Stays);
        self.handed.hand(stays);
        if let Some(visitor) = self.lobby.remove(client) {
            self.let_in(client, &visitor, name, since);
        } else {
            if self.chat.people[client].name != *name {
                self.chat.rename(client, name.clone());
            }
            if let Some(since) = since {
                self.show_missed(client, name, since);
            }
        }
        self.give_title(client);
    }

    /// Shows others what the owner of an account is.
    pub fn give_title(&mut self, client: ClientId) {
        if let Some(entry) = self.accounts.of(client) {
            self.chat.people[client].title = title(entry.account.rank);
        }
    }

    /// Whoever has a name that belongs to somebody now, or looks like theirs, gets the number back
    /// that they came with: nobody else has ever had that.
    pub fn free(&mut self, name: &Name, owner: Option<ClientId>) {
        for other in self.chat.people.holders(name) {
            if Some(other) != owner {
                self.chat.rename(other, Name::guest(other.0));
            }
        }
    }

    /// Tells a client why it is refused, and ends it, so that nothing of what follows is said.
    fn refuse(&mut self, client: ClientId, why: fmt::Arguments<'_>) {
        self.tell(client, why);
        let ending = match self.lobby.get(client) {
            Some(_) => Ending::NoLogin,
            // It was let in as a guest.
            None => Ending::Closed,
        };
        self.end(client, ending);
    }

    /// Answers what a client's thread wants to know.
    pub fn inform(&self, client: ClientId, name: Option<&Name>, reply: &Sender<Knowledge>) {
        let person = self.chat.people.get(client);
        let name = name.or(person.map(|person| &person.name));
        let owner = name.and_then(|name| self.accounts.owning(name));
        let knowledge = Knowledge {
            logged_in: self.accounts.name_of(client).cloned(),
            account: owner
                .map(|entry| (entry.account.name.clone(), Arc::clone(&entry.account.hash))),
        };
        // Whoever has stopped waiting does not want to know any more.
        let _ = reply.try_send(knowledge);
    }
}

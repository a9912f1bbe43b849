//! Keeping people out, and letting them in again.

use crate::address::{Address, Host};
use crate::change::{Ban, Change, Rank, Target};
use crate::chat::club::bans::show_until;
use crate::chat::club::{Club, with_text};
use crate::chat::notices::{NOTICE_NAMES, join_names};
use crate::event::{ClientId, Ending};
use crate::logging::clients as client_log;
use crate::name::{Called, Name};
use crate::order::Whom;
use crate::text::Line;
use crate::units::show_duration;
use ipnet::IpNet;
use std::time::Duration;

/// How many bans `/bans` lists.
const LISTED_BANS: usize = 200;

/// Somebody whom an operator wants to keep out, or to let in again.
struct Known {
    name: Name,
    here: Option<ClientId>,
    account: Option<Name>,
    host: Option<Host>,
}

impl Club {
    pub fn ban(&mut self, by: ClientId, whom: &Whom, time: Option<Duration>, text: Option<&Line>) {
        let until = time.and_then(|time| self.chat.clock().time.checked_add(time).ok());
        let operator = self.chat.people[by].name.clone();
        let ban = |what| Ban {
            what,
            until,
            by: operator.clone(),
            text: text.cloned(),
        };
        match whom {
            Whom::Network(network) => {
                let ban = ban(Target::Network(*network));
                let victims = self.victims(&ban);
                self.put_new_bans(by, vec![ban.clone()], time, &ban.what.to_string());
                self.put_out(&victims, &ban, time);
            }
            Whom::Person(called) => {
                let Some(known) = self.known(by, called) else {
                    return;
                };
                let network = known.host.and_then(network_of);
                let account = known.account.clone().map(Target::Account);
                let targets = account.into_iter().chain(network.map(Target::Network));
                let bans = targets.map(ban).collect::<Vec<_>>();
                if self.may_ban(by, &known, network)
                    && let Some(first) = bans.first().cloned()
                {
                    self.put_new_bans(by, bans, time, known.name.shown());
                    self.put_out_known(&known, &first, time);
                }
            }
        }
    }

    /// Whether somebody may be banned by name; else the operator reads why not.
    fn may_ban(&mut self, by: ClientId, known: &Known, network: Option<IpNet>) -> bool {
        let name = &known.name;
        if known
            .account
            .as_ref()
            .is_some_and(|account| self.owns_rank(account))
        {
            self.tell(by, format_args!("operators cannot be banned"));
            return false;
        }
        if known.account.is_none() && network.is_none() {
            self.tell(
                by,
                format_args!("{name} has no account and no address, nobody was banned"),
            );
            return false;
        }
        let others = network.map_or(0, |network| {
            let guests = self.guests_from(network);
            guests
                .iter()
                .filter(|guest| Some(**guest) != known.here)
                .count()
        });
        if others == 0 {
            return true;
        }
        let are = if others == 1 {
            "other is"
        } else {
            "others are"
        };
        let at = network.map(|network| Target::Network(network).to_string());
        let at = at.unwrap_or_default();
        self.tell(
            by,
            format_args!("{others} {are} at {at}, nobody was banned: /ban {at} bans them all"),
        );
        false
    }

    /// Who is here without an account and comes from there.
    fn guests_from(&self, network: IpNet) -> Vec<ClientId> {
        let people = self.chat.people.iter();
        let from = people.filter(|(_, person)| is_from(person.address, network));
        let guests = from.filter(|(client, _)| self.accounts.of(**client).is_none());
        guests.map(|(client, _)| *client).collect()
    }

    /// Whom a ban is about, of those who are here.
    pub fn victims(&self, ban: &Ban) -> Vec<ClientId> {
        match &ban.what {
            Target::Network(network) => self.guests_from(*network),
            Target::Account(name) => {
                let entry = self.accounts.get(name);
                let entry = entry.filter(|entry| entry.account.rank != Rank::Operator);
                entry.and_then(|entry| entry.here).into_iter().collect()
            }
        }
    }

    pub fn put_ban(&mut self, ban: &Ban) {
        self.bans.put(ban.clone());
    }

    fn put_new_bans(&mut self, by: ClientId, bans: Vec<Ban>, time: Option<Duration>, whom: &str) {
        let targets = bans.iter().map(|ban| ban.what.to_string());
        let targets = targets.collect::<Vec<_>>().join(", ");
        let operator = &self.chat.people[by].name;
        client_log::ordered(format_args!("{operator} banned {whom}{}", show_time(time)));
        self.tell(by, format_args!("banned{}: {targets}", show_time(time)));
        for ban in bans {
            self.put_ban(&ban);
            (self.keep)(Change::Ban(ban));
        }
    }

    /// Puts those out whom a ban is about, and tells the others of whom they knew.
    pub fn put_out(&mut self, victims: &[ClientId], ban: &Ban, time: Option<Duration>) {
        let here = &self.chat.room.here;
        let names = victims
            .iter()
            .filter_map(|client| here.get(client).cloned());
        let names = names.collect::<Vec<_>>();
        let (by, time) = (&ban.by, show_time(time));
        let told = with_text(&format!("you were banned by {by}{time}"), ban.text.as_ref());
        for victim in victims {
            self.tell(*victim, format_args!("{told}"));
            self.end(*victim, Ending::Banned);
        }
        if !names.is_empty() {
            let names = join_names(names.iter(), NOTICE_NAMES);
            let notice = format!("{by} banned {names}{time}");
            self.announce(with_text(&notice, ban.text.as_ref()));
        }
    }

    /// The same for who was named, who may have left.
    fn put_out_known(&mut self, known: &Known, ban: &Ban, time: Option<Duration>) {
        if let Some(victim) = known.here {
            return self.put_out(&[victim], ban, time);
        }
        let (by, name) = (&ban.by, &known.name);
        let notice = format!("{by} banned {name}{}", show_time(time));
        self.announce(with_text(&notice, ban.text.as_ref()));
    }

    pub fn unban(&mut self, by: ClientId, whom: &Whom) {
        let targets = match whom {
            Whom::Network(network) => vec![Target::Network(*network)],
            Whom::Person(Called::Name(name)) => self.targets_of(name),
            Whom::Person(Called::Nobody(_)) => Vec::new(),
        };
        let mut unbanned = Vec::new();
        for what in targets {
            if self.bans.remove(&what) {
                unbanned.push(what.to_string());
                (self.keep)(Change::BanRemoved(what));
            }
        }
        if unbanned.is_empty() {
            return self.tell(by, format_args!("no such ban, /bans lists them"));
        }
        let unbanned = unbanned.join(", ");
        let operator = &self.chat.people[by].name;
        client_log::ordered(format_args!("{operator} unbanned {unbanned}"));
        self.tell(by, format_args!("no longer banned: {unbanned}"));
    }

    pub fn list_bans(&mut self, by: ClientId) {
        let operator = &self.chat.people[by].name;
        client_log::ordered(format_args!("{operator} listed the bans"));
        let (bans, over) = self.bans.review(self.chat.clock().time);
        let mut lines = bans.map(|ban| {
            let words = format!("{}{} by {}", ban.what, show_until(ban), ban.by);
            with_text(&words, ban.text.as_ref())
        });
        let listed = lines.by_ref().take(LISTED_BANS).collect::<Vec<_>>();
        let more = lines.count();
        for what in over {
            (self.keep)(Change::BanRemoved(what));
        }
        if listed.is_empty() {
            self.tell(by, format_args!("nobody is banned"));
        }
        for line in listed {
            self.tell(by, format_args!("{line}"));
        }
        if more > 0 {
            self.tell(by, format_args!("and {more} more"));
        }
    }

    /// Somebody who is here, left within the last hour, or has an account; or an answer that they are
    /// none of these.
    fn known(&mut self, by: ClientId, called: &Called) -> Option<Known> {
        if let Called::Name(name) = called
            && self.chat.people.find(name).is_none()
        {
            let known = self.known_absent(name);
            if known.account.is_some() || known.host.is_some() {
                return Some(known);
            }
        }
        let here = self.find(by, called, ", nobody was banned")?;
        let person = &self.chat.people[here];
        Some(Known {
            name: person.name.clone(),
            here: Some(here),
            account: self.accounts.name_of(here).cloned(),
            host: Some(person.address.host()),
        })
    }

    fn known_absent(&mut self, name: &Name) -> Known {
        let now = self.chat.clock().instant;
        let owner = self.accounts.owning(name);
        let owner = owner.map(|entry| entry.account.name.clone());
        let gone = self.departed.find(name, now);
        Known {
            name: owner
                .clone()
                .or(gone.map(|gone| gone.name.clone()))
                .unwrap_or(name.clone()),
            here: None,
            host: gone.map(|gone| gone.host),
            account: owner.or(gone.and_then(|gone| gone.account.clone())),
        }
    }

    /// What a ban of this name was about: the account, and where its owner came from.
    fn targets_of(&mut self, name: &Name) -> Vec<Target> {
        let here = self.chat.people.find(name);
        let host = here.map(|client| self.chat.people[client].address.host());
        let known = self.known_absent(name);
        let network = host.or(known.host).and_then(network_of);
        let account = known.account.unwrap_or(name.clone());
        let network = network.map(Target::Network);
        [Target::Account(account)]
            .into_iter()
            .chain(network)
            .collect()
    }

    /// Whether the account of this name is an operator's.
    pub fn owns_rank(&self, account: &Name) -> bool {
        let entry = self.accounts.get(account);
        entry.is_some_and(|entry| entry.account.rank == Rank::Operator)
    }
}

/// All addresses that count as this one.
fn network_of(host: Host) -> Option<IpNet> {
    let Host::Ip(address) = host else { return None };
    let bits = if address.is_ipv4() { 32 } else { 64 };
    Some(IpNet::new(address, bits).ok()?.trunc())
}

fn is_from(address: Address, network: IpNet) -> bool {
    match address {
        Address::Tcp(address) => network.contains(&address.ip().to_canonical()),
        Address::User(_) => false,
    }
}

/// ` for 1h`; nothing for ever.
fn show_time(time: Option<Duration>) -> String {
    let time = time.map(|time| format!(" for {}", show_duration(time)));
    time.unwrap_or_default()
}

//! Keeping people out, and letting them in again.

use crate::address::{Address, Host};
use crate::change::{Ban, Change, Rank, Target};
use crate::chat::club::bans::{list_ban, show_length};
use crate::chat::club::{Club, with_text};
use crate::chat::notices::{NOTICE_NAMES, join_names};
use crate::event::{ClientId, Ending};
use crate::logging::clients as client_log;
use crate::name::{Called, Name};
use crate::order::Whom;
use crate::text::Line;
use ipnet::IpNet;
use std::time::Duration;

/// How many bans `/bans` lists.
const LISTED_BANS: usize = 200;

/// Somebody whom an operator wants to keep out.
struct Suspect {
    name: Name,
    here: Option<ClientId>,
    account: Option<Name>,
    host: Option<Host>,
}

impl Club {
    pub fn ban(&mut self, by: ClientId, whom: &Whom, time: Option<Duration>, text: Option<&Line>) {
        let made = self.chat.clock().time;
        let operator = self.chat.people[by].name.clone();
        let ban = |what| Ban {
            what,
            whose: None,
            made,
            until: time.and_then(|time| made.checked_add(time).ok()),
            by: operator.clone(),
            text: text.cloned(),
        };
        match whom {
            Whom::Network(network) => {
                let ban = ban(Target::Network(*network));
                let victims = self.victims(&ban);
                self.put_new_bans(by, vec![ban.clone()], &ban.what.to_string());
                self.put_out(&victims, &ban);
            }
            Whom::Person(called) => {
                let Some(suspect) = self.suspect(by, called) else {
                    return;
                };
                let network = suspect.host.and_then(network_of);
                let of_account = suspect.account.clone().map(Target::Account).map(ban);
                let of_network = network.map(|network| Ban {
                    whose: Some(suspect.name.clone()),
                    ..ban(Target::Network(network))
                });
                let bans = of_account.into_iter().chain(of_network);
                let bans = bans.collect::<Vec<_>>();
                if self.may_ban(by, &suspect, network)
                    && let Some(first) = bans.first().cloned()
                {
                    self.put_new_bans(by, bans, suspect.name.shown());
                    self.put_out_suspect(&suspect, &first);
                }
            }
        }
    }

    /// Whether somebody may be banned by name; else the operator reads why not.
    fn may_ban(&mut self, by: ClientId, suspect: &Suspect, network: Option<IpNet>) -> bool {
        let name = &suspect.name;
        if suspect
            .account
            .as_ref()
            .is_some_and(|account| self.owns_rank(account))
        {
            self.tell(by, format_args!("operators cannot be banned"));
            return false;
        }
        if suspect.account.is_none() && network.is_none() {
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
                .filter(|guest| Some(**guest) != suspect.here)
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

    /// Makes bans that are alike but for their targets.
    fn put_new_bans(&mut self, by: ClientId, bans: Vec<Ban>, whom: &str) {
        let length = bans.first().map(show_length).unwrap_or_default();
        // What the operator meant for a DURATION may have been none.
        let told = if length.is_empty() {
            " for ever"
        } else {
            &length
        };
        let targets = bans.iter().map(|ban| ban.what.to_string());
        let targets = targets.collect::<Vec<_>>().join(", ");
        let operator = &self.chat.people[by].name;
        client_log::ordered(format_args!("{operator} banned {whom}{length}"));
        self.tell(by, format_args!("banned{told}: {targets}"));
        for ban in bans {
            self.put_ban(&ban);
            self.handed.hand(Change::Ban(ban));
        }
    }

    /// Puts those out whom a ban is about, and tells the others of whom they knew.
    pub fn put_out(&mut self, victims: &[ClientId], ban: &Ban) {
        let here = &self.chat.room.here;
        let names = victims
            .iter()
            .filter_map(|client| here.get(client).cloned());
        let names = names.collect::<Vec<_>>();
        let (by, length) = (&ban.by, show_length(ban));
        let told = format!("you were banned by {by}{length}");
        let told = with_text(&told, ban.text.as_ref());
        for victim in victims {
            self.tell(*victim, format_args!("{told}"));
            self.end(*victim, Ending::Banned);
        }
        if !names.is_empty() {
            let names = join_names(names.iter(), NOTICE_NAMES);
            let notice = format!("{by} banned {names}{length}");
            self.announce(with_text(&notice, ban.text.as_ref()));
        }
    }

    /// The same for who was named, who may have left.
    fn put_out_suspect(&mut self, suspect: &Suspect, ban: &Ban) {
        if let Some(victim) = suspect.here {
            return self.put_out(&[victim], ban);
        }
        let (by, name) = (&ban.by, &suspect.name);
        let notice = format!("{by} banned {name}{}", show_length(ban));
        self.announce(with_text(&notice, ban.text.as_ref()));
    }

    pub fn unban(&mut self, by: ClientId, whom: &Whom) {
        let targets = match whom {
            Whom::Network(network) => vec![Target::Network(*network)],
            Whom::Person(Called::Name(name)) => self.bans.targets_of(name),
            Whom::Person(Called::Nobody(_)) => Vec::new(),
        };
        let mut unbanned = Vec::new();
        for what in targets {
            if self.bans.remove(&what) {
                unbanned.push(what.to_string());
                self.handed.hand(Change::BanRemoved(what));
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
        let now = self.chat.clock().time;
        let (bans, more) = self.bans.list(LISTED_BANS, now);
        let listed = bans.into_iter().map(list_ban).collect::<Vec<_>>();
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
    fn suspect(&mut self, by: ClientId, called: &Called) -> Option<Suspect> {
        if let Called::Name(name) = called
            && self.chat.people.find(name).is_none()
        {
            let absent = self.absent_suspect(name);
            if absent.account.is_some() || absent.host.is_some() {
                return Some(absent);
            }
        }
        let here = self.find(by, called, ", nobody was banned")?;
        let person = &self.chat.people[here];
        Some(Suspect {
            name: person.name.clone(),
            here: Some(here),
            account: self.accounts.name_of(here).cloned(),
            host: Some(person.address.host()),
        })
    }

    fn absent_suspect(&mut self, name: &Name) -> Suspect {
        let now = self.chat.clock().instant;
        let owner = self.accounts.owning(name);
        let owner = owner.map(|entry| entry.account.name.clone());
        let gone = self.departed.find(name, now);
        Suspect {
            name: owner
                .clone()
                .or(gone.map(|gone| gone.name.clone()))
                .unwrap_or(name.clone()),
            here: None,
            host: gone.map(|gone| gone.host),
            account: owner.or(gone.and_then(|gone| gone.account.clone())),
        }
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

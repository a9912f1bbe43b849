//! Bans, and who waits at a banned address, in the model of the chat.

use super::accounts::ACCOUNTS;
use super::asks::{duration, look};
use super::chat::{Chat, HISTORY, HOW_TO_BEGIN, MOTD, Person, list, time};
use super::script::{Addressee, Whom};

/// Where the bystander comes from, whom no ban of a network is about, and where the others do.
const FIRST_ADDRESS: &str = "uid:1";
const ADDRESSES: [&str; 3] = ["192.0.2.1:4711", "192.0.2.2:4711", "198.51.100.7:4711"];

/// What can be banned, in the order in which it is listed, and who comes from there, by the numbers
/// of the addresses.
const NETWORKS: [(&str, &[usize]); 4] = [
    ("192.0.2.0/24", &[0, 1]),
    ("192.0.2.1", &[0]),
    ("192.0.2.2", &[1]),
    ("198.51.100.7", &[2]),
];

/// For how long somebody may wait, in milliseconds.
const WAITING_TIME: u64 = 120_000;

/// What is banned: in the order in which it is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    Account(usize),
    Network(usize),
}

/// Until when, by whom, and why; and who was banned so, if it was by name.
#[derive(Clone)]
pub struct Ban {
    whose: Option<String>,
    until: Option<u64>,
    by: String,
    text: String,
}

/// Somebody who is to be banned by name.
struct Known {
    name: String,
    here: Option<usize>,
    account: Option<usize>,
    /// Of their address alone.
    network: Option<usize>,
}

/// Where a client comes from.
pub fn address(who: usize) -> &'static str {
    match who {
        0 => FIRST_ADDRESS,
        who => ADDRESSES[place(who)],
    }
}

fn place(who: usize) -> usize {
    who % ADDRESSES.len()
}

fn is_from(who: usize, network: usize) -> bool {
    who > 0 && NETWORKS[network].1.contains(&place(who))
}

/// The network of a client's address alone.
pub fn network_of(who: usize) -> Option<usize> {
    (who > 0).then(|| place(who) + 1)
}

/// The network as an operator writes it.
pub fn written(network: usize) -> &'static str {
    NETWORKS[network % NETWORKS.len()].0
}

impl Target {
    fn shown(self) -> &'static str {
        match self {
            Self::Account(at) => ACCOUNTS[at].0,
            Self::Network(at) => NETWORKS[at].0,
        }
    }
}

impl Ban {
    fn is_in_force(&self, now: u64) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    fn shown_until(&self) -> String {
        let shown = |until| format!(" until 2026-03-04 {}", time(until));
        self.until.map_or_else(String::new, shown)
    }
}

/// ` for 5m`; nothing for ever.
fn shown_time(seconds: Option<u64>) -> String {
    let shown = |seconds: u64| format!(" for {}", duration(seconds * 1_000));
    seconds.map_or_else(String::new, shown)
}

impl Chat {
    /// What is said of the ban of a target, if it is in force.
    pub fn banned(&self, target: Target, now: u64) -> Option<String> {
        let ban = self.bans.get(&target).filter(|ban| ban.is_in_force(now))?;
        let (what, until, text) = (target.shown(), ban.shown_until(), &ban.text);
        Some(format!("-- {what} is banned{until}: \"{text}\""))
    }

    /// Why somebody has to wait, if their address is banned: the narrowest network counts.
    pub fn reason_to_wait(&self, who: usize, now: u64) -> Option<String> {
        let mut networks = [1, 2, 3, 0]
            .into_iter()
            .filter(|network| is_from(who, *network));
        let banned = networks.find_map(|network| self.banned(Target::Network(network), now));
        banned.map(|banned| format!("{banned}; /login NAME"))
    }

    /// Who waits at a banned address.
    pub fn waiting(&self) -> impl Iterator<Item = usize> {
        let waits = |person: &Person| !person.is_gone() && person.waits();
        (0..self.people.len()).filter(move |who| waits(&self.people[*who]))
    }

    /// A newcomer reads why it has to wait, and nothing of the room.
    pub fn begin_to_wait(&mut self, me: usize, now: u64) {
        self.people[me].arrived = None;
        self.tell(me, &format!("-- {MOTD}"));
        self.waits_on(me, 1, now);
    }

    /// Who waits has sent so many lines of something else than what lets them in. Whether they wait on:
    /// they come in if nothing is banned any more.
    pub fn waits_on(&mut self, me: usize, times: usize, now: u64) -> bool {
        let why = self.reason_to_wait(me, now);
        if let Some(why) = &why {
            for _ in 0..times {
                self.tell(me, why);
            }
        } else {
            let name = self.people[me].name.clone();
            self.let_in(me, &name, None, now);
            self.tell(me, HOW_TO_BEGIN);
        }
        why.is_some()
    }

    /// Who waited comes in under the name of their account, and reads what they missed or the last
    /// lines.
    pub fn let_in(&mut self, me: usize, name: &str, since: Option<usize>, now: u64) {
        let logged = self.logged;
        let person = &mut self.people[me];
        (person.name, person.arrived) = (name.to_owned(), Some(now));
        person.reading.read_to = logged;
        match since {
            Some(since) => self.show_missed(me, name, since),
            None => {
                self.show_history(me, HISTORY);
            }
        }
        self.welcome(me);
    }

    /// Who waits goes, and nobody is told.
    pub fn gives_up(&mut self, me: usize) {
        self.vanish(me);
    }

    /// Turns out those who have waited too long.
    pub fn turn_out_late(&mut self, now: u64) {
        let is_late = |person: &Person| person.joined + WAITING_TIME <= now;
        let late = self.waiting().filter(|who| is_late(&self.people[*who]));
        for who in late.collect::<Vec<_>>() {
            self.tell(who, "-- no login for 2m");
            self.gives_up(who);
            self.just_ended.push(who);
        }
    }

    pub fn ban(&mut self, me: usize, whom: Whom, seconds: Option<u64>, text: &str, now: u64) {
        let mut ban = Ban {
            whose: None,
            until: seconds.map(|seconds| now + seconds * 1_000),
            by: self.people[me].name.clone(),
            text: text.to_owned(),
        };
        match whom {
            Whom::Network(network) => {
                let network = network % NETWORKS.len();
                let victims = self.guests_from(network);
                self.put_bans(me, &[Target::Network(network)], &ban, seconds);
                self.put_out(&victims, &ban, seconds, now);
            }
            Whom::Called(called) => {
                let Some(known) = self.known(me, called) else {
                    return;
                };
                if let Some(why) = self.why_not_banned(&known) {
                    return self.tell(me, &why);
                }
                let account = known.account.map(Target::Account);
                let network = known.network.map(Target::Network);
                let targets = account.into_iter().chain(network).collect::<Vec<_>>();
                ban.whose = Some(known.name.clone());
                self.put_bans(me, &targets, &ban, seconds);
                if let Some(here) = known.here {
                    return self.put_out(&[here], &ban, seconds, now);
                }
                let (by, time) = (&ban.by, shown_time(seconds));
                let notice = format!("-- {by} banned {}{time}: \"{text}\"", known.name);
                self.announce_all(&notice);
            }
        }
    }

    /// Who is meant: somebody who is here, has an account, or has left.
    fn known(&mut self, me: usize, called: Addressee) -> Option<Known> {
        let name = self.name_of(called);
        if self.named(&name).is_none() {
            let absent = self.known_absent(name);
            if absent.account.is_some() || absent.network.is_some() {
                return Some(absent);
            }
        }
        let here = self.find_or(me, called, ", nobody was banned")?;
        Some(Known {
            name: self.people[here].name.clone(),
            here: Some(here),
            account: self.people[here].account,
            network: network_of(here),
        })
    }

    fn known_absent(&self, name: String) -> Known {
        let account = self.owner(&name);
        let is_same = |gone: &&(String, usize)| gone.0.to_lowercase() == name.to_lowercase();
        let gone = self.gone.iter().rev().find(is_same);
        let owner = account.map(|at| self.accounts[at].name.to_owned());
        Known {
            here: None,
            account,
            network: gone.and_then(|(_, who)| network_of(*who)),
            name: owner.or(gone.map(|gone| gone.0.clone())).unwrap_or(name),
        }
    }

    fn why_not_banned(&self, known: &Known) -> Option<String> {
        let name = &known.name;
        if known
            .account
            .is_some_and(|at| self.accounts[at].is_operator)
        {
            return Some("-- operators cannot be banned".to_owned());
        }
        let Some(network) = known.network else {
            let why = format!("-- {name} has no account and no address, nobody was banned");
            return known.account.is_none().then_some(why);
        };
        let others = self.guests_from(network);
        let others = others.iter().filter(|other| Some(**other) != known.here);
        let others = match others.count() {
            0 => return None,
            1 => "1 other is".to_owned(),
            count => format!("{count} others are"),
        };
        let at = written(network);
        Some(format!(
            "-- {others} at {at}, nobody was banned: /ban {at} bans them all"
        ))
    }

    /// Who is here without an account and comes from there.
    fn guests_from(&self, network: usize) -> Vec<usize> {
        let guests = self
            .here()
            .filter(|who| self.people[*who].account.is_none());
        guests.filter(|who| is_from(*who, network)).collect()
    }

    fn put_bans(&mut self, me: usize, targets: &[Target], ban: &Ban, seconds: Option<u64>) {
        let shown = targets.iter().map(|target| target.shown());
        let shown = shown.collect::<Vec<_>>().join(", ");
        let time = seconds.map_or(" for ever".to_owned(), |_| shown_time(seconds));
        self.tell(me, &format!("-- banned{time}: {shown}"));
        for target in targets {
            self.bans.insert(*target, ban.clone());
        }
    }

    fn put_out(&mut self, victims: &[usize], ban: &Ban, seconds: Option<u64>, now: u64) {
        let (by, time, text) = (&ban.by, shown_time(seconds), &ban.text);
        let mut names = Vec::new();
        for victim in victims {
            self.tell(
                *victim,
                &format!("-- you were banned by {by}{time}: \"{text}\""),
            );
            self.depart(*victim, now);
            if !self.vanish(*victim) {
                names.push(self.people[*victim].name.clone());
            }
            self.just_ended.push(*victim);
        }
        if !names.is_empty() {
            let names = names.iter().map(String::as_str).collect::<Vec<_>>();
            let names = list(&names, 5);
            self.announce_all(&format!("-- {by} banned {names}{time}: \"{text}\""));
        }
    }

    pub fn unban(&mut self, me: usize, whom: Whom) {
        let targets = match whom {
            Whom::Network(network) => vec![Target::Network(network % NETWORKS.len())],
            Whom::Called(called) => {
                let name = self.name_of(called);
                let is_theirs =
                    |ban: &Ban| ban.whose.as_ref().is_some_and(|of| look(of) == look(&name));
                let theirs = self.bans.iter().filter(|(_, ban)| is_theirs(ban));
                theirs.map(|(target, _)| *target).collect()
            }
        };
        let removed = targets
            .into_iter()
            .filter(|target| self.bans.remove(target).is_some());
        let removed = removed.map(Target::shown).collect::<Vec<_>>();
        match removed.len() {
            0 => self.tell(me, "-- no such ban, /bans lists them"),
            _ => self.tell(me, &format!("-- no longer banned: {}", removed.join(", "))),
        }
    }

    pub fn list_bans(&mut self, me: usize, now: u64) {
        self.bans.retain(|_, ban| ban.is_in_force(now));
        if self.bans.is_empty() {
            self.tell(me, "-- nobody is banned");
        }
        for (target, ban) in self.bans.clone() {
            let (until, by, text) = (ban.shown_until(), ban.by, ban.text);
            let whose = match (target, ban.whose) {
                (Target::Network(_), Some(name)) => format!(" ({name})"),
                _ => String::new(),
            };
            let what = target.shown();
            self.tell(me, &format!("-- {what}{whose}{until} by {by}: \"{text}\""));
        }
    }
}

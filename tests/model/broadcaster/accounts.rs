//! Accounts and operators, in the model of the chat.

use super::asks::{look, shown};
use super::bans::{Target, address, network_of};
use super::chat::{Chat, Reason, time};
use super::reading::Origin;
use super::script::{Addressee, Ask, Password};

/// For how long after a login has ended another connection of an account the next may not, in
/// milliseconds.
const REPLACING_TIME: u64 = 10_000;

/// How many lines somebody reads of what they missed.
const MISSED: usize = 200;

const MUTED: &str = "-- you are muted, nothing was sent";

/// The accounts of a run, and whether their owners are operators.
pub const ACCOUNTS: [(&str, bool); 2] = [("dan", true), ("eve", false)];

#[derive(Default)]
pub struct Account {
    pub name: &'static str,
    pub is_operator: bool,
    here: Option<usize>,
    replaced: Option<u64>,
    last_here: Option<u64>,
    /// How many lines had been said then.
    said_before: Option<usize>,
    is_muted: bool,
}

impl Account {
    pub fn all() -> Vec<Self> {
        let account = |(name, is_operator)| Self {
            name,
            is_operator,
            ..Self::default()
        };
        let has_accounts = cfg!(feature = "data");
        let accounts = ACCOUNTS.map(account).into_iter();
        accounts.filter(|_| has_accounts).collect()
    }

    fn words(&self) -> &'static str {
        if self.is_operator {
            ", operator,"
        } else {
            ", registered,"
        }
    }
}

impl Chat {
    fn account_of(&self, who: usize) -> Option<&Account> {
        self.people[who].account.map(|at| &self.accounts[at])
    }

    fn is_operator(&self, who: usize) -> bool {
        self.account_of(who)
            .is_some_and(|account| account.is_operator)
    }

    /// What `/who` shows before the name.
    pub fn mark(&self, who: usize) -> &'static str {
        if self.is_operator(who) { "@" } else { "" }
    }

    /// What `/whois` shows behind the name.
    pub fn words(&self, who: usize) -> &'static str {
        self.account_of(who).map_or("", Account::words)
    }

    /// What `/whois` shows of where somebody is.
    pub fn place_shown_to(&self, me: usize, other: usize) -> String {
        if self.is_operator(me) {
            format!(", from {}", address(other))
        } else {
            String::new()
        }
    }

    /// Who owns a name, or one that looks like it.
    pub fn owner(&self, name: &str) -> Option<usize> {
        let mut names = self.accounts.iter().map(|account| look(account.name));
        names.position(|owned| owned == look(name))
    }

    /// What `/whois` says of the owner of a name who is not here.
    pub fn absent(&self, name: &str) -> Option<String> {
        let account = &self.accounts[self.owner(name)?];
        let (name, words) = (account.name, account.words());
        Some(match account.last_here {
            Some(last) => {
                let time = time(last);
                format!("-- {name}{words} was last here at 2026-03-04 {time}")
            }
            None => format!("-- {name}{words} has not been here yet"),
        })
    }

    /// Why somebody may not have a name, if accounts are the reason.
    pub fn why_not_called(&self, me: usize, name: &str) -> Option<String> {
        if let Some(mine) = self.account_of(me) {
            return (mine.name != name).then(|| already(mine));
        }
        let owner = self.accounts[self.owner(name)?].name;
        Some(format!("-- {owner} is registered: /login {owner}"))
    }

    fn is_muted(&self, who: usize) -> bool {
        let of_account = self.account_of(who).is_some_and(|account| account.is_muted);
        (self.muted.contains(&who) || of_account) && !self.is_operator(who)
    }

    /// Whether that is refused to them since they are muted, and says so.
    pub fn refuses_to_say(&mut self, me: usize, times: usize) -> bool {
        let is_refused = self.is_muted(me);
        if is_refused {
            for _ in 0..times {
                self.tell(me, MUTED);
            }
        }
        is_refused
    }

    /// The same of what they ask for.
    pub fn refuses(&mut self, me: usize, ask: &Ask) -> bool {
        let reader = match ask {
            Ask::Nick(_) | Ask::Me | Ask::Away => None,
            Ask::Msg(to) => self.named(&self.name_of(*to)),
            Ask::Reply => self.people[me].correspondent,
            _ => return false,
        };
        let is_read = reader.is_some_and(|reader| self.is_operator(reader));
        !is_read && self.refuses_to_say(me, 1)
    }

    /// Somebody gives the password of an account.
    pub fn log_in(&mut self, me: usize, at: usize, password: Password, now: u64) {
        self.hear(me, now);
        if password == Password::Wrong {
            self.tell(me, "-- wrong name or password");
            return self.end(me, now);
        }
        if let Some(mine) = self.account_of(me) {
            let line = already(mine);
            return self.tell(me, &line);
        }
        let Account {
            name,
            is_operator,
            here,
            replaced,
            said_before,
            ..
        } = self.accounts[at];
        if !is_operator && let Some(banned) = self.banned(Target::Account(at), now) {
            self.tell(me, &banned);
            return self.end(me, now);
        }
        let mut since = said_before;
        if let Some(other) = here {
            if replaced.is_some_and(|then| now < then + REPLACING_TIME) {
                let line = format!("-- {name} has just logged in, try again in a few seconds");
                self.tell(me, &line);
                return self.end(me, now);
            }
            self.accounts[at].replaced = Some(now);
            since = Some(self.people[other].said_before);
            self.tell(other, "-- you logged in elsewhere");
            self.end(other, now);
        }
        if let Some(other) = self.named(name).filter(|other| *other != me) {
            self.rename(other, &format!("guest{}", other + 1));
        }
        self.accounts[at].here = Some(me);
        self.people[me].account = Some(at);
        if self.people[me].waits() {
            return self.let_in(me, name, since, now);
        }
        if self.people[me].name != name {
            self.rename(me, name);
        }
        if let Some(since) = since {
            self.show_missed(me, name, since);
        }
    }

    pub fn show_missed(&mut self, me: usize, own: &str, since: usize) {
        let missed = self.history.iter();
        let missed = missed.filter(|said| said.number >= since && said.name != own);
        let missed = missed.map(|said| said.line.clone()).collect::<Vec<_>>();
        let lines = match missed.len() {
            0 => return,
            1 => "1 line".to_owned(),
            count => format!("{count} lines"),
        };
        let last = missed.len().min(MISSED);
        let of_them = match missed.len() - last {
            0 => String::new(),
            _ => format!(", the last {last}"),
        };
        let title = format!("-- {lines} since you were here{of_them}, times in UTC:");
        self.tell(me, &title);
        for line in &missed[missed.len() - last..] {
            self.tell(me, line);
        }
    }

    /// Somebody's connection is ended, and others are told no more than that they left.
    fn end(&mut self, who: usize, now: u64) {
        if self.people[who].waits() {
            self.gives_up(who);
        } else {
            self.leave(who, Reason::None, None, now);
        }
        self.just_ended.push(who);
    }

    /// Somebody has left; the owner of an account, if they are one, was here until now.
    pub fn depart(&mut self, who: usize, now: u64) {
        self.gone.push((self.people[who].name.clone(), who));
        if let Some(at) = self.people[who].account.take() {
            self.accounts[at].here = None;
            self.accounts[at].last_here = Some(now);
            self.accounts[at].said_before = Some(self.said);
        }
    }

    /// Somebody wants what only operators can do.
    pub fn order(&mut self, me: usize, ask: &Ask, text: &str, now: u64) {
        if !self.is_operator(me) {
            return self.tell(me, "-- only operators can do that");
        }
        if !matches!(ask, Ask::Erase(..) | Ask::Unban(_) | Ask::Bans) {
            self.announce(me);
        }
        match ask {
            Ask::Kick(other) => {
                let other = self.kicked(*other);
                self.kick(me, other, text, now);
            }
            Ask::Ban(whom, seconds) => self.ban(me, *whom, *seconds, text, now),
            Ask::Unban(whom) => self.unban(me, *whom),
            Ask::Bans => self.list_bans(me, now),
            Ask::Mute(other) => self.mute(me, *other),
            Ask::Unmute(other) => self.unmute(me, *other),
            Ask::Erase(name, count) => self.erase(me, &shown(name), *count),
            _ => unreachable!("everybody may"),
        }
    }

    /// Who is meant by a kick: never the bystander, who is here first.
    pub fn kicked(&self, who: usize) -> usize {
        let here = self.here().skip(1).collect::<Vec<_>>();
        here[who % here.len()]
    }

    fn kick(&mut self, me: usize, other: usize, text: &str, now: u64) {
        self.announce(other);
        if self.is_operator(other) {
            return self.tell(me, "-- operators cannot be kicked");
        }
        let [by, name] = [me, other].map(|who| self.people[who].name.clone());
        self.tell(other, &format!("-- you were kicked by {by}: \"{text}\""));
        self.depart(other, now);
        self.vanish(other);
        self.just_ended.push(other);
        self.announce_all(&format!("-- {by} kicked {name}: \"{text}\""));
    }

    pub fn announce_all(&mut self, line: &str) {
        self.announce_departures();
        self.publish(Origin::Server, line);
    }

    /// Who is meant, or whose account.
    fn find_or_owner(&mut self, me: usize, other: Addressee) -> Option<(Option<usize>, String)> {
        let name = self.name_of(other);
        if self.named(&name).is_none()
            && let Some(at) = self.owner(&name)
        {
            return Some((None, self.accounts[at].name.to_owned()));
        }
        let other = self.find(me, other)?;
        Some((Some(other), self.people[other].name.clone()))
    }

    fn account_named(&mut self, name: &str) -> Option<&mut Account> {
        self.accounts
            .iter_mut()
            .find(|account| account.name == name)
    }

    fn mute(&mut self, me: usize, other: Addressee) {
        let Some((here, name)) = self.find_or_owner(me, other) else {
            return;
        };
        if self
            .account_named(&name)
            .is_some_and(|account| account.is_operator)
        {
            return self.tell(me, "-- operators cannot be muted");
        }
        let answer = if self.account_named(&name).is_some() {
            format!("-- {name} is muted until /unmute {name}")
        } else if here.and_then(network_of).is_some() {
            format!("-- only this connection of {name} is muted, /ban keeps a guest out")
        } else {
            format!("-- only this connection of {name} is muted")
        };
        let was_muted = match (self.account_named(&name), here) {
            (Some(account), _) => std::mem::replace(&mut account.is_muted, true),
            (None, Some(here)) => !self.muted.insert(here),
            (None, None) => unreachable!("it is nobody"),
        };
        if was_muted {
            return self.tell(me, &format!("-- {name} is muted already"));
        }
        let by = self.people[me].name.clone();
        self.announce_all(&format!("-- {by} muted {name}"));
        self.tell(me, &answer);
    }

    fn unmute(&mut self, me: usize, other: Addressee) {
        let Some((here, name)) = self.find_or_owner(me, other) else {
            return;
        };
        let of_connection = here.is_some_and(|here| self.muted.remove(&here));
        let account = self.account_named(&name);
        let of_account = account.is_some_and(|account| std::mem::take(&mut account.is_muted));
        if !of_connection && !of_account {
            return self.tell(me, &format!("-- {name} is not muted"));
        }
        let by = self.people[me].name.clone();
        self.announce_all(&format!("-- {by} unmuted {name}"));
    }

    fn erase(&mut self, me: usize, name: &str, count: usize) {
        let theirs = self.history.iter().enumerate();
        let theirs = theirs.filter(|(_, said)| said.name == name);
        let theirs = theirs.map(|(at, _)| at).collect::<Vec<_>>();
        let erased = theirs.iter().rev().take(count).copied().collect::<Vec<_>>();
        for at in &erased {
            self.history.remove(*at);
        }
        let lines = match erased.len() {
            1 => "1 line".to_owned(),
            count => format!("{count} lines"),
        };
        self.has_erased |= !erased.is_empty();
        self.tell(me, &format!("-- {lines} of {name} erased from the history"));
    }
}

fn already(account: &Account) -> String {
    let name = account.name;
    format!("-- you are logged in as {name}: connect again to be somebody else")
}

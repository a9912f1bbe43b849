//! The model of the chat: who is here, and what each of them is to read. It knows nothing of
//! sockets, batches or logs, and does everything at once.

use super::accounts::Account;
use super::bans::{Ban, Target};
use super::reading::{Origin, Reading};
use super::script::Kind;
use chatd::event::Style;
use chatd::text::LINE_COST;
use std::collections::{BTreeMap, BTreeSet};

/// How many lines of history newcomers are shown.
pub const HISTORY: usize = 5;

/// How many bytes of it are kept.
const HISTORY_BYTES: usize = 256 << 10;

/// What a guest reads last when it comes.
pub const HOW_TO_BEGIN: &str = "-- /nick NAME picks a name, /help lists the commands";

/// The message of the day.
pub const MOTD: &str = "be kind";

/// How long joins and departures wait for others, in milliseconds.
const GATHERING_TIME: u64 = 1_000;

/// How long a newcomer has at least to pick a name before others are told, in milliseconds.
const NAMING_TIME: u64 = 250;

/// Somebody who was ever here. Their number is their place in the list.
pub struct Person {
    pub name: String,
    pub reading: Reading,
    /// When they came and when they last asked or said something, in milliseconds.
    pub joined: u64,
    pub last_heard: u64,
    /// When the room began to wait for a name of theirs, later than they came if they had to log in:
    /// nothing while they wait, since their address is banned.
    pub arrived: Option<u64>,
    /// How many lines had been said before that.
    pub said_before: usize,
    pub is_announced: bool,
    stage: Stage,
    reads_own_lines: bool,
    pub ignored: BTreeSet<usize>,
    pub is_quiet: bool,
    /// What is said of them to whoever writes to them: that they are away, and why.
    pub away: Option<String>,
    pub correspondent: Option<usize>,
    /// The account that they are logged in to.
    pub account: Option<usize>,
}

/// A line that was said or done.
pub struct Said {
    pub by: usize,
    /// Their name of that time.
    pub name: String,
    /// How many lines were said before it.
    pub number: usize,
    /// As it is shown again.
    pub line: String,
}

/// Why somebody left, in the order in which departures are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    None,
    ConnectionLost,
    Idle,
    TooSlow,
}

#[derive(Default)]
pub struct Chat {
    pub people: Vec<Person>,
    /// What was logged for everybody has cost, ever; the server's own lines a little less.
    pub logged: u64,
    pub history: Vec<Said>,
    /// How many lines were ever said.
    pub said: usize,
    /// There was more in it.
    pub has_erased: bool,
    pub accounts: Vec<Account>,
    /// Whose connections may say nothing.
    pub muted: BTreeSet<usize>,
    pub bans: BTreeMap<Target, Ban>,
    /// Who has left, under which name.
    pub gone: Vec<(String, usize)>,
    /// Whom the last event has ended, though their threads do not know yet.
    pub just_ended: Vec<usize>,
    /// Who left, why, and under which name.
    departures: Vec<(usize, Reason, String)>,
    departures_due: Option<u64>,
}

/// How far somebody has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Here,
    /// Nothing is written to them any more, but they have not left.
    Deaf,
    /// Their last event was taken.
    Gone,
}

impl Person {
    pub fn is_gone(&self) -> bool {
        self.stage == Stage::Gone
    }

    pub fn waits(&self) -> bool {
        self.arrived.is_none()
    }

    pub fn deafen(&mut self) {
        if self.stage == Stage::Here {
            self.stage = Stage::Deaf;
        }
    }

    fn shows(&self, me: usize, origin: Origin) -> bool {
        match origin {
            Origin::Said(author) if author == me => self.reads_own_lines,
            Origin::Said(author) | Origin::Done(author) => !self.ignored.contains(&author),
            Origin::Presence(other) => other != me && !self.is_quiet,
            Origin::Gathered => !self.is_quiet,
            Origin::Server | Origin::Alone => true,
        }
    }
}

impl Chat {
    pub fn new() -> Self {
        Self {
            accounts: Account::all(),
            ..Self::default()
        }
    }

    /// Everybody who has come in and not left, in the order of their coming.
    pub fn here(&self) -> impl Iterator<Item = usize> {
        let is_here = |person: &Person| !person.is_gone() && !person.waits();
        (0..self.people.len()).filter(move |who| is_here(&self.people[*who]))
    }

    pub fn join(&mut self, kind: Kind, now: u64) {
        let me = self.people.len();
        self.people.push(Person {
            reading: Reading::from(
                self.logged,
                match kind {
                    Kind::Telnet => Style::CrLf,
                    Kind::Netcat | Kind::Window => Style::Lf,
                },
            ),
            joined: now,
            last_heard: now,
            arrived: Some(now),
            said_before: self.said,
            is_announced: false,
            stage: Stage::Here,
            reads_own_lines: kind == Kind::Window,
            ignored: BTreeSet::new(),
            is_quiet: false,
            away: None,
            correspondent: None,
            account: None,
            name: format!("guest{}", me + 1),
        });
        if self.reason_to_wait(me, now).is_some() {
            return self.begin_to_wait(me, now);
        }
        self.tell(me, &format!("-- {MOTD}"));
        self.show_history(me, HISTORY);
        self.welcome(me);
        self.tell(me, HOW_TO_BEGIN);
    }

    /// Somebody comes in.
    pub fn welcome(&mut self, me: usize) {
        let others = self.here().filter(|who| self.people[*who].is_announced);
        let others = others
            .map(|who| self.people[who].name.as_str())
            .collect::<Vec<_>>();
        let here = match others.len() {
            0 => "-- nobody else is here".to_owned(),
            _ => format!("-- here: {}", list(&others, 20)),
        };
        let name = self.people[me].name.clone();
        self.tell(me, &format!("-- welcome to chatd, you are {name}"));
        self.tell(me, &here);
    }

    /// Somebody has sent something.
    pub fn hear(&mut self, me: usize, now: u64) {
        self.people[me].last_heard = now;
        self.people[me].said_before = self.said;
    }

    pub fn say(&mut self, me: usize, texts: &[String], now: u64) {
        self.hear(me, now);
        if self.refuses_to_say(me, texts.len()) {
            return;
        }
        self.announce(me);
        for text in texts {
            let line = format!("<{}> {text}", self.people[me].name);
            self.publish(Origin::Said(me), &line);
            self.remember(me, &line, now);
        }
    }

    /// Their last event was taken. `text` is what they said with it.
    pub fn leave(&mut self, me: usize, reason: Reason, text: Option<&str>, now: u64) {
        self.depart(me, now);
        if self.vanish(me) {
            return;
        }
        let name = self.people[me].name.clone();
        if let Some(text) = text {
            self.publish(Origin::Presence(me), &format!("-- {name} left: \"{text}\""));
        } else {
            self.departures.push((me, reason, name));
            self.departures_due.get_or_insert(now + GATHERING_TIME);
        }
    }

    /// They are gone, and nobody is told. True if nobody knew of them.
    pub fn vanish(&mut self, me: usize) -> bool {
        self.people[me].stage = Stage::Gone;
        self.take_arrival(me)
    }

    /// Gives somebody a name that nobody else has.
    pub fn rename(&mut self, me: usize, name: &str) {
        let old = std::mem::replace(&mut self.people[me].name, name.to_owned());
        let notice = format!("-- {old} is now {name}");
        if self.people[me].is_announced {
            self.announce_departures();
            self.publish(Origin::Server, &notice);
        } else {
            self.tell(me, &notice);
        }
    }

    /// What has gathered is due.
    pub fn tick(&mut self, now: u64) {
        self.announce_due(now);
        self.turn_out_late(now);
    }

    fn announce_due(&mut self, now: u64) {
        if self.departures_due.is_some_and(|due| due <= now) {
            self.announce_departures();
        }
        let has_been_here = |who: &usize, time| {
            let arrived = self.people[*who].arrived;
            arrived.is_some_and(|arrived| arrived + time <= now)
        };
        let newcomers = self.here().filter(|who| !self.people[*who].is_announced);
        let mut arrivals = newcomers.collect::<Vec<_>>();
        if !arrivals
            .iter()
            .any(|who| has_been_here(who, GATHERING_TIME))
        {
            return;
        }
        arrivals.retain(|who| has_been_here(who, NAMING_TIME));
        self.announce_departures();
        let names = arrivals.iter().map(|who| self.people[*who].name.as_str());
        let names = list(&names.collect::<Vec<_>>(), 5);
        let origin = match arrivals[..] {
            [only] => Origin::Presence(only),
            _ => Origin::Gathered,
        };
        self.publish(origin, &format!("-- {names} joined"));
        for who in arrivals {
            self.people[who].is_announced = true;
        }
    }

    pub fn tell(&mut self, me: usize, line: &str) {
        let logged = self.logged;
        let person = &mut self.people[me];
        if person.stage == Stage::Here {
            person.reading.expect(Origin::Alone, line, true, logged);
        }
    }

    pub fn tell_bytes(&mut self, me: usize, bytes: &[u8]) {
        let person = &mut self.people[me];
        if person.stage == Stage::Here {
            person.reading.expect_bytes(bytes, self.logged);
        }
    }

    pub fn publish(&mut self, origin: Origin, line: &str) {
        self.logged += line.len() as u64 + LINE_COST;
        for (who, person) in self.people.iter_mut().enumerate() {
            if person.stage == Stage::Here && !person.waits() {
                let is_shown = person.shows(who, origin);
                person.reading.expect(origin, line, is_shown, self.logged);
            }
        }
    }

    /// Nothing of theirs is to be announced any more. True if something was.
    fn take_arrival(&mut self, me: usize) -> bool {
        !std::mem::replace(&mut self.people[me].is_announced, true)
    }

    pub fn announce(&mut self, me: usize) {
        if self.take_arrival(me) {
            self.announce_departures();
            let notice = format!("-- {} joined", self.people[me].name);
            self.publish(Origin::Presence(me), &notice);
        }
    }

    pub fn announce_departures(&mut self) {
        self.departures_due = None;
        let mut departures = std::mem::take(&mut self.departures);
        departures.sort_by_key(|(who, ..)| *who);
        for (reason, text) in [
            (Reason::None, ""),
            (Reason::ConnectionLost, " (connection lost)"),
            (Reason::Idle, " (idle)"),
            (Reason::TooSlow, " (too slow)"),
        ] {
            let names = departures.iter().filter(|(_, why, _)| *why == reason);
            let names = names.map(|(.., name)| name.as_str()).collect::<Vec<_>>();
            if !names.is_empty() {
                let notice = format!("-- {} left{text}", list(&names, 5));
                self.publish(Origin::Gathered, &notice);
            }
        }
    }

    pub fn remember(&mut self, me: usize, line: &str, now: u64) {
        let kept = format!("-- {} {line}", time(now));
        let stamp = kept.len() - line.len();
        self.history.push(Said {
            by: me,
            name: self.people[me].name.clone(),
            number: self.said,
            line: kept,
        });
        self.said += 1;
        let bytes = |history: &[Said]| -> usize {
            history.iter().map(|said| said.line.len() - stamp).sum()
        };
        while bytes(&self.history) > HISTORY_BYTES {
            self.history.remove(0);
        }
    }
}

/// A run begins at noon, and none of them is hours long.
pub fn time(now: u64) -> String {
    format!("12:{:02}Z", now / 60_000)
}

/// `ann, bob and 3 more`.
pub fn list(names: &[&str], most: usize) -> String {
    let shown = names[..names.len().min(most)].join(", ");
    match names.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

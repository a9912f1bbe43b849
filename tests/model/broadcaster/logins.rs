//! What only happens on a server with accounts: logins, and connections that an event ends, of which
//! their threads know nothing yet.

#[cfg(feature = "data")]
use super::accounts::ACCOUNTS;
use super::script::{Ask, Haunting, Knocking, Password, Way};
use super::{Run, ending};
use chatd::broadcaster::Broadcaster;
#[cfg(feature = "data")]
use chatd::change::{Account, Rank};
use chatd::clock::Clock;
use chatd::config::{BacklogLimits, Mode};
use chatd::event::{ClientId, Event, Tally};
#[cfg(feature = "data")]
use chatd::name::Name;
use chatd::pressure::Pressure;
use chatd::text::Lines;
#[cfg(feature = "data")]
use chatd::{Membership, Policy};
use std::sync::Arc;

/// What everybody's password has become.
#[cfg(feature = "data")]
const HASH: &str = "$argon2id$";

impl Run {
    pub fn log_in(&mut self, who: usize, account: usize, password: Password) {
        self.chat.log_in(who, account, password, self.now);
        self.end_some();
        self.handle(|id| login(id, account, password), who);
    }

    /// What they do who wait at a banned address is answered with the ban while there is one, but for a
    /// login.
    pub fn knock(&mut self, who: usize, knocking: Knocking) {
        let waiting = self.chat.waiting().collect::<Vec<_>>();
        let Some(who) = who.checked_rem(waiting.len()).map(|at| waiting[at]) else {
            return;
        };
        self.story.0.push(format!("    by client {who}"));
        match knocking {
            Knocking::Say(count) => {
                let mut lines = Lines::default();
                for _ in 0..count {
                    lines.push_clean(b"let me in");
                }
                if !self.chat.waits_on(who, count, self.now) {
                    let texts = vec!["let me in".to_owned(); count];
                    self.chat.say(who, &texts, self.now);
                }
                self.handle(|id| Event::Said(id, lines), who);
            }
            Knocking::Do => {
                let command = self.command(&Ask::Me, "knocks");
                if !self.chat.waits_on(who, 1, self.now) {
                    self.chat.ask(who, &Ask::Me, "knocks", self.now);
                }
                self.handle(|id| Event::Asked(id, command), who);
            }
            Knocking::LogIn(account, password) => self.log_in(who, account, password),
            Knocking::Leave(way) => self.give_up(who, way),
        }
    }

    /// Who waits goes.
    pub fn give_up(&mut self, who: usize, way: Way) {
        self.chat.gives_up(who);
        let client = &mut self.clients[who];
        let is_orderly = ending(way, "boo").is_orderly() && client.dead.is_none();
        client.leave(is_orderly, self.now);
        if !is_orderly {
            self.chat.people[who].reading.forget(self.chat.logged);
        }
        let ending = ending(way, "boo");
        self.handle(|id| Event::Left(id, ending, Tally::default()), who);
    }

    /// Ends the connections of those whom the chat has ended.
    pub fn end_some(&mut self) {
        for who in std::mem::take(&mut self.chat.just_ended) {
            self.clients[who].leave(true, self.now);
            self.ghosts.push(who);
        }
    }

    /// What somebody still does whom an event has ended means nothing.
    pub fn haunt(&mut self, who: usize, haunting: Haunting) {
        let Some(at) = who.checked_rem(self.ghosts.len()) else {
            return;
        };
        let who = self.ghosts[at];
        self.story.0.push(format!("    by client {who}"));
        match haunting {
            Haunting::Say => {
                let mut lines = Lines::default();
                lines.push_clean(b"boo");
                self.handle(|id| Event::Said(id, lines), who);
            }
            Haunting::Do => {
                let command = self.command(&Ask::Me, "haunts");
                self.handle(|id| Event::Asked(id, command), who);
            }
            Haunting::LogIn => self.handle(|id| login(id, 0, Password::Right), who),
            Haunting::Leave(way) => {
                self.ghosts.remove(at);
                self.leave_late(who, way);
            }
        }
    }

    /// The last event comes of somebody who has left already.
    pub fn leave_late(&mut self, who: usize, way: Way) {
        let ending = ending(way, "boo");
        if !ending.is_orderly() {
            self.clients[who].leave(false, self.now);
            self.chat.people[who].reading.forget(self.chat.logged);
        }
        self.handle(|id| Event::Left(id, ending, Tally::default()), who);
    }
}

#[cfg(not(feature = "data"))]
pub fn broadcaster(
    mode: &Mode,
    limits: BacklogLimits,
    pressure: Arc<Pressure>,
    clock: Clock,
) -> Broadcaster {
    Broadcaster::new(mode, limits, pressure, clock, None)
}

/// A broadcaster that has the accounts of the model.
#[cfg(feature = "data")]
pub fn broadcaster(
    mode: &Mode,
    limits: BacklogLimits,
    pressure: Arc<Pressure>,
    clock: Clock,
) -> Broadcaster {
    let accounts = ACCOUNTS.map(|(name, is_operator)| Account {
        name: Name::parse(name).expect("a name"),
        hash: HASH.into(),
        rank: if is_operator {
            Rank::Operator
        } else {
            Rank::Member
        },
        last_here: None,
    });
    let membership = Membership {
        policy: Policy::Open,
        offers: Vec::new(),
        accounts: accounts.to_vec(),
        bans: Vec::new(),
        keep: Box::new(|_| {}),
    };
    Broadcaster::with_accounts(mode, membership, limits, pressure, clock, None)
}

/// What the broadcaster is told of a login.
#[cfg(feature = "data")]
fn login(id: ClientId, account: usize, password: Password) -> Event {
    let name = Name::parse(ACCOUNTS[account].0).expect("a name");
    let hash = match password {
        Password::Right => HASH,
        Password::Wrong => "another",
    };
    Event::LoggedIn(id, name, hash.into())
}

#[cfg(not(feature = "data"))]
fn login(_: ClientId, account: usize, password: Password) -> Event {
    panic!("there are no accounts: {account}, {password:?}")
}

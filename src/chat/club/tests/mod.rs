//! What a server with accounts promises, through the broadcaster, without a disk or a password.

mod accounts;
mod bans;
mod endings;
mod lobby;
mod operators;

use super::{Membership, Policy};
use crate::address::{Address, Host};
use crate::broadcaster::Broadcaster;
use crate::change::{Account, Ban, Change, Erasure, Foreign, Presence, Rank, Target};
use crate::clock::Clock;
use crate::command::{Input, interpret};
use crate::commands::{Meaning, understand};
use crate::config::{BacklogLimits, Mode};
use crate::event::{ClientId, Ending, Event, Inquiry, Knowledge, Style, Tally};
use crate::name::Name;
use crate::passwords::debts::Debts;
use crate::pressure::Pressure;
use crate::text::{Line, Lines};
use crate::wire::{End, TestWire};
use crossbeam_channel::bounded;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::mem;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A minute before three in the afternoon.
const START: &str = "2026-11-21T14:59:00Z";

/// What everybody's password has become.
const HASH: &str = "$argon2id$alices";

const SECOND: Duration = Duration::from_secs(1);

/// What a guest reads last when it comes.
const HOW_TO_BEGIN: &str = "-- /nick NAME picks a name, /help lists the commands\n";

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn account(text: &str, rank: Rank) -> Account {
    Account {
        name: name(text),
        hash: HASH.into(),
        rank,
        last_here: None,
    }
}

/// A ban that alice has made at the start, for ever.
fn ban(what: Target) -> Ban {
    Ban {
        what,
        whose: None,
        made: START.parse().unwrap(),
        until: None,
        by: name("alice"),
        text: None,
    }
}

/// A server with accounts, and its clients by their numbers.
struct Stage {
    broadcaster: Broadcaster,
    wires: BTreeMap<u64, Arc<TestWire>>,
    clock: Clock,
    changes: Arc<Mutex<Vec<Change>>>,
    /// How many accounts were made.
    debts: Debts,
}

impl Stage {
    /// Alice is an operator, and bob has an account too. The message of the day is `be kind`.
    fn new(policy: Policy) -> Self {
        let accounts = [
            account("alice", Rank::Operator),
            account("bob", Rank::Member),
        ];
        Self::with(policy, accounts.to_vec(), Vec::new())
    }

    fn with(policy: Policy, accounts: Vec<Account>, bans: Vec<Ban>) -> Self {
        let limits = BacklogLimits {
            most: 1 << 24,
            patience: 10 * SECOND,
        };
        let mode = Mode::Chat {
            motd: vec!["be kind".to_owned()],
            history: 2,
        };
        let clock = Clock {
            instant: Instant::now(),
            time: START.parse::<Timestamp>().unwrap(),
        };
        let changes = Arc::<Mutex<Vec<Change>>>::default();
        let keeper = Arc::clone(&changes);
        let membership = Membership {
            policy,
            offers: Vec::new(),
            accounts,
            bans,
            keep: Box::new(move |change| keeper.lock().unwrap().push(change)),
        };
        let pressure = Arc::new(Pressure::new(limits));
        Self {
            broadcaster: Broadcaster::with_accounts(
                &mode, membership, limits, pressure, clock, None,
            ),
            wires: BTreeMap::new(),
            clock,
            changes,
            debts: Debts::default(),
        }
    }

    fn handle(&mut self, event: Event) {
        self.broadcaster.handle(event, self.clock);
    }

    /// Other programs have changed this, after everything that the chat has changed.
    fn told_of(&mut self, changes: Vec<Change>) {
        let after = u64::MAX;
        self.handle(Event::Changed(Foreign { changes, after }));
    }

    fn join(&mut self, client: u64) {
        self.join_from(client, "192.0.2.1:4711");
    }

    fn join_from(&mut self, client: u64, address: &str) {
        let wire = TestWire::with_room(usize::MAX);
        let mut arrival = wire.arrival(Style::Lf);
        arrival.address = Address::Tcp(address.parse().unwrap());
        self.wires.insert(client, wire);
        self.handle(Event::Joined(ClientId(client), arrival));
    }

    /// The client comes, and everybody has read that.
    fn joined(&mut self, client: u64) {
        self.join(client);
        self.wait(SECOND);
        self.forget_read();
    }

    /// It comes, logs in as somebody, and everybody has read that, and kept it.
    fn member(&mut self, client: u64, name: &str) {
        self.join(client);
        self.log_in(client, name);
        self.wait(SECOND);
        self.forget_read();
        self.take_changes();
    }

    fn log_in(&mut self, client: u64, account: &str) {
        self.handle(Event::LoggedIn(
            ClientId(client),
            name(account),
            HASH.into(),
        ));
    }

    fn register(&mut self, client: u64, account: &str) {
        let now = self.clock.instant;
        let new = self.debts.begin_account(Host::User(1), now);
        let new = new.unwrap();
        let (client, name) = (ClientId(client), name(account));
        self.handle(Event::Registered(client, name, HASH.into(), new));
    }

    /// The client sends a line: a text or a command.
    fn send(&mut self, client: u64, line: &str) {
        let client = ClientId(client);
        let event = match interpret(line.as_bytes()) {
            Input::Text(text) => {
                let mut lines = Lines::default();
                lines.push_clean(&text);
                Event::Said(client, lines)
            }
            Input::Command(request) => match understand(&request) {
                Meaning::Asks(command, _) => Event::Asked(client, command),
                other => panic!("{line} is {other:?}"),
            },
        };
        self.handle(event);
    }

    fn leave(&mut self, client: u64, ending: Ending) {
        let left = Event::Left(ClientId(client), ending, Tally::default());
        self.handle(left);
    }

    /// What a client's thread is told that asks about the account of `wanted`.
    fn inquire(&mut self, client: u64, wanted: Option<&str>) -> Option<Knowledge> {
        let (reply, answer) = bounded(1);
        let inquiry = Inquiry::Account(wanted.map(name), reply);
        self.handle(Event::Inquired(ClientId(client), inquiry));
        answer.try_recv().ok()
    }

    /// Time passes, and the broadcaster does what is due.
    fn wait(&mut self, time: Duration) {
        let until = self.clock.instant + time;
        while let Some(due) = self.broadcaster.next_due().filter(|due| *due <= until) {
            self.pass(due.saturating_duration_since(self.clock.instant));
            self.broadcaster.flush(self.clock);
        }
        self.pass(until.saturating_duration_since(self.clock.instant));
        self.broadcaster.flush(self.clock);
    }

    fn pass(&mut self, time: Duration) {
        self.clock.instant += time;
        self.clock.time += time;
    }

    /// What a client has read since it was looked at last.
    fn read(&mut self, client: u64) -> String {
        self.broadcaster.flush(self.clock);
        self.wires[&client].take_received()
    }

    fn forget_read(&mut self) {
        self.broadcaster.flush(self.clock);
        for wire in self.wires.values() {
            wire.take_received();
        }
    }

    #[track_caller]
    fn reads(&mut self, client: u64, expected: &str) {
        assert_eq!(self.read(client), expected, "client {client}");
    }

    /// The client is sent nothing more and its connection is finished.
    #[track_caller]
    fn has_ended(&mut self, client: u64) {
        self.broadcaster.flush(self.clock);
        assert_eq!(
            self.wires[&client].end(),
            Some(End::Finished),
            "client {client}"
        );
    }

    /// What was to be kept since this was asked last.
    fn take_changes(&mut self) -> Vec<Change> {
        mem::take(&mut *self.changes.lock().unwrap())
    }
}

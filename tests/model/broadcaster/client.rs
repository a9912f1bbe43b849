//! The other end of the model: one client's connection, and when the server may end it.

use super::chat::{Chat, Reason};
use super::wire::{End, FakeWire};
use super::{MOST_BACKLOG, PATIENCE};
use std::sync::Arc;

/// How long the welcome may wait for the client's first bytes, in milliseconds.
pub const HOLD_TIME: u64 = 100;

/// How long what is pending is written for a client that leaves, and how long the server may take
/// to notice that it is over.
const PARTING_TIME: u64 = 2_000;
const LAST_RETRY: u64 = 100;

/// What may be pending for one client alone, in bytes.
const ALONE_BYTES: usize = 1 << 20;

pub struct Client {
    pub wire: Arc<FakeWire>,
    /// When it joined, in milliseconds, as all times here.
    pub joined: u64,
    /// Nothing is written to it yet.
    pub is_held: bool,
    /// It has said or asked something.
    pub has_spoken: bool,
    /// Its connection is dead, and others will be told this reason.
    pub dead: Option<Reason>,
    /// When it left, and whether what is pending is still written.
    left: Option<(u64, Parting)>,
    /// The end of its connection was seen.
    is_closed: bool,
    /// Since when something is pending for it that it did not take.
    behind_since: Option<u64>,
    /// When it took how much.
    taken: Vec<(u64, usize)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parting {
    Orderly,
    AtOnce,
}

impl Client {
    pub fn new(room: usize, now: u64) -> Self {
        Self {
            wire: Arc::new(FakeWire::new(room)),
            joined: now,
            is_held: true,
            has_spoken: false,
            dead: None,
            left: None,
            is_closed: false,
            behind_since: Some(now),
            taken: Vec::new(),
        }
    }

    pub fn speak(&mut self) {
        self.has_spoken = true;
        self.is_held = false;
    }

    pub fn leave(&mut self, is_orderly: bool, now: u64) {
        let is_orderly = is_orderly && self.dead.is_none();
        let parting = if is_orderly {
            Parting::Orderly
        } else {
            Parting::AtOnce
        };
        self.left = Some((now, parting));
        self.is_held = false;
    }

    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    pub fn is_behind(&self) -> bool {
        self.behind_since.is_some()
    }

    /// Compares what it has read with what it was to read, and looks whether its connection was
    /// ended for a reason. Answers what it read.
    pub fn look(&mut self, chat: &mut Chat, who: usize, now: u64) -> Vec<u8> {
        if self.is_closed {
            return Vec::new();
        }
        let (received, end) = {
            let mut state = self.wire.state();
            (std::mem::take(&mut state.received), state.end)
        };
        if !received.is_empty() {
            assert!(!self.is_held, "client {who} read something too early");
            self.taken.push((now, received.len()));
        }
        let reading = &mut chat.people[who].reading;
        reading.read(&received);
        match end {
            End::Open => {}
            End::Finished => {
                assert!(
                    matches!(self.left, Some((_, Parting::Orderly))),
                    "client {who} was finished, and had not left"
                );
                reading.catch_up(chat.logged);
                self.close();
            }
            End::HungUp => self.check_hang_up(chat, who, now),
        }
        received
    }

    /// Nobody's connection is ended but for one of these reasons.
    fn check_hang_up(&mut self, chat: &mut Chat, who: usize, now: u64) {
        let reading = &mut chat.people[who].reading;
        let has_failed = self.wire.state().has_failed;
        let backlog = chat.logged - reading.read_to;
        let is_too_slow = reading.alone_unread() > ALONE_BYTES || self.is_too_slow(backlog, now);
        // For whoever leaves, no more is kept than the backlog, even if it was logged after that.
        let is_late = self.left.is_some() && backlog > MOST_BACKLOG
            || matches!(self.left, Some((at, _)) if now >= at + PARTING_TIME);
        let is_gone = matches!(self.left, Some((_, Parting::AtOnce)));
        assert!(
            has_failed || is_too_slow || is_late || is_gone,
            "client {who} was let go for no reason"
        );
        let reason = if has_failed {
            Reason::None
        } else {
            Reason::TooSlow
        };
        self.dead.get_or_insert(reason);
        reading.forget(chat.logged);
        chat.people[who].deafen();
        self.close();
    }

    /// Whoever reads at least half of the backlog per patience loses nothing.
    fn is_too_slow(&self, backlog: u64, now: u64) -> bool {
        let is_recent = |taken: &&(u64, usize)| taken.0 + PATIENCE > now;
        let taken = self.taken.iter().filter(is_recent);
        let taken = taken.map(|(_, bytes)| *bytes as u64).sum::<u64>();
        let is_behind = self
            .behind_since
            .is_some_and(|since| since + PATIENCE <= now);
        is_behind && taken < MOST_BACKLOG / 2 && backlog >= MOST_BACKLOG / 2
    }

    /// After everybody was sent what is pending: a client that takes everything has everything.
    pub fn check_after_flush(&mut self, chat: &mut Chat, who: usize, now: u64) {
        if self.is_closed || self.is_held {
            return;
        }
        if let Some((at, parting)) = self.left {
            assert_eq!(parting, Parting::Orderly, "client {who} is still there");
            assert!(
                now <= at + PARTING_TIME + LAST_RETRY,
                "client {who} takes too long to leave"
            );
        }
        let reading = &chat.people[who].reading;
        let alone = reading.alone_unread();
        assert!(
            alone <= ALONE_BYTES,
            "client {who} has {alone} bytes pending"
        );
        if self.wire.state().is_full {
            self.behind_since.get_or_insert(now);
        } else {
            chat.people[who].reading.catch_up(chat.logged);
            self.behind_since = None;
            self.taken.clear();
            assert!(
                self.left.is_none(),
                "client {who} has everything and is still there"
            );
        }
    }

    fn close(&mut self) {
        self.is_closed = true;
    }
}

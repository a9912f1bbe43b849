//! The other end of the model: one client's connection, and when the server may end it.

use super::chat::{Chat, Reason};
use super::wire::{End, FakeWire};
use super::{EVENT_COST, MOST_BACKLOG};
use std::sync::Arc;

/// How long what is pending is written for a client that leaves, in milliseconds.
const PARTING_TIME: u64 = 2_000;

/// What may be pending for one client alone, in bytes.
const ALONE_BYTES: usize = 1 << 20;

pub struct Client {
    pub wire: Arc<FakeWire>,
    /// Its connection is dead, and others will be told this reason.
    pub dead: Option<Reason>,
    /// When it left, and whether what is pending is still written.
    left: Option<(u64, Parting)>,
    /// The end of its connection was seen.
    is_closed: bool,
    /// It did not take everything that was pending for it.
    is_behind: bool,
}

/// What there is besides a client that lets the server end its connection.
#[derive(Debug, Clone, Copy)]
pub struct Strain {
    /// The patience is over: the server has been under pressure for so long.
    pub is_over: bool,
    /// What the log holds, as a cost.
    pub kept: u64,
    /// What has been logged since.
    pub added: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parting {
    Orderly,
    AtOnce,
}

impl Client {
    pub fn new(room: usize) -> Self {
        Self {
            wire: Arc::new(FakeWire::new(room)),
            dead: None,
            left: None,
            is_closed: false,
            is_behind: false,
        }
    }

    pub fn leave(&mut self, is_orderly: bool, now: u64) {
        let is_orderly = is_orderly && self.dead.is_none();
        let parting = if is_orderly {
            Parting::Orderly
        } else {
            Parting::AtOnce
        };
        self.left = Some((now, parting));
    }

    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    pub fn is_behind(&self) -> bool {
        self.is_behind
    }

    /// Compares what it has read with what it was to read, and looks whether its connection was
    /// ended for a reason. Answers what it read.
    pub fn look(&mut self, chat: &mut Chat, who: usize, strain: Strain, now: u64) -> Vec<u8> {
        if self.is_closed {
            return Vec::new();
        }
        let (received, end) = {
            let mut state = self.wire.state();
            (std::mem::take(&mut state.received), state.end)
        };
        let reading = &mut chat.people[who].reading;
        reading.read(&received);
        match end {
            End::Open => {}
            End::Finished | End::ReadingEnded => {
                assert!(
                    matches!(self.left, Some((_, Parting::Orderly))),
                    "client {who} was finished, and had not left"
                );
                reading.catch_up(chat.logged);
                self.is_closed = true;
            }
            End::HungUp => self.check_hang_up(chat, who, strain, now),
        }
        received
    }

    /// Nobody's connection is ended but for one of these reasons.
    fn check_hang_up(&mut self, chat: &mut Chat, who: usize, strain: Strain, now: u64) {
        let reading = &mut chat.people[who].reading;
        let (has_failed, is_full) = {
            let state = self.wire.state();
            (state.has_failed, state.is_full)
        };
        let backlog = chat.logged - reading.read_to;
        let is_far = is_full && backlog > MOST_BACKLOG / 4;
        let is_log_full = strain.kept + strain.added + EVENT_COST > 2 * MOST_BACKLOG;
        let is_too_slow = reading.alone_unread() > ALONE_BYTES
            || is_far && strain.is_over
            || is_full && is_log_full;
        let is_late = matches!(self.left, Some((at, _)) if now >= at + PARTING_TIME);
        let is_gone = matches!(self.left, Some((_, Parting::AtOnce)));
        assert!(
            has_failed || is_too_slow || is_late || is_gone,
            "client {who} was let go for no reason: {backlog} behind, {strain:?}"
        );
        let reason = if has_failed {
            Reason::None
        } else {
            Reason::TooSlow
        };
        self.dead.get_or_insert(reason);
        reading.forget(chat.logged);
        chat.people[who].deafen();
        self.is_closed = true;
    }

    /// After everybody was sent what is pending: a client that takes everything has everything.
    pub fn check_after_flush(&mut self, chat: &mut Chat, who: usize, now: u64) {
        if self.is_closed {
            return;
        }
        if let Some((at, parting)) = self.left {
            assert_eq!(parting, Parting::Orderly, "client {who} is still there");
            assert!(
                now < at + PARTING_TIME,
                "client {who} takes too long to leave"
            );
        }
        let reading = &chat.people[who].reading;
        let alone = reading.alone_unread();
        assert!(
            alone <= ALONE_BYTES,
            "client {who} has {alone} bytes pending"
        );
        self.is_behind = self.wire.state().is_full;
        if !self.is_behind {
            chat.people[who].reading.catch_up(chat.logged);
            assert!(
                self.left.is_none(),
                "client {who} has everything and is still there"
            );
        }
    }
}

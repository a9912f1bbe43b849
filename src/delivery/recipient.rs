//! One client, as the one who writes to it sees it: its outbox, its wire, and when it is tried
//! again.

use crate::config::BacklogLimits;
use crate::delivery::outbox::{Left, Outbox};
use crate::delivery::patience::Pace;
use crate::delivery::shared_log::{Position, SharedLog};
use crate::event::{ClientId, Ending};
use crate::wire::Wire;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A client whose socket was full is tried again after so long, and after twice as long each time
/// that it takes nothing. While few are tried, one that takes something is tried sooner: a fast
/// reader of a flood empties its socket in less.
const SOONEST_RETRY: Duration = Duration::from_micros(500);
const FIRST_RETRY: Duration = Duration::from_millis(2);
const LAST_RETRY: Duration = Duration::from_millis(100);

/// How much time there is between two tries, whomever they are for. A try costs about 2 µs, so
/// however many clients are stalled, they cost less than a tenth of a core: 10,000 of them are tried
/// every 300 ms.
const RETRY_SPACING: Duration = Duration::from_micros(30);

/// How long what is pending for a client that leaves is written.
pub const PARTING_TIME: Duration = Duration::from_secs(2);

/// How many bytes may be pending for one client alone.
pub const PRIVATE_BYTES: usize = 1 << 20;

/// Whom to try again, in the order of the times.
pub type Retries = BTreeSet<(Instant, ClientId)>;

/// One client.
pub struct Reader {
    id: ClientId,
    /// How it is written to.
    pub wire: Arc<dyn Wire>,
    /// What it has still to read.
    pub outbox: Outbox,
    /// How far it has come.
    pub stage: Stage,
    /// Boxed, because most clients never wait.
    retry: Option<Box<Retry>>,
}

/// How far a client has come.
#[derive(Debug)]
pub enum Stage {
    /// Nothing is written to it yet.
    Held,
    /// It reads.
    Here,
    /// Its last event was taken: what is pending is written until this moment.
    Leaving(Instant),
    /// Its connection is dead, for this reason; its last event is still to come.
    Dead(Ending),
}

/// A client whose socket was full, and is left out until a moment.
#[derive(Debug)]
struct Retry {
    at: Instant,
    delay: Duration,
    pace: Pace,
}

/// Whether a client is still there after a send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is.
    Stays,
    /// It was leaving, and has everything that it will get.
    Gone,
}

/// What a round of sending works with.
pub struct Round<'a> {
    /// What everybody reads.
    pub log: &'a mut SharedLog,
    /// Up to where.
    pub end: Position,
    /// Whom to try again.
    pub retries: &'a mut Retries,
    /// What a client may leave unread.
    pub limits: BacklogLimits,
    /// The time.
    pub now: Instant,
}

impl Reader {
    /// A client that joins at `position`.
    #[must_use]
    pub fn new(id: ClientId, wire: Arc<dyn Wire>, position: Position) -> Self {
        Self {
            id,
            wire,
            outbox: Outbox::new(id, position),
            stage: Stage::Here,
            retry: None,
        }
    }

    /// Whether it is left out of batches.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.retry.is_some()
    }

    /// Whether nobody needs to wait for it.
    pub fn is_too_slow(&mut self, limits: BacklogLimits, now: Instant) -> bool {
        self.retry
            .as_mut()
            .is_some_and(|retry| retry.pace.is_too_slow(limits, now))
    }

    /// Writes nothing to it for `time`, or until it is released.
    pub fn hold(&mut self, time: Duration, retries: &mut Retries, now: Instant) {
        self.stage = Stage::Held;
        self.retry = Some(Box::new(Retry {
            at: now + time,
            delay: FIRST_RETRY,
            pace: Pace::new(now),
        }));
        retries.insert((now + time, self.id));
    }

    /// Takes it into batches again.
    pub fn stop_waiting(&mut self, retries: &mut Retries) {
        if let Some(retry) = self.retry.take() {
            retries.remove(&(retry.at, self.id));
        }
    }

    /// Ends its connection; what is pending is forgotten. Its departure comes when its thread has
    /// noticed.
    pub fn die(&mut self, reason: Ending, end: Position, retries: &mut Retries) {
        self.wire.hang_up();
        self.outbox.clear(end);
        self.stop_waiting(retries);
        self.stage = Stage::Dead(reason);
    }

    /// Sends it what is pending, as far as its socket takes it.
    pub fn send(&mut self, round: &mut Round<'_>) -> Outcome {
        if let Stage::Held = self.stage {
            self.stage = Stage::Here;
        }
        let result = match self.stage {
            Stage::Dead(_) => return Outcome::Stays,
            Stage::Held | Stage::Here | Stage::Leaving(_) => {
                self.outbox.send(round.log, round.end, &*self.wire)
            }
        };
        match (result, &self.stage) {
            (Ok(sent), Stage::Leaving(_)) if sent.left == Left::Nothing => {
                self.wire.finish();
                self.stop_waiting(round.retries);
                return Outcome::Gone;
            }
            (Ok(sent), Stage::Leaving(until)) if *until > round.now => self.wait(sent.bytes, round),
            (_, Stage::Leaving(_)) => {
                self.wire.hang_up();
                self.stop_waiting(round.retries);
                return Outcome::Gone;
            }
            (Ok(sent), _) if sent.left == Left::Nothing => self.stop_waiting(round.retries),
            (Ok(_), _) if self.outbox.private_bytes() > PRIVATE_BYTES => {
                self.die(Ending::TooSlow, round.end, round.retries);
            }
            (Ok(sent), _) => self.wait(sent.bytes, round),
            (Err(error), _) => self.die(Ending::of(&error), round.end, round.retries),
        }
        Outcome::Stays
    }

    /// Its socket is full, after it took `bytes`.
    fn wait(&mut self, bytes: u64, round: &mut Round<'_>) {
        let mut retry = match self.retry.take() {
            Some(retry) => {
                round.retries.remove(&(retry.at, self.id));
                retry
            }
            None => Box::new(Retry {
                at: round.now,
                delay: Duration::ZERO,
                pace: Pace::new(round.now),
            }),
        };
        let spacing = RETRY_SPACING * round.retries.len() as u32;
        retry.delay = if bytes > 0 {
            spacing.clamp(SOONEST_RETRY, FIRST_RETRY)
        } else {
            (retry.delay * 2).clamp(FIRST_RETRY, LAST_RETRY.max(spacing))
        };
        retry.at = round.now + retry.delay;
        retry.pace.record(bytes, round.limits, round.now);
        round.retries.insert((retry.at, self.id));
        self.retry = Some(retry);
    }
}

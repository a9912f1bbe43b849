//! Where lines enter: the thread of one client, which reads its socket and passes on what it says.
//!
//! The bytes go through a [`Codec`], which is a pure function of them, and what comes out waits for
//! the client's rate and for room in the channel. While something waits, nothing more is read, so a
//! flood stays on the flooder's side. All waiting is done in one place, [`Waiting::wait`], but for the
//! millisecond in which the broadcaster is about to take what is on its way ([`Quota::wait`]).

pub mod codec;
pub mod connection;
pub mod lines;
pub mod lingering;
mod rate;
pub mod silence;
mod strangers;
pub mod telnet;
mod waiting;

use crate::channel::{EventSender, Quota, Refused};
use crate::config::{Config, Mode};
use crate::event::{Answer, Arrival, Departure, Echo, Ending, Event, Style, Tally};
use crate::pressure::Pressure;
use crate::shutdown::Bell;
use codec::{Codec, Heard, Item};
use connection::Connection;
use lines::Grammar;
use rate::{Delay, REQUEST_COST, Rate};
use silence::Silence;
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use waiting::{FIRST_STEP, Input, Waiting, Woken};

/// How large the read buffer is at first, and grows to for a client that sends much, in bytes.
const SMALL_READ: usize = 1 << 10;
const LARGE_READ: usize = 16 << 10;

/// How long a newcomer is waited for to show that it is a stranger, before it is welcomed.
const HOLD_TIME: Duration = Duration::from_millis(100);

/// How long a thread waits at most, whatever its rate is: the clock goes no further.
const LONGEST_WAIT: Duration = Duration::from_secs(365 * 86_400);

/// What all clients' threads share.
pub struct Shared {
    /// To the broadcaster.
    pub events: EventSender,
    /// Rings at the shutdown.
    pub bell: Arc<Bell>,
    /// How much all who send may send.
    pub pressure: Arc<Pressure>,
    /// What the user wants.
    pub config: Config,
    /// How many clients wait for room in the channel to join or to leave.
    pub at_the_door: AtomicUsize,
}

/// Talks with one client until it leaves, and returns when its connection can be closed.
pub fn run(connection: &Arc<Connection>, shared: &Shared) {
    let mut session = Session::new(connection, shared);
    let ending = catch_unwind(AssertUnwindSafe(|| session.converse())).unwrap_or(Ending::Panicked);
    session.depart(&ending);
    let has_joined = session.joining == Joining::Joined;
    // The read buffer is not needed while the client's last lines are on their way.
    drop(session);
    if !has_joined {
        let answer = match ending {
            Ending::NotChat => strangers::ANSWER,
            _ => b"",
        };
        connection.turn_away(answer);
        connection.read_out();
    } else if ending.is_orderly() {
        connection.read_out();
    }
}

/// One client's thread.
struct Session<'a> {
    connection: &'a Arc<Connection>,
    shared: &'a Shared,
    waiting: Waiting<'a>,
    codec: Codec,
    rate: Rate,
    quota: Quota,
    silence: Silence,
    tally: Tally,
    joining: Joining,
    is_at_the_door: bool,
    /// What was heard last and waits to be passed on.
    pending: Option<Pending>,
    buffer: Vec<u8>,
    /// The last read filled the buffer.
    was_full: bool,
    /// Nothing that follows means anything.
    is_over: bool,
    /// How the stream has ended, as far as it was read.
    ended: Option<Ending>,
}

/// Whether the broadcaster knows of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Joining {
    /// It is waited for until then to show that it is a stranger.
    Held(Instant),
    Joined,
}

/// Something that was heard and is to be passed on.
struct Pending {
    /// Nothing, if it only costs something.
    event: Option<Event>,
    cost: u64,
    lines: u64,
}

/// What a client's thread does next.
enum Next {
    /// All has been passed on: it reads more.
    Read,
    /// Something has to wait until then.
    WaitUntil(Instant),
    /// There is no room in the channel for something.
    WaitForRoom,
}

impl<'a> Session<'a> {
    fn new(connection: &'a Arc<Connection>, shared: &'a Shared) -> Self {
        let now = Instant::now();
        let Config { mode, line, .. } = &shared.config;
        let (grammar, hold) = match mode {
            Mode::Chat { .. } => (Grammar::Chat, HOLD_TIME),
            // Nothing is written that could stand before the answer to a stranger, and lines would
            // be lost meanwhile.
            Mode::Raw => (Grammar::Raw, Duration::ZERO),
        };
        Self {
            connection,
            shared,
            waiting: Waiting::new(connection.descriptor(), &shared.bell),
            codec: Codec::new(grammar, line.longest),
            rate: Rate::new(line.rate, Arc::clone(&shared.pressure), now),
            quota: Quota::new(),
            silence: Silence::new(shared.config.silence, now),
            tally: Tally::default(),
            joining: Joining::Held(now + hold),
            is_at_the_door: false,
            pending: None,
            buffer: Vec::new(),
            was_full: false,
            is_over: false,
            ended: None,
        }
    }

    /// Reads and passes on, in turns, until there is a reason to end.
    fn converse(&mut self) -> Ending {
        while !self.connection.is_finished() {
            let now = Instant::now();
            let (input, end) = match self.pass_on(now) {
                Err(ending) => return ending,
                Ok(Next::WaitUntil(until)) => (Input::Unwanted, until),
                Ok(Next::WaitForRoom) => {
                    // Most likely the broadcaster is about to take what is on its way.
                    if self.quota.wait(FIRST_STEP) {
                        continue;
                    }
                    self.stand_at_the_door(self.joining != Joining::Joined);
                    (Input::Unwanted, now + self.waiting.next_step())
                }
                Ok(Next::Read) => {
                    if let Some(ending) = self.ended.take() {
                        return ending;
                    }
                    if self.waiting.has_rung() {
                        return Ending::Shutdown;
                    }
                    if self.silence.is_too_long(now) {
                        return Ending::Idle;
                    }
                    (Input::Wanted, self.next_due(now))
                }
            };
            if let Err(ending) = self.wait(input, end) {
                return ending;
            }
        }
        // The broadcaster has let it go, and knows why, unless the system said it here.
        self.ended.take().unwrap_or(Ending::Closed)
    }

    /// When the thread has something to do, if nothing is read before.
    fn next_due(&mut self, now: Instant) -> Instant {
        self.rate.count_out_if_silent(now);
        let held = match self.joining {
            Joining::Held(until) => Some(until),
            Joining::Joined => None,
        };
        let dues = held.into_iter().chain(self.rate.counted_until());
        let watch = self.silence.watch(self.connection, now);
        dues.fold(watch, Instant::min)
    }

    /// Waits, and reads if there is something to read.
    fn wait(&mut self, input: Input, end: Instant) -> Result<(), Ending> {
        if input == Input::Wanted && self.was_full && !self.shared.bell.has_rung() {
            // There is more, most likely.
            self.read();
            return Ok(());
        }
        let woken = self.waiting.wait(input, end);
        match woken.map_err(|error| Ending::of(&error))? {
            Woken::ByInput if input == Input::Wanted && !self.waiting.has_rung() => self.read(),
            Woken::Otherwise if input == Input::Wanted => {
                // A client that is silent for a while needs no memory for what it sends.
                self.buffer = Vec::new();
                self.codec.rest();
            }
            Woken::ByInput | Woken::Otherwise => {}
        }
        Ok(())
    }

    fn read(&mut self) {
        let size = self.buffer.len().max(SMALL_READ);
        // One read that fills the buffer may be the start of a line that is never ended.
        let size = if self.was_full {
            (2 * size).min(LARGE_READ)
        } else {
            size
        };
        self.buffer.resize(size, 0);
        match self.connection.read(&mut self.buffer) {
            // The broadcaster's send was told of the reset, and the read is not told again.
            Ok(0) if self.waiting.has_hung_up() => self.ended = Some(Ending::Reset),
            Ok(0) => {
                self.codec.end();
                self.ended = Some(Ending::Closed);
            }
            Ok(length) => {
                self.was_full = length == size;
                self.tally.bytes += length as u64;
                self.silence.break_at(Instant::now());
                self.codec.feed(&mut self.buffer[..length]);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.was_full = false,
            Err(error) => self.ended = Some(Ending::of(&error)),
        }
    }

    /// Passes on what the client has sent, as far as its rate and the channel allow.
    fn pass_on(&mut self, now: Instant) -> Result<Next, Ending> {
        loop {
            if self.pending.is_none() && !self.is_over {
                let allowance = self.rate.allowance(now);
                let item = self.codec.next_item(allowance);
                self.pending = item.map(|item| self.hear(item)).transpose()?;
            }
            if self.is_to_join(now) && !self.join()? {
                return Ok(Next::WaitForRoom);
            }
            let Some(pending) = self.pending.take() else {
                return Ok(Next::Read);
            };
            if let Some(next) = self.try_pass_on(pending, now)? {
                return Ok(next);
            }
            // It was not silent while its lines waited.
            self.silence.break_at(now);
        }
    }

    /// Whether the broadcaster is to know of the client, and does not yet.
    fn is_to_join(&self, now: Instant) -> bool {
        let Joining::Held(until) = self.joining else {
            return false;
        };
        let says_something = self
            .pending
            .as_ref()
            .is_some_and(|pending| pending.event.is_some());
        let is_waited_for = now < until || self.waiting.has_rung();
        says_something || self.ended.is_some() || !is_waited_for
    }

    /// What follows from what was heard.
    fn hear(&mut self, item: Item) -> Result<Pending, Ending> {
        let id = self.connection.id;
        let event = match item.heard {
            Heard::Said(lines) => Some(Event::Said(id, lines)),
            Heard::Asked(command) => {
                #[cfg(feature = "fault-injection")]
                crate::faults::in_session(&command);
                Some(Event::Asked(id, command))
            }
            Heard::Answered(answer) => Some(Event::Answered(id, answer)),
            Heard::SentCr => Some(Event::SentCr(id)),
            Heard::Left(ending) => {
                self.ended = Some(ending);
                self.is_over = true;
                None
            }
            Heard::Stranger if self.joining == Joining::Joined => {
                self.ended = Some(Ending::NotChat);
                self.is_over = true;
                let answer = Answer::Bytes(strangers::ANSWER.to_vec());
                Some(Event::Answered(id, answer))
            }
            Heard::Stranger => return Err(Ending::NotChat),
            Heard::Dropped => {
                log::warn!(target: "chatd::dropped", "a line over --max-line was dropped");
                None
            }
            Heard::Nothing => None,
        };
        Ok(Pending {
            event,
            cost: item.cost,
            lines: item.lines,
        })
    }

    /// Passes something on, or keeps it and returns what it has to wait for.
    fn try_pass_on(&mut self, mut pending: Pending, now: Instant) -> Result<Option<Next>, Ending> {
        // At the shutdown nobody waits for a rate.
        let delay = if self.waiting.has_rung() {
            Delay::None
        } else {
            self.rate.delay(pending.cost, now)
        };
        let waits = match delay {
            Delay::None => None,
            Delay::Exactly(wait) => Some(now.checked_add(wait).unwrap_or(now + LONGEST_WAIT)),
            Delay::Unknown => Some(now + self.waiting.next_step()),
        };
        if let Some(until) = waits {
            self.pending = Some(pending);
            return Ok(Some(Next::WaitUntil(until)));
        }
        if let Some(event) = pending.event.take() {
            match self
                .shared
                .events
                .try_send(event, pending.cost, &self.quota)
            {
                Ok(()) => {}
                Err(Refused::Full(event)) => {
                    pending.event = Some(event);
                    self.pending = Some(pending);
                    return Ok(Some(Next::WaitForRoom));
                }
                Err(Refused::Ended) => return Err(Ending::Shutdown),
            }
        }
        self.waiting.end_steps();
        self.rate.spend(pending.cost);
        self.tally.lines += pending.lines;
        Ok(None)
    }

    /// Tells the broadcaster that the client is here. Returns whether there was room for that.
    fn join(&mut self) -> Result<bool, Ending> {
        let pending = self.pending.as_ref();
        let arrival = Arrival {
            wire: self.connection.clone(),
            address: self.connection.address,
            // A terminal that speaks telnet first would show its welcome as stairs.
            style: match pending.and_then(|pending| pending.event.as_ref()) {
                Some(Event::SentCr(_)) => Style::CrLf,
                _ => Style::Lf,
            },
            echo: Echo::Off,
        };
        let event = Event::Joined(self.connection.id, arrival);
        match self
            .shared
            .events
            .try_send(event, REQUEST_COST, &self.quota)
        {
            Ok(()) => {
                self.joining = Joining::Joined;
                self.stand_at_the_door(false);
                Ok(true)
            }
            Err(Refused::Full(_)) => Ok(false),
            Err(Refused::Ended) => Err(Ending::Shutdown),
        }
    }

    /// Tells the broadcaster that the client has left, if it knows of it.
    fn depart(&mut self, ending: &Ending) {
        if self.joining != Joining::Joined {
            return;
        }
        let mut departure = Departure {
            ending: ending.clone(),
            tally: self.tally,
        };
        loop {
            let event = Event::Left(self.connection.id, departure);
            match self.shared.events.try_send(event, 0, &self.quota) {
                Err(Refused::Full(Event::Left(_, refused))) => departure = refused,
                // If the broadcaster has ended, it has finished the connection.
                _ => return,
            }
            self.stand_at_the_door(true);
            let step = Instant::now() + self.waiting.next_step();
            let _ = self.waiting.wait(Input::Unwanted, step);
        }
    }

    /// Counts the client among those for whom there is no room to join or to leave, or no longer.
    fn stand_at_the_door(&mut self, stands: bool) {
        if self.is_at_the_door != stands {
            self.is_at_the_door = stands;
            let count = &self.shared.at_the_door;
            if stands {
                count.fetch_add(1, Ordering::Relaxed);
            } else {
                count.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        self.stand_at_the_door(false);
    }
}

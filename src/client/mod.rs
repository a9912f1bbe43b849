//! Where lines enter: the thread of one client, which reads its socket and passes on what it says.
//!
//! The bytes go through a [`Codec`], which is a pure function of them, and what comes out waits for
//! the client's rate and for room in the channel. While something waits, nothing more is read, so a
//! flood stays on the flooder's side. All waiting is done in one place, [`Waiting`], but for the
//! millisecond in which the broadcaster is about to take what is on its way
//! ([`EventSender::wait`]).

pub mod carrier;
#[cfg(feature = "data")]
mod checking;
mod codec;
pub mod connection;
pub mod cutter;
// Nobody has one in the core.
#[cfg_attr(not(feature = "data"), allow(dead_code))]
pub mod errand;
pub mod lingering;
#[cfg(feature = "data")]
mod prompt;
mod rate;
mod secrets;
pub mod strangers;
pub mod telnet;
mod waiting;

use crate::channel::EventSender;
use crate::chat::commands::REQUEST_COST;
use crate::config::{Config, Mode, SilenceLimits};
use crate::counted::Counted;
use crate::event::{Answer, Arrival, Echo, Ending, Event, Style};
use crate::shared::Shared;
use crate::text::{GOODBYE, push_server_line};
use crate::units::show_duration;
use crate::wire::Wire;
use carrier::{Carrier, Received};
use codec::{Codec, Heard, Item};
use connection::Connection;
use cutter::Grammar;
use errand::{Errand, Errands, Progress};
use rate::{Delay, Rate};
use rustix::fd::AsFd;
use std::convert::Infallible;
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};
use strangers::answer;
use waiting::{FIRST_STEP, Waiting};

/// How large the read buffer is at first, and grows to for a client that sends much, in bytes.
const SMALL_READ: usize = 1 << 10;
const LARGE_READ: usize = 16 << 10;

/// How long a newcomer is waited for to show that it is a stranger, before it is welcomed.
const HOLD_TIME: Duration = Duration::from_millis(100);

/// Talks with one client until it leaves, and returns when its connection can be closed.
pub fn run(connection: &Arc<Connection>) {
    let Some(carrier) = connection.carriage.carry(connection) else {
        return;
    };
    let mut session = Session::new(connection, carrier);
    let Err(ending) =
        catch_unwind(AssertUnwindSafe(|| session.converse())).unwrap_or(Err(Ending::Panicked));
    if session.joins_at.is_none() {
        session.depart(ending);
    } else {
        session.turn_away(&ending);
    }
    // The read buffer is not needed while the client's last lines are on their way.
    let mut carrier = session.waiting.carrier;
    drop((session.codec, session.buffer));
    carrier.close(connection);
}

struct Session<'a> {
    connection: &'a Arc<Connection>,
    shared: &'a Shared,
    events: EventSender,
    waiting: Waiting<'a>,
    codec: Codec,
    rate: Rate,
    /// When it last sent a byte, or waited for its rate or for room with what it had sent.
    last_heard: Instant,
    /// What was read last says something.
    has_spoken: bool,
    /// When its host was last looked after.
    watched: Instant,
    /// Until then it is waited for to show that it is a stranger. Nothing once the broadcaster
    /// knows of it.
    joins_at: Option<Instant>,
    /// Counts it among those who wait for room in the channel to join or to leave.
    at_the_door: Option<Counted>,
    /// What was heard last and waits to be passed on.
    pending: Option<Item>,
    errands: Errands,
    /// What is done for it now.
    errand: Option<Box<dyn Errand + 'a>>,
    buffer: Vec<u8>,
    /// The last read filled the buffer.
    filled_buffer: bool,
    /// Why the stream has ended, once a read has said so.
    ended: Option<Ending>,
}

impl<'a> Session<'a> {
    fn new(connection: &'a Arc<Connection>, carrier: Box<dyn Carrier + 'a>) -> Self {
        let shared = &*connection.shared;
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
            events: shared.events.for_this_thread(),
            waiting: Waiting::new(connection.stream.as_fd(), carrier, &shared.bell),
            codec: Codec::new(connection.id, connection.address, grammar, line.longest)
                .with_secrets(secrets::of(connection)),
            rate: Rate::new(line.rate, Arc::clone(&shared.pressure), now),
            last_heard: now,
            has_spoken: false,
            watched: now,
            joins_at: Some(now + hold),
            at_the_door: None,
            pending: None,
            errands: Errands::default(),
            errand: None,
            buffer: Vec::new(),
            filled_buffer: false,
            ended: None,
        }
    }

    /// Passes on and reads, in turns, until there is a reason to end.
    fn converse(&mut self) -> Result<Infallible, Ending> {
        while !self.connection.is_finished() {
            let now = Instant::now();
            match self.pass_on(now)? {
                None => self.read_on(now)?,
                Some(Delay::Until(until)) => {
                    self.waiting.wait(until)?;
                    if let Some(error) = self.waiting.carrier.take_failure() {
                        return Err(Ending::of(&error));
                    }
                }
                // Most likely the broadcaster is about to take what is on its way.
                Some(Delay::ForOthers) if self.events.wait(FIRST_STEP) => {}
                Some(Delay::ForOthers) => self.waiting.wait_step()?,
            }
        }
        // The broadcaster has let it go, and knows why, unless the system said it here.
        Err(self.ended.take().unwrap_or(Ending::Closed))
    }

    /// Passes on what the client has sent, as far as its rate and the channel allow. Returns what
    /// the rest has to wait for.
    fn pass_on(&mut self, now: Instant) -> Result<Option<Delay>, Ending> {
        loop {
            if let Some(delay) = self.do_errand(now) {
                return Ok(Some(delay));
            }
            if self.pending.is_none() {
                let allowance = self.rate.allowance(now);
                self.pending = self.codec.next_item(allowance);
            }
            if self.is_to_join(now)? {
                if !self.join() {
                    return Ok(Some(Delay::ForOthers));
                }
                self.codec.greet();
                continue;
            }
            let Some(item) = self.pending.take() else {
                return Ok(None);
            };
            // At the shutdown nobody waits for a rate.
            if !self.waiting.has_rung
                && let Some(delay) = self.rate.delay(item.cost, now)
            {
                self.pending = Some(item);
                return Ok(Some(delay));
            }
            let cost = item.cost;
            match item.heard {
                Heard::Event(event) => {
                    if let Err(event) = self.events.try_send(event, cost) {
                        let heard = Heard::Event(event);
                        self.pending = Some(Item { heard, cost });
                        return Ok(Some(Delay::ForOthers));
                    }
                }
                Heard::Wish(wish) => {
                    self.errand = Some(self.errands.begin(wish, self.connection, now));
                }
                Heard::Left(ending) => return Err(ending),
                Heard::Nothing => {}
            }
            self.waiting.step = FIRST_STEP;
            self.rate.spend(cost);
            if self.has_spoken {
                // It was not silent while its lines waited.
                self.last_heard = now;
            }
        }
    }

    /// Takes a step of what is done for the client, if something is. Returns what the next has to
    /// wait for. At the shutdown nobody waits for an errand.
    fn do_errand(&mut self, now: Instant) -> Option<Delay> {
        if self.waiting.has_rung {
            self.errand = None;
        }
        match self.errand.as_mut()?.step(Instant::now()) {
            Progress::Again => Some(Delay::Until(now)),
            Progress::Wait => Some(Delay::ForOthers),
            Progress::Done(event) => {
                self.errand = None;
                let heard = Heard::Event(event);
                self.pending = Some(Item { heard, cost: 0 });
                None
            }
            #[cfg(feature = "data")]
            Progress::Judged(verdict, event) => {
                self.errand = None;
                self.codec.judge(verdict, event);
                None
            }
            #[cfg(feature = "data")]
            Progress::InVain => {
                self.errand = None;
                None
            }
        }
    }

    /// Whether the broadcaster is to know of the client, and does not yet. A stranger is never to
    /// be known.
    fn is_to_join(&self, now: Instant) -> Result<bool, Ending> {
        let Some(until) = self.joins_at else {
            return Ok(false);
        };
        let is_due = now >= until && !self.waiting.has_rung;
        match self.pending.as_ref().map(|item| &item.heard) {
            Some(Heard::Left(Ending::NotChat)) => Err(Ending::NotChat),
            Some(Heard::Event(_) | Heard::Wish(_) | Heard::Left(_)) => Ok(true),
            Some(Heard::Nothing) | None => Ok(is_due || self.ended.is_some()),
        }
    }

    /// Tells the broadcaster that the client is here. Returns whether there was room for that.
    fn join(&mut self) -> bool {
        let arrival = Arrival {
            wire: self.connection.clone(),
            address: self.connection.address,
            // A terminal that speaks telnet first would show its welcome as stairs.
            style: match self.pending.as_ref().map(|item| &item.heard) {
                Some(Heard::Event(Event::WantsCrlf(_))) => Style::CrLf,
                _ => Style::Lf,
            },
            echo: Echo::Off,
            login_name: self.waiting.carrier.login_name(),
        };
        let joined = Event::Joined(self.connection.id, arrival);
        let has_joined = self.events.try_send(joined, REQUEST_COST).is_ok();
        if has_joined {
            (self.joins_at, self.at_the_door) = (None, None);
        } else {
            self.stand_at_the_door();
        }
        has_joined
    }

    /// Ends with a client of which the broadcaster does not know.
    fn turn_away(&mut self, ending: &Ending) {
        let mut text = Vec::new();
        match (ending, &self.shared.config.mode) {
            (Ending::NotChat, _) => {
                let address = self.connection.address;
                log::debug!(target: "chatd::strangers", "a stranger: {address}");
                text = answer(self.connection.carriage.client());
            }
            (Ending::Shutdown, Mode::Chat { .. }) => {
                push_server_line(&mut text, format_args!("{GOODBYE}"));
            }
            _ => {}
        }
        self.waiting.carrier.turn_away(&text);
        self.connection.finish();
    }

    fn depart(&mut self, ending: Ending) {
        let id = self.connection.id;
        if let Some(farewell) = self.farewell(&ending) {
            self.insist(Event::Answered(id, farewell));
        }
        let tally = self.codec.tally;
        self.insist(Event::Left(id, ending, tally));
    }

    /// What the client is to read of why it has to leave.
    fn farewell(&self, ending: &Ending) -> Option<Answer> {
        let Config { mode, silence, .. } = &self.shared.config;
        match (ending, mode, silence.idle) {
            (Ending::NotChat, ..) => Some(Answer::Bytes(answer(self.connection.carriage.client()))),
            (Ending::Idle, Mode::Chat { .. }, Some(idle)) => {
                let mut text = Vec::new();
                let idle = show_duration(idle);
                push_server_line(&mut text, format_args!("you were idle for {idle}"));
                Some(Answer::Lines(text))
            }
            _ => None,
        }
    }

    /// Sends an event, however long there is no room for it.
    fn insist(&mut self, mut event: Event) {
        while let Err(refused) = self.events.try_send(event, 0) {
            event = refused;
            self.stand_at_the_door();
            let _ = self.waiting.wait_step();
        }
    }

    fn stand_at_the_door(&mut self) {
        let count = || self.shared.at_the_door.one_more();
        self.at_the_door.get_or_insert_with(count);
    }

    /// All has been passed on: reads, once there is something to read.
    fn read_on(&mut self, now: Instant) -> Result<(), Ending> {
        if let Some(ending) = self.ended.take() {
            return Err(ending);
        }
        if self.waiting.has_rung {
            return Err(Ending::Shutdown);
        }
        let SilenceLimits {
            idle, keepalive, ..
        } = self.shared.config.silence;
        let idle = idle.map(|idle| self.last_heard + idle);
        if idle.is_some_and(|idle| idle <= now) {
            return Err(Ending::Idle);
        }
        if now >= self.watched + keepalive / 6 {
            self.watched = now;
            self.waiting.carrier.look_after(self.connection)?;
        }
        let mut due = self.watched + keepalive / 6;
        let others = [idle, self.joins_at, self.rate.counted_until(now)];
        for other in others.into_iter().flatten() {
            due = due.min(other);
        }
        // After a read that filled the buffer there is more, most likely.
        let is_more = self.filled_buffer && !self.shared.bell.has_rung();
        if is_more || self.waiting.wait_for_input(due)? {
            self.read();
        } else {
            // A client that is silent for a while needs no memory for what it sends.
            self.buffer = Vec::new();
        }
        Ok(())
    }

    fn read(&mut self) {
        // One read that fills the buffer may be the start of a line that is never ended.
        let size = match self.buffer.len() {
            0 => SMALL_READ,
            size if self.filled_buffer => (2 * size).min(LARGE_READ),
            size => size,
        };
        self.buffer.resize(size, 0);
        match self.waiting.carrier.receive(&mut self.buffer) {
            // The broadcaster's send was told of the reset, and the read is not told again.
            Ok(Received::End | Received::TornEnd) if self.waiting.has_hung_up => {
                self.ended = Some(Ending::Reset);
            }
            Ok(Received::End | Received::CleanEnd) => {
                self.codec.end();
                self.ended = Some(Ending::Closed);
            }
            // What stands without a line's end is no line.
            Ok(Received::TornEnd) => self.ended = Some(Ending::Closed),
            Ok(Received::Nothing(bytes)) => {
                self.has_spoken = false;
                self.codec.charge(bytes);
            }
            Ok(Received::Bytes(length)) => {
                self.has_spoken = true;
                self.filled_buffer = length == size;
                self.last_heard = Instant::now();
                self.codec.feed(&mut self.buffer[..length]);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.filled_buffer = false,
            Err(error) => self.ended = Some(Ending::of(&error)),
        }
    }
}

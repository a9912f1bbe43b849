//! The one thread that owns all chat state and writes to every client.

use crate::channel::EventReceiver;
use crate::chat::{Chat, Relay, Scene};
use crate::clock::Clock;
use crate::config::{BacklogLimits, Mode};
use crate::delivery::Delivery;
use crate::delivery::writability::Writability;
use crate::event::{ClientId, Event, NOTICES_COST};
use crate::pressure::Pressure;
use crate::shutdown::Bell;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How many bytes are rendered before they are sent: the more, the fewer sends, but all of them
/// should still be in the processor's cache when the last client gets them. Together with
/// one event more they are what one try takes.
const BATCH_BYTES: u64 = 224 << 10;

/// What each event counts at least of a batch, so that one of commands with little text ends too.
const EVENT_BYTES: u64 = 256;

/// How long the clients' threads have, at the end, to pass on what they hold.
const COLLECTING_TIME: Duration = Duration::from_secs(1);

/// How long what is pending is written at the end, collecting included.
const GOODBYE_TIME: Duration = Duration::from_secs(2);

/// All state of the server that clients can see.
pub struct Broadcaster {
    scene: Box<dyn Scene>,
    /// How many clients have joined and not left.
    count: usize,
}

impl Broadcaster {
    /// A broadcaster with nobody to write to.
    pub fn new(mode: &Mode, limits: BacklogLimits, pressure: Arc<Pressure>, clock: Clock) -> Self {
        let delivery = Delivery::new(limits, pressure, clock);
        Self {
            scene: match mode {
                Mode::Chat { motd, history } => Box::new(Chat::new(motd, *history, delivery)),
                Mode::Raw => Box::new(Relay::new(delivery)),
            },
            count: 0,
        }
    }

    /// Takes events and writes what follows from them, until the shutdown.
    pub fn run(mut self, events: &EventReceiver, writability: &Writability, bell: &Bell) {
        while !bell.has_rung() {
            self.turn(events, writability, None);
        }
        let start = Instant::now();
        let (collected, until) = (start + COLLECTING_TIME, start + GOODBYE_TIME);
        // What is in the channel already, then what follows.
        self.turn(events, writability, Some(start));
        while self.count > 0 && Instant::now() < collected {
            self.turn(events, writability, Some(collected));
        }
        self.end(until);
        while !self.scene.delivery().is_empty() && Instant::now() < until {
            self.turn(events, writability, Some(until));
        }
    }

    /// Waits until there is something to do, takes what has happened, and sends what follows.
    fn turn(&mut self, events: &EventReceiver, writability: &Writability, until: Option<Instant>) {
        self.wait(events, writability, until);
        let clock = Clock::now();
        let mut places = Vec::new();
        let before = self.scene.delivery().bytes_ever();
        while self.scene.delivery().bytes_ever() - before + EVENT_BYTES * (places.len() as u64)
            < BATCH_BYTES
            && let Some((event, place)) = events.try_receive()
        {
            places.push(place);
            self.handle(event, clock);
        }
        // Those who wait for room read on while this is sent.
        drop(places);
        self.flush(clock);
    }

    /// Waits for an event, for a socket that was full, and no longer than until something is due.
    fn wait(&mut self, events: &EventReceiver, writability: &Writability, until: Option<Instant>) {
        let due = self.next_due().into_iter().chain(until).min();
        let time = due.map(|due| due.saturating_duration_since(Instant::now()));
        let has_waited = events.wait_by(|| self.resume(&writability.wait(time)));
        if !has_waited && self.scene.delivery().is_anybody_full() {
            self.resume(&writability.wait(Some(Duration::ZERO)));
        }
    }

    /// The kernel says that these clients' sockets have room again.
    pub fn resume(&mut self, clients: &[ClientId]) {
        self.scene.delivery().resume(clients);
    }

    /// Applies one event. What is to be read is sent by the next [`Self::flush`].
    pub fn handle(&mut self, event: Event, clock: Clock) {
        #[cfg(feature = "fault-injection")]
        if let Event::Asked(_, command) = &event {
            crate::faults::panic_at("/faultpanic", command);
        }
        let scene = &mut *self.scene;
        let delivery = scene.delivery();
        delivery.clock = clock;
        delivery.make_room(event.logged_cost());
        match event {
            Event::Joined(client, arrival) => {
                self.count += 1;
                let address = arrival.address;
                delivery.join(client, arrival);
                scene.joined(client, address);
            }
            Event::Said(client, lines) => scene.said(client, lines),
            Event::Asked(client, command) => scene.asked(client, command),
            Event::Answered(client, answer) => delivery.tell(client, answer),
            Event::SentCr(client) => delivery.want_crlf(client),
            Event::Left(client, ending, tally) => {
                self.count -= 1;
                let ending = delivery.leave(client, ending);
                delivery.make_room(NOTICES_COST);
                scene.left(client, ending, tally);
            }
            Event::Reloaded(motd) => scene.reloaded(&motd),
        }
    }

    /// Says what is due, and sends everybody what is pending for them.
    pub fn flush(&mut self, clock: Clock) {
        self.scene.delivery().clock = clock;
        let due = self.scene.next_due();
        if due.is_some_and(|due| due <= clock.instant) {
            self.scene.delivery().make_room(NOTICES_COST);
            self.scene.waited();
        }
        self.scene.delivery().flush();
    }

    /// When [`Self::flush`] is due, if no event comes before.
    pub fn next_due(&mut self) -> Option<Instant> {
        let dues = [self.scene.next_due(), self.scene.delivery().next_due()];
        dues.into_iter().flatten().min()
    }

    /// What the log holds, as a cost: never more than twice `--max-backlog`.
    pub fn cost_kept(&mut self) -> u64 {
        self.scene.delivery().log.cost_kept()
    }

    /// The goodbye: everybody reads what is pending now, until `until`, and nothing more.
    fn end(&mut self, until: Instant) {
        self.scene.delivery().make_room(NOTICES_COST);
        self.scene.ended();
        self.scene.delivery().dismiss_all(until);
        self.scene.delivery().flush();
    }
}

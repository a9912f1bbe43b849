//! The one thread that owns all chat state and writes to every client.

use crate::channel::EventReceiver;
use crate::chat::archive::Archive;
#[cfg(feature = "data")]
use crate::chat::club::{Club, Membership};
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
    /// A broadcaster with nobody to write to, who hands what is said to the archive.
    pub fn new(
        mode: &Mode,
        limits: BacklogLimits,
        pressure: Arc<Pressure>,
        clock: Clock,
        archive: Option<Box<dyn Archive>>,
    ) -> Self {
        let delivery = Delivery::new(limits, pressure, clock);
        Self::of(match mode {
            Mode::Chat { motd, history } => Box::new(Chat::new(motd, *history, delivery, archive)),
            Mode::Raw => Box::new(Relay::new(delivery)),
        })
    }

    /// The same of a chat with accounts.
    #[cfg(feature = "data")]
    pub fn with_accounts(
        mode: &Mode,
        membership: Membership,
        limits: BacklogLimits,
        pressure: Arc<Pressure>,
        clock: Clock,
        archive: Option<Box<dyn Archive>>,
    ) -> Self {
        let Mode::Chat { motd, history } = mode else {
            return Self::new(mode, limits, pressure, clock, archive);
        };
        let delivery = Delivery::new(limits, pressure, clock);
        let chat = Chat::new(motd, *history, delivery, archive);
        Self::of(Box::new(Club::new(chat, membership)))
    }

    fn of(scene: Box<dyn Scene>) -> Self {
        Self { scene, count: 0 }
    }

    /// Takes events and writes what follows from them, until the shutdown. Returns until when what
    /// was written may be on its way.
    pub fn run(
        mut self,
        events: &EventReceiver,
        writability: &Writability,
        bell: &Bell,
    ) -> Instant {
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
        until
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
        // That takes a while where there are many, and a socket that takes less at once than a batch
        // has room again long before its next turn.
        if self.scene.delivery().is_anybody_full() {
            self.resume(&writability.wait(Some(Duration::ZERO)));
            self.flush(clock);
        }
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
                let (address, login_name) = (arrival.address, arrival.login_name.clone());
                delivery.join(client, arrival);
                scene.joined(client, address, login_name);
            }
            Event::Said(client, lines) => scene.said(client, lines),
            Event::Asked(client, command) => scene.asked(client, command),
            Event::Answered(client, answer) => delivery.tell(client, answer),
            Event::WantsCrlf(client) => delivery.want_crlf(client),
            Event::Left(client, ending, tally) => {
                self.count -= 1;
                scene.leaving(client, &ending);
                let ending = scene.delivery().leave(client, ending);
                scene.delivery().make_room(NOTICES_COST);
                scene.left(client, ending, tally);
            }
            Event::Reloaded(motd) => scene.reloaded(&motd),
            #[cfg(feature = "data")]
            Event::Inquired(client, inquiry) => scene.inquired(client, &inquiry),
            #[cfg(feature = "data")]
            other => scene.told(other),
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
        self.say_goodbye();
        self.scene.delivery().dismiss_all(until);
        self.scene.delivery().flush();
    }

    /// Says that the server ends.
    pub(crate) fn say_goodbye(&mut self) {
        self.scene.delivery().make_room(NOTICES_COST);
        self.scene.ended();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::{EventSender, channel};
    use crate::event::{Answer, Ending, Style, Tally};
    use crate::text::Lines;
    use crate::wire::{End, TestWire};
    use rustix::event::{EventfdFlags, eventfd};
    use std::sync::mpsc;
    use std::thread;

    const CHAT: Mode = Mode::Chat {
        motd: Vec::new(),
        history: 0,
    };

    const SECOND: Duration = Duration::from_secs(1);

    /// More than any test fills.
    const LIMITS: BacklogLimits = BacklogLimits {
        most: 1 << 30,
        patience: Duration::from_secs(10),
    };

    /// A broadcaster and what it waits for.
    struct Stage {
        broadcaster: Broadcaster,
        sender: EventSender,
        events: EventReceiver,
        writability: Writability,
    }

    impl Stage {
        fn new(mode: &Mode) -> Self {
            let pressure = Arc::new(Pressure::new(LIMITS));
            let (sender, events) = channel(LIMITS.most).unwrap();
            let writability = Writability::new().unwrap();
            writability.wake_by(events.doorbell()).unwrap();
            Self {
                broadcaster: Broadcaster::new(mode, LIMITS, pressure, Clock::now(), None),
                sender,
                events,
                writability,
            }
        }

        fn join(&mut self, client: u64, room: usize) -> Arc<TestWire> {
            let wire = TestWire::with_room(room);
            let joined = Event::Joined(ClientId(client), wire.arrival(Style::Lf));
            self.broadcaster.handle(joined, Clock::now());
            self.broadcaster.flush(Clock::now());
            wire
        }

        /// An event comes from somebody who has nothing else on the way.
        fn send(&self, event: Event) {
            let sent = self.sender.for_this_thread().try_send(event, 1);
            assert!(sent.is_ok(), "there is room");
        }

        fn turn(&mut self) {
            let soon = Instant::now();
            self.broadcaster
                .turn(&self.events, &self.writability, Some(soon));
        }

        /// Runs to its end, where the bell has rung before. Returns how long that took.
        fn run(self) -> Duration {
            let bell = Bell::new().unwrap();
            bell.ring();
            let (done, end) = mpsc::channel();
            let start = Instant::now();
            thread::spawn(move || {
                self.broadcaster.run(&self.events, &self.writability, &bell);
                done.send(start.elapsed()).unwrap();
            });
            end.recv_timeout(30 * SECOND).unwrap()
        }
    }

    fn said(client: u64, line: &str) -> Event {
        let mut lines = Lines::default();
        lines.push_clean(line.as_bytes());
        Event::Said(ClientId(client), lines)
    }

    #[test]
    fn a_batch_ends_at_224_kib_of_text_where_each_event_counts_256_bytes_more() {
        const MOST: usize = 224 << 10;
        let mut stage = Stage::new(&Mode::Raw);
        let wires = [1, 2].map(|client| stage.join(client, usize::MAX));
        // Events of so many bytes, and how many of them a batch has.
        for (bytes, events) in [(MOST / 7 - 256, 7), (MOST / 7 - 257, 8), (2_048, 100)] {
            for is_logged in [true, false] {
                for _ in 0..=events {
                    stage.send(if is_logged {
                        said(1, &"x".repeat(bytes - 1))
                    } else {
                        Event::Answered(ClientId(2), Answer::Bytes(vec![b'x'; bytes]))
                    });
                }
                for events in [events, 1] {
                    stage.turn();
                    let received = wires[1].take_received().len();
                    assert_eq!(received, events * bytes, "{bytes} bytes, {is_logged}");
                }
            }
        }
        assert_eq!(wires[0].take_received(), "", "its own lines");
    }

    #[test]
    fn whose_socket_has_room_is_resumed_while_events_wait_and_while_none_do() {
        let mut stage = Stage::new(&Mode::Raw);
        let _author = stage.join(1, 0);
        let wire = stage.join(2, 0);
        // The kernel says that this has room, as it would of the client's socket.
        let socket = eventfd(0, EventfdFlags::empty()).unwrap();
        for is_busy in [true, false] {
            wire.set_room(0);
            stage.send(said(1, "one"));
            stage.turn();
            assert_eq!(wire.take_received(), "");
            wire.set_room(usize::MAX);
            stage.writability.watch(&socket, ClientId(2)).unwrap();
            if is_busy {
                stage.send(Event::WantsCrlf(ClientId(1)));
            }
            stage.turn();
            assert_eq!(wire.take_received(), "one\n", "busy: {is_busy}");
        }
    }

    #[test]
    fn what_the_log_holds_counts_as_a_cost() {
        let mut stage = Stage::new(&Mode::Raw);
        let _clients = [1, 2].map(|client| stage.join(client, 0));
        stage.broadcaster.handle(said(1, "hello"), Clock::now());
        assert_eq!(stage.broadcaster.cost_kept(), 5 + 80);
    }

    /// It lasts so long, and no half a second more: on a machine that is busy perhaps, but not each
    /// time.
    fn lasts(time: Duration, run: impl Fn() -> Duration) {
        let is_right = || {
            let lasted = run();
            assert!(lasted >= time, "{lasted:?}");
            lasted < time + SECOND / 2
        };
        assert!((0..5).any(|_| is_right()), "it lasts more than {time:?}");
    }

    #[test]
    fn at_the_shutdown_nobody_is_waited_for_who_has_left() {
        lasts(Duration::ZERO, || Stage::new(&CHAT).run());
        lasts(Duration::ZERO, || {
            let mut stage = Stage::new(&CHAT);
            let _wire = stage.join(1, usize::MAX);
            stage.send(Event::Left(ClientId(1), Ending::Shutdown, Tally::default()));
            stage.run()
        });
    }

    #[test]
    fn at_the_shutdown_clients_have_1_s_to_pass_on_what_they_hold_and_then_comes_the_goodbye() {
        lasts(SECOND, || {
            let mut stage = Stage::new(&CHAT);
            let wire = stage.join(1, usize::MAX);
            let time = stage.run();
            assert_eq!(wire.end(), Some(End::Finished));
            let received = wire.take_received();
            let end = "-- chatd is shutting down\n";
            assert!(received.ends_with(end), "{received}");
            time
        });
    }

    #[test]
    fn at_the_shutdown_what_is_pending_is_written_for_2_s() {
        lasts(2 * SECOND, || {
            let mut stage = Stage::new(&CHAT);
            let wire = stage.join(1, 0);
            let time = stage.run();
            assert_ne!(wire.end(), Some(End::Finished));
            time
        });
    }
}

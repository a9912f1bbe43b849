//! The one thread that owns all chat state and writes to every client.

use crate::chat::Room;
use crate::clock::Clock;
use crate::config::{BacklogLimits, Mode};
use crate::delivery::Delivery;
use crate::delivery::shared_log::Origin;
use crate::event::{ClientId, Ending, Event};
use crate::logging::lines as log_lines;
use crate::shutdown::Shutdown;
use crate::wire::{Held, Wire};
use crossbeam_channel::Receiver;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// How many bytes of lines are taken from the channel before they are sent: the more, the fewer
/// sends, but all of them should still be in the processor's cache when the last client gets them.
const BATCH_BYTES: usize = 256 << 10;

/// How many events are taken before that: joins and commands are small, but not free.
const BATCH_EVENTS: usize = 1024;

/// How long the clients' threads have, at the end, to pass on what they hold.
const COLLECTING_TIME: Duration = Duration::from_secs(1);

/// How long what is pending is written at the end, collecting included.
const CLOSING_TIME: Duration = Duration::from_secs(2);

/// What a client reads for which there is no room.
pub const FULL: &[u8] = b"-- chatd is full, try again later\n";

/// What a client reads that speaks HTTP or TLS.
const HTTP_ANSWER: &[u8] =
    b"HTTP/1.0 400 Bad Request\r\n\r\nThis is a chat server: join it with nc HOST PORT\r\n";

/// All state of the server that clients can see.
pub struct Broadcaster {
    delivery: Delivery,
    scene: Scene,
    clock: Clock,
}

/// What happens to the lines.
enum Scene {
    Chat(Box<Room>),
    /// They are passed on, and of the clients nothing is known but when they came.
    Raw(BTreeMap<ClientId, (Arc<dyn Wire>, Instant)>),
}

impl Broadcaster {
    /// A broadcaster with nobody to write to.
    #[must_use]
    pub fn new(mode: &Mode, limits: BacklogLimits, clock: Clock) -> Self {
        let scene = match mode {
            Mode::Chat { motd, history } => {
                Scene::Chat(Box::new(Room::new(motd.clone(), *history, clock)))
            }
            Mode::Raw => Scene::Raw(BTreeMap::new()),
        };
        Self {
            delivery: Delivery::new(limits),
            scene,
            clock,
        }
    }

    /// Takes events and writes what follows from them, until the shutdown.
    pub fn run(mut self, events: &Receiver<Event>, shutdown: &Shutdown) {
        while !shutdown.is_requested() {
            let first = self.wait(events);
            self.clock = Clock::now();
            self.take_batch(first, events);
            self.flush(self.clock);
        }
        self.close(events);
    }

    /// Waits for an event, and no longer than until something else is due. While the room waits for
    /// a slow client, no event is taken.
    fn wait(&self, events: &Receiver<Event>) -> Option<Event> {
        let due = self.next_due();
        if !self.delivery.is_open() {
            let due = due.unwrap_or_else(Instant::now);
            thread::sleep(due.saturating_duration_since(Instant::now()));
            return None;
        }
        match due {
            None => events.recv().ok(),
            Some(due) => events.recv_deadline(due).ok(),
        }
    }

    /// Takes what waits in the channel, up to a budget.
    fn take_batch(&mut self, first: Option<Event>, events: &Receiver<Event>) {
        let Some(first) = first else { return };
        let waiting = events.try_iter().take(BATCH_EVENTS);
        let mut bytes = 0;
        for event in std::iter::once(first).chain(waiting) {
            bytes += match &event {
                Event::Lines(_, lines) => lines.len(),
                _ => 0,
            };
            self.handle(event, self.clock);
            if bytes + self.delivery.told_bytes() >= BATCH_BYTES {
                break;
            }
        }
    }

    /// Does what follows from one event. What is to be read is sent by the next [`Self::flush`].
    pub fn handle(&mut self, event: Event, clock: Clock) {
        #[cfg(feature = "fault-injection")]
        if let Event::Command(_, command) = &event {
            crate::faults::in_broadcaster(command);
        }
        let delivery = &mut self.delivery;
        match (event, &mut self.scene) {
            (Event::Joined(client, wire), Scene::Chat(room)) => {
                room.join(client, wire, clock, delivery)
            }
            (Event::Lines(client, lines), Scene::Chat(room)) => {
                room.say(client, &lines, clock, delivery)
            }
            (Event::Command(client, command), Scene::Chat(room)) => {
                room.command(client, command, clock, delivery)
            }
            (Event::Told(client, advice), _) => Room::advise(client, advice, delivery),
            (Event::Refused(client, answer), _) => {
                delivery.release(client);
                delivery.tell_bytes(client, &answer);
            }
            (Event::WantsCrLf(client), _) => delivery.want_crlf(client),
            (Event::Left(client, ending), scene) => {
                turn_away(client, &ending, scene, delivery);
                match scene {
                    Scene::Chat(room) => room.leave(client, ending, clock, delivery),
                    Scene::Raw(clients) => leave_raw(clients, client, ending, clock, delivery),
                }
            }
            (Event::Joined(client, wire), Scene::Raw(clients)) => {
                log_lines::joined(wire.peer(), None);
                clients.insert(client, (Arc::clone(&wire), clock.instant));
                delivery.join(client, wire);
            }
            (Event::Lines(client, lines), Scene::Raw(_)) => {
                delivery.say(Origin::Said(client), |text| {
                    text.extend_from_slice(lines.as_bytes())
                });
            }
            (Event::Command(..), Scene::Raw(_)) | (Event::Nudge, _) => {}
        }
    }

    /// Says what is due, and sends everybody what is pending for them.
    pub fn flush(&mut self, clock: Clock) {
        if let Scene::Chat(room) = &mut self.scene {
            room.tick(clock, &mut self.delivery);
        }
        self.delivery.flush(clock.instant);
    }

    /// When [`Self::flush`] is due, if no event comes before.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        let gathered = match &self.scene {
            Scene::Chat(room) => room.next_due(),
            Scene::Raw(_) => None,
        };
        self.delivery.next_due().into_iter().chain(gathered).min()
    }

    /// The end: what the clients' threads hold, then the goodbye, then what is pending.
    fn close(mut self, events: &Receiver<Event>) {
        let start = Instant::now();
        let collected = start + COLLECTING_TIME;
        let mut newcomers = self.delivery.clients();
        while self.has_clients() && Instant::now() < collected {
            let waiting = newcomers.drain(..);
            let waiting = waiting.filter(|client| self.delivery.stop(*client) == Held::Nothing);
            let waiting = waiting.collect::<Vec<_>>();
            // What those have said is in the channel already, so their departures come behind that.
            for event in events.try_iter().take(events.len()) {
                newcomers.extend(self.handle_late(event));
            }
            for client in waiting {
                self.handle(Event::Left(client, Ending::Shutdown), self.clock);
            }
            if newcomers.is_empty() && self.has_clients() {
                let event = events.recv_deadline(collected);
                newcomers.extend(event.ok().and_then(|event| self.handle_late(event)));
            }
            self.delivery.flush(self.clock.instant);
        }
        if let Scene::Chat(room) = &mut self.scene {
            room.announce_departures(&mut self.delivery);
            self.delivery.say(Origin::Server, |text| {
                text.extend_from_slice(b"-- chatd is shutting down\n")
            });
        }
        self.delivery.dismiss_all(start + CLOSING_TIME);
        loop {
            self.delivery.flush(Instant::now());
            let Some(due) = self.delivery.next_due() else {
                return;
            };
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
    }

    /// Does what follows from an event, and answers which client came with it.
    fn handle_late(&mut self, event: Event) -> Option<ClientId> {
        let newcomer = match &event {
            Event::Joined(client, _) => Some(*client),
            _ => None,
        };
        self.clock = Clock::now();
        self.handle(event, self.clock);
        newcomer
    }

    fn has_clients(&self) -> bool {
        match &self.scene {
            Scene::Chat(room) => !room.people.is_empty(),
            Scene::Raw(clients) => !clients.is_empty(),
        }
    }
}

/// Answers a client that cannot stay, if it is one: what it reads is this, and no welcome.
fn turn_away(client: ClientId, ending: &Ending, scene: &Scene, delivery: &mut Delivery) {
    let answer = match (ending, scene) {
        (Ending::NotChat, _) => HTTP_ANSWER,
        (Ending::NoThread, Scene::Chat(_)) => FULL,
        _ => return,
    };
    delivery.forget_held(client);
    delivery.tell_bytes(client, answer);
}

fn leave_raw(
    clients: &mut BTreeMap<ClientId, (Arc<dyn Wire>, Instant)>,
    client: ClientId,
    ending: Ending,
    clock: Clock,
    delivery: &mut Delivery,
) {
    let ending = delivery.leave(client, ending, clock.instant);
    if let Some((wire, joined)) = clients.remove(&client) {
        let stayed = clock.instant.saturating_duration_since(joined);
        log_lines::left(wire.peer(), None, wire.tally(), stayed, &ending);
    }
}

//! The one channel, from the clients' threads to the broadcaster, and what it may hold.
//!
//! It is bounded three ways: by events, by what they cost together, and by what those of one client
//! cost, so that a flooder does not stand in front of everybody. A send never waits. Who finds no
//! room waits a moment for the broadcaster to take what is on its way, and then where it waits for
//! everything else. The broadcaster waits for a doorbell, beside the sockets.

use crate::event::Event;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use rustix::event::{EventfdFlags, eventfd};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::thread::{self, Thread};
use std::time::Duration;

/// How many events may wait in the channel.
const EVENTS: usize = 256;

/// What they may cost together: `--max-backlog` divided by this, or one event of any cost.
const COST_DIVISOR: u64 = 16;

/// What one event of lines costs at most, unless a single line costs more: 16 KiB of lines of 64
/// bytes.
pub const EVENT_COST: u64 = 36 << 10;

/// What one client may have on its way, where each event counts as a full one at least: 12 of them,
/// which are one batch. One sender to many is slower with less, and also with more, since it is
/// woken when everything was taken (measured by `cargo bench --bench fanout -- fan-out`).
const CLIENT_COST: u64 = 12 * EVENT_COST;

/// How often the broadcaster lets others run and looks again before it waits.
const YIELDS: u32 = 10;

pub struct EventSender {
    queue: Sender<(Event, Place)>,
    own: Arc<Own>,
}

pub struct EventReceiver {
    queue: Receiver<(Event, Place)>,
    all: Arc<All>,
}

/// What one client has on its way.
struct Own {
    cost: AtomicU64,
    all: Arc<All>,
    /// Who waits for room.
    thread: Thread,
    sleeper: Sleeper,
}

/// What all of them have on their way.
struct All {
    cost: AtomicU64,
    most: u64,
    /// Wakes the broadcaster.
    doorbell: OwnedFd,
    sleeper: Sleeper,
}

/// Room that an event takes, given back with this.
pub struct Place {
    own: Arc<Own>,
    cost: u64,
    /// What it counts of what its client may have there.
    own_cost: u64,
}

/// A thread that may be asleep: it costs nothing to wake it while it is not.
#[derive(Default)]
struct Sleeper(AtomicBool);

/// A channel for a server with this `--max-backlog`.
pub fn channel(max_backlog: u64) -> io::Result<(EventSender, EventReceiver)> {
    let (sender, receiver) = bounded(EVENTS);
    let all = Arc::new(All {
        cost: AtomicU64::new(0),
        most: max_backlog / COST_DIVISOR,
        doorbell: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
        sleeper: Sleeper::default(),
    });
    let sender = EventSender::new(sender, Arc::clone(&all));
    let queue = receiver;
    Ok((sender, EventReceiver { queue, all }))
}

impl EventSender {
    fn new(queue: Sender<(Event, Place)>, all: Arc<All>) -> Self {
        let own = Arc::new(Own {
            cost: AtomicU64::new(0),
            all,
            thread: thread::current(),
            sleeper: Sleeper::default(),
        });
        Self { queue, own }
    }

    pub fn for_this_thread(&self) -> Self {
        Self::new(self.queue.clone(), Arc::clone(&self.own.all))
    }

    /// Sends an event, or returns it if there is no room for it now. If the broadcaster has ended,
    /// nobody is to be told any more.
    pub fn try_send(&self, event: Event, cost: u64) -> Result<(), Event> {
        let Some(place) = Place::take(&self.own, cost, self.queue.len()) else {
            return Err(event);
        };
        if let Err(TrySendError::Full((event, _))) = self.queue.try_send((event, place)) {
            return Err(event);
        }
        if self.own.all.sleeper.claim_wake() {
            // It can only fail when 2^64 rings have gone unheard (eventfd(2)).
            let _ = rustix::io::write(&self.own.all.doorbell, &1_u64.to_ne_bytes());
        }
        Ok(())
    }

    /// Waits until the broadcaster has taken all that is on its way, for `time` at most. Returns
    /// whether it has; there must have been something.
    pub fn wait(&self, time: Duration) -> bool {
        let is_empty = || self.own.cost.load(Ordering::Relaxed) == 0;
        if is_empty() {
            return false;
        }
        let park = || thread::park_timeout(time);
        self.own.sleeper.sleep_unless(is_empty, park);
        is_empty()
    }
}

impl EventReceiver {
    /// The next event, if there is one, and the room that it takes.
    pub fn try_receive(&self) -> Option<(Event, Place)> {
        self.queue.try_recv().ok()
    }

    /// Calls `wait`, which ends when the doorbell rings, if no event is queued. Returns whether it
    /// was called.
    pub fn wait_by(&self, wait: impl FnOnce()) -> bool {
        // A sleep costs more than what comes in such a moment while much is said.
        for _ in 0..YIELDS {
            if !self.queue.is_empty() {
                return false;
            }
            thread::yield_now();
        }
        let has_come = || !self.queue.is_empty();
        self.all.sleeper.sleep_unless(has_come, wait)
    }

    /// What becomes readable, by edges, when an event comes while somebody waits for it.
    pub fn doorbell(&self) -> BorrowedFd<'_> {
        self.all.doorbell.as_fd()
    }
}

impl Sleeper {
    /// Calls `sleep`, unless there is no reason to any more. Returns whether it did.
    fn sleep_unless(&self, is_needless: impl Fn() -> bool, sleep: impl FnOnce()) -> bool {
        self.0.store(true, Ordering::Relaxed);
        // Either the one who takes the reason away sees this, or it is seen here that it is gone.
        fence(Ordering::SeqCst);
        let sleeps = !is_needless();
        if sleeps {
            sleep();
        }
        self.0.store(false, Ordering::Relaxed);
        sleeps
    }

    /// Whether the thread sleeps, and was not woken yet.
    fn claim_wake(&self) -> bool {
        fence(Ordering::SeqCst);
        self.0.swap(false, Ordering::Relaxed)
    }
}

impl Place {
    /// Takes room for one more event beside those queued. One of any cost may always be on its way,
    /// and half of the channel is for clients who have nothing there: among flooders they need no
    /// luck.
    fn take(own: &Arc<Own>, cost: u64, queued: usize) -> Option<Self> {
        let has_room = |before, cost, most| before == 0 || before + cost <= most;
        let own_cost = cost.max(EVENT_COST);
        // Nobody else adds to this.
        let before = own.cost.load(Ordering::Relaxed);
        let is_crowded = before > 0 && queued >= EVENTS / 2;
        if is_crowded || !has_room(before, own_cost, CLIENT_COST) {
            return None;
        }
        let own = Arc::clone(own);
        let place = Self {
            own,
            cost,
            own_cost,
        };
        place.own.cost.fetch_add(own_cost, Ordering::Relaxed);
        let before = place.own.all.cost.fetch_add(cost, Ordering::Relaxed);
        has_room(before, cost, place.own.all.most).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.own.all.cost.fetch_sub(self.cost, Ordering::Relaxed);
        let before = self.own.cost.fetch_sub(self.own_cost, Ordering::Relaxed);
        let is_last = before == self.own_cost;
        if is_last && self.own.sleeper.claim_wake() {
            self.own.thread.unpark();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::ClientId;
    use std::time::Instant;

    const MOST: u64 = 16 << 20;

    fn send(sender: &EventSender, cost: u64) -> bool {
        let event = Event::WantsCrlf(ClientId(1));
        sender.try_send(event, cost).is_ok()
    }

    #[test]
    fn one_client_has_at_most_12_events_and_a_cost_of_432_kib_on_its_way() {
        let (sender, receiver) = channel(MOST).unwrap();
        assert!((0..12).all(|_| send(&sender, 1)));
        assert!(!send(&sender, 1));
        assert!(!send(&sender, 0));
        let other = sender.for_this_thread();
        assert!(send(&other, 1), "others are not concerned");
        drop(receiver.try_receive());
        assert!(!send(&sender, (36 << 10) + 1));
        assert!(send(&sender, 36 << 10));
    }

    #[test]
    fn all_together_cost_at_most_a_sixteenth_of_the_backlog_but_one_may_always_be_there() {
        let (sender, receiver) = channel(MOST).unwrap();
        assert!(send(&sender.for_this_thread(), MOST));
        assert!(!send(&sender.for_this_thread(), 1));
        drop(receiver.try_receive());
        let part = MOST / 16 / 8;
        assert!((0..8).all(|_| send(&sender.for_this_thread(), part)));
        assert!(!send(&sender.for_this_thread(), 1));
    }

    #[test]
    fn half_of_the_channel_is_for_clients_who_have_nothing_there() {
        let (sender, receiver) = channel(MOST).unwrap();
        let clients = [(); 256].map(|()| sender.for_this_thread());
        assert!(clients[..128].iter().all(|client| send(client, 1)));
        assert!(!send(&clients[0], 1));
        assert!(clients[128..].iter().all(|client| send(client, 1)));
        drop([(); 129].map(|()| receiver.try_receive()));
        assert!(send(&clients[255], 1));
    }

    #[test]
    fn at_most_256_events_wait() {
        let (sender, _receiver) = channel(MOST).unwrap();
        assert!((0..256).all(|_| send(&sender.for_this_thread(), 1)));
        assert!(!send(&sender.for_this_thread(), 1));
    }

    /// How often the broadcaster was woken since this was asked last.
    fn rings(receiver: &EventReceiver) -> u64 {
        let mut count = [0; 8];
        match rustix::io::read(receiver.doorbell(), &mut count) {
            Ok(_) => u64::from_ne_bytes(count),
            Err(_) => 0,
        }
    }

    #[test]
    fn a_broadcaster_that_waits_is_woken_once_and_waits_only_if_there_is_nothing() {
        let (sender, receiver) = channel(MOST).unwrap();
        let has_waited = receiver.wait_by(|| {
            assert!(send(&sender, 1) && send(&sender, 1));
            assert_eq!(rings(&receiver), 1);
        });
        assert!(has_waited);
        assert!(!receiver.wait_by(|| panic!("there are two events")));
        drop([(); 2].map(|()| receiver.try_receive()));
        assert!(send(&sender, 1));
        assert_eq!(rings(&receiver), 0, "nobody waits");
        drop(receiver.try_receive());
        assert!(receiver.wait_by(|| ()));
        assert!(send(&sender, 1));
        assert_eq!(rings(&receiver), 0, "nobody waits any more");
    }

    #[test]
    fn a_client_waits_until_all_that_it_has_on_its_way_was_taken_and_is_woken_then() {
        let (sender, receiver) = channel(MOST).unwrap();
        let longest = Duration::from_secs(60);
        assert!(!sender.wait(longest), "there is nothing to wait for");
        assert!(send(&sender, 1) && send(&sender, 1));
        assert!(!sender.wait(Duration::from_millis(1)), "nothing was taken");
        let own = Arc::clone(&sender.own);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !own.sleeper.0.load(Ordering::Relaxed) {
                    thread::yield_now();
                }
                drop([(); 2].map(|()| receiver.try_receive()));
            });
            let start = Instant::now();
            assert!(sender.wait(longest));
            assert!(start.elapsed() < longest);
        });
    }

    #[test]
    fn a_client_is_not_woken_before_its_last_event_was_taken() {
        let (sender, receiver) = channel(MOST).unwrap();
        let other = sender.for_this_thread();
        assert!([&other, &sender, &sender].iter().all(|each| send(each, 1)));
        let is_asleep = || sender.own.sleeper.0.load(Ordering::Relaxed);
        let sleep = || {
            for sleeps_on in [true, true, false] {
                drop(receiver.try_receive());
                assert_eq!(is_asleep(), sleeps_on);
            }
        };
        assert!(sender.own.sleeper.sleep_unless(|| false, sleep));
    }
}

//! The one channel, from the clients' threads to the broadcaster, and what it may hold.
//!
//! It is bounded three ways: by events, by what they cost together, and by both for each client, so
//! that a flooder does not stand in front of everybody. A send never waits. Who finds no room waits a
//! moment for the broadcaster to take what is on its way, and then where it waits for everything else.
//! The broadcaster waits for a doorbell, beside the sockets.

use crate::event::Event;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use rustix::event::{EventfdFlags, eventfd};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
use std::thread::{self, Thread};
use std::time::Duration;

/// How many events may wait in the channel.
const EVENTS: usize = 256;

/// What they may cost together: so much of `--max-backlog`, or one event of any cost.
const COST: u64 = 16;

/// How often the broadcaster lets others run and looks again before it waits.
const YIELDS: u32 = 10;

/// What one client may have on its way: as much as a batch, or one sender to many is slower (measured by
/// `cargo bench --bench fanout -- fan-out`: 256 KiB takes a sixth off 1 to 49).
const CLIENT_EVENTS: usize = 16;
const CLIENT_COST: u64 = 512 << 10;

/// An event on its way.
pub struct Queued {
    /// What has happened.
    pub event: Event,
    /// The room that it takes, its client's and everybody's. It is given back with these values.
    pub places: [Place; 2],
}

/// The end of the channel that all clients' threads have.
#[derive(Clone)]
pub struct EventSender {
    queue: Sender<Queued>,
    all: Arc<Load>,
    doorbell: Arc<Doorbell>,
}

/// What one client has on its way.
pub struct Quota(Arc<Load>);

/// The broadcaster's end.
pub struct EventReceiver {
    queue: Receiver<Queued>,
    doorbell: Arc<Doorbell>,
}

/// Why an event could not be sent.
pub enum Refused {
    /// There is no room for it now.
    Full(Event),
    /// The broadcaster has ended.
    Ended,
}

/// How much is on its way, and how much may be.
struct Load {
    events: AtomicUsize,
    cost: AtomicU64,
    most_events: usize,
    most_cost: u64,
    /// Who waits for room, if they do.
    thread: Option<Thread>,
    is_awaited: AtomicBool,
}

/// Room that an event takes.
pub struct Place {
    load: Arc<Load>,
    cost: u64,
}

/// Wakes the broadcaster.
struct Doorbell {
    descriptor: OwnedFd,
    is_awaited: AtomicBool,
}

/// A channel for a server with this `--max-backlog`.
///
/// # Errors
///
/// When the system has no descriptor for the doorbell.
pub fn channel(max_backlog: u64) -> io::Result<(EventSender, EventReceiver)> {
    let (sender, receiver) = bounded(EVENTS);
    let doorbell = Arc::new(Doorbell {
        descriptor: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
        is_awaited: AtomicBool::new(false),
    });
    let sender = EventSender {
        queue: sender,
        all: Arc::new(Load::new(EVENTS, max_backlog / COST)),
        doorbell: Arc::clone(&doorbell),
    };
    let receiver = EventReceiver {
        queue: receiver,
        doorbell,
    };
    Ok((sender, receiver))
}

impl EventSender {
    /// Sends an event, if there is room for it.
    ///
    /// # Errors
    ///
    /// See [`Refused`].
    pub fn try_send(&self, event: Event, cost: u64, quota: &Quota) -> Result<(), Refused> {
        let Some(own) = Place::take(&quota.0, cost) else {
            return Err(Refused::Full(event));
        };
        let Some(shared) = Place::take(&self.all, cost) else {
            return Err(Refused::Full(event));
        };
        let queued = Queued {
            event,
            places: [own, shared],
        };
        match self.queue.try_send(queued) {
            Ok(()) => {
                self.doorbell.ring();
                Ok(())
            }
            Err(TrySendError::Full(queued)) => Err(Refused::Full(queued.event)),
            Err(TrySendError::Disconnected(_)) => Err(Refused::Ended),
        }
    }
}

impl EventReceiver {
    /// The next event, if there is one.
    #[must_use]
    pub fn try_receive(&self) -> Option<Queued> {
        self.queue.try_recv().ok()
    }

    /// Calls `wait`, which ends when the doorbell rings, if no event is queued. Returns whether it was
    /// called.
    pub fn wait_by(&self, wait: impl FnOnce()) -> bool {
        // A sleep costs more than what comes in such a moment while much is said.
        for _ in 0..YIELDS {
            if !self.queue.is_empty() {
                return false;
            }
            thread::yield_now();
        }
        self.doorbell.is_awaited.store(true, Ordering::Relaxed);
        // Either the one who sends sees this, or it is seen here what was sent.
        fence(Ordering::SeqCst);
        let waits = self.queue.is_empty();
        if waits {
            wait();
        }
        self.doorbell.is_awaited.store(false, Ordering::Relaxed);
        waits
    }

    /// What becomes readable, by edges, when an event comes while somebody waits for it.
    #[must_use]
    pub fn doorbell(&self) -> BorrowedFd<'_> {
        self.doorbell.descriptor.as_fd()
    }
}

impl Doorbell {
    /// Wakes the broadcaster, if it waits.
    fn ring(&self) {
        fence(Ordering::SeqCst);
        if self.is_awaited.swap(false, Ordering::Relaxed) {
            // It can only fail when 2^64 rings have gone unheard (eventfd(2)).
            let _ = rustix::io::write(&self.descriptor, &1_u64.to_ne_bytes());
        }
    }
}

impl Quota {
    /// The quota of the client whose thread this is, and that has nothing on its way.
    #[must_use]
    pub fn new() -> Self {
        let mut load = Load::new(CLIENT_EVENTS, CLIENT_COST);
        load.thread = Some(thread::current());
        Self(Arc::new(load))
    }

    /// Waits until the broadcaster has taken all that is on its way, for `time` at most. Returns
    /// whether it has; there must have been something.
    pub fn wait(&self, time: Duration) -> bool {
        let is_empty = || self.0.events.load(Ordering::Relaxed) == 0;
        if is_empty() {
            return false;
        }
        self.0.is_awaited.store(true, Ordering::Relaxed);
        // Either the one who makes room sees this, or it is seen here that there is some.
        fence(Ordering::SeqCst);
        if !is_empty() {
            thread::park_timeout(time);
        }
        self.0.is_awaited.store(false, Ordering::Relaxed);
        is_empty()
    }
}

impl Load {
    fn new(most_events: usize, most_cost: u64) -> Self {
        Self {
            events: AtomicUsize::new(0),
            cost: AtomicU64::new(0),
            most_events,
            most_cost,
            thread: None,
            is_awaited: AtomicBool::new(false),
        }
    }
}

impl Place {
    /// Takes room for one more event. One of any cost may always be on its way.
    fn take(load: &Arc<Load>, cost: u64) -> Option<Self> {
        let before = load.cost.fetch_add(cost, Ordering::Relaxed);
        let events = load.events.fetch_add(1, Ordering::Relaxed);
        let place = Self {
            load: Arc::clone(load),
            cost,
        };
        let is_room = events < load.most_events && before + cost <= load.most_cost;
        (is_room || events == 0).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.load.cost.fetch_sub(self.cost, Ordering::Relaxed);
        let is_last = self.load.events.fetch_sub(1, Ordering::Relaxed) == 1;
        if let Some(thread) = self.load.thread.as_ref().filter(|_| is_last) {
            fence(Ordering::SeqCst);
            if self.load.is_awaited.swap(false, Ordering::Relaxed) {
                thread.unpark();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::ClientId;

    const MOST: u64 = 16 << 20;

    fn send(sender: &EventSender, quota: &Quota, cost: u64) -> bool {
        let event = Event::SentCr(ClientId(1));
        sender.try_send(event, cost, quota).is_ok()
    }

    #[test]
    fn one_client_has_at_most_16_events_and_a_cost_of_512_kib_on_its_way() {
        let (sender, receiver) = channel(MOST).unwrap();
        let quota = Quota::new();
        assert!((0..16).all(|_| send(&sender, &quota, 1)));
        assert!(!send(&sender, &quota, 1));
        assert!(send(&sender, &Quota::new(), 1), "others are not concerned");
        drop(receiver.try_receive());
        assert!(!send(&sender, &quota, 512 << 10));
        assert!(send(&sender, &quota, (512 << 10) - 15));
    }

    #[test]
    fn all_together_cost_at_most_a_sixteenth_of_the_backlog_but_one_may_always_be_there() {
        let (sender, receiver) = channel(MOST).unwrap();
        assert!(send(&sender, &Quota::new(), MOST));
        assert!(!send(&sender, &Quota::new(), 1));
        drop(receiver.try_receive());
        let part = MOST / 16 / 8;
        assert!((0..8).all(|_| send(&sender, &Quota::new(), part)));
        assert!(!send(&sender, &Quota::new(), 1));
    }

    #[test]
    fn at_most_256_events_wait() {
        let (sender, _receiver) = channel(MOST).unwrap();
        assert!((0..256).all(|_| send(&sender, &Quota::new(), 1)));
        assert!(!send(&sender, &Quota::new(), 1));
    }
}

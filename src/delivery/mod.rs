//! Fan-out: everybody who reads a log, and what happens to those who do not keep up.
//!
//! A client *leaves* by its last event. Then it is *dismissed*: what is pending is written until
//! some time, and its wire is *finished* when everything was. One that reads too slowly is *let
//! go*, at once: by `review`, when the patience is over; by `make_room`, when the log would pass
//! its bound; by `flush`, when too much waits that is for it alone, or when it was dismissed and
//! its time is over. (One that takes nothing for minutes is let go by the kernel:
//! `client/connection.rs`.)

pub mod block;
mod ended;
pub mod filter;
mod outbox;
mod patience;
pub mod shared_log;
#[cfg(test)]
mod tests;
pub mod writability;

use crate::clock::Clock;
use crate::config::BacklogLimits;
use crate::event::{Answer, Arrival, ClientId, Ending, Style};
use crate::pressure::Pressure;
use ended::Ended;
use filter::Hidden;
use log::debug;
use outbox::{Outbox, Sent};
use patience::Patience;
use shared_log::{Position, SharedLog};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long what is pending for a client that leaves is written.
const PARTING_TIME: Duration = Duration::from_secs(2);

/// How many bytes may be pending for one client alone.
const PRIVATE_BYTES: usize = 1 << 20;

type Outboxes = BTreeMap<ClientId, Box<Outbox>>;

/// The log, and everybody who reads it.
pub struct Delivery {
    /// The time, as long as one thing after the other is done that has happened by now.
    pub clock: Clock,
    pub log: SharedLog,
    keeping_up: Outboxes,
    /// Those whose sockets are full, apart from the others, so that they cost nothing while they
    /// are.
    full: Outboxes,
    /// Who was let go, for which reason, until their last event comes.
    dead: BTreeMap<ClientId, Ending>,
    /// Until when what is pending is written to those who have left, some of whom may have it by
    /// now.
    leaving: BTreeSet<(Instant, ClientId)>,
    ended: Ended,
    /// Who is to be tried at the next flush, beside everybody if something was logged.
    ready: BTreeSet<ClientId>,
    told_bytes: u64,
    /// Everything before this was offered to every client that keeps up.
    flushed: Position,
    patience: Patience,
}

impl Delivery {
    pub fn new(limits: BacklogLimits, pressure: Arc<Pressure>, clock: Clock) -> Self {
        Self {
            clock,
            log: SharedLog::default(),
            keeping_up: Outboxes::new(),
            full: Outboxes::new(),
            dead: BTreeMap::new(),
            leaving: BTreeSet::new(),
            ended: Ended::default(),
            ready: BTreeSet::new(),
            told_bytes: 0,
            flushed: Position::default(),
            patience: Patience::new(limits, pressure, clock.instant),
        }
    }

    /// Adds a client, which reads what is logged from now on.
    pub fn join(&mut self, client: ClientId, arrival: Arrival) {
        let style = arrival.style;
        let outbox = Box::new(Outbox::new(client, arrival, self.log.seal()));
        self.keeping_up.insert(client, outbox);
        if style == Style::CrLf {
            self.want_crlf(client);
        }
    }

    /// Gives the client CR LF from here on.
    pub fn want_crlf(&mut self, client: ClientId) {
        let at = self.log.seal();
        if let Some(outbox) = self.outbox(client) {
            outbox.crlf_from = at.min(outbox.crlf_from);
            self.log.keeps_crlf = true;
        }
    }

    /// Sends text to one client alone, behind everything logged until now.
    pub fn tell(&mut self, client: ClientId, answer: Answer) {
        let at = self.log.seal();
        if let Some(outbox) = self.outbox(client).filter(|outbox| !outbox.is_limited()) {
            let bytes = answer.as_bytes().len() as u64;
            outbox.push(at, answer);
            self.told_bytes += bytes;
            self.ready.insert(client);
        }
    }

    pub fn bytes_ever(&self) -> u64 {
        self.log.bytes_ever + self.told_bytes
    }

    /// Whether so much is pending for the client alone that nobody else should add to it.
    pub fn is_far_behind(&mut self, client: ClientId) -> bool {
        let outbox = self.outbox(client);
        outbox.is_some_and(|outbox| outbox.private_bytes > PRIVATE_BYTES / 2)
    }

    pub fn hide(&mut self, client: ClientId, what: Hidden) {
        if let Some(outbox) = self.caught_up(client) {
            outbox.filter.hidden.insert(what);
        }
    }

    pub fn show(&mut self, client: ClientId, what: Hidden) {
        if let Some(outbox) = self.caught_up(client) {
            outbox.filter.hidden.remove(&what);
        }
    }

    /// For a change of the filter: a client that keeps up is first sent what waits, as far as one
    /// try goes.
    fn caught_up(&mut self, client: ClientId) -> Option<&mut Outbox> {
        let end = self.log.seal();
        if let Some(outbox) = self.keeping_up.get_mut(&client) {
            let outcome = outbox.send(&self.log, end);
            if !matches!(outcome, Ok(Sent::All)) {
                self.after_send(client, outcome);
            }
        }
        self.outbox(client)
    }

    /// The client's last event was taken, and its thread says why. Returns why it really left: a
    /// thread may have seen no more than what was done to its connection. At the shutdown it stays
    /// a recipient, for the goodbye.
    pub fn leave(&mut self, client: ClientId, ending: Ending) -> Ending {
        self.ended.heard(client);
        // The system tells only one of two threads that it gave up a connection.
        if let Some(reason) = self.dead.remove(&client)
            && !matches!(ending, Ending::Quit(_) | Ending::Lost)
        {
            return reason;
        }
        if !ending.is_orderly() {
            if let Some(outbox) = self.remove(client) {
                outbox.wire.hang_up();
            }
        } else if ending != Ending::Shutdown {
            self.dismiss(client, self.clock.instant + PARTING_TIME);
        }
        ending
    }

    /// An event has ended the client, which reads what is pending for it, and nothing more.
    #[cfg(feature = "data")]
    pub fn end(&mut self, client: ClientId) {
        if let Some(outbox) = self.outbox(client) {
            let wire = Arc::clone(&outbox.wire);
            self.ended.add(client, wire);
            self.dismiss(client, self.clock.instant + PARTING_TIME);
        }
    }

    /// From now on the client reads nothing of the log, until it is [let in](Self::let_in).
    #[cfg(feature = "data")]
    pub fn keep_outside(&mut self, client: ClientId) {
        if let Some(outbox) = self.outbox(client) {
            outbox.reads_from = Position::NEVER;
        }
    }

    /// The client reads what is logged from now on.
    #[cfg(feature = "data")]
    pub fn let_in(&mut self, client: ClientId) {
        let end = self.log.seal();
        if let Some(outbox) = self.outbox(client) {
            outbox.reads_from = end;
        }
    }

    /// A client reads what is pending for it now, until `until`, and nothing more.
    fn dismiss(&mut self, client: ClientId, until: Instant) {
        let at = self.log.seal();
        if let Some(outbox) = self.outbox(client) {
            outbox.limit = at.min(outbox.limit);
            self.leaving.insert((until, client));
            self.ready.insert(client);
        }
    }

    /// Everybody leaves, once they have what is pending now, or at `until`.
    pub fn dismiss_all(&mut self, until: Instant) {
        let all = self.keeping_up.keys().chain(self.full.keys());
        for client in all.copied().collect::<Vec<_>>() {
            self.dismiss(client, until);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.keeping_up.is_empty() && self.full.is_empty()
    }

    pub fn is_anybody_full(&self) -> bool {
        !self.full.is_empty()
    }

    /// The kernel says that these clients' sockets have room again.
    pub fn resume(&mut self, clients: &[ClientId]) {
        for client in clients {
            self.keeping_up.extend(self.full.remove_entry(client));
        }
        self.ready.extend(clients);
    }

    /// When [`Self::flush`] is due again, if nothing happens before.
    pub fn next_due(&self) -> Option<Instant> {
        let unfinished = (!self.ready.is_empty()).then_some(self.clock.instant);
        let leaving = self.leaving.first().map(|(until, _)| *until);
        let dues = [
            unfinished,
            leaving,
            self.ended.next_due(),
            self.patience.next_due(),
        ];
        dues.into_iter().flatten().min()
    }

    /// Makes room for something of this cost, so that the log holds no more than it may: whoever is
    /// furthest behind is let go if its socket is full; if it is not, it is written to first.
    pub fn make_room(&mut self, cost: u64) {
        let most = self.patience.most_kept();
        while self.log.cost_kept() + cost > most {
            let (full, other) = (furthest(&self.full), furthest(&self.keeping_up));
            self.forget_what_nobody_needs();
            if self.log.cost_kept() == 0 || self.log.cost_kept() + cost <= most {
                return;
            }
            match full {
                Some((position, client)) if other.is_none_or(|(other, _)| position <= other) => {
                    self.let_go(client, Ending::TooSlow);
                }
                _ => self.flush(),
            }
        }
    }

    /// Sends everybody what is pending, as far as their sockets take it, and looks after those who
    /// are slow.
    pub fn flush(&mut self) {
        let end = self.log.seal();
        let ready = mem::take(&mut self.ready);
        let mut outcomes = Vec::new();
        let mut send = |client: ClientId, outbox: &mut Outbox| match outbox.send(&self.log, end) {
            Ok(Sent::All) if !outbox.is_limited() => {}
            outcome => outcomes.push((client, outcome)),
        };
        if mem::replace(&mut self.flushed, end) < end {
            for (client, outbox) in &mut self.keeping_up {
                send(*client, outbox);
            }
        } else {
            for client in &ready {
                if let Some(outbox) = self.keeping_up.get_mut(client) {
                    send(*client, outbox);
                }
            }
        }
        for (client, outcome) in outcomes {
            self.after_send(client, outcome);
        }
        for client in ready {
            let outbox = self.full.get(&client);
            if outbox.is_some_and(|outbox| outbox.private_bytes > PRIVATE_BYTES) {
                self.let_go(client, Ending::TooSlow);
            }
        }
        while let Some((until, client)) = self.leaving.first().copied()
            && until <= self.clock.instant
        {
            self.leaving.pop_first();
            self.let_go(client, Ending::TooSlow);
        }
        self.ended.close_due(self.clock.instant);
        self.review();
    }

    /// What follows for a client that has not simply been sent everything.
    fn after_send(&mut self, client: ClientId, outcome: io::Result<Sent>) {
        let Some(outbox) = self.keeping_up.get(&client) else {
            return;
        };
        match outcome {
            Ok(Sent::All) => {
                outbox.wire.finish();
                self.keeping_up.remove(&client);
                self.ended.finished(client, self.clock.instant);
            }
            Ok(Sent::Part) => {
                self.ready.insert(client);
            }
            Ok(Sent::Full) => match outbox.wire.tell_when_writable() {
                Ok(()) => self.full.extend(self.keeping_up.remove_entry(&client)),
                Err(error) => self.let_go(client, Ending::of(&error)),
            },
            Err(error) => self.let_go(client, Ending::of(&error)),
        }
    }

    /// Forgets what nobody needs, and looks whether somebody is too far behind.
    fn review(&mut self) {
        if self.full.is_empty() && self.ready.is_empty() {
            self.log.forget_before(Position::NEVER);
        }
        let (log, now) = (&self.log, self.clock.instant);
        if !self.patience.look_if_due(log.cost_ever(), now) {
            return;
        }
        let behind = self.full.values().map(|outbox| outbox.behind(log));
        let was_waiting = self.patience.next_due().is_some();
        let is_over = self.patience.judge(behind.max().unwrap_or(0), now);
        if !was_waiting && self.patience.next_due().is_some() {
            for (client, outbox) in &self.full {
                let behind = outbox.behind(log);
                if self.patience.is_far(behind) {
                    let (id, kib) = (client.0, behind >> 10);
                    debug!(target: "chatd::behind", "client {id} is {kib} KiB behind");
                }
            }
        }
        if is_over {
            let is_far = |outbox: &Outbox| self.patience.is_far(outbox.behind(log));
            let far = self.full.iter().filter(|(_, outbox)| is_far(outbox));
            for client in far.map(|(client, _)| *client).collect::<Vec<_>>() {
                self.let_go(client, Ending::TooSlow);
            }
        }
        self.forget_what_nobody_needs();
    }

    fn forget_what_nobody_needs(&mut self) {
        let all = || self.keeping_up.values().chain(self.full.values());
        let position = all().map(|outbox| outbox.position()).min();
        self.log.keeps_crlf = all().any(|outbox| outbox.wants_crlf());
        self.log.forget_before(position.unwrap_or(Position::NEVER));
    }

    /// Ends a client's connection. Its departure comes when its thread has noticed, or was there
    /// before.
    fn let_go(&mut self, client: ClientId, reason: Ending) {
        if let Some(outbox) = self.remove(client) {
            outbox.wire.hang_up();
            if !outbox.is_limited() {
                self.dead.insert(client, reason);
            }
        }
    }

    fn outbox(&mut self, client: ClientId) -> Option<&mut Outbox> {
        let keeping_up = self.keeping_up.get_mut(&client);
        let outbox = keeping_up.or_else(|| self.full.get_mut(&client));
        outbox.map(AsMut::as_mut)
    }

    fn remove(&mut self, client: ClientId) -> Option<Box<Outbox>> {
        let keeping_up = self.keeping_up.remove(&client);
        keeping_up.or_else(|| self.full.remove(&client))
    }
}

/// Who is furthest behind of them, and where.
fn furthest(outboxes: &Outboxes) -> Option<(Position, ClientId)> {
    let all = outboxes.iter();
    all.map(|(client, outbox)| (outbox.position(), *client))
        .min()
}

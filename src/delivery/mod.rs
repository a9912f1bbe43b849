//! Fan-out: everybody who reads a log, and what happens to those who do not keep up.
//!
//! A client is let go for reading too slowly in one of three places: `review`, when the patience is
//! over; `make_room`, when the log would pass its bound; `check_private`, when too much waits that is
//! for it alone. (One that takes nothing for minutes is let go by the kernel: `client/silence.rs`.)

pub mod block;
pub mod filter;
mod outbox;
mod patience;
mod private;
mod recipient;
pub mod shared_log;
pub mod writability;

use crate::config::BacklogLimits;
use crate::event::{Answer, Arrival, ClientId, Ending};
use crate::pressure::Pressure;
use block::BlockPool;
use filter::Hidden;
use outbox::{Outbox, Sent};
use patience::{Patience, Verdict};
use recipient::{Recipient, Recipients};
use shared_log::{Position, SharedLog};
use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long what is pending for a client that leaves is written.
const PARTING_TIME: Duration = Duration::from_secs(2);

/// How many bytes may be pending for one client alone.
const PRIVATE_BYTES: usize = 1 << 20;

/// Everybody who reads a log.
pub struct Delivery {
    recipients: Recipients,
    /// Who was let go, for which reason, until their last event comes.
    dead: BTreeMap<ClientId, Ending>,
    /// Who has left, and until when what is pending is written to them.
    leaving: BTreeSet<(Instant, ClientId)>,
    /// Who is to be tried at the next flush, beside everybody if something was logged.
    ready: Vec<ClientId>,
    told_bytes: u64,
    /// Everything before this was offered to every client that keeps up.
    flushed: Option<Position>,
    patience: Patience,
    /// Where logs get their blocks from.
    pub blocks: BlockPool,
}

impl Delivery {
    /// A delivery to nobody.
    pub fn new(limits: BacklogLimits, pressure: Arc<Pressure>, now: Instant) -> Self {
        Self {
            recipients: Recipients::default(),
            dead: BTreeMap::new(),
            leaving: BTreeSet::new(),
            ready: Vec::new(),
            told_bytes: 0,
            flushed: None,
            patience: Patience::new(limits, pressure, now),
            blocks: BlockPool::default(),
        }
    }

    /// Adds a client, which reads what is logged from `at` on.
    pub fn join(&mut self, client: ClientId, arrival: Arrival, at: Position) {
        let outbox = Outbox::new(client, &arrival, at);
        let recipient = Recipient {
            wire: arrival.wire,
            outbox,
            leaving: None,
        };
        self.recipients.insert(client, recipient);
    }

    /// Sends text to one client alone, behind everything logged before `at`.
    pub fn tell(&mut self, client: ClientId, at: Position, answer: Answer) {
        if let Some(recipient) = self.recipients.get_mut(client)
            && recipient.leaving.is_none()
        {
            self.told_bytes += answer.len() as u64;
            recipient.outbox.push(at, answer);
            self.ready.push(client);
        }
    }

    /// How many bytes clients were told alone, ever.
    pub fn told_bytes(&self) -> u64 {
        self.told_bytes
    }

    /// Whether so much is pending for the client alone that nobody else should add to it.
    pub fn is_far_behind(&mut self, client: ClientId) -> bool {
        let recipient = self.recipients.get_mut(client);
        recipient.is_some_and(|recipient| recipient.outbox.private_bytes() > PRIVATE_BYTES / 2)
    }

    /// Gives the client CR LF from the next line on.
    pub fn want_crlf(&mut self, client: ClientId, log: &SharedLog) {
        if let Some(recipient) = self.recipients.get_mut(client) {
            recipient.outbox.want_crlf(log);
        }
    }

    /// Hides something from the client, from `at` on. Returns whether that can be remembered: of a
    /// client that reads nothing, not without end.
    #[must_use]
    pub fn hide(&mut self, client: ClientId, what: Hidden, at: Position) -> bool {
        self.recipients.get_mut(client).is_none_or(|recipient| {
            let outbox = &mut recipient.outbox;
            outbox.filter.hide(what, at, outbox.position())
        })
    }

    /// Shows it again, from `at` on.
    pub fn show(&mut self, client: ClientId, what: Hidden, at: Position) {
        if let Some(recipient) = self.recipients.get_mut(client) {
            recipient.outbox.filter.show(what, at);
        }
    }

    /// The client's last event was taken, and its thread says why. Returns why it really left: a
    /// thread may have seen no more than what was done to its connection. At the shutdown it stays
    /// a recipient, for the goodbye.
    pub fn leave(
        &mut self,
        client: ClientId,
        ending: Ending,
        at: Position,
        now: Instant,
    ) -> Ending {
        if let Some(reason) = self.dead.remove(&client) {
            return match ending {
                // The system tells only one of two threads that it gave up a connection.
                Ending::Quit(_) | Ending::Lost => ending,
                _ => reason,
            };
        }
        if !ending.is_orderly() {
            if let Some(recipient) = self.recipients.remove(client) {
                recipient.wire.hang_up();
            }
        } else if ending != Ending::Shutdown {
            self.dismiss(client, at, now + PARTING_TIME);
        }
        ending
    }

    /// A client reads what is pending for it now, until `until`, and nothing more.
    fn dismiss(&mut self, client: ClientId, at: Position, until: Instant) {
        if let Some(recipient) = self.recipients.get_mut(client) {
            let mut until = until;
            if let Some(before) = recipient.leaving {
                self.leaving.remove(&(before, client));
                until = until.min(before);
            }
            recipient.leaving = Some(until);
            recipient.outbox.limit_to(at);
            self.leaving.insert((until, client));
            self.ready.push(client);
        }
    }

    /// Everybody leaves, once they have what is pending now, or at `until`.
    pub fn dismiss_all(&mut self, at: Position, until: Instant) {
        let all = self.recipients.all().map(|(client, _)| client);
        for client in all.collect::<Vec<_>>() {
            self.dismiss(client, at, until);
        }
    }

    /// Whether there is nobody to write to.
    pub fn is_empty(&self) -> bool {
        self.recipients.is_empty()
    }

    /// Whether somebody's socket is full, so that the kernel may have something to report.
    pub fn is_anybody_full(&self) -> bool {
        self.recipients.is_any_full()
    }

    /// The kernel says that these clients' sockets have room again.
    pub fn resume(&mut self, clients: &[ClientId]) {
        for client in clients {
            self.recipients.drain(*client);
        }
        self.ready.extend(clients);
    }

    /// When [`Self::flush`] is due again, if nothing happens before.
    pub fn next_due(&self, now: Instant) -> Option<Instant> {
        let unfinished = (!self.ready.is_empty()).then_some(now);
        let leaving = self.leaving.first().map(|(until, _)| *until);
        let dues = [unfinished, leaving, self.patience.next_due()];
        dues.into_iter().flatten().min()
    }

    /// Makes room for something of this cost, so that the log holds no more than it may: whoever is
    /// furthest behind is let go if its socket is full; if it is not, it is written to first.
    pub fn make_room(&mut self, cost: u64, log: &mut SharedLog, now: Instant) {
        while cost > 0 && log.cost_kept() + cost > self.patience.most_kept() {
            self.forget_what_nobody_needs(log);
            if log.cost_kept() + cost <= self.patience.most_kept() {
                return;
            }
            let full = self.recipients.full();
            let furthest = full.min_by_key(|(_, recipient)| recipient.outbox.position());
            let furthest =
                furthest.map(|(client, recipient)| (recipient.outbox.position(), client));
            let other = self.recipients.keeping_up();
            let other = other
                .map(|(_, recipient)| recipient.outbox.position())
                .min();
            match furthest {
                Some((position, client)) if other.is_none_or(|other| position <= other) => {
                    self.let_go(client, Ending::TooSlow);
                }
                _ if log.cost_kept() == 0 => return,
                _ => self.flush(log, now),
            }
        }
    }

    /// Sends everybody what is pending, as far as their sockets take it, and looks after those who
    /// are slow.
    pub fn flush(&mut self, log: &mut SharedLog, now: Instant) {
        let end = log.seal();
        let ready = mem::take(&mut self.ready);
        let mut outcomes = Vec::new();
        let is_new = self.flushed != Some(end);
        self.flushed = Some(end);
        if is_new {
            for (client, recipient) in self.recipients.keeping_up() {
                let result = recipient.outbox.send(log, end, &*recipient.wire);
                if !matches!(result, Ok(Sent::All)) || recipient.leaving.is_some() {
                    outcomes.push((client, result));
                }
            }
        } else {
            for client in &ready {
                if let Some(recipient) = self.recipients.get_keeping_up(*client) {
                    let result = recipient.outbox.send(log, end, &*recipient.wire);
                    outcomes.push((*client, result));
                }
            }
        }
        for (client, result) in outcomes {
            self.after_send(client, result);
        }
        for client in ready {
            self.check_private(client, log, end);
        }
        self.end_parting(now);
        self.review(log, now);
    }

    fn after_send(&mut self, client: ClientId, result: std::io::Result<Sent>) {
        let Some(recipient) = self.recipients.get_keeping_up(client) else {
            return;
        };
        match result {
            Ok(Sent::All) => {
                if let Some(until) = recipient.leaving {
                    recipient.wire.finish();
                    self.leaving.remove(&(until, client));
                    self.recipients.remove(client);
                }
            }
            Ok(Sent::Part) => self.ready.push(client),
            Ok(Sent::Full) => match recipient.wire.tell_when_writable() {
                Ok(()) => self.recipients.fill(client),
                Err(error) => self.let_go(client, Ending::of(&error)),
            },
            Err(error) => self.let_go(client, Ending::of(&error)),
        }
    }

    /// A client whose socket is full may have too much pending that is for it alone. It is tried
    /// once more, so that nobody is let go who would have taken it.
    fn check_private(&mut self, client: ClientId, log: &mut SharedLog, end: Position) {
        let is_full = self.recipients.is_full(client);
        let Some(recipient) = self.recipients.get_mut(client).filter(|_| is_full) else {
            return;
        };
        if recipient.outbox.private_bytes() > PRIVATE_BYTES {
            let result = recipient.outbox.send(log, end, &*recipient.wire);
            if result.is_err() || recipient.outbox.private_bytes() > PRIVATE_BYTES {
                self.let_go(client, Ending::TooSlow);
            }
        }
    }

    /// Ends the connections of those who have not taken in time what was pending when they left.
    fn end_parting(&mut self, now: Instant) {
        while let Some((_, client)) = self
            .leaving
            .first()
            .copied()
            .filter(|(until, _)| *until <= now)
        {
            self.leaving.pop_first();
            if let Some(recipient) = self.recipients.remove(client) {
                recipient.wire.hang_up();
            }
        }
    }

    /// Forgets what nobody needs, and looks whether somebody is too far behind.
    fn review(&mut self, log: &mut SharedLog, now: Instant) {
        if !self.recipients.is_any_full() && self.ready.is_empty() {
            log.forget_all(&mut self.blocks);
        }
        if !self.patience.is_due(log.cost_ever(), now) {
            return;
        }
        let behind = |recipient: &Recipient| recipient.outbox.behind(log);
        let full = self.recipients.full();
        let furthest = full.map(|(_, recipient)| behind(recipient)).max();
        if self.patience.judge(furthest.unwrap_or(0), now) == Verdict::LetGo {
            let full = self.recipients.full();
            let far = full.filter(|(_, recipient)| self.patience.is_far(behind(recipient)));
            for client in far.map(|(client, _)| client).collect::<Vec<_>>() {
                self.let_go(client, Ending::TooSlow);
            }
        }
        self.forget_what_nobody_needs(log);
    }

    fn forget_what_nobody_needs(&mut self, log: &mut SharedLog) {
        let all = self.recipients.all();
        match all.map(|(_, recipient)| recipient.outbox.position()).min() {
            Some(position) => log.forget_before(position, &mut self.blocks),
            None => log.forget_all(&mut self.blocks),
        }
    }

    /// Ends a client's connection. Its departure comes when its thread has noticed.
    fn let_go(&mut self, client: ClientId, reason: Ending) {
        if let Some(recipient) = self.recipients.remove(client) {
            recipient.wire.hang_up();
            match recipient.leaving {
                Some(until) => {
                    self.leaving.remove(&(until, client));
                }
                None => {
                    self.dead.insert(client, reason);
                }
            }
        }
    }
}

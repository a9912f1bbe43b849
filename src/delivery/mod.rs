//! Fan-out: everybody who reads a log, and what happens to those who do not keep up.
//!
//! A client is let go for reading too slowly in one of three places: `review`, when the patience is
//! over; `make_room`, when the log would pass its bound; `flush`, when too much waits that is for it
//! alone. (One that takes nothing for minutes is let go by the kernel: `client/silence.rs`.)

pub mod block;
pub mod filter;
mod outbox;
mod patience;
pub mod shared_log;
pub mod writability;

use crate::config::BacklogLimits;
use crate::event::{Answer, Arrival, ClientId, Ending, Style};
use crate::pressure::Pressure;
use block::BlockPool;
use filter::Hidden;
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

/// Everybody who reads a log.
pub struct Delivery {
    keeping_up: Outboxes,
    /// Those whose sockets are full, apart from the others, so that they cost nothing while they are.
    full: Outboxes,
    /// Who was let go, for which reason, until their last event comes.
    dead: BTreeMap<ClientId, Ending>,
    /// Until when what is pending is written to those who have left, some of whom may have it by now.
    leaving: BTreeSet<(Instant, ClientId)>,
    /// Who is to be tried at the next flush, beside everybody if something was logged.
    ready: Vec<ClientId>,
    told_bytes: u64,
    /// Everything before this was offered to every client that keeps up.
    flushed: Position,
    patience: Patience,
    /// Where logs get their blocks from.
    pub blocks: BlockPool,
}

impl Delivery {
    /// A delivery to nobody.
    pub fn new(limits: BacklogLimits, pressure: Arc<Pressure>, now: Instant) -> Self {
        Self {
            keeping_up: Outboxes::new(),
            full: Outboxes::new(),
            dead: BTreeMap::new(),
            leaving: BTreeSet::new(),
            ready: Vec::new(),
            told_bytes: 0,
            flushed: Position::START,
            patience: Patience::new(limits, pressure, now),
            blocks: BlockPool::default(),
        }
    }

    /// Adds a client, which reads what is logged from `at` on: the end of the log.
    pub fn join(&mut self, client: ClientId, arrival: Arrival, at: Position) {
        let style = arrival.style;
        let outbox = Box::new(Outbox::new(client, arrival, at));
        self.keeping_up.insert(client, outbox);
        if style == Style::CrLf {
            self.want_crlf(client, at);
        }
    }

    /// Gives the client CR LF from `at` on, which is the end of the log.
    pub fn want_crlf(&mut self, client: ClientId, at: Position) {
        if let Some(outbox) = self.outbox(client) {
            outbox.want_crlf(at);
            self.blocks.keeps_crlf = true;
        }
    }

    /// Sends text to one client alone, behind everything logged before `at`.
    pub fn tell(&mut self, client: ClientId, at: Position, answer: Answer) {
        if let Some(outbox) = self.outbox(client).filter(|outbox| !outbox.is_limited()) {
            let bytes = answer.len() as u64;
            outbox.push(at, answer);
            self.told_bytes += bytes;
            self.ready.push(client);
        }
    }

    /// How many bytes clients were told alone, ever.
    pub fn told_bytes(&self) -> u64 {
        self.told_bytes
    }

    /// Whether so much is pending for the client alone that nobody else should add to it.
    pub fn is_far_behind(&mut self, client: ClientId) -> bool {
        let outbox = self.outbox(client);
        outbox.is_some_and(|outbox| outbox.private_bytes() > PRIVATE_BYTES / 2)
    }

    /// Hides something from the client, from `at` on. Returns whether that can be remembered: of a
    /// client that reads nothing, not without end.
    #[must_use]
    pub fn hide(&mut self, client: ClientId, what: Hidden, at: Position) -> bool {
        self.outbox(client).is_none_or(|outbox| {
            let read = outbox.position();
            outbox.filter.hide(what, at, read)
        })
    }

    /// Shows it again, from `at` on.
    pub fn show(&mut self, client: ClientId, what: Hidden, at: Position) {
        if let Some(outbox) = self.outbox(client) {
            outbox.filter.show(what, at);
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
            self.dismiss(client, at, now + PARTING_TIME);
        }
        ending
    }

    /// A client reads what is pending for it now, until `until`, and nothing more.
    fn dismiss(&mut self, client: ClientId, at: Position, until: Instant) {
        if let Some(outbox) = self.outbox(client) {
            outbox.limit_to(at);
            self.leaving.insert((until, client));
            self.ready.push(client);
        }
    }

    /// Everybody leaves, once they have what is pending now, or at `until`.
    pub fn dismiss_all(&mut self, at: Position, until: Instant) {
        let all = self.keeping_up.keys().chain(self.full.keys());
        for client in all.copied().collect::<Vec<_>>() {
            self.dismiss(client, at, until);
        }
    }

    /// Whether there is nobody to write to.
    pub fn is_empty(&self) -> bool {
        self.keeping_up.is_empty() && self.full.is_empty()
    }

    /// Whether somebody's socket is full, so that the kernel may have something to report.
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
    pub fn next_due(&self, now: Instant) -> Option<Instant> {
        let unfinished = (!self.ready.is_empty()).then_some(now);
        let leaving = self.leaving.first().map(|(until, _)| *until);
        let dues = [unfinished, leaving, self.patience.next_due()];
        dues.into_iter().flatten().min()
    }

    /// Makes room for something of this cost, so that the log holds no more than it may: whoever is
    /// furthest behind is let go if its socket is full; if it is not, it is written to first.
    pub fn make_room(&mut self, cost: u64, log: &mut SharedLog, now: Instant) {
        let most = self.patience.most_kept();
        while cost > 0 && log.cost_kept() + cost > most {
            let (full, other) = (furthest(&self.full), furthest(&self.keeping_up));
            self.forget_what_nobody_needs(log);
            if log.cost_kept() == 0 || log.cost_kept() + cost <= most {
                return;
            }
            match full {
                Some((position, client)) if other.is_none_or(|(other, _)| position <= other) => {
                    self.let_go(client, Ending::TooSlow);
                }
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
        let mut send = |client: ClientId, outbox: &mut Outbox| match outbox.send(log, end) {
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
            // It is tried once more, so that nobody is let go who would have taken it.
            if let Some(outbox) = self.full.get_mut(&client)
                && outbox.private_bytes() > PRIVATE_BYTES
                && (outbox.send(log, end).is_err() || outbox.private_bytes() > PRIVATE_BYTES)
            {
                self.let_go(client, Ending::TooSlow);
            }
        }
        while let Some((until, client)) = self.leaving.first().copied()
            && until <= now
        {
            self.leaving.pop_first();
            self.let_go(client, Ending::TooSlow);
        }
        self.review(log, now);
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
            }
            Ok(Sent::Part) => self.ready.push(client),
            Ok(Sent::Full) => match outbox.wire.tell_when_writable() {
                Ok(()) => self.full.extend(self.keeping_up.remove_entry(&client)),
                Err(error) => self.let_go(client, Ending::of(&error)),
            },
            Err(error) => self.let_go(client, Ending::of(&error)),
        }
    }

    /// Forgets what nobody needs, and looks whether somebody is too far behind.
    fn review(&mut self, log: &mut SharedLog, now: Instant) {
        if self.full.is_empty() && self.ready.is_empty() {
            log.forget_before(Position::NEVER, &mut self.blocks);
        }
        if !self.patience.is_due(log.cost_ever(), now) {
            return;
        }
        let behind = self.full.values().map(|outbox| outbox.behind(log));
        if self.patience.is_over(behind.max().unwrap_or(0), now) {
            let is_far = |outbox: &Outbox| self.patience.is_far(outbox.behind(log));
            let far = self.full.iter().filter(|(_, outbox)| is_far(outbox));
            for client in far.map(|(client, _)| *client).collect::<Vec<_>>() {
                self.let_go(client, Ending::TooSlow);
            }
        }
        self.forget_what_nobody_needs(log);
    }

    fn forget_what_nobody_needs(&mut self, log: &mut SharedLog) {
        let all = || self.keeping_up.values().chain(self.full.values());
        let position = all().map(|outbox| outbox.position()).min();
        self.blocks.keeps_crlf = all().any(|outbox| outbox.wants_crlf());
        log.forget_before(position.unwrap_or(Position::NEVER), &mut self.blocks);
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

//! Fan-out: the shared log, everybody who reads it, and what happens to those who do not.

pub mod filter;
mod outbox;
mod patience;
mod recipient;
pub mod shared_log;

use crate::config::BacklogLimits;
use crate::delivery::filter::Hidden;
use crate::delivery::outbox::Outbox;
use crate::delivery::recipient::{
    Outcome, PARTING_TIME, PRIVATE_BYTES, Reader, Retries, Round, Stage,
};
use crate::delivery::shared_log::{Origin, Position, SharedLog};
use crate::event::{ClientId, Ending};
use crate::wire::{Held, Wire};
use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Whether the broadcaster may take more from the channel.
enum Flow {
    Open,
    /// It waits for these clients, since then.
    Paused(Instant, Vec<ClientId>),
}

/// Everybody who reads, and what they read.
pub struct Delivery {
    limits: BacklogLimits,
    log: SharedLog,
    readers: BTreeMap<ClientId, Reader>,
    retries: Retries,
    /// Who was told something alone since the last flush.
    told: Vec<ClientId>,
    told_bytes: usize,
    /// How far everybody has been served who takes everything.
    flushed: Position,
    /// How many bytes the log may keep before it is looked at who needs them.
    next_review: u64,
    flow: Flow,
}

impl Delivery {
    /// A delivery to nobody.
    #[must_use]
    pub fn new(limits: BacklogLimits) -> Self {
        let mut log = SharedLog::default();
        Self {
            limits,
            flushed: log.end(),
            log,
            readers: BTreeMap::new(),
            retries: Retries::new(),
            told: Vec::new(),
            told_bytes: 0,
            next_review: 0,
            flow: Flow::Open,
        }
    }

    /// Adds a client, which reads what is logged from now on.
    pub fn join(&mut self, client: ClientId, wire: Arc<dyn Wire>) {
        let reader = Reader::new(client, wire, self.log.end());
        self.readers.insert(client, reader);
    }

    /// Writes nothing to a newcomer for `time`, or until [`Self::release`].
    pub fn hold(&mut self, client: ClientId, time: Duration, now: Instant) {
        if let Some(reader) = self.readers.get_mut(&client) {
            reader.hold(time, &mut self.retries, now);
        }
    }

    /// Ends what [`Self::hold`] began. It does nothing for any other client.
    pub fn release(&mut self, client: ClientId) {
        if let Some(reader) = self.readers.get_mut(&client)
            && let Stage::Held = reader.stage
        {
            reader.stage = Stage::Here;
            reader.stop_waiting(&mut self.retries);
            self.told.push(client);
        }
    }

    /// Logs the whole lines that `write` appends, for everybody who is to read them.
    pub fn say(&mut self, origin: Origin, write: impl FnOnce(&mut Vec<u8>)) {
        self.log.append(origin, write);
    }

    /// Sends whole lines to one client alone.
    pub fn tell(&mut self, client: ClientId, lines: &[u8]) {
        self.push(client, |outbox, end| outbox.push_lines(end, lines));
    }

    /// Sends bytes that are no lines to one client alone.
    pub fn tell_bytes(&mut self, client: ClientId, bytes: &[u8]) {
        self.push(client, |outbox, end| outbox.push_bytes(end, bytes));
    }

    fn push(&mut self, client: ClientId, push: impl FnOnce(&mut Outbox, Position)) {
        let Some(reader) = self.readers.get_mut(&client) else {
            return;
        };
        if let Stage::Leaving(_) | Stage::Dead(_) = reader.stage {
            return;
        }
        let before = reader.outbox.private_bytes();
        push(&mut reader.outbox, self.log.end());
        self.told_bytes += reader.outbox.private_bytes() - before;
        self.told.push(client);
    }

    /// How many bytes clients were told alone since the last flush.
    #[must_use]
    pub fn told_bytes(&self) -> usize {
        self.told_bytes
    }

    /// Whether so much is pending for the client alone that nobody else should add to it.
    #[must_use]
    pub fn is_far_behind(&self, client: ClientId) -> bool {
        let reader = self.readers.get(&client);
        reader.is_some_and(|reader| reader.outbox.private_bytes() > PRIVATE_BYTES / 2)
    }

    /// Gives the client CR LF from the next line on.
    pub fn want_crlf(&mut self, client: ClientId) {
        if let Some(reader) = self.readers.get_mut(&client) {
            reader.outbox.want_crlf(&self.log);
        }
    }

    /// Hides something from the client, from now on.
    pub fn hide(&mut self, client: ClientId, what: Hidden) {
        if let Some(reader) = self.readers.get_mut(&client) {
            let read = reader.outbox.cursor().position;
            reader.outbox.filter.forget_before(read);
            reader.outbox.filter.hide(what, self.log.end());
        }
    }

    /// Shows it again. Answers whether it was hidden.
    pub fn show(&mut self, client: ClientId, what: Hidden) -> bool {
        let reader = self.readers.get_mut(&client);
        reader.is_some_and(|reader| reader.outbox.filter.show(what, self.log.end()))
    }

    /// Whether it is hidden from the client.
    #[must_use]
    pub fn hides(&self, client: ClientId, what: Hidden) -> bool {
        let reader = self.readers.get(&client);
        reader.is_some_and(|reader| reader.outbox.filter.hides(what))
    }

    /// Whom the client ignores.
    #[must_use]
    pub fn ignored(&self, client: ClientId) -> Vec<ClientId> {
        let reader = self.readers.get(&client);
        reader.map_or_else(Vec::new, |reader| reader.outbox.filter.ignored().collect())
    }

    /// Forgets what a newcomer was to read, if none of it was written yet.
    pub fn forget_held(&mut self, client: ClientId) {
        if let Some(reader) = self.readers.get_mut(&client)
            && let Stage::Held = reader.stage
        {
            reader.outbox.clear(self.log.end());
        }
    }

    /// The client's last event was taken, and its thread says why. Answers why it really left: a
    /// thread may have seen no more than what was done to its connection. At the shutdown it stays
    /// a reader, for the goodbye.
    pub fn leave(&mut self, client: ClientId, ending: Ending, now: Instant) -> Ending {
        let Some(reader) = self.readers.get_mut(&client) else {
            return ending;
        };
        let ending = match (&reader.stage, ending) {
            (Stage::Dead(_), said @ Ending::Quit(_)) => said,
            (Stage::Dead(reason), _) => reason.clone(),
            (_, ending) => ending,
        };
        if matches!(reader.stage, Stage::Dead(_)) || !ending.is_orderly() {
            reader.wire.hang_up();
            self.remove(client);
        } else if ending != Ending::Shutdown {
            reader.stop_waiting(&mut self.retries);
            reader.stage = Stage::Leaving(now + PARTING_TIME);
            reader.outbox.limit_to(self.log.end());
            self.told.push(client);
        }
        ending
    }

    /// Everybody leaves, once they have what is pending now, or at `until`.
    pub fn dismiss_all(&mut self, until: Instant) {
        let end = self.log.end();
        for (client, reader) in &mut self.readers {
            if let Stage::Held | Stage::Here = reader.stage {
                reader.stage = Stage::Leaving(until);
                reader.outbox.limit_to(end);
                self.told.push(*client);
            }
        }
        self.readers
            .retain(|_, reader| !matches!(reader.stage, Stage::Dead(_)));
    }

    /// Everybody to whom something may still be written.
    #[must_use]
    pub fn clients(&self) -> Vec<ClientId> {
        self.readers.keys().copied().collect()
    }

    /// Takes nothing more from the client. Answers whether its thread still passes something on.
    #[must_use]
    pub fn stop(&self, client: ClientId) -> Held {
        let reader = self.readers.get(&client);
        reader.map_or(Held::PerhapsLines, |reader| reader.wire.stop())
    }

    /// Whether the broadcaster may take more from the channel.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.flow, Flow::Open)
    }

    /// When [`Self::flush`] is due again, if nothing happens before.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        self.retries.first().map(|(at, _)| *at)
    }

    /// Sends everybody what is pending, as far as their sockets take it, and looks after those who
    /// are slow.
    pub fn flush(&mut self, now: Instant) {
        let mut round = Round {
            end: self.log.end(),
            log: &mut self.log,
            retries: &mut self.retries,
            limits: self.limits,
            now,
        };
        let told = mem::take(&mut self.told);
        self.told_bytes = 0;
        for client in told {
            send_to(&mut self.readers, client, &mut round);
        }
        if round.end != self.flushed {
            self.flushed = round.end;
            self.readers.retain(|_, reader| {
                reader.is_waiting() || reader.send(&mut round) == Outcome::Stays
            });
        }
        while let Some((_, client)) = round.retries.first().copied().filter(|(at, _)| *at <= now) {
            send_again(&mut self.readers, client, &mut round);
        }
        self.review(now);
    }

    /// Forgets what nobody needs, and looks whether somebody has left more unread than they may.
    fn review(&mut self, now: Instant) {
        if self.retries.is_empty() {
            self.log.forget_all();
            self.flow = Flow::Open;
            self.next_review = 0;
        } else if let Flow::Paused(..) = self.flow {
            self.review_pause(now);
        } else if self.log.bytes() > self.next_review {
            self.review_log(now);
        }
    }

    /// Looking at everybody who is slow is not done for every batch, but each time the log has
    /// grown by a 16th.
    fn review_log(&mut self, now: Instant) {
        self.forget_what_nobody_needs();
        self.next_review = self.log.bytes() + self.limits.most / 16;
        if self.log.bytes() <= self.limits.most {
            return;
        }
        let too_far_behind = self
            .slow_clients()
            .filter(|client| self.backlog(*client) > self.limits.most);
        let too_far_behind = too_far_behind.collect::<Vec<_>>();
        let (leaving, waited_for) = too_far_behind
            .into_iter()
            .partition::<Vec<_>, _>(|client| self.is_leaving(*client));
        for client in leaving {
            self.let_go(client);
        }
        self.flow = Flow::Paused(now, waited_for);
        self.review_pause(now);
    }

    /// Lets go those for whom nobody waits any longer, and goes on when there is nobody to wait
    /// for.
    fn review_pause(&mut self, now: Instant) {
        let Flow::Paused(since, waited_for) = mem::replace(&mut self.flow, Flow::Open) else {
            return;
        };
        let is_over = now.saturating_duration_since(since) >= self.limits.patience;
        let mut still_waited_for = Vec::new();
        for client in waited_for {
            if self.backlog(client) < self.limits.most / 2 {
                continue;
            }
            let Some(reader) = self.readers.get_mut(&client) else {
                continue;
            };
            if reader.is_too_slow(self.limits, now) {
                self.let_go(client);
            } else if !is_over {
                still_waited_for.push(client);
            }
        }
        if still_waited_for.is_empty() {
            self.forget_what_nobody_needs();
            self.next_review = self.log.bytes();
        } else {
            self.flow = Flow::Paused(since, still_waited_for);
        }
    }

    fn forget_what_nobody_needs(&mut self) {
        let readers = self
            .slow_clients()
            .filter_map(|client| self.readers.get(&client));
        match readers.map(|reader| reader.outbox.cursor().position).min() {
            Some(position) => self.log.forget_before(position),
            None => self.log.forget_all(),
        }
    }

    fn slow_clients(&self) -> impl Iterator<Item = ClientId> {
        self.retries.iter().map(|(_, client)| *client)
    }

    fn backlog(&self, client: ClientId) -> u64 {
        let reader = self
            .readers
            .get(&client)
            .filter(|reader| reader.is_waiting());
        reader.map_or(0, |reader| self.log.bytes_after(reader.outbox.cursor()))
    }

    fn is_leaving(&self, client: ClientId) -> bool {
        let reader = self.readers.get(&client);
        reader.is_some_and(|reader| matches!(reader.stage, Stage::Leaving(_)))
    }

    fn let_go(&mut self, client: ClientId) {
        let end = self.log.end();
        let Some(reader) = self.readers.get_mut(&client) else {
            return;
        };
        if let Stage::Leaving(_) = reader.stage {
            reader.wire.hang_up();
            self.remove(client);
        } else {
            reader.die(Ending::TooSlow, end, &mut self.retries);
        }
    }

    fn remove(&mut self, client: ClientId) {
        if let Some(mut reader) = self.readers.remove(&client) {
            reader.stop_waiting(&mut self.retries);
        }
    }
}

/// Sends to a client that was told something, unless its socket is known to be full. If it was told
/// too much, it is tried all the same, so that nobody is let go who would have taken it.
fn send_to(readers: &mut BTreeMap<ClientId, Reader>, client: ClientId, round: &mut Round<'_>) {
    if let Some(reader) = readers.get_mut(&client)
        && (!reader.is_waiting() || reader.outbox.private_bytes() > PRIVATE_BYTES)
        && reader.send(round) == Outcome::Gone
    {
        readers.remove(&client);
    }
}

/// Sends to a client whose socket was full when it was last tried.
fn send_again(readers: &mut BTreeMap<ClientId, Reader>, client: ClientId, round: &mut Round<'_>) {
    if let Some(reader) = readers.get_mut(&client)
        && reader.send(round) == Outcome::Gone
    {
        readers.remove(&client);
    }
}

//! Those whom an event has ended, as a kick does: their threads know nothing of it yet.
//!
//! A thread notices when its connection is finished and the client closes or sends something. A
//! silent client has a second for that.

use crate::event::ClientId;
use crate::wire::Wire;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a client may take to close its side after the server has closed its own: as long as
/// one that has left by itself (`client/lingering.rs`).
const CLOSING_TIME: Duration = Duration::from_secs(1);

#[derive(Default)]
pub struct Ended {
    /// Until their last event comes.
    wires: BTreeMap<ClientId, Arc<dyn Wire>>,
    /// Those to whom everything was written, and until when they may close.
    closing: BTreeSet<(Instant, ClientId)>,
}

impl Ended {
    #[cfg(feature = "data")]
    pub fn add(&mut self, client: ClientId, wire: Arc<dyn Wire>) {
        self.wires.insert(client, wire);
    }

    /// Everything was written to a client, which may be one of them.
    pub fn finished(&mut self, client: ClientId, now: Instant) {
        if self.wires.contains_key(&client) {
            self.closing.insert((now + CLOSING_TIME, client));
        }
    }

    /// A client's last event has come.
    pub fn heard(&mut self, client: ClientId) {
        self.wires.remove(&client);
    }

    pub fn next_due(&self) -> Option<Instant> {
        self.closing.first().map(|(until, _)| *until)
    }

    /// Has the threads notice whose clients are still silent.
    pub fn close_due(&mut self, now: Instant) {
        while let Some((until, client)) = self.closing.first().copied()
            && until <= now
        {
            self.closing.pop_first();
            if let Some(wire) = self.wires.get(&client) {
                wire.end_reading();
            }
        }
    }
}

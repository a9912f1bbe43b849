//! Whom is written to: those who keep up, and apart from them those whose sockets are full.

use crate::delivery::outbox::Outbox;
use crate::event::ClientId;
use crate::wire::Wire;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// Somebody to whom something is written.
pub struct Recipient {
    /// How.
    pub wire: Arc<dyn Wire>,
    /// What they have still to read.
    pub outbox: Outbox,
    /// Until when what is pending is written to somebody who has left.
    pub leaving: Option<Instant>,
}

/// All of them. Those who are full are in a list of their own, so that they cost nothing while they
/// are.
#[derive(Default)]
pub struct Recipients {
    keeping_up: BTreeMap<ClientId, Box<Recipient>>,
    full: BTreeMap<ClientId, Box<Recipient>>,
}

impl Recipients {
    /// Adds one, who keeps up.
    pub fn insert(&mut self, client: ClientId, recipient: Recipient) {
        self.keeping_up.insert(client, Box::new(recipient));
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.keeping_up.is_empty() && self.full.is_empty()
    }

    /// One of them.
    pub fn get_mut(&mut self, client: ClientId) -> Option<&mut Recipient> {
        let full = &mut self.full;
        let recipient = self.keeping_up.get_mut(&client);
        recipient
            .or_else(|| full.get_mut(&client))
            .map(AsMut::as_mut)
    }

    /// One of them, if its socket is not full.
    pub fn get_keeping_up(&mut self, client: ClientId) -> Option<&mut Recipient> {
        self.keeping_up.get_mut(&client).map(AsMut::as_mut)
    }

    /// Takes one away.
    pub fn remove(&mut self, client: ClientId) -> Option<Box<Recipient>> {
        let recipient = self.keeping_up.remove(&client);
        recipient.or_else(|| self.full.remove(&client))
    }

    /// Those who keep up.
    pub fn keeping_up(&mut self) -> impl Iterator<Item = (ClientId, &mut Recipient)> {
        let all = self.keeping_up.iter_mut();
        all.map(|(client, recipient)| (*client, recipient.as_mut()))
    }

    /// Those whose sockets are full.
    pub fn full(&self) -> impl Iterator<Item = (ClientId, &Recipient)> {
        let all = self.full.iter();
        all.map(|(client, recipient)| (*client, recipient.as_ref()))
    }

    /// Everybody.
    pub fn all(&mut self) -> impl Iterator<Item = (ClientId, &mut Recipient)> {
        let all = self.keeping_up.iter_mut().chain(&mut self.full);
        all.map(|(client, recipient)| (*client, recipient.as_mut()))
    }

    /// Whether somebody's socket is full.
    pub fn is_any_full(&self) -> bool {
        !self.full.is_empty()
    }

    /// Whether this client's socket is full.
    pub fn is_full(&self, client: ClientId) -> bool {
        self.full.contains_key(&client)
    }

    /// Somebody's socket has become full.
    pub fn fill(&mut self, client: ClientId) {
        if let Some(recipient) = self.keeping_up.remove(&client) {
            self.full.insert(client, recipient);
        }
    }

    /// The kernel says that a socket has room again.
    pub fn drain(&mut self, client: ClientId) {
        if let Some(recipient) = self.full.remove(&client) {
            self.keeping_up.insert(client, recipient);
        }
    }
}

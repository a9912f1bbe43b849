//! How long a connection may be silent or deaf.

use crate::client::connection::Connection;
use crate::config::SilenceLimits;
use std::time::Instant;

/// Watches over one connection's silence.
pub struct Silence {
    limits: SilenceLimits,
    /// When the client last sent a byte, or last waited for its rate or for room with what it had sent.
    pub heard: Instant,
    /// When the connection was last looked at.
    watched: Instant,
}

impl Silence {
    /// Nothing has been heard yet.
    pub fn new(limits: SilenceLimits, now: Instant) -> Self {
        Self {
            limits,
            heard: now,
            watched: now,
        }
    }

    /// Looks after the connection if it is time to. Returns when it is next, or nothing if the client
    /// has been silent for longer than it may.
    pub fn watch(&mut self, connection: &Connection, now: Instant) -> Option<Instant> {
        let idle = self.limits.idle.map(|idle| self.heard + idle);
        if idle.is_some_and(|idle| idle <= now) {
            return None;
        }
        let interval = self.limits.keepalive / 6;
        if now >= self.watched + interval {
            self.watched = now;
            // A socket on which this fails says why at the read.
            let _ = connection.choose_user_timeout();
        }
        let watch = self.watched + interval;
        Some(idle.map_or(watch, |idle| idle.min(watch)))
    }
}

//! How long a connection may be silent or deaf.

use crate::client::connection::Connection;
use crate::config::SilenceLimits;
use std::time::{Duration, Instant};

/// Watches over one connection's silence.
pub struct Silence {
    limits: SilenceLimits,
    /// When the client last sent a byte, or last waited with what it had sent.
    heard: Instant,
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

    /// The client is not silent: it sends, or what it sent waits for its rate or for the room.
    pub fn break_at(&mut self, now: Instant) {
        self.heard = now;
    }

    /// Whether the client has been silent for longer than it may.
    pub fn is_too_long(&self, now: Instant) -> bool {
        let silent = now.saturating_duration_since(self.heard);
        self.limits.idle.is_some_and(|idle| silent >= idle)
    }

    /// Looks after the connection if it is time to, and returns when it is next.
    pub fn watch(&mut self, connection: &Connection, now: Instant) -> Instant {
        let interval = self.limits.keepalive / 6;
        if now >= self.watched + interval {
            self.watched = now;
            self.choose_user_timeout(connection);
        }
        let watch = self.watched + interval;
        let idle = self.limits.idle.map(|idle| self.heard + idle);
        idle.map_or(watch, |idle| idle.min(watch))
    }

    /// A host that is gone is to be noticed soon, but one that only takes nothing has longer. The
    /// kernel has one limit for both (`TCP_USER_TIMEOUT` overrides the number of keepalive probes,
    /// tcp(7)), so it is set to the one that matters now.
    fn choose_user_timeout(&self, connection: &Connection) {
        let timeout = match connection.has_unsent() {
            Ok(true) => self.limits.user_timeout,
            Ok(false) => quiet_timeout(self.limits),
            Err(_) => return,
        };
        // A socket on which this fails says why at the read.
        let _ = connection.set_user_timeout(timeout);
    }
}

/// For how long a silent host is waited for while nothing is pending: less than `--keepalive`, by
/// the one probe that the kernel may be late.
#[must_use]
pub fn quiet_timeout(limits: SilenceLimits) -> Duration {
    limits.keepalive * 11 / 12
}

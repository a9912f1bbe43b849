//! How long the others wait for somebody who reads too slowly.
//!
//! Whoever is full and has left more than half of `--max-backlog` unread brings pressure, until
//! nobody is more than a quarter behind, and for `--patience` at most. Meanwhile all who send share
//! what a reader at the promised pace takes (`pressure.rs`), so such a reader has caught up in
//! time.

use crate::config::BacklogLimits;
use crate::pressure::Pressure;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often those who are waited for are looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

pub struct Patience {
    limits: BacklogLimits,
    pressure: Arc<Pressure>,
    since: Option<Instant>,
    /// When, and at which cost of everything logged, to look next.
    next_look: Instant,
    next_look_cost: u64,
}

impl Patience {
    pub fn new(limits: BacklogLimits, pressure: Arc<Pressure>, now: Instant) -> Self {
        Self {
            limits,
            pressure,
            since: None,
            next_look: now,
            next_look_cost: 0,
        }
    }

    /// The most that the log may hold, as a cost.
    pub fn most_kept(&self) -> u64 {
        self.limits.most.saturating_mul(2)
    }

    /// Whether somebody who is so far behind has to be waited for, once there is pressure.
    pub fn is_far(&self, behind: u64) -> bool {
        behind > self.limits.most / 4
    }

    /// When it is looked again, if nothing more is logged.
    pub fn next_due(&self) -> Option<Instant> {
        self.since.map(|_| self.next_look)
    }

    /// Whether it is time to look at everybody who is full: whenever the log has grown by a
    /// sixteenth of `--max-backlog`, and under pressure every few milliseconds.
    pub fn look_if_due(&mut self, logged: u64, now: Instant) -> bool {
        let is_due = logged >= self.next_look_cost || self.since.is_some() && now >= self.next_look;
        if is_due {
            self.next_look_cost = logged + self.limits.most / 16;
            self.next_look = now + LOOK_INTERVAL;
        }
        is_due
    }

    /// Begins and ends pressure, if the furthest behind of those who are full is so far behind.
    /// Returns whether the patience is over with those who are [far](Self::is_far) behind.
    pub fn judge(&mut self, furthest: u64, now: Instant) -> bool {
        let (is_on, is_over) = match self.since {
            None => (furthest > self.limits.most / 2, false),
            Some(_) if !self.is_far(furthest) => (false, false),
            Some(since) => {
                let is_over = now.saturating_duration_since(since) >= self.limits.patience;
                (!is_over, is_over)
            }
        };
        if is_on != self.since.is_some() {
            self.since = is_on.then_some(now);
            self.pressure.set(is_on);
            let state = if is_on {
                "a slow reader is waited for"
            } else {
                "over"
            };
            log::debug!(target: "chatd::pressure", "pressure: {state}");
        }
        is_over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: BacklogLimits = BacklogLimits {
        most: 1 << 20,
        patience: Duration::from_secs(1),
    };

    fn patience(now: Instant) -> (Arc<Pressure>, Patience) {
        let pressure = Arc::new(Pressure::new(LIMITS));
        let patience = Patience::new(LIMITS, Arc::clone(&pressure), now);
        (pressure, patience)
    }

    #[test]
    fn pressure_begins_at_more_than_half_and_ends_at_a_quarter() {
        let now = Instant::now();
        let (pressure, mut patience) = patience(now);
        for (furthest, is_on) in [
            (LIMITS.most / 2, false),
            (LIMITS.most / 2 + 1, true),
            (LIMITS.most / 4 + 1, true),
            (LIMITS.most / 4, false),
            (LIMITS.most / 2, false),
        ] {
            assert!(!patience.judge(furthest, now));
            assert_eq!(pressure.share().is_some(), is_on, "{furthest}");
        }
    }

    #[test]
    fn it_lasts_for_the_patience_at_most_and_then_those_who_are_far_behind_go() {
        let now = Instant::now();
        let (pressure, mut patience) = patience(now);
        patience.judge(LIMITS.most, now);
        let end = now + LIMITS.patience;
        let before = end - Duration::from_millis(1);
        assert!(!patience.judge(LIMITS.most / 4 + 1, before));
        assert!(patience.judge(LIMITS.most / 4 + 1, end));
        assert_eq!(pressure.share(), None);
    }

    #[test]
    fn it_is_looked_whenever_the_log_has_grown_by_a_sixteenth() {
        let now = Instant::now();
        let (_, mut patience) = patience(now);
        let sixteenth = LIMITS.most / 16;
        assert!(patience.look_if_due(0, now));
        assert!(!patience.look_if_due(sixteenth - 1, now + LIMITS.patience));
        assert!(patience.look_if_due(sixteenth, now));
        patience.judge(LIMITS.most, now);
        assert!(!patience.look_if_due(sixteenth, now));
        assert!(patience.look_if_due(sixteenth, now + LOOK_INTERVAL));
    }
}

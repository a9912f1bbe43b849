//! The time, handed to whoever needs it, and how people read it.

use jiff::Timestamp;
use std::time::{Duration, Instant};

/// The time, by both clocks.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// For what is due.
    pub instant: Instant,
    /// For people.
    pub time: Timestamp,
}

impl Clock {
    /// The time now.
    pub fn now() -> Self {
        Self {
            instant: Instant::now(),
            time: Timestamp::now(),
        }
    }

    /// How long ago something was; nothing if that is still to come.
    pub fn since(&self, then: Instant) -> Duration {
        self.instant.saturating_duration_since(then)
    }
}

/// A moment as people read it, in UTC: `2026-11-21 14:03Z`. Where it is [today's](show_day) they
/// read no date.
pub fn show_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%MZ").to_string()
}

/// A day as [`show_time`] begins with it.
pub fn show_day(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d ").to_string()
}

//! The time, handed to whoever needs it, and how people read it.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::fmt;
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
    #[must_use]
    pub fn now() -> Self {
        Self {
            instant: Instant::now(),
            time: Timestamp::now(),
        }
    }

    /// How long ago something was; nothing if that is still to come.
    #[must_use]
    pub fn since(&self, then: Instant) -> Duration {
        self.instant.saturating_duration_since(then)
    }
}

/// A moment as people read it, in UTC: `14:03Z`, with the date before it where it is not today's.
#[derive(Debug, Clone, Copy)]
pub struct When {
    then: DateTime,
    today: DateTime,
}

impl When {
    /// `then`, seen from `now`.
    #[must_use]
    pub fn new(then: Timestamp, now: Timestamp) -> Self {
        let [then, today] = [then, now].map(|time| TimeZone::UTC.to_datetime(time));
        Self { then, today }
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.then.date() != self.today.date() {
            write!(f, "{} ", self.then.date())?;
        }
        write!(f, "{:02}:{:02}Z", self.then.hour(), self.then.minute())
    }
}

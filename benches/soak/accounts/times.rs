//! How long something took each time.

use std::fmt;
use std::time::{Duration, Instant};

/// In the order in which it was done.
#[derive(Default)]
pub struct Times(Vec<Duration>);

impl Times {
    /// Does something, and adds how long that took.
    pub fn add<T>(&mut self, what: impl FnOnce() -> T) -> T {
        let begin = Instant::now();
        let outcome = what();
        self.0.push(begin.elapsed());
        outcome
    }

    /// The middle one.
    pub fn median(&self) -> Duration {
        let mut times = self.0.clone();
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or_default()
    }

    /// The longest.
    pub fn longest(&self) -> Duration {
        self.0.iter().max().copied().unwrap_or_default()
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, median, longest) = (self.0.len(), self.median(), self.longest());
        write!(f, "{count}, median {median:.1?}, longest {longest:.1?}")
    }
}

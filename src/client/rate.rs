//! How fast one client may send: a token bucket that goes into debt, so that nothing is ever
//! dropped.

use std::time::{Duration, Instant};

/// How many seconds' worth of bytes may come at once.
const BURST_SECONDS: f64 = 4.0;

/// The shortest wait. Below it a client that sends a little too fast would be put to sleep for
/// every line.
const SHORTEST_WAIT: Duration = Duration::from_millis(10);

/// A token bucket: it fills with `rate` bytes a second, up to four seconds' worth, and may be
/// overdrawn by one line.
#[derive(Debug)]
pub struct TokenBucket {
    /// Bytes per second; 0 means that nothing is counted.
    rate: f64,
    /// Bytes that may be sent now; negative while in debt.
    tokens: f64,
    filled_at: Instant,
}

impl TokenBucket {
    /// A full bucket for `rate` bytes per second; 0 means no limit.
    #[must_use]
    pub fn new(rate: u64, now: Instant) -> Self {
        let rate = rate as f64;
        Self {
            rate,
            tokens: rate * BURST_SECONDS,
            filled_at: now,
        }
    }

    /// Puts in what has come since the last time. To be called before what was just read is
    /// charged: what comes at once is then measured against one full bucket.
    pub fn fill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.filled_at).as_secs_f64();
        self.filled_at = now;
        self.tokens = (self.tokens + passed * self.rate).min(self.rate * BURST_SECONDS);
    }

    /// Takes `bytes` out, into debt if need be.
    pub fn charge(&mut self, bytes: usize) {
        self.tokens -= bytes as f64;
    }

    /// How long to wait before more may be taken out; `None` if that is now.
    #[must_use]
    pub fn debt(&self) -> Option<Duration> {
        if self.rate == 0.0 || self.tokens >= 0.0 {
            return None;
        }
        let wait = Duration::try_from_secs_f64(-self.tokens / self.rate).unwrap_or(Duration::MAX);
        Some(wait.max(SHORTEST_WAIT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_times_the_rate_may_come_at_once() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(1000, start);
        bucket.fill(start + Duration::from_secs(60));
        bucket.charge(4000);
        assert_eq!(bucket.debt(), None);
        bucket.charge(1);
        assert_eq!(bucket.debt(), Some(SHORTEST_WAIT));
    }

    #[test]
    fn a_debt_is_paid_by_waiting_as_long_as_it_says() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(1000, start);
        bucket.charge(6000);
        let wait = bucket.debt().unwrap();
        assert_eq!(wait, Duration::from_secs(2));
        bucket.fill(start + wait);
        assert_eq!(bucket.debt(), None);
    }

    #[test]
    fn a_rate_of_0_means_no_limit() {
        let mut bucket = TokenBucket::new(0, Instant::now());
        bucket.charge(usize::MAX);
        assert_eq!(bucket.debt(), None);
    }
}

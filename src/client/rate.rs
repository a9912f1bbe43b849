//! How fast one client may send: what it sends has a cost, and passes when that has been saved up.
//! Nothing is ever dropped.

use crate::pressure::{COUNTED_TIME, Pressure};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How many seconds' worth of the rate may be saved up.
const SAVED_SECONDS: f64 = 4.0;

/// What a request to the server costs.
pub const REQUEST_COST: u64 = 1 << 10;

/// A token bucket (RFC 2475, section 2.3.3.1) that fills by its client's rate, or by its share of
/// what a slow reader takes.
#[derive(Debug)]
pub struct Rate {
    /// Cost per second; 0 means no limit.
    own: f64,
    pressure: Arc<Pressure>,
    saved: f64,
    filled_at: Instant,
    is_under_pressure: bool,
    /// Until when the client counts among those who send.
    counted_until: Option<Instant>,
}

/// How long to wait before something may pass.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Delay {
    /// Not at all.
    None,
    /// Exactly so long.
    Exactly(Duration),
    /// Nobody knows, because that depends on others.
    Unknown,
}

impl Rate {
    /// A full bucket for so much cost per second; 0 means no limit.
    pub fn new(rate: u64, pressure: Arc<Pressure>, now: Instant) -> Self {
        let rate = rate as f64;
        Self {
            own: rate,
            pressure,
            saved: rate * SAVED_SECONDS,
            filled_at: now,
            is_under_pressure: false,
            counted_until: None,
        }
    }

    /// What may pass now.
    pub fn allowance(&mut self, now: Instant) -> u64 {
        self.fill(0, now);
        // What is less than nothing is nothing.
        #[allow(clippy::cast_sign_loss)]
        let saved = self.saved as u64;
        saved
    }

    /// How long something of this cost has to wait. Its client counts as one who sends.
    pub fn delay(&mut self, cost: u64, now: Instant) -> Delay {
        if self.counted_until.is_none() {
            self.pressure.count_in();
        }
        self.counted_until = Some(now + COUNTED_TIME);
        let rate = self.fill(cost, now);
        let missing = cost as f64 - self.saved;
        if missing <= 0.0 {
            Delay::None
        } else if self.is_under_pressure {
            Delay::Unknown
        } else {
            let wait = Duration::try_from_secs_f64(missing / rate).unwrap_or(Duration::MAX);
            // Never none at all, by rounding.
            Delay::Exactly(wait.max(Duration::from_micros(1)))
        }
    }

    /// Something of this cost has passed.
    pub fn spend(&mut self, cost: u64) {
        if self.own > 0.0 || self.is_under_pressure {
            self.saved -= cost as f64;
        }
    }

    /// Puts in what has come since the last time, up to what may be saved up or what waits to pass,
    /// if that is more. Returns the rate.
    fn fill(&mut self, waiting: u64, now: Instant) -> f64 {
        let passed = now.saturating_duration_since(self.filled_at).as_secs_f64();
        self.filled_at = now;
        let share = self.pressure.share();
        let was_under_pressure = self.is_under_pressure;
        self.is_under_pressure = share.is_some();
        if let Some(share) = share {
            let savings = share.savings as f64;
            if !was_under_pressure {
                // Also for a long line that waits: else each client would pass one at once.
                self.saved = self.saved.min(savings);
                return share.rate;
            }
            let rate = if self.own > 0.0 {
                share.rate.min(self.own)
            } else {
                share.rate
            };
            self.saved = (self.saved + passed * rate).min(savings.max(waiting as f64));
            rate
        } else if self.own == 0.0 {
            self.saved = f64::INFINITY;
            self.own
        } else {
            let most = (self.own * SAVED_SECONDS).max(waiting as f64);
            self.saved = (self.saved + passed * self.own).min(most);
            self.own
        }
    }

    /// When the client no longer counts among those who send, if it sends nothing until then.
    pub fn counted_until(&self) -> Option<Instant> {
        self.counted_until
    }

    /// Takes the client out of the count if it has sent nothing for long enough.
    pub fn count_out_if_silent(&mut self, now: Instant) {
        if self.counted_until.is_some_and(|until| until <= now) {
            self.counted_until = None;
            self.pressure.count_out();
        }
    }
}

impl Drop for Rate {
    fn drop(&mut self) {
        if self.counted_until.is_some() {
            self.pressure.count_out();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::BacklogLimits;

    fn pressure() -> Arc<Pressure> {
        Arc::new(Pressure::new(BacklogLimits {
            most: 1 << 20,
            patience: Duration::from_secs(1),
        }))
    }

    #[test]
    fn four_times_the_rate_may_come_at_once_and_then_each_waits_for_what_it_costs() {
        let start = Instant::now();
        let mut rate = Rate::new(1000, pressure(), start);
        let now = start + Duration::from_secs(60);
        assert_eq!(rate.allowance(now), 4000);
        assert_eq!(rate.delay(4000, now), Delay::None);
        rate.spend(4000);
        let wait = Duration::from_millis(500);
        assert_eq!(rate.delay(500, now), Delay::Exactly(wait));
        assert_eq!(rate.delay(500, now + wait), Delay::None);
    }

    #[test]
    fn what_costs_more_than_can_be_saved_up_passes_all_the_same() {
        let start = Instant::now();
        let mut rate = Rate::new(1000, pressure(), start);
        let wait = Duration::from_secs(2);
        assert_eq!(rate.delay(6000, start), Delay::Exactly(wait));
        assert_eq!(rate.delay(6000, start + wait), Delay::None);
    }

    #[test]
    fn a_rate_of_0_means_no_limit() {
        let start = Instant::now();
        let mut rate = Rate::new(0, pressure(), start);
        assert_eq!(rate.delay(u64::MAX, start), Delay::None);
        rate.spend(u64::MAX);
        assert_eq!(rate.delay(1, start), Delay::None);
    }

    #[test]
    fn under_pressure_savings_are_cut_and_a_long_line_waits_until_it_is_saved_up() {
        for own in [0, 1 << 20] {
            let (start, pressure) = (Instant::now(), pressure());
            let mut rate = Rate::new(own, Arc::clone(&pressure), start);
            assert_eq!(rate.delay(1, start), Delay::None);
            pressure.set(true);
            // An eighth of the backlog per second, and 16 KiB saved.
            let line = (16 << 10) + (128 << 10);
            assert_eq!(rate.delay(line, start), Delay::Unknown);
            assert_eq!(rate.allowance(start), 16 << 10);
            let later = start + Duration::from_millis(999);
            assert_eq!(rate.delay(line, later), Delay::Unknown);
            let later = start + Duration::from_secs(1);
            assert_eq!(rate.delay(line, later), Delay::None);
            rate.spend(line);
            assert_eq!(rate.allowance(later), 0);
        }
    }

    #[test]
    fn who_sends_counts_for_a_second_more() {
        let (start, pressure) = (Instant::now(), pressure());
        pressure.set(true);
        let alone = pressure.share();
        let mut rates = [(); 2].map(|()| Rate::new(0, Arc::clone(&pressure), start));
        for rate in &mut rates {
            rate.delay(1, start);
        }
        assert_ne!(pressure.share(), alone);
        let [mut first, second] = rates;
        first.count_out_if_silent(start + COUNTED_TIME - Duration::from_millis(1));
        assert_ne!(pressure.share(), alone);
        first.count_out_if_silent(start + COUNTED_TIME);
        assert_eq!(pressure.share(), alone);
        drop((first, second));
        assert_eq!(pressure.senders(), 0);
    }
}

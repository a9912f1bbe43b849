//! How fast one client may send: what it sends has a cost, and passes when that has been saved up.
//! Nothing is ever dropped.

use crate::counted::Counted;
use crate::pressure::{COUNTED_TIME, Pressure};
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How many seconds' worth of the rate may be saved up.
const SAVED_SECONDS: f64 = 4.0;

/// How many seconds something waits at least: a crowd that woke for each line would leave no time
/// to the broadcaster. What has been saved up then passes at once.
const SHORTEST_WAIT: f64 = 0.02;
/// A year: nothing waits longer, since the clock does not go on for ever.
const LONGEST_WAIT: f64 = 365.0 * 86_400.0;

/// A token bucket (RFC 2475, section 2.3.3.1) that fills by its client's rate, or by its share of
/// what a slow reader takes.
pub struct Rate {
    /// Cost per second; infinite if there is no limit.
    own: f64,
    pressure: Arc<Pressure>,
    saved: f64,
    filled_at: Instant,
    is_under_pressure: bool,
    /// The client among those who send, and until when it counts.
    sender: Option<(Counted, Instant)>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Delay {
    Until(Instant),
    /// For what others do: it is tried again.
    ForOthers,
}

impl Rate {
    /// A full bucket for so much cost per second; 0 means no limit.
    pub fn new(rate: u64, pressure: Arc<Pressure>, now: Instant) -> Self {
        let own = if rate == 0 {
            f64::INFINITY
        } else {
            rate as f64
        };
        Self {
            own,
            pressure,
            saved: own * SAVED_SECONDS,
            filled_at: now,
            is_under_pressure: false,
            sender: None,
        }
    }

    pub fn allowance(&mut self, now: Instant) -> u64 {
        self.fill(0, now);
        // What is less than nothing is nothing.
        #[allow(clippy::cast_sign_loss)]
        let saved = self.saved as u64;
        saved
    }

    /// What something of this cost has to wait for. Its client counts as one who sends.
    pub fn delay(&mut self, cost: u64, now: Instant) -> Option<Delay> {
        let counted = self.sender.take().map(|(counted, _)| counted);
        let counted = counted.unwrap_or_else(|| self.pressure.senders.one_more());
        self.sender = Some((counted, now + COUNTED_TIME));
        let rate = self.fill(cost, now);
        let missing = cost as f64 - self.saved;
        if missing <= 0.0 {
            None
        } else if self.is_under_pressure {
            Some(Delay::ForOthers)
        } else {
            let wait = (missing / rate).clamp(SHORTEST_WAIT, LONGEST_WAIT);
            Some(Delay::Until(now + Duration::from_secs_f64(wait)))
        }
    }

    pub fn spend(&mut self, cost: u64) {
        self.saved -= cost as f64;
    }

    /// Puts in what has come since the last time, up to what may be saved up or what waits to pass,
    /// if that is more. Returns the rate.
    fn fill(&mut self, waiting: u64, now: Instant) -> f64 {
        let passed = now.saturating_duration_since(self.filled_at).as_secs_f64();
        self.filled_at = now;
        let share = self.pressure.share();
        let was_under_pressure = mem::replace(&mut self.is_under_pressure, share.is_some());
        let (rate, savings) = match share {
            Some(share) => (
                self.own.min(share.rate),
                (share.savings as f64).min(self.own * SAVED_SECONDS),
            ),
            None => (self.own, self.own * SAVED_SECONDS),
        };
        self.saved = if self.is_under_pressure && !was_under_pressure {
            // Also for a long line that waits: else each client would pass one at once.
            self.saved.min(savings)
        } else {
            // Without a limit this may be no number (no time, but an infinite rate), and then `min`
            // returns the other one, which is infinite.
            (self.saved + passed * rate).min(savings.max(waiting as f64))
        };
        rate
    }

    /// Until when the client counts among those who send, if it does and sends nothing before.
    pub fn counted_until(&mut self, now: Instant) -> Option<Instant> {
        self.sender = self.sender.take().filter(|(_, until)| now < *until);
        self.sender.as_ref().map(|(_, until)| *until)
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
        assert_eq!(rate.delay(4000, now), None);
        rate.spend(4000);
        let wait = Duration::from_millis(500);
        assert_eq!(rate.delay(500, now), Some(Delay::Until(now + wait)));
        assert_eq!(rate.delay(500, now + wait), None);
    }

    #[test]
    fn what_costs_more_than_can_be_saved_up_passes_all_the_same() {
        let start = Instant::now();
        let mut rate = Rate::new(1000, pressure(), start);
        let wait = Duration::from_secs(2);
        assert_eq!(rate.delay(6000, start), Some(Delay::Until(start + wait)));
        assert_eq!(rate.delay(6000, start + wait), None);
    }

    #[test]
    fn a_rate_of_0_means_no_limit() {
        let start = Instant::now();
        let mut rate = Rate::new(0, pressure(), start);
        assert_eq!(rate.delay(u64::MAX, start), None);
        rate.spend(u64::MAX);
        assert_eq!(rate.delay(1, start), None);
    }

    #[test]
    fn under_pressure_savings_are_cut_and_a_long_line_waits_until_it_is_saved_up() {
        for own in [0, 1 << 20] {
            let (start, pressure) = (Instant::now(), pressure());
            let mut rate = Rate::new(own, Arc::clone(&pressure), start);
            assert_eq!(rate.delay(1, start), None);
            pressure.set(true);
            // An eighth of the backlog per second, and 16 KiB saved.
            let line = (16 << 10) + (128 << 10);
            assert_eq!(rate.delay(line, start), Some(Delay::ForOthers));
            assert_eq!(rate.allowance(start), 16 << 10);
            let later = start + Duration::from_millis(999);
            assert_eq!(rate.delay(line, later), Some(Delay::ForOthers));
            let later = start + Duration::from_secs(1);
            assert_eq!(rate.delay(line, later), None);
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
        first.counted_until(start + COUNTED_TIME - Duration::from_millis(1));
        assert_ne!(pressure.share(), alone);
        first.counted_until(start + COUNTED_TIME);
        assert_eq!(pressure.share(), alone);
        drop((first, second));
        assert_eq!(pressure.senders.get(), 0);
    }
}

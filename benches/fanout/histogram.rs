//! Delays, millions of them, in little room: each is kept to within 1/64 of its size.

use std::time::Duration;

/// The buckets between a power of two and the next, as a power of two.
const FINENESS: u32 = 6;

/// How many delays there were of each size.
pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    longest: Duration,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            buckets: vec![0; bucket(u64::MAX) + 1],
            count: 0,
            longest: Duration::ZERO,
        }
    }
}

impl Histogram {
    /// Adds `count` delays of the same size.
    pub fn add(&mut self, delay: Duration, count: u64) {
        self.buckets[bucket(u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX))] += count;
        self.count += count;
        self.longest = self.longest.max(delay);
    }

    /// The delay that this share of all delays, from 0 to 1, does not exceed.
    pub fn quantile(&self, share: f64) -> Duration {
        let mut left = self.count as f64 * share;
        for (bucket, &count) in self.buckets.iter().enumerate() {
            left -= count as f64;
            if count > 0 && left <= 0.0 {
                return Duration::from_nanos(upper_bound(bucket)).min(self.longest);
            }
        }
        self.longest
    }

    /// The longest delay, exactly.
    pub fn longest(&self) -> Duration {
        self.longest
    }
}

fn bucket(nanoseconds: u64) -> usize {
    let at_least = nanoseconds.max(1 << FINENESS);
    let power = at_least.ilog2() - FINENESS;
    ((power as usize) << FINENESS) + (at_least >> power) as usize - (1 << FINENESS)
}

fn upper_bound(bucket: usize) -> u64 {
    let power = bucket >> FINENESS;
    (((bucket & ((1 << FINENESS) - 1)) as u64 + (1 << FINENESS) + 1) << power) - 1
}

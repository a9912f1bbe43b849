//! How fast a slow client reads: whether the others wait for it.

use crate::config::BacklogLimits;
use std::time::{Duration, Instant};

/// Into how many slots the time of the patience is divided.
const SLOTS: usize = 8;

/// What a client took since something is pending for it.
#[derive(Debug, Clone)]
pub struct Pace {
    since: Instant,
    /// When the first slot began.
    slot_start: Instant,
    /// Bytes taken, in the current slot first. One slot more than the patience has: the current one
    /// is never whole, and a client that reads just fast enough must not be taken for one that does
    /// not.
    slots: [u64; SLOTS + 1],
}

impl Pace {
    /// Something is pending since `now`.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self {
            since: now,
            slot_start: now,
            slots: [0; SLOTS + 1],
        }
    }

    /// The client took `bytes`.
    pub fn record(&mut self, bytes: u64, limits: BacklogLimits, now: Instant) {
        let slot = limits.patience / SLOTS as u32;
        self.move_slots(slot, now);
        self.slots[0] += bytes;
    }

    /// Whether the client has had something pending for the patience and took less than half of the
    /// backlog in the last of it: then nobody waits for it.
    pub fn is_too_slow(&mut self, limits: BacklogLimits, now: Instant) -> bool {
        self.record(0, limits, now);
        now.saturating_duration_since(self.since) >= limits.patience
            && self.slots.iter().sum::<u64>() < limits.most / 2
    }

    fn move_slots(&mut self, slot: Duration, now: Instant) {
        let passed =
            now.saturating_duration_since(self.slot_start).as_nanos() / slot.as_nanos().max(1);
        if passed > SLOTS as u128 {
            self.slots.fill(0);
            self.slot_start = now;
        } else {
            let passed = passed as u32;
            self.slots.rotate_right(passed as usize);
            self.slots[..passed as usize].fill(0);
            self.slot_start += slot * passed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: BacklogLimits = BacklogLimits {
        most: 1 << 20,
        patience: Duration::from_secs(1),
    };

    /// Whether a client that takes `bytes` every `milliseconds` is ever too slow within 10 s.
    fn is_ever_too_slow(bytes: u64, milliseconds: u64) -> bool {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        (1..=10_000 / milliseconds).any(|step| {
            let now = start + Duration::from_millis(step * milliseconds);
            pace.record(bytes, LIMITS, now);
            pace.is_too_slow(LIMITS, now)
        })
    }

    #[test]
    fn whoever_reads_half_of_the_backlog_per_patience_is_waited_for() {
        for milliseconds in [1, 7, 100, 333, 1_000] {
            let bytes = (LIMITS.most / 2 * milliseconds).div_ceil(1_000);
            assert!(
                !is_ever_too_slow(bytes, milliseconds),
                "in steps of {milliseconds} ms"
            );
        }
    }

    #[test]
    fn whoever_sips_is_not() {
        for milliseconds in [1, 7, 100, 333, 1_000] {
            let bytes = LIMITS.most / 3 * milliseconds / 1_000;
            assert!(
                is_ever_too_slow(bytes, milliseconds),
                "in steps of {milliseconds} ms"
            );
        }
    }

    #[test]
    fn nobody_is_too_slow_before_the_patience_is_over() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        assert!(!pace.is_too_slow(LIMITS, start + Duration::from_millis(999)));
        assert!(pace.is_too_slow(LIMITS, start + Duration::from_secs(1)));
    }
}

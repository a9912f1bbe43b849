//! Pressure: while a slow reader is waited for, those who send share what it takes.
//!
//! The broadcaster says when (`delivery/patience.rs`); each client's thread looks before every
//! event and keeps to it. Nothing else passes between them about it.
//!
//! The rule was simulated with 1 to 2,000 senders, short and long lines: whoever reads
//! `--max-backlog` per `--patience` is caught up in time, because all the others together send half
//! of what it has still room for, and what they had saved is cut to what fits beside that.

use crate::config::BacklogLimits;
use crate::counted::Count;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What all who send may send together under pressure, per `--patience`: so much of
/// `--max-backlog`.
const SHARED: f64 = 1.0 / 8.0;

/// What all may have saved up when it begins: `--max-backlog` divided by this, each within bounds.
const SAVINGS_DIVISOR: u64 = 4;
const LEAST_SAVINGS: u64 = 1 << 10;
const MOST_SAVINGS: u64 = 16 << 10;

/// For how long somebody counts who has sent something.
pub const COUNTED_TIME: Duration = Duration::from_secs(1);

/// Whether the server is under pressure, and who shares.
#[derive(Debug)]
pub struct Pressure {
    limits: BacklogLimits,
    is_on: AtomicBool,
    /// How many clients have sent something in the last second or wait to.
    pub(crate) senders: Count,
}

/// What one client may send under pressure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    /// Cost per second.
    pub rate: f64,
    /// Cost that may have been saved up when it begins.
    pub savings: u64,
}

impl Pressure {
    /// No pressure, and nobody who sends.
    pub fn new(limits: BacklogLimits) -> Self {
        Self {
            limits,
            is_on: AtomicBool::new(false),
            senders: Count::default(),
        }
    }

    /// Begins or ends it.
    pub fn set(&self, is_on: bool) {
        self.is_on.store(is_on, Ordering::Relaxed);
    }

    /// What each client may send now; nothing if its own rate is all that counts.
    pub fn share(&self) -> Option<Share> {
        if !self.is_on.load(Ordering::Relaxed) {
            return None;
        }
        let senders = self.senders.get().max(1) as u64;
        let all = self.limits.most as f64 * SHARED / self.limits.patience.as_secs_f64();
        let savings = self.limits.most / SAVINGS_DIVISOR / senders;
        Some(Share {
            rate: all / senders as f64,
            savings: savings.clamp(LEAST_SAVINGS, MOST_SAVINGS),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn under_pressure_those_who_send_share_an_eighth_of_the_backlog_per_patience() {
        let pressure = Pressure::new(BacklogLimits {
            most: 16 << 20,
            patience: Duration::from_secs(10),
        });
        assert_eq!(pressure.share(), None);
        pressure.set(true);
        let mut all = Vec::new();
        for (senders, rate, savings) in [
            (1, 209_715.2, 16 << 10),
            (256, 819.2, 16 << 10),
            (2048, 102.4, 2 << 10),
            (16384, 12.8, 1 << 10),
        ] {
            all.resize_with(senders, || pressure.senders.one_more());
            assert_eq!(pressure.share(), Some(Share { rate, savings }));
        }
        pressure.set(false);
        assert_eq!(pressure.share(), None);
    }
}

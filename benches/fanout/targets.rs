//! What must hold on two cores, and whether it does.

use std::fmt::Write as _;

use crate::contender::Contender::{
    self, Baseline, Chatd, Floor, Keeping, Nats, Ncat, Openssl, Redis,
};
use crate::scenario::{Kept, OverTls, PLAINTEXT, Scenario, logins, searches, sustained};
use crate::sheet::{Sheet, Unit};
use crate::table::written;

/// A bound on one of chatd's figures.
struct Target {
    scenario: Scenario,
    figure: &'static str,
    bound: Bound,
}

enum Bound {
    AtLeast(f64, Contender),
    AtMost(f64, Contender),
    /// Another figure of the same scenario.
    AtMostOwn(f64, &'static str),
    Above(f64, Unit),
    Below(f64, Unit),
    Everything,
}

const FEW: Scenario = Scenario::FanOut { clients: 50 };
const MANY: Scenario = Scenario::FanOut { clients: 2_000 };
const CROWD: Scenario = Scenario::Crowd { clients: 10_000 };
const FEW_OVER_TLS: Scenario = Scenario::Tls(OverTls::FanOut { clients: 50 });
const DELIVERED: &str = "lines delivered";

fn all() -> Vec<Target> {
    let target = |scenario, figure, bound| Target {
        scenario,
        figure,
        bound,
    };
    let mut targets = vec![
        target(FEW, DELIVERED, Bound::AtLeast(2.0, Ncat)),
        target(FEW, DELIVERED, Bound::AtLeast(5.0, Nats)),
        target(FEW, DELIVERED, Bound::AtLeast(90.0, Baseline)),
        target(FEW, DELIVERED, Bound::AtLeast(0.5, Floor)),
        target(MANY, DELIVERED, Bound::AtLeast(10.0, Nats)),
    ];
    for clients in [2, 100] {
        for figure in ["p50", "p99"] {
            targets.push(target(
                Scenario::Latency { clients },
                figure,
                Bound::AtMost(1.0, Redis),
            ));
        }
    }
    targets.extend([
        target(CROWD, "all welcomed", Bound::Below(5.0, Unit::Seconds)),
        target(
            CROWD,
            "resident memory per client",
            Bound::Below(12e3, Unit::Bytes),
        ),
        target(CROWD, "a line to all", Bound::AtMost(1.3, Floor)),
        target(
            Scenario::Stalled,
            "what the other 50 got",
            Bound::Everything,
        ),
        target(
            Scenario::Stalled,
            "p99 lateness",
            Bound::Below(5e-3, Unit::Seconds),
        ),
        target(
            Scenario::Stalled,
            "longest silence",
            Bound::Below(0.1, Unit::Seconds),
        ),
        target(
            Scenario::Stalled,
            "process memory",
            Bound::Below(64e6, Unit::Bytes),
        ),
        target(
            Scenario::Stalled,
            "kernel socket memory, more than before",
            Bound::Below(64e6, Unit::Bytes),
        ),
    ]);
    targets.extend(over_tls());
    targets.extend(kept());
    targets
}

fn over_tls() -> Vec<Target> {
    let target = |scenario, figure, bound| Target {
        scenario,
        figure,
        bound,
    };
    let crowd = |clients| Scenario::Tls(OverTls::Crowd { clients });
    let mut targets = vec![
        target(FEW_OVER_TLS, DELIVERED, Bound::AtLeast(2.0, Ncat)),
        target(FEW_OVER_TLS, DELIVERED, Bound::AtLeast(3.0, Nats)),
        // Half of what two cores encrypt.
        target(FEW_OVER_TLS, PLAINTEXT, Bound::AtLeast(1.0, Openssl)),
        target(
            Scenario::Tls(OverTls::Handshakes),
            "handshakes",
            Bound::Above(1_500.0, Unit::PerSecond),
        ),
        target(
            crowd(2_000),
            "resident memory per client",
            Bound::Below(f64::from(48 << 10), Unit::Bytes),
        ),
        target(
            crowd(4_001),
            "a line to all",
            Bound::Below(0.12, Unit::Seconds),
        ),
    ];
    for clients in [2, 100] {
        for (figure, plain) in [("p50", "p50 without TLS"), ("p99", "p99 without TLS")] {
            targets.push(target(
                Scenario::Tls(OverTls::Latency { clients }),
                figure,
                Bound::AtMostOwn(1.5, plain),
            ));
        }
    }
    targets
}

fn kept() -> Vec<Target> {
    let target = |scenario, figure, bound| Target {
        scenario: Scenario::Kept(scenario),
        figure,
        bound,
    };
    let latency = Kept::Latency { clients: 50 };
    let mut targets = vec![
        target(
            Kept::FanOut { clients: 50 },
            DELIVERED,
            Bound::AtLeast(0.9, Chatd),
        ),
        target(latency, "p50", Bound::AtMost(1.1, Chatd)),
        target(latency, "p99", Bound::AtMost(1.1, Chatd)),
        target(
            Kept::Lines,
            sustained::KEPT,
            Bound::Above(300e3, Unit::PerSecond),
        ),
        target(Kept::Lines, sustained::ACCOUNTED, Bound::Everything),
        target(Kept::Lines, sustained::STEADY_KEPT, Bound::Everything),
        target(
            Kept::Lines,
            sustained::SIZE,
            Bound::Below(100.0, Unit::Bytes),
        ),
    ];
    for millions in [1, 10] {
        for (figure, most) in [
            (searches::START, 1.0),
            (searches::LONGEST_SEARCH, 0.4),
            (searches::BESIDE_ONE, 0.1),
            (searches::BESIDE_MANY, 0.1),
        ] {
            let bound = Bound::Below(most, Unit::Seconds);
            targets.push(target(Kept::Searches { millions }, figure, bound));
        }
    }
    targets.push(target(
        Kept::Logins,
        logins::LOGINS,
        Bound::Above(36.0, Unit::PerSecond),
    ));
    targets
}

/// A line for each bound whose figures were measured.
pub fn render(sheet: &Sheet) -> String {
    let mut text = String::from("\nWhat must hold on two cores:\n");
    for target in all() {
        if let Some((says, Held(held))) = target.judge(sheet) {
            let verdict = if held { "holds " } else { "MISSED" };
            let _ = writeln!(
                text,
                "- {verdict} {}, {}: {says}",
                target.scenario, target.figure
            );
        }
    }
    text
}

/// Whether a bound was kept.
struct Held(bool);

impl Target {
    /// What was found, in words, and whether it is enough.
    fn judge(&self, sheet: &Sheet) -> Option<(String, Held)> {
        let median = |contender| sheet.median(self.scenario, self.figure, contender);
        let own = median(match self.scenario {
            Scenario::Kept(_) => Keeping,
            _ => Chatd,
        })?;
        Some(match self.bound {
            Bound::AtLeast(times, other) => {
                let ratio = own / median(other)?;
                (
                    format!("{ratio:.2} times that of {other}, at least {times}"),
                    Held(ratio >= times),
                )
            }
            Bound::AtMost(times, other) => {
                let ratio = own / median(other)?;
                (
                    format!("{ratio:.2} times that of {other}, at most {times}"),
                    Held(ratio <= times),
                )
            }
            Bound::AtMostOwn(times, figure) => {
                let ratio = own / sheet.median(self.scenario, figure, Chatd)?;
                (
                    format!("{ratio:.2} times {figure}, at most {times}"),
                    Held(ratio <= times),
                )
            }
            Bound::Above(least, unit) => (
                format!("{}, at least {}", written(own, unit), written(least, unit)),
                Held(own >= least),
            ),
            Bound::Below(most, unit) => (
                format!("{}, at most {}", written(own, unit), written(most, unit)),
                Held(own <= most),
            ),
            // The share is that of whole lines, so all of them make exactly 1.
            Bound::Everything => (written(own, Unit::Share), Held(own >= 1.0)),
        })
    }
}

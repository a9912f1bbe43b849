//! What was asked for on the command line.

use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};

use crate::contender::Contender;
use crate::scenario::{Effort, Kept, OverTls, Scenario};

/// No run of `--quick` begins after this time; the longest takes some seconds, and the whole has to
/// end within a minute, or within two with what is kept.
const QUICK_ENDS: Duration = Duration::from_secs(45);
const QUICK_ENDS_KEPT: Duration = Duration::from_secs(90);

/// No run begins after this time, so that a full run is bounded too.
const FULL_ENDS: Duration = Duration::from_secs(60 * 60);

/// The sizes at which the picture is drawn.
const CURVE: [usize; 7] = [10, 30, 100, 300, 1_000, 3_000, 10_000];

/// Measures chatd beside other servers, over loopback.
#[derive(Parser)]
#[command(name = "cargo bench --bench fanout --")]
pub struct Args {
    /// What to measure; everything but encryption and what is kept unless told
    #[arg(value_name = "SCENARIO")]
    which: Vec<Which>,

    /// One short run of each, within a minute
    #[arg(long)]
    quick: bool,

    /// How often each figure is measured; the table shows the median
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100))]
    runs: Option<u32>,

    /// Numbers of clients, in place of those that the scenarios have
    #[arg(long, num_args = 1.., value_parser = clap::value_parser!(u32).range(2..=15_000))]
    clients: Vec<u32>,

    /// Measures these servers only, of those that are installed
    #[arg(long, num_args = 1.., value_name = "SERVER")]
    only: Vec<Contender>,

    /// Draws benches/fanout.svg though not everything was measured
    #[arg(long)]
    svg: bool,

    /// Cargo says so to each benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

/// A scenario as it is named on the command line, without its sizes.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    FanOut,
    AllTalk,
    Latency,
    Crowd,
    Stalled,
    Churn,
    Curve,
    /// All that follow: what encryption costs
    Tls,
    TlsFanOut,
    TlsHandshakes,
    TlsCrowd,
    TlsLatency,
    /// All that follow: what keeping what is said costs
    Kept,
    KeptFanOut,
    KeptFlatOut,
    KeptLatency,
    KeptLines,
    KeptSearches,
    KeptLogins,
}

impl Which {
    /// Whether it needs chatd with its feature tls.
    fn is_over_tls(self) -> bool {
        matches!(
            self,
            Self::TlsFanOut | Self::TlsHandshakes | Self::TlsCrowd | Self::TlsLatency
        )
    }
}

impl Which {
    /// Whether it needs chatd with its feature data.
    fn is_kept(self) -> bool {
        matches!(
            self,
            Self::KeptFanOut
                | Self::KeptFlatOut
                | Self::KeptLatency
                | Self::KeptLines
                | Self::KeptSearches
                | Self::KeptLogins
        )
    }
}

impl Args {
    /// Reads the command line; one that is wrong ends the process with the usage.
    pub fn read() -> Self {
        Self::parse()
    }

    /// The servers to measure, chatd first.
    pub fn contenders(&self) -> Vec<Contender> {
        let is_kept = |scenario: &Scenario| matches!(scenario, Scenario::Kept(_));
        let keeps = self.scenarios().iter().any(is_kept);
        let wanted = |contender: &Contender| {
            let is_of_use = keeps || *contender != Contender::Keeping;
            is_of_use && (self.only.is_empty() || self.only.contains(contender))
        };
        Contender::value_variants()
            .iter()
            .copied()
            .filter(wanted)
            .filter(|contender| contender.is_installed())
            .collect()
    }

    /// The scenarios to run, each with its size.
    pub fn scenarios(&self) -> Vec<Scenario> {
        // The curve is all about many sizes, so a quick run has it only when told.
        let all = Which::value_variants().iter();
        let wanted = |which: &Which| match &self.which[..] {
            [] => {
                let is_apart = which.is_over_tls() || which.is_kept();
                !(is_apart || self.quick && *which == Which::Curve)
            }
            told => {
                told.contains(which)
                    || (which.is_over_tls() && told.contains(&Which::Tls))
                    || (which.is_kept() && told.contains(&Which::Kept))
            }
        };
        all.copied()
            .filter(wanted)
            .flat_map(|which| self.sized(which))
            .collect()
    }

    fn sized(&self, which: Which) -> Vec<Scenario> {
        type Make = fn(usize) -> Scenario;
        let (make, full, quick): (Make, &[usize], &[usize]) = match which {
            Which::FanOut => (
                |clients| Scenario::FanOut { clients },
                &[50, 2_000],
                &[50, 2_000],
            ),
            Which::AllTalk => (|clients| Scenario::AllTalk { clients }, &[100], &[100]),
            Which::Latency => (
                |clients| Scenario::Latency { clients },
                &[2, 100, 1_000],
                &[2, 100],
            ),
            Which::Crowd => (|clients| Scenario::Crowd { clients }, &[10_000], &[2_000]),
            Which::Curve => (
                |clients| Scenario::Curve { clients },
                &CURVE,
                &[10, 100, 1_000],
            ),
            Which::Stalled => return vec![Scenario::Stalled],
            Which::Churn => return vec![Scenario::Churn],
            Which::Tls | Which::Kept => return Vec::new(),
            Which::KeptFanOut => (
                |clients| Scenario::Kept(Kept::FanOut { clients }),
                &[50],
                &[50],
            ),
            Which::KeptFlatOut => (
                |clients| Scenario::Kept(Kept::FlatOut { clients }),
                &[50],
                &[50],
            ),
            Which::KeptLatency => (
                |clients| Scenario::Kept(Kept::Latency { clients }),
                &[2, 50],
                &[2, 50],
            ),
            Which::KeptLines => return vec![Scenario::Kept(Kept::Lines)],
            Which::KeptSearches => {
                let millions = if self.quick { 1 } else { 10 };
                return vec![Scenario::Kept(Kept::Searches { millions })];
            }
            Which::KeptLogins => return vec![Scenario::Kept(Kept::Logins)],
            Which::TlsFanOut => (
                |clients| Scenario::Tls(OverTls::FanOut { clients }),
                &[50, 1_000],
                &[50],
            ),
            Which::TlsHandshakes => return vec![Scenario::Tls(OverTls::Handshakes)],
            Which::TlsCrowd => (
                |clients| Scenario::Tls(OverTls::Crowd { clients }),
                &[2_000, 4_001],
                &[2_000],
            ),
            Which::TlsLatency => (
                |clients| Scenario::Tls(OverTls::Latency { clients }),
                &[2, 100],
                &[2, 100],
            ),
        };
        match &self.clients[..] {
            [] if self.quick => quick.iter().copied().map(make).collect(),
            [] => full.iter().copied().map(make).collect(),
            told => told.iter().map(|&clients| make(clients as usize)).collect(),
        }
    }

    /// How often each figure is measured.
    pub fn runs(&self) -> u32 {
        self.runs.unwrap_or(if self.quick { 1 } else { 3 })
    }

    /// How long each run takes.
    pub fn effort(&self) -> Effort {
        if self.quick {
            Effort::Quick
        } else {
            Effort::Full
        }
    }

    /// Whether no further run may begin.
    pub fn time_is_up(&self, begin: Instant) -> bool {
        let keeps = || {
            self.which
                .iter()
                .any(|which| *which == Which::Kept || which.is_kept())
        };
        let most = match self.quick {
            false => FULL_ENDS,
            true if keeps() => QUICK_ENDS_KEPT,
            true => QUICK_ENDS,
        };
        begin.elapsed() > most
    }

    /// Whether the picture is drawn: when everything was measured, or when asked for.
    pub fn draws(&self) -> bool {
        let everything = self.which.is_empty() && self.clients.is_empty() && self.only.is_empty();
        self.svg || (everything && !self.quick)
    }
}

//! What it costs to keep what is said: chatd with `--data` beside chatd without, in the same run; and
//! what only a server with `--data` does.

use std::fmt;
use std::io;

use crate::contender::{Contender, Flood, Transport};
use crate::sheet::Measure;

use super::{Effort, Scenario, fan_out, latency, logins, searches, sustained};

/// What is measured of it. `clients` are all that are there, those who speak included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kept {
    /// The sender has its default rate.
    FanOut {
        clients: usize,
    },
    /// The sender has none.
    FlatOut {
        clients: usize,
    },
    Latency {
        clients: usize,
    },
    /// Nobody reads: how much the disk takes.
    Lines,
    /// So many millions of lines were kept before.
    Searches {
        millions: u32,
    },
    Logins,
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::FanOut { clients } => write!(f, "kept, default rate 1 → {}", clients - 1),
            Self::FlatOut { clients } => write!(f, "kept, flat out 1 → {}", clients - 1),
            Self::Latency { clients } => write!(f, "kept, {}", Scenario::Latency { clients }),
            Self::Lines => write!(f, "kept, flat out 1 → 0"),
            Self::Searches { millions } => write!(f, "kept, {millions} million lines"),
            Self::Logins => write!(f, "kept, logins"),
        }
    }
}

impl Kept {
    /// Whether a server takes part.
    pub fn suits(self, contender: Contender) -> bool {
        let is_both_ways = matches!(
            self,
            Self::FanOut { .. } | Self::FlatOut { .. } | Self::Latency { .. }
        );
        let is_beside = contender == Contender::Chatd && is_both_ways;
        cfg!(feature = "data") && (is_beside || contender == Contender::Keeping)
    }

    /// Does it once.
    pub fn run(self, contender: Contender, effort: Effort) -> io::Result<Vec<Measure>> {
        const PLAIN: Transport = Transport::Plain;
        match self {
            Self::FanOut { clients } => fan_out::run(contender, PLAIN, Flood::No, clients, effort),
            Self::FlatOut { clients } => {
                fan_out::run(contender, PLAIN, Flood::Yes, clients, effort)
            }
            Self::Latency { clients } => latency::run(contender, PLAIN, clients, effort),
            Self::Lines => sustained::run(effort),
            Self::Searches { millions } => searches::run(millions, effort),
            Self::Logins => logins::run(effort),
        }
    }
}

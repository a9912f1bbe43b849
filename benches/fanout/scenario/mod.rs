//! The scenarios: what is done to a server, and what is measured while it is done. Each run starts
//! a server of its own.

mod all_talk;
mod churn;
mod crowd;
mod fan_out;
mod handshakes;
mod kept;
mod latency;
pub mod logins;
mod over_tls;
pub mod searches;
mod stalled;
pub mod sustained;

use std::fmt;
use std::io;
use std::time::Duration;

use crate::contender::{Contender, Flood, Transport};
use crate::sheet::{Measure, Unit};
use crate::wire::Role;

pub use fan_out::PLAINTEXT;
pub use kept::Kept;
pub use over_tls::OverTls;

/// A scenario with its size. `clients` are all that are there, those who speak included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scenario {
    /// One client sends flat out, the others read.
    FanOut { clients: usize },
    /// Everybody sends 200 lines and reads those of the others.
    AllTalk { clients: usize },
    /// One client sends 200 lines a second, the others read.
    Latency { clients: usize },
    /// Everybody joins at once and stays, then somebody says a line.
    Crowd { clients: usize },
    /// Of 350 clients, 300 stop reading while one sends 2 MB a second.
    Stalled,
    /// Clients connect, say a line and leave.
    Churn,
    /// The fan-out again, at the sizes of the picture.
    Curve { clients: usize },
    /// What encryption costs.
    Tls(OverTls),
    /// What keeping costs.
    Kept(Kept),
}

/// How long a run takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    Quick,
    Full,
}

impl Effort {
    /// Picks what fits the effort.
    fn pick<T>(self, quick: T, full: T) -> T {
        match self {
            Self::Quick => quick,
            Self::Full => full,
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FanOut { clients } => write!(f, "fan-out 1 → {}", clients - 1),
            Self::AllTalk { clients } => write!(f, "all talk, {clients} clients"),
            Self::Latency { clients } => write!(f, "latency, {clients} clients"),
            Self::Crowd { clients } => write!(f, "crowd of {clients}"),
            Self::Stalled => write!(f, "stalled, {} of {}", stalled::STALLED, stalled::CLIENTS),
            Self::Churn => write!(f, "churn"),
            Self::Curve { clients } => write!(f, "curve, {clients} clients"),
            Self::Tls(scenario) => scenario.fmt(f),
            Self::Kept(scenario) => scenario.fmt(f),
        }
    }
}

impl Scenario {
    /// Whether a server takes part.
    pub fn suits(self, contender: Contender, effort: Effort) -> bool {
        let is_possible = match self {
            Self::Kept(scenario) => return scenario.suits(contender),
            _ if contender == Contender::Keeping => return false,
            Self::FanOut { clients } | Self::Crowd { clients } => {
                clients <= contender.most_clients()
            }
            // The floor is a sender of prebuilt bytes, so there is nothing that it could relay.
            Self::Curve { clients } | Self::AllTalk { clients } | Self::Latency { clients } => {
                contender != Contender::Floor && clients <= contender.most_clients()
            }
            Self::Stalled | Self::Churn => contender != Contender::Floor,
            Self::Tls(scenario) => return scenario.suits(contender),
        };
        is_possible && (effort == Effort::Full || self.is_quick_with(contender))
    }

    /// Whether it is measured within a minute's run: chatd everywhere, the others where they are
    /// quick to tell something.
    fn is_quick_with(self, contender: Contender) -> bool {
        let few = matches!(
            self,
            Self::FanOut { clients: 50 } | Self::Latency { clients: 2 }
        );
        let baseline_is_slow = matches!(self, Self::AllTalk { .. } | Self::Stalled);
        match contender {
            Contender::Chatd | Contender::Keeping | Contender::Floor => true,
            Contender::Baseline => !baseline_is_slow,
            Contender::Ncat | Contender::Redis | Contender::Nats | Contender::Openssl => few,
        }
    }

    /// Does it once.
    pub fn run(self, contender: Contender, effort: Effort) -> io::Result<Vec<Measure>> {
        const PLAIN: Transport = Transport::Plain;
        match self {
            Self::FanOut { clients } => fan_out::run(contender, PLAIN, Flood::Yes, clients, effort),
            Self::AllTalk { clients } => all_talk::run(contender, clients),
            Self::Latency { clients } => latency::run(contender, PLAIN, clients, effort),
            Self::Crowd { clients } => crowd::run(contender, PLAIN, clients),
            Self::Stalled => stalled::run(contender, effort),
            Self::Churn => churn::run(contender, effort),
            Self::Tls(scenario) => scenario.run(contender, effort),
            Self::Kept(scenario) => scenario.run(contender, effort),
            Self::Curve { clients } => {
                let mut measures =
                    fan_out::run(contender, PLAIN, Flood::Yes, clients, Effort::Quick)?;
                measures.truncate(1);
                Ok(measures)
            }
        }
    }
}

/// The client who sends, where one does.
const SENDER: usize = 0;

/// What the clients are there for, where one sends and the others read.
fn one_speaks(number: usize) -> Role {
    if number == SENDER {
        Role::Speaks
    } else {
        Role::Reads
    }
}

/// A rate, from how often something happened and in what time.
fn rate(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

/// The error for a client that was disconnected in the midst of a scenario.
fn disconnected(number: usize) -> io::Error {
    io::Error::other(format!("client {number} was disconnected"))
}

/// The two figures of every scenario that delivers as fast as it can.
fn throughput(deliveries: usize, time: Duration, cpu: Duration) -> Vec<Measure> {
    vec![
        Measure::new("lines delivered", Unit::PerSecond, rate(deliveries, time)),
        Measure::new(
            "server CPU per delivery",
            Unit::Seconds,
            cpu.as_secs_f64() / deliveries as f64,
        ),
    ]
}

//! The scenarios over TLS: those that there are without it, beside what openssl says of the machine.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::contender::{Contender, Flood, Transport, encrypted_by_one_core};
use crate::sheet::{Measure, Unit};

use super::{Effort, Scenario, crowd, fan_out, handshakes, latency};

/// The fan-out beside which the machine is measured.
const FEW: usize = 50;

/// What is measured over TLS. `clients` are all that are there, those who speak included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OverTls {
    FanOut {
        clients: usize,
    },
    /// Clients connect, shake hands and leave.
    Handshakes,
    Crowd {
        clients: usize,
    },
    /// With chatd's without TLS beside it.
    Latency {
        clients: usize,
    },
}

impl fmt::Display for OverTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::FanOut { clients } => write!(f, "TLS, {}", Scenario::FanOut { clients }),
            Self::Handshakes => write!(f, "TLS, handshakes"),
            Self::Crowd { clients } => write!(f, "TLS, {}", Scenario::Crowd { clients }),
            Self::Latency { clients } => write!(f, "TLS, {}", Scenario::Latency { clients }),
        }
    }
}

impl OverTls {
    /// Whether a server takes part.
    pub fn suits(self, contender: Contender) -> bool {
        let clients = match self {
            Self::FanOut { clients: FEW } if contender == Contender::Openssl => return true,
            Self::FanOut { clients } | Self::Crowd { clients } | Self::Latency { clients } => {
                clients
            }
            Self::Handshakes => handshakes::AT_ONCE,
        };
        let speaks_tls = matches!(
            contender,
            Contender::Chatd | Contender::Ncat | Contender::Nats
        );
        cfg!(feature = "tls") && speaks_tls && clients <= contender.most_clients()
    }

    /// Does it once.
    pub fn run(self, contender: Contender, effort: Effort) -> io::Result<Vec<Measure>> {
        match self {
            Self::FanOut { .. } if contender == Contender::Openssl => {
                let time = effort.pick(Duration::from_secs(1), Duration::from_secs(3));
                let rate = encrypted_by_one_core(time)?;
                Ok(vec![Measure::new(
                    fan_out::PLAINTEXT,
                    Unit::BytesPerSecond,
                    rate,
                )])
            }
            Self::FanOut { clients } => {
                fan_out::run(contender, Transport::Tls, Flood::Yes, clients, effort)
            }
            Self::Handshakes => handshakes::run(contender, effort),
            Self::Crowd { clients } => crowd::run(contender, Transport::Tls, clients),
            Self::Latency { clients } => {
                let mut measures = latency::run(contender, Transport::Tls, clients, effort)?;
                if contender == Contender::Chatd {
                    let plain = latency::run(contender, Transport::Plain, clients, effort)?;
                    let names = ["p50 without TLS", "p99 without TLS"];
                    let pairs = plain.into_iter().zip(names);
                    measures.extend(pairs.map(|(measure, name)| measure.called(name)));
                }
                Ok(measures)
            }
        }
    }
}

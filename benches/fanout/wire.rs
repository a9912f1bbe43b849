//! What a client of each server says and reads. Every line is one message in all of them, of 64
//! bytes.

use std::time::Duration;

use crate::contender::Contender;
use crate::lines::LINE;

/// The last words of the welcome that the servers which are built in give.
pub const WELCOME_ENDS: &str = "-- now talk\n";

/// What a client is there for. To chat servers all are the same; the others have publishers and
/// subscribers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Speaks,
    Reads,
    SpeaksAndReads,
    /// It reads at first, and has little room for what comes when it reads no more.
    StopsReading,
}

/// How a server that speaks TLS begins.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// The client shakes hands at once.
    Silent,
    /// It says a line that is not encrypted first.
    Line,
}

impl Contender {
    /// How it begins where it speaks TLS.
    pub fn opening(self) -> Opening {
        match self {
            Self::Nats => Opening::Line,
            _ => Opening::Silent,
        }
    }

    /// What a client sends as soon as it is connected.
    pub fn greeting(self, role: Role) -> &'static str {
        match (self, role) {
            (Self::Redis, Role::Speaks) => "PING here\r\n",
            (Self::Redis, Role::Reads | Role::StopsReading) => "SUBSCRIBE c\r\nPING here\r\n",
            // RESP2 does not let a subscriber publish.
            (Self::Redis, Role::SpeaksAndReads) => "HELLO 3\r\nSUBSCRIBE c\r\nPING here\r\n",
            (Self::Nats, Role::Speaks) => {
                "CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":false}\r\nPING\r\n"
            }
            (Self::Nats, _) => {
                "CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":false}\r\nSUB c 1\r\nPING\r\n"
            }
            _ => "",
        }
    }

    /// What the welcome has in its last line. Nothing for a server that says nothing.
    pub fn welcome_ends(self) -> Option<&'static str> {
        match self {
            Self::Chatd | Self::Keeping => Some("lists the commands\n"),
            Self::Baseline | Self::Floor => Some(WELCOME_ENDS),
            Self::Ncat | Self::Openssl => None,
            // The end of the answer to the greeting's PING, in every version of the protocol.
            Self::Redis => Some("here\r\n"),
            Self::Nats => Some("PONG\r\n"),
        }
    }

    /// How long after the last client's joining there may still come something about it.
    pub fn has_settled_after(self) -> Duration {
        match self {
            // Newcomers are announced 1 s after connecting, if the machine is idle.
            Self::Chatd | Self::Keeping => Duration::from_millis(1_500),
            // Each client is pinged once, 2 s after connecting and up to a fifth later, if the
            // machine is idle.
            Self::Nats => Duration::from_millis(2_800),
            _ => Duration::ZERO,
        }
    }

    /// A line as a client sends it.
    pub fn sent(self, line: &[u8]) -> Vec<u8> {
        match self {
            Self::Redis => frame(
                &format!("*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n${LINE}\r\n"),
                line,
                "\r\n",
            ),
            Self::Nats => frame(&format!("PUB c {LINE}\r\n"), line, "\r\n"),
            _ => line.to_vec(),
        }
    }

    /// A line as it arrives from a client of this name, at one that only reads.
    pub fn delivered(self, name: &str, line: &[u8]) -> Vec<u8> {
        match self {
            Self::Chatd | Self::Keeping | Self::Baseline | Self::Floor => {
                frame(&format!("<{name}> "), line, "")
            }
            Self::Ncat | Self::Openssl => line.to_vec(),
            Self::Redis => frame(
                &format!("*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n${LINE}\r\n"),
                line,
                "\r\n",
            ),
            Self::Nats => frame(&format!("MSG c 1 {LINE}\r\n"), line, "\r\n"),
        }
    }

    /// The bytes that a client which speaks and reads is sent for a line of its own, with `clients`
    /// there.
    pub fn echo(self, clients: usize) -> usize {
        match self {
            // It gets its own line as everybody does, and the number of those who did.
            Self::Redis => self.delivered("", &[0; LINE]).len() + format!(":{clients}\r\n").len(),
            _ => 0,
        }
    }
}

/// The name that a welcome gives to its reader, if it does.
pub fn name_in(welcome: &[u8]) -> Option<String> {
    let welcome = String::from_utf8_lossy(welcome);
    let (_, name) = welcome.split_once("you are ")?;
    Some(name.lines().next()?.trim_end().to_owned())
}

fn frame(before: &str, line: &[u8], after: &str) -> Vec<u8> {
    [before.as_bytes(), line, after.as_bytes()].concat()
}

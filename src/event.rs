//! What the clients' threads tell the broadcaster: the only thing that passes between them.

use crate::command::Command;
use crate::text::Lines;
use crate::wire::Wire;
use std::fmt;
use std::io;
use std::sync::Arc;

/// A connection, for as long as the server runs: the accept loop counts them from 1 and never uses
/// a number twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u64);

/// How many events may wait in the channel. Behind them the clients' threads wait, and TCP slows
/// the senders.
pub const CHANNEL_EVENTS: usize = 256;

/// How many bytes one event holds at most, unless a single line is longer.
pub const EVENT_BYTES: usize = 16 << 10;

/// Something has happened. The order of the events in the channel is the order in which everybody
/// sees it.
pub enum Event {
    /// A client has connected.
    Joined(ClientId, Arc<dyn Wire>),
    /// It said these lines.
    Lines(ClientId, Lines),
    /// It asked for something.
    Command(ClientId, Command),
    /// It is to read one line from the server.
    Told(ClientId, Advice),
    /// It asked for telnet options, and these bytes are the answer.
    Refused(ClientId, Vec<u8>),
    /// It ends its lines in CR, so its terminal wants CR LF.
    WantsCrLf(ClientId),
    /// It is gone, and this is the last event about it.
    Left(ClientId, Ending),
    /// Nothing has happened: the broadcaster is to look up from the channel.
    Nudge,
}

/// What a client's thread has the server say to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// Its line was longer than this many bytes.
    LineTooLong(usize),
    /// It pressed Ctrl-C.
    HowToLeave,
    /// It asked whether anyone is there.
    Here,
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LineTooLong(limit) => write!(
                f,
                "line too long: the limit is {limit} bytes, nothing was sent"
            ),
            Self::HowToLeave => f.write_str("to leave: /quit"),
            Self::Here => f.write_str("yes, chatd is here"),
        }
    }
}

/// Why a client has left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// It said so, with a text or without.
    Quit(Option<crate::text::Line>),
    /// It closed the connection, or its sending side.
    Closed,
    /// It reset the connection.
    Reset,
    /// The network gave up.
    Lost,
    /// It sent nothing for longer than `--idle-timeout`.
    Idle,
    /// It left too much unread.
    TooSlow,
    /// The server shuts down.
    Shutdown,
    /// It speaks another protocol, HTTP or TLS, and is answered in HTTP.
    NotChat,
    /// The system had no thread for it.
    NoThread,
    /// Something else.
    Failed(io::ErrorKind),
    /// Its thread panicked.
    Panicked,
}

impl Ending {
    /// What an error of the client's socket says about the connection.
    #[must_use]
    pub fn of(error: &io::Error) -> Self {
        use io::ErrorKind::{
            BrokenPipe, ConnectionReset, HostUnreachable, NetworkDown, NetworkUnreachable, TimedOut,
        };
        match error.kind() {
            ConnectionReset | BrokenPipe => Self::Reset,
            TimedOut | HostUnreachable | NetworkUnreachable | NetworkDown => Self::Lost,
            kind => Self::Failed(kind),
        }
    }

    /// Whether what is pending for the client is still worth writing.
    #[must_use]
    pub fn is_orderly(&self) -> bool {
        !matches!(
            self,
            Self::TooSlow | Self::Lost | Self::Reset | Self::Failed(_)
        )
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quit(_) => f.write_str("quit"),
            Self::Closed => f.write_str("closed"),
            Self::Reset => f.write_str("reset"),
            Self::Lost => f.write_str("lost"),
            Self::Idle => f.write_str("idle"),
            Self::TooSlow => f.write_str("too slow"),
            Self::Shutdown => f.write_str("shutdown"),
            Self::NotChat => f.write_str("not a chat client: it speaks HTTP or TLS"),
            Self::NoThread => f.write_str("the system has no thread for it"),
            Self::Failed(kind) => write!(f, "{kind}"),
            Self::Panicked => f.write_str("internal error"),
        }
    }
}

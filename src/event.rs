//! What has happened, as the clients' threads tell the broadcaster. What it tells them goes by
//! `wire`, by `pressure`, and by giving room in the `channel` back.

use crate::address::Address;
#[cfg(feature = "data")]
use crate::change::Foreign;
use crate::command::Command;
use crate::name::Name;
#[cfg(feature = "data")]
use crate::passwords::debts::NewAccount;
use crate::text::{Line, Lines};
use crate::wire::Wire;
#[cfg(feature = "data")]
use crossbeam_channel::Sender;
use std::fmt;
use std::io;
use std::sync::Arc;

/// A client, for as long as the server runs: the accept loop counts those who have a seat from 1
/// and never uses a number twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u64);

/// Something has happened. The order of the events in the channel is the order in which everybody
/// sees it.
pub enum Event {
    /// A client has joined.
    Joined(ClientId, Arrival),
    /// It has said these lines.
    Said(ClientId, Lines),
    /// It has asked for something.
    Asked(ClientId, Command),
    /// Its thread has answered it, with what it is to read at this place.
    Answered(ClientId, Answer),
    /// Its terminal wants CR LF: it has sent CR at the end of a line, or a telnet command.
    WantsCrlf(ClientId),
    /// It has left, and this is the last event about it: why, and what it had sent.
    Left(ClientId, Ending, Tally),
    /// The message of the day was read anew, and has these lines, cleaned.
    Reloaded(Vec<String>),
    /// It has given the password of the account of this name, which had this hash.
    #[cfg(feature = "data")]
    LoggedIn(ClientId, Name, Arc<str>),
    /// It wants an account of this name, and its password has this hash. Accounts are counted.
    #[cfg(feature = "data")]
    Registered(ClientId, Name, Arc<str>, NewAccount),
    /// It has given the password of its account, which had the first hash, and a new one, which has
    /// the second.
    #[cfg(feature = "data")]
    PasswordChanged(ClientId, Arc<str>, Arc<str>),
    /// It has given the password of the room (`--password-file`).
    #[cfg(feature = "data")]
    GavePassword(ClientId),
    /// Its thread wants to know something.
    #[cfg(feature = "data")]
    Inquired(ClientId, Inquiry),
    /// Other programs have changed something.
    #[cfg(feature = "data")]
    Changed(Foreign),
}

impl Event {
    /// The most that it can add to the shared log, as a cost; a departure's is counted apart.
    pub fn logged_cost(&self) -> u64 {
        match self {
            Self::Said(_, lines) => NOTICES_COST + lines.cost(),
            Self::Asked(_, command) => NOTICES_COST + command.text_bytes() as u64,
            #[cfg(feature = "data")]
            Self::LoggedIn(..) | Self::Registered(..) => NOTICES_COST,
            _ => 0,
        }
    }
}

/// What the server may say at one event of who has come and gone, as a cost: a few lines with few
/// names.
pub const NOTICES_COST: u64 = 4 << 10;

/// What a client is that has joined.
pub struct Arrival {
    /// How it is written to.
    pub wire: Arc<dyn Wire>,
    /// Where it comes from.
    pub address: Address,
    /// How its lines end.
    pub style: Style,
    /// Whether it reads its own lines.
    pub echo: Echo,
    /// What the system calls whoever it is, if it knows them.
    pub login_name: Option<Name>,
}

/// How lines end for a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// LF.
    Lf,
    /// CR LF.
    CrLf,
}

/// Whether a client reads what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Echo {
    /// Its terminal shows what is typed.
    Off,
    /// It shows nothing that it is not sent.
    On,
}

/// Text for one client alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Whole lines, each ending in LF.
    Lines(Vec<u8>),
    /// The same, that many clients read: kept once for all of them.
    SharedLines(Arc<[u8]>),
    /// Something else, such as telnet commands: a 10 in it is no LF.
    Bytes(Vec<u8>),
}

impl Answer {
    /// The text.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Lines(text) | Self::Bytes(text) => text,
            Self::SharedLines(text) => text,
        }
    }
}

/// What a client's thread wants to know, and where it waits for that: a channel with room for one
/// answer. Where that is dropped the thread does not go on.
#[cfg(feature = "data")]
pub enum Inquiry {
    /// What there is to know of the account of this name, or of the name that the client has.
    Account(Option<Name>, Sender<Knowledge>),
    /// The names of those whom the client ignores: what is kept is about to be searched.
    Ignored(Sender<Vec<Name>>),
}

/// What the broadcaster knows of a client, and of the account that was asked for.
#[cfg(feature = "data")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Knowledge {
    /// The account that it is logged in to.
    pub logged_in: Option<Name>,
    /// The name of the account that was asked for, as it is spelt there, and its hash.
    pub account: Option<(Name, Arc<str>)>,
}

/// What a client has sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Lines, commands included.
    pub lines: u64,
    /// Bytes, everything included.
    pub bytes: u64,
}

/// Why a client has left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// It said so, with a text or without.
    Quit(Option<Line>),
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
    /// An operator has ended its connection.
    Kicked,
    /// An operator keeps it out.
    Banned,
    /// The owner of its account has come by another connection.
    Replaced,
    /// It has waited to be let in, and was not.
    NoLogin,
    /// It speaks another protocol, HTTP or TLS, and is answered in HTTP.
    NotChat,
    /// Something else.
    Failed(io::ErrorKind),
    /// Its thread panicked.
    Panicked,
}

impl Ending {
    /// What an error of the client's socket says about the connection.
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
            Self::Kicked => f.write_str("kicked"),
            Self::Banned => f.write_str("banned"),
            Self::Replaced => f.write_str("replaced"),
            Self::NoLogin => f.write_str("no login"),
            Self::NotChat => f.write_str("not a chat client"),
            Self::Failed(kind) => write!(f, "{kind}"),
            Self::Panicked => f.write_str("internal error"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Arguments;
    use io::ErrorKind;

    #[test]
    fn an_event_can_add_its_own_text_and_a_few_notices_to_the_log() {
        let client = ClientId(1);
        let mut lines = Lines::default();
        lines.push_raw(b"hello");
        let action = Arguments::Text(Line::new("waves"));
        for (event, most) in [
            (Event::Said(client, lines), 4096 + 5 + 80),
            (Event::Asked(client, Command::Row(4, action)), 4096 + 5),
            (Event::Asked(client, Command::Misused(4)), 4096),
            (Event::WantsCrlf(client), 0),
            #[cfg(feature = "data")]
            (Event::LoggedIn(client, Name::guest(1), "".into()), 4096),
        ] {
            assert_eq!(event.logged_cost(), most);
        }
    }

    #[test]
    fn what_is_pending_is_written_unless_the_connection_is_of_no_use_any_more() {
        let text = Some(Line::new("so long"));
        for ending in [
            Ending::Quit(text),
            Ending::Closed,
            Ending::Idle,
            Ending::Shutdown,
            Ending::Kicked,
            Ending::Banned,
            Ending::Replaced,
            Ending::NoLogin,
            Ending::NotChat,
            Ending::Panicked,
        ] {
            assert!(ending.is_orderly(), "{ending}");
        }
        for (error, ending) in [
            (ErrorKind::ConnectionReset, Ending::Reset),
            (ErrorKind::BrokenPipe, Ending::Reset),
            (ErrorKind::TimedOut, Ending::Lost),
            (ErrorKind::HostUnreachable, Ending::Lost),
            (ErrorKind::NetworkUnreachable, Ending::Lost),
            (ErrorKind::NetworkDown, Ending::Lost),
            (ErrorKind::Other, Ending::Failed(ErrorKind::Other)),
        ] {
            assert_eq!(Ending::of(&error.into()), ending);
            assert!(!ending.is_orderly(), "{ending}");
        }
        assert!(!Ending::TooSlow.is_orderly());
    }
}

//! What has become so in the chat: what a person did, once it was checked.
//!
//! A fact is plain data, so that it can be written down and read again. To ask whether something
//! may be done is somebody else's task; whoever applies a fact only does what follows from it.

use crate::event::{ClientId, Ending};
use crate::name::Name;
use crate::text::{Line, Lines};

/// Something that changes the room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// A client has come, under this name.
    Joined(ClientId, Name),
    /// It said these lines.
    Said(ClientId, Lines),
    /// It did this (`/me`).
    Did(ClientId, Lines),
    /// It has this name now.
    Renamed(ClientId, Name),
    /// Somebody is about to read of it, so everybody is to know that it is here.
    Mentioned(ClientId),
    /// It has left.
    Left(ClientId, Reason),
    /// Time has passed: what has gathered for long enough is told.
    Waited,
    /// The server ends: what has gathered is told, and then that.
    Ended,
}

/// Why somebody left, as far as others are told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    None,
    Idle,
    TooSlow,
    ConnectionLost,
    /// They gave a text.
    Saying(Line),
    /// Nobody is told: the server ends.
    Untold,
}

impl Reason {
    /// What others are told of an ending.
    pub fn of(ending: Ending) -> Self {
        match ending {
            Ending::Quit(Some(text)) => Self::Saying(text),
            Ending::Idle => Self::Idle,
            Ending::TooSlow => Self::TooSlow,
            Ending::Lost => Self::ConnectionLost,
            Ending::Shutdown => Self::Untold,
            _ => Self::None,
        }
    }
}

//! What has become so in the chat: what a person did, once it was checked.
//!
//! A fact is plain data, so that it can be written down and read again. To ask whether something
//! may be done is somebody else's task; whoever applies a fact only does what follows from it.

#[cfg(feature = "data")]
use crate::change::Erasure;
use crate::event::{ClientId, Ending};
use crate::name::Name;
use crate::text::Lines;

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
    /// It has left, for this reason.
    Left(ClientId, Ending),
    /// The server tells everybody this.
    #[cfg(feature = "data")]
    Told(String),
    /// This is erased.
    #[cfg(feature = "data")]
    Erased(Erasure),
    /// Time has passed: what has gathered for long enough is told.
    Waited,
    /// The server ends: who has left is told, and then that.
    Ended,
}

//! What can happen on the server, whatever lines mean there.

use crate::address::Address;
use crate::command::Command;
use crate::delivery::Delivery;
use crate::event::{ClientId, Ending, Tally};
#[cfg(feature = "data")]
use crate::event::{Event, Inquiry};
use crate::name::Name;
use crate::text::Lines;
use std::time::Instant;

/// What happens on the server, as far as clients can see it. Where only lines are relayed nobody
/// asks, waits, or is told of the end.
pub trait Scene: Send {
    /// The log that clients read, and how it gets to them.
    fn delivery(&mut self) -> &mut Delivery;

    /// A client has joined from this address, and can be written to. The system may know its name.
    fn joined(&mut self, client: ClientId, address: Address, login_name: Option<Name>);

    fn said(&mut self, client: ClientId, lines: Lines);

    fn asked(&mut self, _: ClientId, _: Command) {}

    /// A client is about to leave, and can be told something until then.
    fn leaving(&mut self, _: ClientId, _: &Ending) {}

    /// A client has left, and what is pending for it is taken care of.
    fn left(&mut self, client: ClientId, ending: Ending, tally: Tally);

    /// The message of the day has these lines now.
    fn reloaded(&mut self, _motd: &[String]) {}

    /// A client's thread wants to know something.
    #[cfg(feature = "data")]
    fn inquired(&mut self, _: ClientId, _: &Inquiry) {}

    /// Something has happened that only a server with accounts knows of.
    #[cfg(feature = "data")]
    fn told(&mut self, _: Event) {}

    fn waited(&mut self) {}

    /// When [`Self::waited`] changes something.
    fn next_due(&self) -> Option<Instant> {
        None
    }

    fn ended(&mut self) {}
}

//! What can happen on the server, whatever lines mean there.

use crate::clock::Clock;
use crate::command::Command;
use crate::delivery::Delivery;
use crate::delivery::shared_log::SharedLog;
use crate::event::{Arrival, ClientId, Departure};
use crate::text::Lines;
use std::time::Instant;

/// What is at hand while something happens.
pub struct Turn<'a> {
    /// When it happens.
    pub clock: Clock,
    /// To write to clients.
    pub delivery: &'a mut Delivery,
}

/// What happens on the server, as far as clients can see it. Where only lines are relayed nobody
/// asks, waits, or is told of the end.
pub trait Scene: Send {
    fn joined(&mut self, client: ClientId, arrival: Arrival, turn: Turn<'_>);

    fn said(&mut self, client: ClientId, lines: Lines, turn: Turn<'_>);

    fn asked(&mut self, _: ClientId, _: Command, _: Turn<'_>) {}

    /// A client has left, and what is pending for it is taken care of.
    fn left(&mut self, client: ClientId, departure: Departure, turn: Turn<'_>);

    /// Time has passed.
    fn waited(&mut self, _: Turn<'_>) {}

    /// When [`Self::waited`] changes something.
    fn next_due(&self) -> Option<Instant> {
        None
    }

    /// The server ends, and says so.
    fn ended(&mut self, _: Turn<'_>) {}

    /// What everybody is to read.
    fn log(&mut self) -> &mut SharedLog;
}

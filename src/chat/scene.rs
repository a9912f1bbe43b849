//! What can happen on the server, whatever lines mean there.

use crate::clock::Clock;
use crate::command::Command;
use crate::delivery::Delivery;
use crate::delivery::shared_log::SharedLog;
use crate::event::{Arrival, ClientId, Departure};
use crate::text::Lines;
use std::time::Instant;

/// What happens on the server, as far as clients can see it.
pub trait Scene: Send {
    /// A client has joined.
    fn joined(&mut self, client: ClientId, arrival: Arrival, clock: Clock, delivery: &mut Delivery);

    /// A client has said something.
    fn said(&mut self, client: ClientId, lines: Lines, clock: Clock, delivery: &mut Delivery);

    /// A client has asked for something.
    fn asked(&mut self, client: ClientId, command: Command, clock: Clock, delivery: &mut Delivery);

    /// A client has left, and what is pending for it is taken care of.
    fn left(
        &mut self,
        client: ClientId,
        departure: Departure,
        clock: Clock,
        delivery: &mut Delivery,
    );

    /// Time has passed.
    fn waited(&mut self, clock: Clock, delivery: &mut Delivery);

    /// When [`Self::waited`] changes something.
    fn next_due(&self) -> Option<Instant>;

    /// The server ends, and says so.
    fn ended(&mut self, clock: Clock, delivery: &mut Delivery);

    /// How many clients are here.
    fn count(&self) -> usize;

    /// What everybody is to read.
    fn log(&mut self) -> &mut SharedLog;
}

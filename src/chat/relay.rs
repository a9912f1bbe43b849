//! Raw mode: lines are passed on as they are, and of a client nothing is known but where it comes
//! from and when it came.

use crate::chat::scene::Scene;
use crate::clock::Clock;
use crate::command::Command;
use crate::delivery::Delivery;
use crate::delivery::block::Origin;
use crate::delivery::shared_log::SharedLog;
use crate::event::{Arrival, ClientId, Departure};
use crate::logging::lines as log_lines;
use crate::text::Lines;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Instant;

/// Programs whose lines are relayed.
#[derive(Default)]
pub struct Relay {
    log: SharedLog,
    clients: BTreeMap<ClientId, (SocketAddr, Instant)>,
}

impl Scene for Relay {
    fn joined(
        &mut self,
        client: ClientId,
        arrival: Arrival,
        clock: Clock,
        delivery: &mut Delivery,
    ) {
        log_lines::joined(arrival.address, None);
        self.clients
            .insert(client, (arrival.address, clock.instant));
        delivery.join(client, arrival, self.log.seal());
    }

    fn said(&mut self, client: ClientId, lines: Lines, _: Clock, delivery: &mut Delivery) {
        let (origin, blocks) = (Origin::Said(client), &mut delivery.blocks);
        self.log
            .append(origin, lines.as_bytes(), lines.cost(), blocks);
    }

    /// There are no commands: every line is said.
    fn asked(&mut self, _: ClientId, _: Command, _: Clock, _: &mut Delivery) {}

    fn left(&mut self, client: ClientId, departure: Departure, clock: Clock, _: &mut Delivery) {
        if let Some((address, joined)) = self.clients.remove(&client) {
            log_lines::left(address, None, clock.since(joined), &departure);
        }
    }

    fn waited(&mut self, _: Clock, _: &mut Delivery) {}

    fn next_due(&self) -> Option<Instant> {
        None
    }

    /// Nothing is said: chatd never writes a byte of its own.
    fn ended(&mut self, _: Clock, _: &mut Delivery) {}

    fn count(&self) -> usize {
        self.clients.len()
    }

    fn log(&mut self) -> &mut SharedLog {
        &mut self.log
    }
}

//! Raw mode: lines are passed on as they are, and of a client nothing is known but where it comes
//! from and when it came. chatd never writes a byte of its own.

use crate::chat::scene::{Scene, Turn};
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
    fn joined(&mut self, client: ClientId, arrival: Arrival, turn: Turn<'_>) {
        let address = arrival.address;
        log_lines::joined(address, None);
        self.clients.insert(client, (address, turn.clock.instant));
        turn.delivery.join(client, arrival, self.log.seal());
    }

    fn said(&mut self, client: ClientId, lines: Lines, turn: Turn<'_>) {
        let (origin, blocks) = (Origin::Said(client), &mut turn.delivery.blocks);
        self.log
            .append(origin, lines.as_bytes(), lines.cost(), blocks);
    }

    fn left(&mut self, client: ClientId, departure: Departure, turn: Turn<'_>) {
        if let Some((address, joined)) = self.clients.remove(&client) {
            log_lines::left(address, None, turn.clock.since(joined), &departure);
        }
    }

    fn log(&mut self) -> &mut SharedLog {
        &mut self.log
    }
}

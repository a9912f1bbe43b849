//! Raw mode: lines are passed on as they are, and of a client nothing is known but where it comes
//! from and when it came. chatd never writes a byte of its own.

use crate::address::Address;
use crate::chat::scene::Scene;
use crate::delivery::Delivery;
use crate::delivery::block::Origin;
use crate::event::{ClientId, Ending, Tally};
use crate::logging::clients as client_log;
use crate::name::Name;
use crate::text::Lines;
use std::collections::BTreeMap;
use std::time::Instant;

pub struct Relay {
    delivery: Delivery,
    clients: BTreeMap<ClientId, (Address, Instant)>,
}

impl Relay {
    pub fn new(delivery: Delivery) -> Self {
        let clients = BTreeMap::new();
        Self { delivery, clients }
    }
}

impl Scene for Relay {
    fn delivery(&mut self) -> &mut Delivery {
        &mut self.delivery
    }

    fn joined(&mut self, client: ClientId, address: Address, _: Option<Name>) {
        client_log::joined(address, None);
        self.clients
            .insert(client, (address, self.delivery.clock.instant));
    }

    fn said(&mut self, client: ClientId, lines: Lines) {
        let (text, cost) = (lines.as_bytes(), lines.cost());
        self.delivery.log.append(Origin::Said(client), text, cost);
    }

    fn left(&mut self, client: ClientId, ending: Ending, tally: Tally) {
        if let Some((address, joined)) = self.clients.remove(&client) {
            client_log::left(
                address,
                None,
                self.delivery.clock.since(joined),
                &ending,
                tally,
            );
        }
    }
}

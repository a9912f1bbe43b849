//! What lines mean: people who chat, or programs whose lines are relayed.
//!
//! Nothing here writes to a socket or asks what time it is: what is to be read goes to a log or to
//! the [`Delivery`], and the clock is handed in.

mod answers;
mod asking;
pub mod commands;
mod facts;
mod gathering;
mod hall;
mod history;
mod ignoring;
mod notices;
mod opening;
mod people;
mod private;
mod relay;
mod room;
mod scene;
mod welcome;

pub use relay::Relay;
pub use scene::Scene;

use crate::clock::Clock;
use crate::command::Command;
use crate::delivery::Delivery;
use crate::delivery::shared_log::SharedLog;
use crate::event::{Arrival, ClientId, Departure};
use crate::logging::lines as log_lines;
use crate::text::Lines;
use asking::Asking;
use facts::{Fact, Reason};
use hall::Hall;
use std::time::Instant;
use welcome::welcome;

/// People who chat.
pub struct Chat {
    hall: Hall,
}

impl Chat {
    /// A chat with nobody in it.
    pub fn new(motd: Vec<String>, history: usize, clock: Clock) -> Self {
        let hall = Hall::new(motd, history, clock);
        Self { hall }
    }
}

impl Scene for Chat {
    fn joined(
        &mut self,
        client: ClientId,
        arrival: Arrival,
        clock: Clock,
        delivery: &mut Delivery,
    ) {
        let address = arrival.address;
        let name = self.hall.people.admit(client, address, clock);
        log_lines::joined(address, Some(name.as_str()));
        let at = self.hall.now();
        delivery.join(client, arrival, at);
        for part in welcome(&mut self.hall, &name, clock) {
            delivery.tell(client, at, part);
        }
        self.hall.apply(Fact::Joined(client, name), clock, delivery);
    }

    fn said(&mut self, client: ClientId, lines: Lines, clock: Clock, delivery: &mut Delivery) {
        self.hall.hear(client, clock);
        self.hall.apply(Fact::Said(client, lines), clock, delivery);
    }

    fn asked(&mut self, client: ClientId, command: Command, clock: Clock, delivery: &mut Delivery) {
        self.hall.hear(client, clock);
        let asking = Asking::new(&mut self.hall, client, clock, delivery);
        commands::answer(asking, command);
    }

    fn left(
        &mut self,
        client: ClientId,
        departure: Departure,
        clock: Clock,
        delivery: &mut Delivery,
    ) {
        let Some(person) = self.hall.people.get(client) else {
            return;
        };
        let stayed = clock.since(person.joined.instant);
        let name = Some(person.name.as_str());
        log_lines::left(person.address, name, stayed, &departure);
        self.hall.apply(
            Fact::Left(client, Reason::of(&departure.ending)),
            clock,
            delivery,
        );
    }

    fn waited(&mut self, clock: Clock, delivery: &mut Delivery) {
        self.hall.apply(Fact::Waited, clock, delivery);
    }

    fn next_due(&self) -> Option<Instant> {
        self.hall.room.next_due()
    }

    fn ended(&mut self, clock: Clock, delivery: &mut Delivery) {
        self.hall.apply(Fact::Ended, clock, delivery);
    }

    fn count(&self) -> usize {
        self.hall.people.count()
    }

    fn log(&mut self) -> &mut SharedLog {
        &mut self.hall.room.log
    }
}

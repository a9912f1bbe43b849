//! What lines mean: people who chat, or programs whose lines are relayed.
//!
//! Nothing here writes to a socket or asks what time it is: what is to be read goes to a log or to
//! the [`Delivery`], and the clock is handed in.

mod answers;
pub mod commands;
mod facts;
mod gathering;
mod history;
mod ignoring;
mod notices;
mod people;
mod private;
mod relay;
mod room;
mod welcome;

pub use relay::Relay;

use crate::clock::Clock;
use crate::command::Command;
use crate::delivery::Delivery;
use crate::delivery::shared_log::{Position, SharedLog};
use crate::event::{Arrival, ClientId, Departure};
use crate::logging::lines as log_lines;
use crate::text::Lines;
use commands::Asking;
use facts::{Fact, Reason};
use people::People;
use room::Room;
use std::time::Instant;
use welcome::Opening;

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

/// People who chat.
pub struct Chat {
    /// The lines of the message of the day.
    motd: Vec<String>,
    people: People,
    room: Room,
    opening: Opening,
    /// When the server began.
    started: Instant,
}

impl Chat {
    /// A chat with nobody in it.
    pub fn new(motd: Vec<String>, history: usize, clock: Clock) -> Self {
        Self {
            motd,
            people: People::default(),
            room: Room::new(history),
            opening: Opening::default(),
            started: clock.instant,
        }
    }

    /// Does what follows from a fact. Everything that was checked comes by here.
    fn apply(&mut self, fact: Fact, clock: Clock, delivery: &mut Delivery) {
        self.people.apply(&fact);
        self.room.apply(fact, clock, &mut delivery.blocks);
    }

    /// The place in the order of all lines that has been reached.
    fn now(&mut self) -> Position {
        self.room.log.seal()
    }

    fn hear(&mut self, client: ClientId, clock: Clock) {
        if let Some(person) = self.people.get_mut(client) {
            person.heard = clock.instant;
        }
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
        let name = self.people.admit(client, address, clock);
        log_lines::joined(address, Some(name.as_str()));
        let at = self.now();
        delivery.join(client, arrival, at);
        for part in self.welcome(&name, clock) {
            delivery.tell(client, at, part);
        }
        self.apply(Fact::Joined(client, name), clock, delivery);
    }

    fn said(&mut self, client: ClientId, lines: Lines, clock: Clock, delivery: &mut Delivery) {
        self.hear(client, clock);
        self.apply(Fact::Said(client, lines), clock, delivery);
    }

    fn asked(&mut self, client: ClientId, command: Command, clock: Clock, delivery: &mut Delivery) {
        self.hear(client, clock);
        Asking::new(self, client, clock, delivery).answer(command);
    }

    fn left(
        &mut self,
        client: ClientId,
        departure: Departure,
        clock: Clock,
        delivery: &mut Delivery,
    ) {
        let Some(person) = self.people.get(client) else {
            return;
        };
        let stayed = clock.since(person.joined.instant);
        let name = Some(person.name.as_str());
        log_lines::left(person.address, name, stayed, &departure);
        self.apply(
            Fact::Left(client, Reason::of(&departure.ending)),
            clock,
            delivery,
        );
    }

    fn waited(&mut self, clock: Clock, delivery: &mut Delivery) {
        self.apply(Fact::Waited, clock, delivery);
    }

    fn next_due(&self) -> Option<Instant> {
        self.room.next_due()
    }

    fn ended(&mut self, clock: Clock, delivery: &mut Delivery) {
        self.apply(Fact::Ended, clock, delivery);
    }

    fn count(&self) -> usize {
        self.people.count()
    }

    fn log(&mut self) -> &mut SharedLog {
        &mut self.room.log
    }
}

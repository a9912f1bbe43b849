//! What lines mean: people who chat, or programs whose lines are relayed.
//!
//! Nothing here writes to a socket or asks what time it is: what is to be read goes to a log or to
//! the [`Delivery`](crate::delivery::Delivery), and the clock is handed in.

mod answers;
mod asking;
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
mod scene;
mod state;
mod welcome;

pub use relay::Relay;
pub use scene::{Scene, Turn};
pub use state::Chat;

use crate::command::Command;
use crate::delivery::shared_log::SharedLog;
use crate::event::{Answer, Arrival, ClientId, Departure};
use crate::logging::lines as log_lines;
use crate::text::Lines;
use asking::Asking;
use facts::{Fact, Reason};
use std::time::Instant;
use welcome::welcome;

impl Scene for Chat {
    fn joined(&mut self, client: ClientId, arrival: Arrival, mut turn: Turn<'_>) {
        let address = arrival.address;
        let name = self.people.admit(client, address, turn.clock);
        log_lines::joined(address, Some(name.as_str()));
        turn.delivery.join(client, arrival, self.room.log.seal());
        let history = &self.room.history;
        let opening = self.opening.text(&self.motd, history, turn.clock.time);
        self.tell(client, Answer::SharedLines(opening), &mut turn);
        let welcome = welcome(&name, &self.room.here);
        self.tell(client, Answer::Lines(welcome), &mut turn);
        self.apply(Fact::Joined(client, name), &mut turn);
    }

    fn said(&mut self, client: ClientId, lines: Lines, mut turn: Turn<'_>) {
        self.people[client].heard = turn.clock.instant;
        self.apply(Fact::Said(client, lines), &mut turn);
    }

    fn asked(&mut self, client: ClientId, command: Command, turn: Turn<'_>) {
        self.people[client].heard = turn.clock.instant;
        let asking = Asking {
            chat: self,
            client,
            turn,
            text: Vec::new(),
        };
        commands::answer(asking, command);
    }

    fn left(&mut self, client: ClientId, departure: Departure, mut turn: Turn<'_>) {
        let person = &self.people[client];
        let stayed = turn.clock.since(person.joined.instant);
        let name = Some(person.name.as_str());
        log_lines::left(person.address, name, stayed, &departure);
        let reason = Reason::of(departure.ending);
        self.apply(Fact::Left(client, reason), &mut turn);
    }

    fn waited(&mut self, mut turn: Turn<'_>) {
        self.apply(Fact::Waited, &mut turn);
    }

    fn next_due(&self) -> Option<Instant> {
        self.room.next_due()
    }

    fn ended(&mut self, mut turn: Turn<'_>) {
        self.apply(Fact::Ended, &mut turn);
    }

    fn log(&mut self) -> &mut SharedLog {
        &mut self.room.log
    }
}

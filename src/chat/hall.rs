//! The state of the chat: everybody on the server, and the room that they are in.

use crate::chat::facts::Fact;
use crate::chat::opening::Opening;
use crate::chat::people::People;
use crate::chat::room::Room;
use crate::clock::Clock;
use crate::delivery::Delivery;
use crate::delivery::shared_log::Position;
use crate::event::ClientId;
use std::time::Instant;

/// Everybody, and what they share.
pub struct Hall {
    /// The lines of the message of the day.
    pub motd: Vec<String>,
    pub people: People,
    pub room: Room,
    pub opening: Opening,
    /// When the server began.
    pub started: Instant,
}

impl Hall {
    /// A hall with nobody in it.
    pub fn new(motd: Vec<String>, history: usize, clock: Clock) -> Self {
        Self {
            motd,
            people: People::default(),
            room: Room::new(history),
            opening: Opening::default(),
            started: clock.instant,
        }
    }

    /// Applies a fact: to the people, and to the room, whose log others read.
    pub fn apply(&mut self, fact: Fact, clock: Clock, delivery: &mut Delivery) {
        self.people.apply(&fact);
        self.room.apply(fact, clock, &mut delivery.blocks);
    }

    /// The place in the order of all lines that has been reached.
    pub fn now(&mut self) -> Position {
        self.room.log.seal()
    }

    /// A client has sent something.
    pub fn hear(&mut self, client: ClientId, clock: Clock) {
        if let Some(person) = self.people.get_mut(client) {
            person.heard = clock.instant;
        }
    }
}

//! The state of the chat: everybody on the server, and the room that they are in.

use crate::chat::archive::Archive;
use crate::chat::facts::Fact;
use crate::chat::people::People;
use crate::chat::room::Room;
use crate::chat::welcome::Opening;
use crate::clock::Clock;
use crate::delivery::Delivery;
use crate::text::push_server_line;
use std::time::Instant;

pub struct Chat {
    /// The message of the day, as clients read it.
    pub motd: Vec<u8>,
    pub people: People,
    pub room: Room,
    pub opening: Opening,
    pub started: Instant,
}

impl Chat {
    /// A chat with nobody in it, whose message of the day has these lines.
    pub fn new(
        lines: &[String],
        history: usize,
        delivery: Delivery,
        archive: Option<Box<dyn Archive>>,
    ) -> Self {
        let notice = archive.as_ref().and_then(|archive| archive.notice());
        Self {
            motd: render_motd(lines),
            people: People::default(),
            started: delivery.clock.instant,
            room: Room::new(history, delivery, archive),
            opening: Opening::new(notice),
        }
    }

    pub fn change_motd(&mut self, lines: &[String]) {
        self.motd = render_motd(lines);
        self.opening.forget();
    }

    /// Applies a fact: to the people, and to the room, which logs what others are to read.
    pub fn apply(&mut self, fact: Fact) {
        self.people.apply(&fact);
        let clock = self.clock();
        self.room.apply(fact, clock);
    }

    pub fn clock(&self) -> Clock {
        self.room.delivery.clock
    }
}

fn render_motd(lines: &[String]) -> Vec<u8> {
    let mut motd = Vec::new();
    for line in lines {
        push_server_line(&mut motd, format_args!("{line}"));
    }
    motd
}

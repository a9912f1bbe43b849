//! The state of the chat: everybody on the server, and the room that they are in.

use crate::address::Address;
use crate::chat::archive::{self, Archive};
use crate::chat::commands::Offer;
use crate::chat::facts::Fact;
use crate::chat::people::People;
use crate::chat::room::Room;
use crate::chat::welcome::{Opening, welcome};
use crate::clock::Clock;
use crate::delivery::Delivery;
use crate::event::{Answer, ClientId};
use crate::logging::clients as client_log;
use crate::name::Name;
use crate::text::push_server_line;
use std::time::Instant;

pub struct Chat {
    /// The message of the day, as clients read it.
    pub motd: Vec<u8>,
    pub people: People,
    pub room: Room,
    pub opening: Opening,
    pub started: Instant,
    /// What this server has beside the chat.
    pub offers: Vec<Offer>,
}

impl Chat {
    /// A chat with nobody in it, whose message of the day has these lines.
    pub fn new(
        lines: &[String],
        history: usize,
        delivery: Delivery,
        archive: Option<Box<dyn Archive>>,
    ) -> Self {
        let notice = archive.as_deref().and_then(archive::notice);
        Self {
            motd: render_motd(lines),
            people: People::default(),
            started: delivery.clock.instant,
            room: Room::new(history, delivery, archive),
            opening: Opening::new(notice),
            offers: Vec::new(),
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

    /// Lets a newcomer in who came then: what it reads, behind what was said before.
    pub fn admit(&mut self, client: ClientId, name: Name, address: Address, came: Clock) {
        client_log::joined(address, Some(&name));
        self.people.admit(client, name.clone(), address, came);
        self.hear(client);
        let welcome = welcome(&name, &self.room.here);
        self.room.delivery.tell(client, Answer::Lines(welcome));
        self.apply(Fact::Joined(client, name));
    }

    /// Tells a newcomer who may pick a name that it may.
    pub fn say_how_to_begin(&mut self, client: ClientId) {
        let mut text = Vec::new();
        push_server_line(
            &mut text,
            format_args!("/nick NAME picks a name, /help lists the commands"),
        );
        self.room.delivery.tell(client, Answer::Lines(text));
    }

    /// Gives somebody a name that nobody else has. Who is not announced yet is told alone.
    pub fn rename(&mut self, client: ClientId, name: Name) {
        let person = &self.people[client];
        client_log::renamed(person.address, &person.name, &name);
        if !self.room.here.contains_key(&client) {
            let mut text = Vec::new();
            let old = &person.name;
            push_server_line(&mut text, format_args!("{old} is now {name}"));
            self.room.delivery.tell(client, Answer::Lines(text));
        }
        self.apply(Fact::Renamed(client, name));
    }

    /// Somebody has sent a line.
    pub fn hear(&mut self, client: ClientId) {
        let (now, said) = (self.clock().instant, self.room.history.said);
        let person = &mut self.people[client];
        (person.last_heard, person.said_before) = (now, said);
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

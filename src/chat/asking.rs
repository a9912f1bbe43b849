//! A client that has asked for something, and what it takes to answer it.

use crate::chat::facts::Fact;
use crate::chat::hall::Hall;
use crate::clock::Clock;
use crate::delivery::Delivery;
use crate::event::{Answer, ClientId};
use crate::text::push_server_line;
use std::fmt;

/// What each command is handed.
pub struct Asking<'a> {
    /// What it may look at and change.
    pub hall: &'a mut Hall,
    /// Who asks.
    pub client: ClientId,
    /// When.
    pub clock: Clock,
    /// To write to others.
    pub delivery: &'a mut Delivery,
    /// What the client is answered.
    pub text: Vec<u8>,
}

impl<'a> Asking<'a> {
    pub fn new(
        hall: &'a mut Hall,
        client: ClientId,
        clock: Clock,
        delivery: &'a mut Delivery,
    ) -> Self {
        Self {
            hall,
            client,
            clock,
            delivery,
            text: Vec::new(),
        }
    }

    /// Applies a fact.
    pub fn apply(&mut self, fact: Fact) {
        self.hall.apply(fact, self.clock, self.delivery);
    }

    /// Answers with a line of the server.
    pub fn say(&mut self, content: fmt::Arguments<'_>) {
        push_server_line(&mut self.text, content);
    }

    /// Sends the answer, behind everything that was said until now.
    pub fn send(self) {
        let at = self.hall.now();
        self.delivery
            .tell(self.client, at, Answer::Lines(self.text));
    }
}

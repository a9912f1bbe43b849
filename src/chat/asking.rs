//! A client that has asked for something, and what it takes to answer it.

use crate::chat::facts::Fact;
use crate::chat::notices::quote;
use crate::chat::people::Person;
use crate::chat::state::Chat;
use crate::event::{Answer, ClientId};
use crate::name::Called;
use crate::text::push_server_line;
use std::{fmt, mem};

/// What each command is handed.
pub struct Asking<'a> {
    /// What it may look at and change.
    pub chat: &'a mut Chat,
    pub client: ClientId,
    /// What the client is answered.
    pub text: Vec<u8>,
}

impl Asking<'_> {
    pub fn me(&mut self) -> &mut Person {
        &mut self.chat.people[self.client]
    }

    /// Who is meant by a name, or an answer that nobody is. A newcomer is announced first: its name
    /// may have been that of somebody who has just left.
    pub fn find(&mut self, called: &Called) -> Option<ClientId> {
        let found = self.chat.people.find(called);
        if let Some(client) = found {
            self.chat.apply(Fact::Mentioned(client));
        } else {
            let name = quote(&called.text);
            self.say(format_args!("nobody here by that name: {name}"));
        }
        found
    }

    /// Answers with a line of the server.
    pub fn say(&mut self, content: fmt::Arguments<'_>) {
        push_server_line(&mut self.text, content);
    }

    /// Sends the answer so far, behind everything that was said until now.
    pub fn send(&mut self) {
        if !self.text.is_empty() {
            let answer = Answer::Lines(mem::take(&mut self.text));
            self.chat.room.delivery.tell(self.client, answer);
        }
    }
}

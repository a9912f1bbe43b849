//! A client that has asked for something, and what it takes to answer it.

use crate::chat::commands::{Offer, Who};
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
    /// Whose commands it may use: everybody's, or those of operators too.
    pub may: Who,
    /// What the server has, but not for it.
    pub lacks: Option<Offer>,
    /// What the client is answered.
    pub text: Vec<u8>,
}

impl Asking<'_> {
    pub fn me(&mut self) -> &mut Person {
        &mut self.chat.people[self.client]
    }

    /// Who is meant, or an answer that nobody is, and what follows from that. A newcomer is announced
    /// first: its name may have been that of somebody who has just left.
    pub fn find(&mut self, called: &Called, otherwise: &str) -> Option<ClientId> {
        match called {
            Called::Name(name) => {
                let found = self.chat.people.find(name);
                match found {
                    Some(client) => self.chat.apply(Fact::Mentioned(client)),
                    None => self.say(format_args!("{name} is not here{otherwise}")),
                }
                found
            }
            Called::Nobody(text) => {
                let text = quote(text);
                self.say(format_args!("nobody is called so{otherwise}: {text}"));
                None
            }
        }
    }

    /// How many are here. Who asks knows of itself, also before others do.
    pub fn count_here(&self) -> usize {
        let here = &self.chat.room.here;
        here.len() + usize::from(!here.contains_key(&self.client))
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

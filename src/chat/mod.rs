//! What lines mean: people who chat, or programs whose lines are relayed.
//!
//! Nothing here writes to a socket or asks what time it is: what is to be read goes to a log or to
//! the [`Delivery`](crate::delivery::Delivery), and the clock is handed in.

mod answers;
pub mod archive;
mod asking;
#[cfg(feature = "data")]
pub mod club;
pub mod commands;
mod facts;
mod gathering;
mod history;
mod ignoring;
pub mod notices;
mod people;
mod private;
mod relay;
mod room;
mod scene;
mod state;
mod welcome;

pub use relay::Relay;
pub use scene::Scene;
pub use state::Chat;

use crate::address::Address;
use crate::command::Command;
use crate::delivery::Delivery;
#[cfg(feature = "data")]
use crate::event::Inquiry;
use crate::event::{Answer, ClientId, Ending, Tally};
use crate::logging::clients as client_log;
use crate::name::Name;
use crate::text::Lines;
use asking::Asking;
use commands::Who;
use facts::Fact;
use std::time::Instant;

impl Scene for Chat {
    fn delivery(&mut self) -> &mut Delivery {
        &mut self.room.delivery
    }

    fn joined(&mut self, client: ClientId, address: Address, login_name: Option<Name>) {
        let clock = self.clock();
        let name = self.people.free_or_guest(client, login_name);
        let history = &self.room.history;
        let opening = self.opening.text(&self.motd, history, clock.time);
        let opening = Answer::SharedLines(opening);
        self.room.delivery.tell(client, opening);
        self.admit(client, name, address, clock);
        self.say_how_to_begin(client);
    }

    fn said(&mut self, client: ClientId, lines: Lines) {
        self.hear(client);
        self.apply(Fact::Said(client, lines));
    }

    fn asked(&mut self, client: ClientId, command: Command) {
        self.hear(client);
        let asking = Asking {
            chat: self,
            client,
            may: Who::Everybody,
            lacks: None,
            text: Vec::new(),
        };
        commands::answer(asking, command);
    }

    fn left(&mut self, client: ClientId, ending: Ending, tally: Tally) {
        let person = &self.people[client];
        let stayed = self.clock().since(person.joined.instant);
        let name = Some(&person.name);
        client_log::left(person.address, name, stayed, &ending, tally);
        self.apply(Fact::Left(client, ending));
    }

    fn reloaded(&mut self, motd: &[String]) {
        self.change_motd(motd);
    }

    #[cfg(feature = "data")]
    fn inquired(&mut self, client: ClientId, inquiry: &Inquiry) {
        self.hear(client);
        if let Inquiry::Ignored(reply) = inquiry {
            // It waits for this one answer, unless it has left.
            let _ = reply.try_send(self.people.names_ignored_by(client));
        }
    }

    fn waited(&mut self) {
        self.apply(Fact::Waited);
    }

    fn next_due(&self) -> Option<Instant> {
        self.room.next_due()
    }

    fn ended(&mut self) {
        self.apply(Fact::Ended);
    }
}

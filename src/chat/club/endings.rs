//! How connections end: by themselves, or by an event, such as a kick, of which the client's thread
//! knows nothing yet. What it still sends is dropped; its last event says how much it has sent.

use crate::address::Address;
use crate::change::{Change, Presence};
use crate::chat::Scene;
use crate::chat::club::Club;
use crate::chat::facts::Fact;
use crate::clock::Clock;
use crate::event::{ClientId, Ending, Tally};
use crate::logging::clients as client_log;
use crate::name::Name;

/// What is logged of somebody once their last event comes.
pub struct Farewell {
    /// Nothing for who was never let in.
    name: Option<Name>,
    address: Address,
    came: Clock,
    ending: Ending,
}

impl Club {
    /// Ends a client, which reads what is pending for it. As far as others can see it has left.
    pub fn end(&mut self, client: ClientId, ending: Ending) {
        let (name, address, came) = if let Some(visitor) = self.lobby.remove(client) {
            (None, visitor.address, visitor.came)
        } else {
            let person = &self.chat.people[client];
            let (name, address, came) = (person.name.clone(), person.address, person.joined);
            self.depart(client);
            self.chat.apply(Fact::Left(client, ending.clone()));
            (Some(name), address, came)
        };
        let farewell = Farewell {
            name,
            address,
            came,
            ending,
        };
        self.ended.insert(client, farewell);
        self.chat.delivery().end(client);
    }

    /// A client's last event was taken.
    pub fn has_left(&mut self, client: ClientId, ending: Ending, tally: Tally) {
        let now = self.chat.clock();
        if let Some(farewell) = self.ended.remove(&client) {
            let Farewell {
                address,
                came,
                ending,
                ..
            } = farewell;
            let stayed = now.since(came.instant);
            match farewell.name {
                Some(name) => client_log::left(address, Some(&name), stayed, &ending, tally),
                None => client_log::gave_up(address, stayed, &ending, tally),
            }
        } else if let Some(visitor) = self.lobby.remove(client) {
            let stayed = now.since(visitor.came.instant);
            client_log::gave_up(visitor.address, stayed, &ending, tally);
        } else {
            let ending = match ending {
                Ending::Quit(Some(_)) if self.is_muted(client) => Ending::Quit(None),
                ending => ending,
            };
            self.depart(client);
            self.chat.left(client, ending, tally);
        }
    }

    /// Notes when the owner of an account was last here, and who has left.
    fn depart(&mut self, client: ClientId) {
        let (now, said) = (self.chat.clock(), self.chat.room.history.said);
        let account = self.accounts.depart(client, said, now.time);
        let person = &self.chat.people[client];
        let host = person.address.host();
        self.departed
            .add(&person.name, host, account.clone(), now.instant);
        self.muted.remove(&client);
        if let Some(name) = account {
            let has_left = Change::WasHere(name, now.time, Presence::HasLeft);
            self.handed.hand(has_left);
        }
    }

    /// The server ends: who is logged in was here until now, and who waits is told too.
    pub fn say_goodbye(&mut self) {
        let (now, said) = (self.chat.clock().time, self.chat.room.history.said);
        for client in self.accounts.clients() {
            if let Some(name) = self.accounts.depart(client, said, now) {
                let has_left = Change::WasHere(name, now, Presence::HasLeft);
                self.handed.hand(has_left);
            }
        }
        for client in self.lobby.clients() {
            self.tell(client, format_args!("chatd is shutting down"));
        }
    }
}

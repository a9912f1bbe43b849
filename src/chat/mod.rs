//! The chat: who is here, what they are called, and who is told what.
//!
//! It writes nothing to a socket and knows no time of its own: what is to be read goes to the
//! [`Delivery`], and the clock is handed in.

mod answers;
mod gathering;
mod history;
pub mod names;

use crate::chat::gathering::{Gathering, Reason, arrival_notice, departure_notice, join_names};
use crate::chat::history::History;
use crate::chat::names::{Name, Names};
use crate::clock::Clock;
use crate::command::Command;
use crate::delivery::Delivery;
use crate::delivery::shared_log::Origin;
use crate::event::{Advice, ClientId, Ending};
use crate::logging::lines as log_lines;
use crate::text::{Line, Lines};
use crate::wire::Wire;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the welcome waits for the first bytes of a newcomer: a browser is to read nothing but
/// its HTTP answer.
const HOLD_TIME: Duration = Duration::from_millis(100);

/// How many names a newcomer is shown.
const WELCOME_NAMES: usize = 20;

/// How many characters of a client's text stand in a line of the server.
const QUOTED_CHARACTERS: usize = 200;

/// Somebody who is here.
pub struct Person {
    /// What they are called.
    pub name: Name,
    wire: Arc<dyn Wire>,
    /// When they came.
    pub joined: Clock,
    /// When they last sent a line.
    pub heard: Instant,
    /// Whether they are away.
    pub away: Away,
    /// Who last wrote to them privately, and what they were called then.
    pub correspondent: Option<(ClientId, Name)>,
}

/// Whether somebody is away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Away {
    /// They are here.
    No,
    /// They are away and gave no text.
    Silently,
    /// They are away and said this.
    Saying(Line),
}

/// The chat.
pub struct Room {
    /// The message of the day.
    pub motd: Vec<String>,
    /// What was said and done.
    pub history: History,
    /// Who has which name.
    pub names: Names,
    /// Who is here, in the order of their coming.
    pub people: BTreeMap<ClientId, Person>,
    /// Who has come and gone without others knowing.
    pub gathering: Gathering,
    /// How many guests have come, ever.
    guests: u64,
    /// When the server began.
    pub started: Instant,
}

impl Room {
    /// An empty room.
    #[must_use]
    pub fn new(motd: Vec<String>, history: usize, clock: Clock) -> Self {
        Self {
            motd,
            history: History::new(history),
            names: Names::default(),
            people: BTreeMap::new(),
            gathering: Gathering::default(),
            guests: 0,
            started: clock.instant,
        }
    }

    /// A client has connected: it is welcomed now and announced later.
    pub fn join(
        &mut self,
        client: ClientId,
        wire: Arc<dyn Wire>,
        clock: Clock,
        delivery: &mut Delivery,
    ) {
        self.guests += 1;
        let name = Name::guest(self.guests);
        self.names.admit(client, &name);
        log_lines::joined(wire.peer(), Some(&name));
        delivery.join(client, Arc::clone(&wire));
        delivery.hold(client, HOLD_TIME, clock.instant);
        delivery.tell(client, &self.welcome(&name, clock));
        let person = Person {
            name,
            wire,
            joined: clock,
            heard: clock.instant,
            away: Away::No,
            correspondent: None,
        };
        person.tell_prefix();
        self.people.insert(client, person);
        self.gathering.arrive(client, clock.instant);
    }

    /// What a client reads that is not among the people yet.
    fn welcome(&self, name: &Name, clock: Clock) -> Vec<u8> {
        let mut text = Vec::new();
        answers::motd(&self.motd, &mut text);
        answers::line(&mut text, format_args!("welcome to chatd, you are {name}"));
        match self.people.len() - self.gathering.arrivals() {
            0 => answers::line(&mut text, format_args!("nobody else is here")),
            known => {
                let names = self.known_people().map(|(_, person)| &person.name);
                let names = join_names(names, known, WELCOME_NAMES);
                answers::line(&mut text, format_args!("here: {names}"));
            }
        }
        answers::history(
            &self.history.last(usize::MAX, |_| true),
            clock.time,
            &mut text,
        );
        answers::line(
            &mut text,
            format_args!("/nick NAME picks a name, /help lists the commands"),
        );
        text
    }

    /// Those of whom others have been told.
    pub fn known_people(&self) -> impl Iterator<Item = (ClientId, &Person)> {
        let known = |client: &ClientId| !self.gathering.is_unannounced(*client);
        self.people
            .iter()
            .filter(move |(client, _)| known(client))
            .map(|(client, person)| (*client, person))
    }

    /// A client says something.
    pub fn say(&mut self, client: ClientId, lines: &Lines, clock: Clock, delivery: &mut Delivery) {
        self.announce(client, delivery);
        let Some(person) = self.hear(client, clock, delivery) else {
            return;
        };
        let prefix = person.prefix();
        delivery.say(Origin::Said(client), |text| {
            for line in lines.iter() {
                text.extend_from_slice(prefix.as_bytes());
                text.extend_from_slice(line);
                text.push(b'\n');
            }
        });
        let most = self.history.most_lines();
        if most > 0 {
            let count = memchr::memchr_iter(b'\n', lines.as_bytes()).count();
            for line in lines.iter().skip(count.saturating_sub(most)) {
                self.history
                    .push(clock.time, client, prefix.as_bytes(), line);
            }
        }
    }

    /// A client does something that others read.
    pub fn act(&mut self, client: ClientId, action: &Line, clock: Clock, delivery: &mut Delivery) {
        self.announce(client, delivery);
        let Some(person) = self.people.get(&client) else {
            return;
        };
        let line = format!("* {} {}", person.name, action.as_str());
        delivery.say(Origin::Done(client), |text| {
            text.extend_from_slice(line.as_bytes());
            text.push(b'\n');
        });
        self.history.push(clock.time, client, b"", line.as_bytes());
    }

    /// A client asks for something.
    pub fn command(
        &mut self,
        client: ClientId,
        command: Command,
        clock: Clock,
        delivery: &mut Delivery,
    ) {
        if self.hear(client, clock, delivery).is_some() {
            answers::answer(self, client, command, clock, delivery);
        }
    }

    /// A client is to read a line from the server.
    pub fn advise(client: ClientId, advice: Advice, delivery: &mut Delivery) {
        delivery.release(client);
        let mut text = Vec::new();
        answers::line(&mut text, format_args!("{advice}"));
        delivery.tell(client, &text);
    }

    fn hear(&mut self, client: ClientId, clock: Clock, delivery: &mut Delivery) -> Option<&Person> {
        delivery.release(client);
        let person = self.people.get_mut(&client)?;
        person.heard = clock.instant;
        Some(person)
    }

    /// Gives `client` another name, and says so to whoever knows of them.
    pub fn rename(&mut self, client: ClientId, name: Name, delivery: &mut Delivery) {
        let is_known = !self.gathering.is_unannounced(client);
        if is_known {
            self.announce_departures(delivery);
        }
        let Some(person) = self.people.get_mut(&client) else {
            return;
        };
        log_lines::renamed(person.wire.peer(), &person.name, &name);
        let mut notice = Vec::new();
        answers::line(&mut notice, format_args!("{} is now {name}", person.name));
        person.name = name;
        person.tell_prefix();
        if is_known {
            delivery.say(Origin::Server, |text| text.extend_from_slice(&notice));
        } else {
            delivery.tell(client, &notice);
        }
    }

    /// A client is gone, and its thread says why.
    pub fn leave(
        &mut self,
        client: ClientId,
        ending: Ending,
        clock: Clock,
        delivery: &mut Delivery,
    ) {
        let ending = delivery.leave(client, ending, clock.instant);
        let Some(person) = self.people.remove(&client) else {
            return;
        };
        self.names.release(&person.name);
        let stayed = clock
            .instant
            .saturating_duration_since(person.joined.instant);
        log_lines::left(
            person.wire.peer(),
            Some(&person.name),
            person.wire.tally(),
            stayed,
            &ending,
        );
        if self.gathering.take_arrival(client) || ending == Ending::Shutdown {
            return;
        }
        if let Ending::Quit(Some(text)) = &ending {
            let notice = format!("-- {} left: \"{}\"\n", person.name, quote(text));
            delivery.say(Origin::Presence(client), |text| {
                text.extend_from_slice(notice.as_bytes())
            });
        } else {
            let reason = Reason::of(&ending);
            self.gathering
                .depart(client, person.name, reason, clock.instant);
        }
    }

    /// When [`Self::tick`] is due, if nothing happens before.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        self.gathering.next_due()
    }

    /// Says what has gathered for long enough.
    pub fn tick(&mut self, clock: Clock, delivery: &mut Delivery) {
        if self.gathering.departures_are_due(clock.instant) {
            self.announce_departures(delivery);
        }
        let arrivals = self.gathering.due_arrivals(clock.instant);
        if arrivals.is_empty() {
            return;
        }
        self.announce_departures(delivery);
        let people = arrivals.iter().filter_map(|client| self.people.get(client));
        let names = people.map(|person| &person.name).collect::<Vec<_>>();
        let origin = match arrivals[..] {
            [only] => Origin::Presence(only),
            _ => Origin::Gathered,
        };
        say_notice(delivery, origin, &arrival_notice(&names));
    }

    /// Announces a newcomer who is about to be heard.
    pub fn announce(&mut self, client: ClientId, delivery: &mut Delivery) {
        if self.gathering.take_arrival(client) {
            self.announce_departures(delivery);
            if let Some(person) = self.people.get(&client) {
                let notice = arrival_notice(&[&person.name]);
                say_notice(delivery, Origin::Presence(client), &notice);
            }
        }
    }

    /// Says who has left, before anything is said of others who may have their names.
    pub fn announce_departures(&mut self, delivery: &mut Delivery) {
        for (reason, departed) in self.gathering.take_departures() {
            let notice = departure_notice(&departed.values().collect::<Vec<_>>(), reason);
            say_notice(delivery, Origin::Gathered, &notice);
        }
    }
}

fn say_notice(delivery: &mut Delivery, origin: Origin, notice: &str) {
    delivery.say(origin, |text| answers::line(text, format_args!("{notice}")));
}

/// A client's text as it stands in a line of the server: between quotes, and not long.
#[must_use]
pub fn quote(text: &Line) -> String {
    let characters = text.as_str().chars().take(QUOTED_CHARACTERS);
    characters
        .map(|c| if c == '"' { '\'' } else { c })
        .collect()
}

impl Person {
    /// What stands before each line of theirs.
    fn prefix(&self) -> String {
        format!("<{}> ", self.name)
    }

    fn tell_prefix(&self) {
        self.wire.set_prefix(self.prefix().len());
    }
}

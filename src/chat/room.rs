//! One conversation: its log and who reads it, who is here, and what was said lately.
//!
//! Who is here, the history and the log change by facts alone. What follows from a fact, and what
//! is logged of it, depends on the room and on the time that comes with it, and on nothing else, so
//! two rooms to which the same has happened are the same.

#[cfg(feature = "data")]
use crate::change::Erasure;
use crate::chat::archive::{Archive, Kind, Utterance};
use crate::chat::facts::Fact;
use crate::chat::gathering::Gathering;
use crate::chat::history::History;
use crate::chat::notices;
use crate::clock::Clock;
use crate::delivery::Delivery;
use crate::delivery::block::Origin;
use crate::event::{ClientId, Ending};
use crate::name::Name;
#[cfg(feature = "data")]
use crate::name::show_letters;
use crate::text::{GOODBYE, LINE_COST, Lines, push_server_line};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::iter::once;
use std::time::{Duration, Instant};

pub struct Room {
    /// The log, and everybody who reads it.
    pub delivery: Delivery,
    pub history: History,
    /// Those of whom others have been told, in the order of their coming.
    pub here: BTreeMap<ClientId, Name>,
    /// The others, and who has gone without others knowing.
    pub gathering: Gathering,
    /// Where what is said is kept, if it is.
    pub archive: Option<Box<dyn Archive>>,
}

/// Who has said what was said before the server started: nobody who is here.
const NOBODY: ClientId = ClientId(0);

impl Room {
    /// A room in which what was kept before was said lately.
    pub fn new(history: usize, delivery: Delivery, mut archive: Option<Box<dyn Archive>>) -> Self {
        let mut history = History::new(history);
        for line in archive.iter_mut().flat_map(|archive| archive.recall()) {
            let (prefix, text) = (line.prefix(), line.text.as_bytes());
            history.push(line.time, NOBODY, prefix.as_bytes(), once(text));
        }
        let clock = delivery.clock;
        let mut room = Self {
            delivery,
            history,
            here: BTreeMap::new(),
            gathering: Gathering::default(),
            archive,
        };
        room.forget_old(clock);
        room
    }

    /// How long what is said is kept: nothing if it is not. Memory keeps nothing for longer.
    pub fn lasts(&self) -> Option<Duration> {
        self.archive.as_ref()?.lasts()
    }

    fn forget_old(&mut self, clock: Clock) {
        if let Some(lasts) = self.lasts() {
            let is_old = |at| age(at, clock) >= lasts;
            self.history.forget_oldest(is_old);
        }
    }

    /// When [`Fact::Waited`] changes something.
    pub fn next_due(&self) -> Option<Instant> {
        let clock = self.delivery.clock;
        let expiry = self.lasts().zip(self.history.oldest());
        let expiry = expiry.map(|(lasts, at)| clock.instant + lasts.saturating_sub(age(at, clock)));
        [self.gathering.next_due(), expiry]
            .into_iter()
            .flatten()
            .min()
    }

    pub fn apply(&mut self, fact: Fact, clock: Clock) {
        match fact {
            Fact::Joined(client, name) => self.gathering.arrive(client, name, clock.instant),
            Fact::Said(client, lines) => self.say(client, Kind::Said, lines, clock),
            Fact::Did(client, lines) => self.say(client, Kind::Did, lines, clock),
            Fact::Renamed(client, name) => self.rename(client, name),
            Fact::Mentioned(client) => self.introduce(client),
            Fact::Left(client, ending) => self.leave(client, &ending, clock),
            #[cfg(feature = "data")]
            Fact::Told(notice) => {
                self.announce_departures();
                self.note(Origin::Server, &notice);
            }
            #[cfg(feature = "data")]
            Fact::Erased(erasure) => self.erase(&erasure),
            Fact::Waited => {
                self.forget_old(clock);
                if self.gathering.departures_are_due(clock.instant) {
                    self.announce_departures();
                }
                let arrivals = self.gathering.take_due_arrivals(clock.instant);
                self.announce_arrivals(arrivals);
            }
            Fact::Ended => {
                self.announce_departures();
                self.note(Origin::Server, GOODBYE);
            }
        }
    }

    fn say(&mut self, client: ClientId, kind: Kind, lines: Lines, clock: Clock) {
        self.introduce(client);
        let Some(name) = self.here.get(&client) else {
            return;
        };
        let prefix = kind.prefix(name.shown());
        let origin = match kind {
            Kind::Said => Origin::Said(client),
            Kind::Did => Origin::Done(client),
        };
        let (prefix, count) = (prefix.as_bytes(), lines.count());
        let mut text = Vec::with_capacity(lines.as_bytes().len() + count * prefix.len());
        for line in lines.iter() {
            text.extend_from_slice(prefix);
            text.extend_from_slice(line);
            text.push(b'\n');
        }
        self.delivery.log.append(origin, &text, lines.cost());
        self.history.push(clock.time, client, prefix, lines.iter());
        if let Some(archive) = &mut self.archive {
            let (time, name) = (clock.time, name.clone());
            archive.keep(Utterance {
                time,
                name,
                kind,
                lines,
            });
        }
    }

    /// Nobody reads again what was said under that very name.
    #[cfg(feature = "data")]
    fn erase(&mut self, erasure: &Erasure) {
        let Erasure { since, until, .. } = erasure;
        let name = show_letters(&erasure.name);
        let prefixes = [Kind::Said, Kind::Did].map(|kind| kind.prefix(&name));
        let mut left = erasure.count.unwrap_or(usize::MAX);
        self.history.erase(|time, line| {
            let is_theirs = prefixes
                .iter()
                .any(|prefix| line.starts_with(prefix.as_bytes()));
            let is_then =
                since.is_none_or(|since| since <= time) && until.is_none_or(|until| time < until);
            let is_erased = left > 0 && is_theirs && is_then;
            left -= usize::from(is_erased);
            is_erased
        });
    }

    /// A newcomer of whom nobody was told is renamed without a word.
    fn rename(&mut self, client: ClientId, name: Name) {
        if let Some(newcomer) = self.gathering.newcomer(client) {
            *newcomer = name;
        } else if let Some(old) = self.here.get(&client) {
            let notice = format!("{old} is now {name}");
            self.announce_departures();
            self.note(Origin::Server, &notice);
            self.here.insert(client, name);
        }
    }

    fn leave(&mut self, client: ClientId, ending: &Ending, clock: Clock) {
        if self.gathering.take_newcomer(client).is_none()
            && let Some(name) = self.here.remove(&client)
        {
            match ending {
                // Nobody is told: the server ends, or has a line of its own for it.
                Ending::Shutdown | Ending::Kicked | Ending::Banned => {}
                Ending::Quit(Some(text)) => {
                    let notice = format!("{name} left: {}", notices::quote(text));
                    self.note(Origin::Presence(client), &notice);
                }
                ending => {
                    let told = notices::told(ending);
                    self.gathering.depart(client, name, told, clock.instant);
                }
            }
        }
    }

    /// Announces a newcomer of whom others are about to read.
    fn introduce(&mut self, client: ClientId) {
        if let Some(name) = self.gathering.take_newcomer(client) {
            self.announce_arrivals(BTreeMap::from([(client, name)]));
        }
    }

    fn announce_arrivals(&mut self, arrivals: BTreeMap<ClientId, Name>) {
        let mut clients = arrivals.keys();
        let origin = match (clients.next(), clients.next()) {
            (None, _) => return,
            (Some(only), None) => Origin::Presence(*only),
            _ => Origin::Gathered,
        };
        self.announce_departures();
        let notice = notices::arrival(arrivals.values());
        self.note(origin, &notice);
        self.here.extend(arrivals);
    }

    /// Says who has left, before anything is said of others who may have their names.
    fn announce_departures(&mut self) {
        for (told, departed) in self.gathering.take_departures() {
            let notice = notices::departure(departed.values(), told);
            self.note(Origin::Gathered, &notice);
        }
    }

    /// Logs a line of the server, which costs the bytes of what it says and [`LINE_COST`].
    fn note(&mut self, origin: Origin, notice: &str) {
        let mut text = Vec::new();
        push_server_line(&mut text, format_args!("{notice}"));
        let cost = notice.len() as u64 + LINE_COST;
        self.delivery.log.append(origin, &text, cost);
    }
}

/// How long ago that was.
fn age(at: Timestamp, clock: Clock) -> Duration {
    Duration::try_from(clock.time.duration_since(at)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::BacklogLimits;
    use crate::delivery::shared_log::{Cursor, Position};
    use crate::event::Style;
    use crate::pressure::Pressure;
    use crate::text::Line;
    use jiff::Timestamp;
    use proptest::prelude::*;
    use std::cell::Cell;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    fn fact() -> impl Strategy<Value = Fact> {
        let client = || (1_u64..6).prop_map(ClientId);
        let line = || "[a-z ]{1,20}".prop_map(|text| Line::new(&text));
        let lines = || {
            prop::collection::vec("[a-z]{0,9}", 1..4).prop_map(|texts| {
                let mut lines = Lines::default();
                for text in texts {
                    lines.push_raw(text.as_bytes());
                }
                lines
            })
        };
        let ending = prop_oneof![
            Just(Ending::Closed),
            Just(Ending::Idle),
            Just(Ending::TooSlow),
            Just(Ending::Kicked),
            line().prop_map(|text| Ending::Quit(Some(text))),
        ];
        let facts = prop_oneof![
            (client(), 1_u64..99).prop_map(|(client, n)| Fact::Joined(client, Name::guest(n))),
            (client(), lines()).prop_map(|(client, lines)| Fact::Said(client, lines)),
            (client(), lines()).prop_map(|(client, lines)| Fact::Did(client, lines)),
            (client(), 1_u64..99).prop_map(|(client, n)| Fact::Renamed(client, Name::guest(n))),
            client().prop_map(Fact::Mentioned),
            (client(), ending).prop_map(|(client, ending)| Fact::Left(client, ending)),
            Just(Fact::Waited),
            Just(Fact::Ended),
        ];
        #[cfg(feature = "data")]
        let facts = prop_oneof![
            8 => facts,
            1 => "[a-z ]{1,20}".prop_map(Fact::Told),
            1 => (1_u64..99, 0_usize..3).prop_map(|(n, count)| Fact::Erased(Erasure {
                name: Name::guest(n).letters().to_owned(),
                since: None,
                until: None,
                count: Some(count),
            })),
        ];
        facts
    }

    #[test]
    fn a_line_of_the_server_costs_its_bytes_and_80() {
        let limits = BacklogLimits {
            most: 1 << 24,
            patience: Duration::from_secs(10),
        };
        let pressure = Arc::new(Pressure::new(limits));
        let mut room = Room::new(5, Delivery::new(limits, pressure, Clock::now()), None);
        room.apply(Fact::Ended, Clock::now());
        let cost = GOODBYE.len() as u64 + 80;
        assert_eq!(room.delivery.log.cost_kept(), cost);
    }

    proptest! {
        /// What is done with the rest of the server meanwhile makes no difference.
        #[test]
        fn two_rooms_to_which_the_same_has_happened_are_the_same(
            facts in prop::collection::vec((fact(), 0_u64..900), 0..60)
        ) {
            let start = Clock { instant: Instant::now(), time: Timestamp::UNIX_EPOCH };
            let limits = BacklogLimits { most: 1 << 24, patience: Duration::from_secs(10) };
            let pressure = Arc::new(Pressure::new(limits));
            let delivery = || Delivery::new(limits, Arc::clone(&pressure), start);
            let mut rooms = [(); 2].map(|()| Room::new(5, delivery(), None));
            // One of the logs has blocks that were used before.
            rooms[1].delivery.log.append(Origin::Server, b"used before\n", 1);
            rooms[1].delivery.log.forget_before(Position::NEVER);
            let mut now = 0;
            for (fact, milliseconds) in facts {
                now += milliseconds;
                let clock = Clock {
                    instant: start.instant + Duration::from_millis(now),
                    time: start.time + Duration::from_millis(now),
                };
                let logged = rooms.each_mut().map(|room| {
                    let mut cursor = Cursor::at(room.delivery.log.seal());
                    room.apply(fact.clone(), clock);
                    let log = &mut room.delivery.log;
                    let end = log.seal();
                    let mut logged = Vec::new();
                    while cursor.position < end {
                        let origin = Cell::new(None);
                        let reads = |from| origin.replace(Some(from)).is_none();
                        let text = log.next_run(&mut cursor, Style::Lf, end, 1 << 20, &mut 1, reads);
                        logged.push((origin.take(), text.to_vec()));
                    }
                    logged
                });
                prop_assert_eq!(&logged[0], &logged[1]);
                let [one, other] = &rooms;
                prop_assert_eq!(&one.here, &other.here);
                prop_assert_eq!(&one.history, &other.history);
                prop_assert_eq!(&one.gathering, &other.gathering);
            }
        }
    }
}

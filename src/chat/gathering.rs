//! Joins and departures, gathered: a thousand arrivals make one notice, not a million.

use crate::chat::names::Name;
use crate::event::{ClientId, Ending};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long a join or a departure waits for others.
pub const GATHERING_TIME: Duration = Duration::from_secs(1);

/// How long a newcomer has to pick a name before others' notice can announce it too.
const NAMING_TIME: Duration = Duration::from_millis(250);

/// How many names a notice has at most.
const NAMES: usize = 5;

/// Why people left, as far as others are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// No reason is given.
    None,
    /// They were silent for too long.
    Idle,
    /// They left too much unread.
    TooSlow,
    /// The network gave up.
    ConnectionLost,
}

impl Reason {
    /// What others are told of an ending.
    #[must_use]
    pub fn of(ending: &Ending) -> Self {
        match ending {
            Ending::Idle => Self::Idle,
            Ending::TooSlow => Self::TooSlow,
            Ending::Lost => Self::ConnectionLost,
            _ => Self::None,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Idle => " (idle)",
            Self::TooSlow => " (too slow)",
            Self::ConnectionLost => " (connection lost)",
        }
    }
}

/// What nobody has been told yet.
#[derive(Debug, Default)]
pub struct Gathering {
    /// Who came when. The first one also came first.
    arrivals: BTreeMap<ClientId, Instant>,
    departures: BTreeMap<Reason, BTreeMap<ClientId, Name>>,
    departures_due: Option<Instant>,
}

impl Gathering {
    /// A newcomer is here.
    pub fn arrive(&mut self, client: ClientId, now: Instant) {
        self.arrivals.insert(client, now);
    }

    /// Whether nobody has been told yet that the client is here.
    #[must_use]
    pub fn is_unannounced(&self, client: ClientId) -> bool {
        self.arrivals.contains_key(&client)
    }

    /// How many newcomers nobody has been told of.
    #[must_use]
    pub fn arrivals(&self) -> usize {
        self.arrivals.len()
    }

    /// The newcomer is announced, or gone. True if nobody had been told of it.
    pub fn take_arrival(&mut self, client: ClientId) -> bool {
        self.arrivals.remove(&client).is_some()
    }

    /// Somebody whom others know of has left.
    pub fn depart(&mut self, client: ClientId, name: Name, reason: Reason, now: Instant) {
        self.departures
            .entry(reason)
            .or_default()
            .insert(client, name);
        self.departures_due.get_or_insert(now + GATHERING_TIME);
    }

    /// When the next notice is due.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        self.arrivals_due()
            .into_iter()
            .chain(self.departures_due)
            .min()
    }

    fn arrivals_due(&self) -> Option<Instant> {
        let first = self.arrivals.values().next();
        first.map(|arrived| *arrived + GATHERING_TIME)
    }

    /// The newcomers of a notice that is due, or nobody.
    pub fn due_arrivals(&mut self, now: Instant) -> Vec<ClientId> {
        if self.arrivals_due().is_none_or(|due| due > now) {
            return Vec::new();
        }
        let came_long_ago = |arrived: &Instant| *arrived + NAMING_TIME <= now;
        let due = self
            .arrivals
            .iter()
            .take_while(|(_, arrived)| came_long_ago(arrived));
        let due = due.map(|(client, _)| *client).collect();
        self.arrivals.retain(|_, arrived| !came_long_ago(arrived));
        due
    }

    /// Whether the notice of departures is due.
    #[must_use]
    pub fn departures_are_due(&self, now: Instant) -> bool {
        self.departures_due.is_some_and(|due| due <= now)
    }

    /// All departures, by their reasons, in the order in which people had come.
    pub fn take_departures(&mut self) -> BTreeMap<Reason, BTreeMap<ClientId, Name>> {
        self.departures_due = None;
        std::mem::take(&mut self.departures)
    }
}

/// `alice joined`, `guest1, guest2, guest3, guest4, guest5 and 95 more joined`.
#[must_use]
pub fn arrival_notice(names: &[&Name]) -> String {
    format!("{} joined", list(names))
}

/// The same for departures: `alice, bob left (idle)`.
#[must_use]
pub fn departure_notice(names: &[&Name], reason: Reason) -> String {
    format!("{} left{}", list(names), reason.text())
}

fn list(names: &[&Name]) -> String {
    join_names(names.iter().copied(), names.len(), NAMES)
}

/// `alice, bob and 3 more`: of `count` names, at most `most`.
pub fn join_names<'a>(names: impl Iterator<Item = &'a Name>, count: usize, most: usize) -> String {
    let names = names.take(most.min(count)).map(Name::as_str);
    let names = names.collect::<Vec<_>>().join(", ");
    if count > most {
        format!("{names} and {} more", count - most)
    } else {
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_to_5_names_are_listed_and_the_rest_counted() {
        let guests = (1..=100).map(Name::guest).collect::<Vec<_>>();
        let guests = guests.iter().collect::<Vec<_>>();
        for (count, notice) in [
            (1, "guest1 joined"),
            (3, "guest1, guest2, guest3 joined"),
            (5, "guest1, guest2, guest3, guest4, guest5 joined"),
            (
                100,
                "guest1, guest2, guest3, guest4, guest5 and 95 more joined",
            ),
        ] {
            assert_eq!(arrival_notice(&guests[..count]), notice);
        }
        let idle = departure_notice(&guests[..2], Reason::Idle);
        assert_eq!(idle, "guest1, guest2 left (idle)");
    }

    #[test]
    fn what_gathered_is_due_a_second_after_the_first_of_it() {
        let start = Instant::now();
        let due = start + GATHERING_TIME;
        let mut gathering = Gathering::default();
        for (client, arrived) in [(1, start), (2, due - NAMING_TIME), (3, due)] {
            gathering.arrive(ClientId(client), arrived);
        }
        assert_eq!(gathering.next_due(), Some(due));
        assert!(gathering.due_arrivals(due - NAMING_TIME).is_empty());
        assert!(gathering.take_arrival(ClientId(1)));
        assert!(!gathering.take_arrival(ClientId(1)));
        let due = due - NAMING_TIME + GATHERING_TIME;
        assert_eq!(gathering.next_due(), Some(due));
        assert_eq!(gathering.due_arrivals(due), [ClientId(2), ClientId(3)]);
        assert_eq!(gathering.next_due(), None);
    }

    #[test]
    fn who_has_only_just_come_waits_for_the_next_notice() {
        let start = Instant::now();
        let mut gathering = Gathering::default();
        gathering.arrive(ClientId(1), start);
        gathering.arrive(ClientId(2), start + GATHERING_TIME - NAMING_TIME / 2);
        assert_eq!(
            gathering.due_arrivals(start + GATHERING_TIME),
            [ClientId(1)]
        );
        assert!(gathering.is_unannounced(ClientId(2)));
    }
}

//! Who has come and gone without others knowing: a thousand arrivals make one notice, not a
//! million.

use crate::event::ClientId;
use crate::name::Name;
use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::time::{Duration, Instant};

/// How long a join or a departure waits for others.
const GATHERING_TIME: Duration = Duration::from_secs(1);

/// A newcomer of less than this is not in the notice that others have made due: it may pick a name
/// yet.
const NAMING_TIME: Duration = Duration::from_millis(250);

/// What nobody has been told yet.
#[derive(Debug, Default, PartialEq)]
pub struct Gathering {
    /// Newcomers, and when they came.
    arrivals: BTreeMap<ClientId, (Name, Instant)>,
    /// The same in the order of their coming.
    in_order: BTreeSet<(Instant, ClientId)>,
    departures: BTreeMap<&'static str, BTreeMap<ClientId, Name>>,
    departures_due: Option<Instant>,
}

impl Gathering {
    pub fn arrive(&mut self, client: ClientId, name: Name, now: Instant) {
        self.take_newcomer(client);
        self.arrivals.insert(client, (name, now));
        self.in_order.insert((now, client));
    }

    /// A newcomer's name, if nobody has been told yet that it is here.
    pub fn newcomer(&mut self, client: ClientId) -> Option<&mut Name> {
        self.arrivals.get_mut(&client).map(|(name, _)| name)
    }

    /// The newcomer is announced, or gone.
    pub fn take_newcomer(&mut self, client: ClientId) -> Option<Name> {
        let (name, arrived) = self.arrivals.remove(&client)?;
        self.in_order.remove(&(arrived, client));
        Some(name)
    }

    /// Somebody whom others know of has left, and this is what is told of why.
    pub fn depart(&mut self, client: ClientId, name: Name, told: &'static str, now: Instant) {
        let departed = self.departures.entry(told).or_default();
        departed.insert(client, name);
        self.departures_due.get_or_insert(now + GATHERING_TIME);
    }

    pub fn next_due(&self) -> Option<Instant> {
        let dues = [self.arrivals_due(), self.departures_due];
        dues.into_iter().flatten().min()
    }

    fn arrivals_due(&self) -> Option<Instant> {
        let first = self.in_order.first();
        first.map(|(arrived, _)| *arrived + GATHERING_TIME)
    }

    /// The newcomers of a notice that is due, or nobody.
    pub fn take_due_arrivals(&mut self, now: Instant) -> BTreeMap<ClientId, Name> {
        let mut taken = BTreeMap::new();
        if self.arrivals_due().is_some_and(|due| due <= now) {
            while let Some(&(arrived, client)) = self.in_order.first()
                && arrived + NAMING_TIME <= now
            {
                taken.extend(self.take_newcomer(client).map(|name| (client, name)));
            }
        }
        taken
    }

    pub fn departures_are_due(&self, now: Instant) -> bool {
        self.departures_due.is_some_and(|due| due <= now)
    }

    /// All departures, by what is told of them, in the order in which people had come.
    pub fn take_departures(&mut self) -> BTreeMap<&'static str, BTreeMap<ClientId, Name>> {
        self.departures_due = None;
        mem::take(&mut self.departures)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrive(gathering: &mut Gathering, client: u64, now: Instant) {
        gathering.arrive(ClientId(client), Name::guest(client), now);
    }

    fn due(gathering: &mut Gathering, now: Instant) -> Vec<u64> {
        let due = gathering.take_due_arrivals(now).into_keys();
        due.map(|client| client.0).collect()
    }

    #[test]
    fn what_gathered_is_due_a_second_after_the_first_of_it() {
        let start = Instant::now();
        let end = start + GATHERING_TIME;
        let mut gathering = Gathering::default();
        for (client, arrived) in [(1, start), (2, end - NAMING_TIME), (3, end)] {
            arrive(&mut gathering, client, arrived);
        }
        assert_eq!(gathering.next_due(), Some(end));
        assert!(due(&mut gathering, end - NAMING_TIME).is_empty());
        assert!(gathering.take_newcomer(ClientId(1)).is_some());
        assert!(gathering.take_newcomer(ClientId(1)).is_none());
        let end = end - NAMING_TIME + GATHERING_TIME;
        assert_eq!(gathering.next_due(), Some(end));
        assert_eq!(due(&mut gathering, end), [2, 3]);
        assert_eq!(gathering.next_due(), None);
    }

    #[test]
    fn who_has_only_just_come_waits_for_the_next_notice() {
        let start = Instant::now();
        let mut gathering = Gathering::default();
        arrive(&mut gathering, 1, start);
        arrive(&mut gathering, 2, start + GATHERING_TIME - NAMING_TIME / 2);
        assert_eq!(due(&mut gathering, start + GATHERING_TIME), [1]);
        assert!(gathering.newcomer(ClientId(2)).is_some());
    }
}

//! Who left within the last hour: an operator may still want to keep them out.

use crate::address::Host;
use crate::name::Name;
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// For how long somebody is remembered, and how many are, at most.
const REMEMBERED_TIME: Duration = Duration::from_secs(3_600);
const MOST_REMEMBERED: usize = 10_000;

#[derive(Default)]
pub struct Departed {
    /// By all that the name looks like that they left with; of several the last. A hash table from which
    /// as many go as come grows to three times what they take.
    by_look: BTreeMap<Box<str>, Gone>,
    /// The same in the order of their going.
    in_order: VecDeque<(Instant, Name)>,
}

/// Somebody who has left.
#[derive(Clone)]
pub struct Gone {
    pub name: Name,
    pub host: Host,
    /// The name of their account, if they were logged in.
    pub account: Option<Name>,
    at: Instant,
}

impl Departed {
    pub fn add(&mut self, name: &Name, host: Host, account: Option<Name>, now: Instant) {
        self.in_order.push_back((now, name.clone()));
        let gone = Gone {
            name: name.clone(),
            host,
            account,
            at: now,
        };
        for look in name.looks() {
            self.by_look.insert(look.clone(), gone.clone());
        }
        self.forget_old(now);
    }

    pub fn find(&mut self, name: &Name, now: Instant) -> Option<&Gone> {
        self.forget_old(now);
        name.looks().iter().find_map(|look| self.by_look.get(look))
    }

    fn forget_old(&mut self, now: Instant) {
        while let Some((at, name)) = self.in_order.front()
            && (*at + REMEMBERED_TIME <= now || self.in_order.len() > MOST_REMEMBERED)
        {
            for look in name.looks() {
                // Another of that name may have left since.
                if self.by_look.get(look).is_some_and(|gone| gone.at == *at) {
                    self.by_look.remove(look);
                }
            }
            self.in_order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn who_left_is_remembered_for_an_hour_and_the_last_10_000_are() {
        let start = Instant::now();
        let bob = Name::parse("bob").unwrap();
        let mut departed = Departed::default();
        departed.add(&bob, Host::User(1), None, start);
        departed.add(&bob, Host::User(2), None, start + REMEMBERED_TIME / 2);
        let host = |departed: &mut Departed, now| departed.find(&bob, now).map(|gone| gone.host);
        let soon = start + REMEMBERED_TIME;
        assert_eq!(host(&mut departed, soon), Some(Host::User(2)));
        assert_eq!(host(&mut departed, soon + REMEMBERED_TIME / 2), None);
        for number in 1..=10_001 {
            departed.add(&Name::guest(number), Host::User(1), None, soon);
        }
        assert!(departed.find(&Name::guest(1), soon).is_none());
        assert!(departed.find(&Name::guest(2), soon).is_some());
        let looks = departed.in_order.iter().flat_map(|(_, name)| name.looks());
        assert_eq!(departed.by_look.len(), looks.collect::<BTreeSet<_>>().len());
        let bob_b = Name::parse("B0B").unwrap();
        departed.add(&bob, Host::User(3), None, soon);
        assert_eq!(departed.find(&bob_b, soon).unwrap().host, Host::User(3));
    }
}

//! Who is kept out.

use crate::address::Address;
use crate::change::{Ban, Target};
use crate::chat::club::with_text;
use crate::clock::show_time;
use crate::name::Name;
use crate::units::show_duration;
use ipnet::IpNet;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Default)]
pub struct Bans {
    /// By the letters of the accounts' names.
    accounts: BTreeMap<Box<str>, Ban>,
    networks: BTreeMap<IpNet, Ban>,
}

impl Bans {
    pub fn new(bans: Vec<Ban>) -> Self {
        let mut all = Self::default();
        for ban in bans {
            all.put(ban);
        }
        all
    }

    /// Adds a ban, in place of any other of the same target.
    pub fn put(&mut self, ban: Ban) {
        match &ban.what {
            Target::Account(name) => self.accounts.insert(name.letters().into(), ban),
            Target::Network(network) => self.networks.insert(*network, ban),
        };
    }

    /// Returns whether there was one.
    pub fn remove(&mut self, what: &Target) -> bool {
        let removed = match what {
            Target::Account(name) => self.accounts.remove(name.letters()),
            Target::Network(network) => self.networks.remove(network),
        };
        removed.is_some()
    }

    pub fn of_account(&self, name: &Name, now: Timestamp) -> Option<&Ban> {
        let ban = self.accounts.get(name.letters());
        ban.filter(|ban| ban.is_in_force(now))
    }

    /// What is banned since somebody of this name is.
    pub fn targets_of(&self, name: &Name) -> Vec<Target> {
        let bans = self.accounts.values().chain(self.networks.values());
        let theirs = bans.filter(|ban| ban.is_of(name));
        theirs.map(|ban| ban.what.clone()).collect()
    }

    /// The ban of where somebody comes from. However many bans there are, as many are looked at as an
    /// address has bits.
    pub fn of_address(&self, address: Address, now: Timestamp) -> Option<&Ban> {
        let Address::Tcp(address) = address else {
            return None;
        };
        let address = IpNet::from(address.ip().to_canonical());
        let networks = (0..=address.max_prefix_len()).rev();
        let mut networks =
            networks.filter_map(|bits| Some(IpNet::new(address.addr(), bits).ok()?.trunc()));
        networks.find_map(|network| {
            let ban = self.networks.get(&network);
            ban.filter(|ban| ban.is_in_force(now))
        })
    }

    /// Those that are in force, at most so many, and how many more there are, with those that were over
    /// a moment ago.
    pub fn list(&self, most: usize, now: Timestamp) -> (Vec<&Ban>, usize) {
        let all = self.accounts.values().chain(self.networks.values());
        let listed: Vec<&Ban> = all.filter(|ban| ban.is_in_force(now)).take(most).collect();
        let count = self.accounts.len() + self.networks.len();
        let more = if listed.len() < most { 0 } else { count - most };
        (listed, more)
    }
}

/// What is said of a ban to whom it is about: `192.0.2.1 is banned until 2026-11-21 15:04Z: "TEXT"`.
pub fn tell_ban(ban: &Ban) -> String {
    let until = show_until(ban);
    with_text(&format!("{} is banned{until}", ban.what), ban.text.as_ref())
}

/// A ban as it is listed: `192.0.2.1 (bob) until 2026-11-21 15:04Z by alice: "TEXT"`.
pub fn list_ban(ban: &Ban) -> String {
    let Ban {
        what, whose, by, ..
    } = ban;
    let whose = whose.as_ref().map(|name| format!(" ({name})"));
    let (whose, until) = (whose.unwrap_or_default(), show_until(ban));
    with_text(&format!("{what}{whose}{until} by {by}"), ban.text.as_ref())
}

/// ` for 1h`; nothing if it is for ever.
pub fn show_length(ban: &Ban) -> String {
    match ban.length() {
        None => String::new(),
        Some(length) if length < Duration::from_secs(1) => format!(" for {}ms", length.as_millis()),
        Some(length) => format!(" for {}", show_duration(length)),
    }
}

/// ` until 2026-11-21 15:04Z`; nothing if it is for ever.
fn show_until(ban: &Ban) -> String {
    let until = ban
        .until
        .map(|until| format!(" until {}", show_time(until)));
    until.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn ban(network: &str, seconds: Option<i64>) -> Ban {
        Ban {
            what: Target::Network(network.parse().unwrap()),
            whose: None,
            made: NOW,
            until: seconds.map(|seconds| Timestamp::from_second(seconds).unwrap()),
            by: Name::parse("alice").unwrap(),
            text: None,
        }
    }

    fn is_banned(bans: &Bans, address: &str) -> bool {
        let address = Address::Tcp(format!("{address}:4711").parse().unwrap());
        bans.of_address(address, NOW).is_some()
    }

    #[test]
    fn for_how_long_a_ban_was_made_is_told_however_short_that_is() {
        let length = |milliseconds| {
            show_length(&Ban {
                until: Some(Timestamp::from_millisecond(milliseconds).unwrap()),
                ..ban("192.0.2.1/32", None)
            })
        };
        assert_eq!(length(1), " for 1ms");
        assert_eq!(length(500), " for 500ms");
        assert_eq!(length(1_000), " for 1s");
        assert_eq!(length(3_600_000), " for 1h");
        assert_eq!(show_length(&ban("192.0.2.1/32", None)), "");
    }

    #[test]
    fn who_comes_from_a_banned_network_is_banned_while_that_is_in_force() {
        let mut bans = Bans::new(vec![
            ban("192.0.2.0/24", None),
            ban("198.51.100.7/32", Some(1)),
            ban("203.0.113.0/24", Some(0)),
            ban("2001:db8::/64", None),
        ]);
        for (address, expected) in [
            ("192.0.2.77", true),
            ("[::ffff:192.0.2.77]", true),
            ("192.0.3.77", false),
            ("198.51.100.7", true),
            ("198.51.100.8", false),
            ("203.0.113.1", false),
            ("[2001:db8::7]", true),
            ("[2001:db8:0:1::7]", false),
        ] {
            assert_eq!(is_banned(&bans, address), expected, "{address}");
        }
        assert!(bans.remove(&Target::Network("192.0.2.0/24".parse().unwrap())));
        assert!(!is_banned(&bans, "192.0.2.77"));
    }
}

//! Who is kept out.

use crate::address::Address;
use crate::change::{Ban, Target};
use crate::chat::club::with_text;
use crate::clock::show_time;
use crate::name::Name;
use ipnet::IpNet;
use jiff::Timestamp;
use std::collections::BTreeMap;

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
        ban.filter(|ban| is_in_force(ban, now))
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
            ban.filter(|ban| is_in_force(ban, now))
        })
    }

    /// All that are in force; those that are over are forgotten, and returned too.
    pub fn review(&mut self, now: Timestamp) -> (impl Iterator<Item = &Ban>, Vec<Target>) {
        let mut over = Vec::new();
        let mut keep = |ban: &Ban| {
            let keep = is_in_force(ban, now);
            if !keep {
                over.push(ban.what.clone());
            }
            keep
        };
        self.accounts.retain(|_, ban| keep(ban));
        self.networks.retain(|_, ban| keep(ban));
        (self.accounts.values().chain(self.networks.values()), over)
    }
}

fn is_in_force(ban: &Ban, now: Timestamp) -> bool {
    ban.until.is_none_or(|until| now < until)
}

/// What is said of a ban to whom it is about: `192.0.2.1 is banned until 2026-11-21 15:04Z: "TEXT"`.
pub fn show_ban(ban: &Ban) -> String {
    let until = show_until(ban);
    with_text(&format!("{} is banned{until}", ban.what), ban.text.as_ref())
}

/// ` until 2026-11-21 15:04Z`; nothing if it is for ever.
pub fn show_until(ban: &Ban) -> String {
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
        let over = bans.review(NOW).1;
        assert_eq!(over, [Target::Network("203.0.113.0/24".parse().unwrap())]);
        assert!(bans.remove(&Target::Network("192.0.2.0/24".parse().unwrap())));
        assert!(!is_banned(&bans, "192.0.2.77"));
    }
}

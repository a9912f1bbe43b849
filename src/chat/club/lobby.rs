//! Who waits to be let in: nobody sees them, and they see nothing of the room.

use crate::address::{Address, Host};
use crate::clock::Clock;
use crate::event::ClientId;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

/// How long somebody may wait: as long as sshd lets people (`LoginGraceTime`).
pub const WAITING_TIME: Duration = Duration::from_secs(120);

/// How many may wait from one address.
const MOST_PER_HOST: usize = 40;

#[derive(Default)]
pub struct Lobby {
    visitors: BTreeMap<ClientId, Visitor>,
    /// The same in the order of their coming.
    in_order: BTreeSet<(Instant, ClientId)>,
    by_host: HashMap<Host, usize>,
}

/// Somebody who waits. Why they do is asked each time: bans come and go.
pub struct Visitor {
    pub address: Address,
    pub came: Clock,
    /// They have given the room's password.
    pub knows_password: bool,
}

/// Why somebody waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// Only members come in.
    MembersOnly,
    /// Everybody is to give the room's password, for which their own thread asks.
    RoomPassword,
    /// Their address is banned: what they read of that.
    Banned(String),
}

impl Why {
    /// What somebody who waits reads of it, as often as they send something else than what lets them
    /// in.
    pub fn line(&self) -> Option<String> {
        match self {
            Self::MembersOnly => Some("members only: /login NAME".to_owned()),
            Self::RoomPassword => None,
            Self::Banned(ban) => Some(format!("{ban}; /login NAME")),
        }
    }
}

impl Lobby {
    pub fn has_room_for(&self, host: Host) -> bool {
        let here = self.by_host.get(&host).copied().unwrap_or_default();
        here < MOST_PER_HOST
    }

    pub fn add(&mut self, client: ClientId, visitor: Visitor) {
        *self.by_host.entry(visitor.address.host()).or_default() += 1;
        self.in_order.insert((visitor.came.instant, client));
        self.visitors.insert(client, visitor);
    }

    pub fn get(&self, client: ClientId) -> Option<&Visitor> {
        self.visitors.get(&client)
    }

    pub fn get_mut(&mut self, client: ClientId) -> Option<&mut Visitor> {
        self.visitors.get_mut(&client)
    }

    pub fn remove(&mut self, client: ClientId) -> Option<Visitor> {
        let visitor = self.visitors.remove(&client)?;
        self.in_order.remove(&(visitor.came.instant, client));
        let host = visitor.address.host();
        if let Some(count) = self.by_host.get_mut(&host) {
            *count -= 1;
            if *count == 0 {
                self.by_host.remove(&host);
            }
        }
        Some(visitor)
    }

    pub fn clients(&self) -> Vec<ClientId> {
        self.visitors.keys().copied().collect()
    }

    pub fn next_due(&self) -> Option<Instant> {
        self.in_order.first().map(|(came, _)| *came + WAITING_TIME)
    }

    /// Who has waited longest, if that is too long.
    pub fn first_late(&self, now: Instant) -> Option<ClientId> {
        let (came, client) = self.in_order.first()?;
        (*came + WAITING_TIME <= now).then_some(*client)
    }
}

//! What is kept of people beside what they say: accounts and bans, and how these change.
//!
//! The broadcaster has a copy of all of them and never waits for the disk. A [`Change`] goes both
//! ways: it hands what happened in the chat to whoever keeps it, and is handed what other programs
//! have changed.

use crate::name::Name;
use crate::text::Line;
use ipnet::IpNet;
use jiff::Timestamp;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A name with a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The name, as its owner spells it. No other account has one that looks like it.
    pub name: Name,
    /// Argon2id of the password, as a PHC string.
    pub hash: Arc<str>,
    /// Whether its owner may put others out.
    pub rank: Rank,
    /// When its owner was last here: nothing if they never were.
    pub last_here: Option<Timestamp>,
}

/// What the owner of an account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rank {
    /// What everybody may.
    Member,
    /// To put others out, too.
    Operator,
}

/// What becomes of somebody who was here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// They are here still, until something else is said.
    Stays,
    /// They are not.
    HasLeft,
}

/// Whom a ban is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The owner of the account of this name.
    Account(Name),
    /// Who comes from there without an account.
    Network(IpNet),
}

/// Somebody is kept out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ban {
    /// Whom it is about.
    pub what: Target,
    /// Whom an operator meant who banned this address by their name.
    pub whose: Option<Name>,
    /// When it was made.
    pub made: Timestamp,
    /// Until when: nothing if it is for ever.
    pub until: Option<Timestamp>,
    /// Who made it.
    pub by: Name,
    /// Why, as they said it.
    pub text: Option<Line>,
}

impl Ban {
    /// Whether it keeps anybody out now.
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// Whether somebody of this name was banned by it.
    pub fn is_of(&self, name: &Name) -> bool {
        let banned = match &self.what {
            Target::Account(account) => Some(account),
            Target::Network(_) => self.whose.as_ref(),
        };
        banned.is_some_and(|banned| banned.is_like(name))
    }

    /// For how long it was made: nothing if it is for ever.
    pub fn length(&self) -> Option<Duration> {
        let milliseconds = self.until?.as_millisecond() - self.made.as_millisecond();
        u64::try_from(milliseconds).ok().map(Duration::from_millis)
    }
}

/// Something has become so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// There is this account. Where others tell it, one of that name that was there before may be like
    /// this now.
    Account(Account),
    /// The account of this name is no more.
    AccountRemoved(Name),
    /// The account of this name has another password: in place of the one with the first hash it is that
    /// with the second. If it has a third one by now, nothing has changed; and nothing else of the
    /// account has, which another program may have changed meanwhile.
    Password(Name, Arc<str>, Arc<str>),
    /// The owner of the account of this name may do this now. The same holds.
    Rank(Name, Rank),
    /// The owner of the account of this name was here at that time, and stays or has left. The same
    /// holds.
    WasHere(Name, Timestamp, Presence),
    /// There is this ban, instead of any other of the same target.
    Ban(Ban),
    /// The target is banned no longer.
    BanRemoved(Target),
    /// This is erased.
    Erased(Erasure),
}

/// What other programs have changed.
#[derive(Debug, PartialEq, Eq)]
pub struct Foreign {
    /// Each is so now.
    pub changes: Vec<Change>,
    /// How many of the changes that the chat has handed on were written before that. Those behind them
    /// will be written behind it.
    pub after: u64,
}

/// What was said under a name, and is to be forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// The letters of the name, as they were spelt.
    pub name: String,
    /// From this moment on: nothing for all that was said before, too.
    pub since: Option<Timestamp>,
    /// Before this moment: nothing for all up to now.
    pub until: Option<Timestamp>,
    /// The last lines of that, so many: nothing for all.
    pub count: Option<usize>,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(name) => name.fmt(f),
            // One of IPv6 stands for its /64 where it has no bits.
            Self::Network(IpNet::V4(network)) if network.prefix_len() == 32 => {
                network.addr().fmt(f)
            }
            Self::Network(network) => network.fmt(f),
        }
    }
}

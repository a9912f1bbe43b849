//! What the chat hands on to whoever keeps it, and what of that others cannot have known.
//!
//! The chat and other programs change accounts and bans at the same time. In the database what was
//! written last stands. The chat does not wait for that: when it hears of a change of others, it has
//! perhaps changed the same once more, and that will be written behind it.

use crate::change::{Account, Ban, Change, Foreign, Target};
use crate::name::Name;
use std::collections::VecDeque;
use std::sync::Arc;

/// How many changes are remembered. Older ones are taken for written.
const REMEMBERED: usize = 1_000;

pub struct Handed {
    keep: Box<dyn FnMut(Change) + Send>,
    /// How many changes were handed on.
    count: u64,
    /// The last ones that could contradict others, with how many there were then.
    last: VecDeque<(u64, Change)>,
}

impl Handed {
    pub fn new(keep: Box<dyn FnMut(Change) + Send>) -> Self {
        Self {
            keep,
            count: 0,
            last: VecDeque::new(),
        }
    }

    pub fn hand(&mut self, change: Change) {
        self.count += 1;
        let is_last_word = matches!(
            change,
            Change::Ban(_) | Change::BanRemoved(_) | Change::Password(..) | Change::Account(_)
        );
        if is_last_word {
            self.last.push_back((self.count, change.clone()));
            self.last
                .drain(..self.last.len().saturating_sub(REMEMBERED));
        }
        (self.keep)(change);
    }

    /// What of it is so in the end.
    pub fn lasting(&mut self, foreign: Foreign) -> Vec<Change> {
        let is_written = |(number, _): &(u64, Change)| *number <= foreign.after;
        let written = self.last.iter().take_while(|last| is_written(last)).count();
        self.last.drain(..written);
        let changes = foreign.changes.into_iter();
        changes.filter_map(|change| self.prevail(change)).collect()
    }

    /// What remains of a change of others behind those that are not written yet.
    fn prevail(&self, change: Change) -> Option<Change> {
        // What becomes of an account that is new here is told when it is written.
        let is_new = |name: &Name| {
            self.own()
                .any(|own| matches!(own, Change::Account(account) if account.name == *name))
        };
        match &change {
            Change::Ban(Ban { what, .. }) | Change::BanRemoved(what) => {
                let is_same = self.own().any(|own| ban_of(own) == Some(what));
                (!is_same).then_some(change)
            }
            Change::Account(Account { name, .. })
            | Change::AccountRemoved(name)
            | Change::Password(name, ..)
            | Change::Rank(name, _)
                if is_new(name) =>
            {
                None
            }
            Change::Password(name, old, new) => {
                let new = self.password_behind(name, new);
                Some(Change::Password(name.clone(), Arc::clone(old), new))
            }
            Change::Account(account) => {
                let hash = self.password_behind(&account.name, &account.hash);
                let account = account.clone();
                Some(Change::Account(Account { hash, ..account }))
            }
            Change::AccountRemoved(_)
            | Change::Rank(..)
            | Change::WasHere(..)
            | Change::Erased(_) => Some(change),
        }
    }

    fn own(&self) -> impl Iterator<Item = &Change> {
        self.last.iter().map(|(_, own)| own)
    }

    /// The hash that an account of this name will have that has this one now.
    fn password_behind(&self, name: &Name, hash: &Arc<str>) -> Arc<str> {
        self.own().fold(Arc::clone(hash), |hash, own| match own {
            Change::Password(of, old, new) if of == name && *old == hash => Arc::clone(new),
            _ => hash,
        })
    }
}

/// Whom a change bans, or no longer.
fn ban_of(change: &Change) -> Option<&Target> {
    match change {
        Change::Ban(ban) => Some(&ban.what),
        Change::BanRemoved(what) => Some(what),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::Rank;
    use jiff::Timestamp;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn ban(of: &str) -> Change {
        Change::Ban(Ban {
            what: Target::Account(name(of)),
            whose: None,
            made: Timestamp::UNIX_EPOCH,
            until: None,
            by: name("alice"),
            text: None,
        })
    }

    fn unban(of: &str) -> Change {
        Change::BanRemoved(Target::Account(name(of)))
    }

    fn password(of: &str, old: &str, new: &str) -> Change {
        Change::Password(name(of), old.into(), new.into())
    }

    fn account(of: &str, hash: &str) -> Change {
        Change::Account(Account {
            name: name(of),
            hash: hash.into(),
            rank: Rank::Operator,
            last_here: None,
        })
    }

    #[test]
    fn what_the_chat_has_changed_since_is_so_whatever_others_changed_before() {
        let mut handed = Handed::new(Box::new(drop));
        for change in [ban("bob"), unban("bob")] {
            handed.hand(change);
        }
        for (after, expected) in [
            (0, vec![ban("dave")]),
            (1, vec![ban("dave")]),
            (2, vec![ban("bob"), ban("dave")]),
        ] {
            let changes = vec![ban("bob"), ban("dave")];
            assert_eq!(handed.lasting(Foreign { changes, after }), expected);
        }
    }

    #[test]
    fn a_password_that_others_have_changed_is_not_the_one_in_whose_place_the_chat_put_another() {
        let mut handed = Handed::new(Box::new(drop));
        for (old, new) in [("first", "second"), ("second", "third")] {
            handed.hand(password("carol", old, new));
        }
        for (hash, expected) in [("first", "third"), ("second", "third"), ("other", "other")] {
            let changes = vec![password("carol", "zeroth", hash), account("carol", hash)];
            let lasting = handed.lasting(Foreign { changes, after: 0 });
            let becomes = [
                password("carol", "zeroth", expected),
                account("carol", expected),
            ];
            assert_eq!(lasting, becomes);
        }
    }

    #[test]
    fn of_an_account_that_is_new_here_nothing_of_others_lasts_before_it_is_written() {
        let mut handed = Handed::new(Box::new(drop));
        handed.hand(account("bob", "own"));
        let changes = || {
            let removed = Change::AccountRemoved(name("bob"));
            vec![
                account("bob", "other"),
                removed,
                password("bob", "own", "other"),
            ]
        };
        for (after, expected) in [(0, Vec::new()), (1, changes())] {
            let changes = changes();
            assert_eq!(handed.lasting(Foreign { changes, after }), expected);
        }
    }
}

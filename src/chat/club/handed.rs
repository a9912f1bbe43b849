//! What the chat hands on to whoever keeps it, and what of that others cannot have known.
//!
//! The chat and other programs change accounts and bans at the same time. In the database what was
//! written last stands. The chat does not wait for that: when it hears of a change of others, it has
//! perhaps changed the same once more, and that will be written behind it.

use crate::change::{Account, Ban, Change, Foreign, Target};
use crate::name::Name;
use std::collections::VecDeque;

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
        let mut own = self.last.iter().rev().map(|(_, own)| own);
        // What becomes of an account that is new here is told when it is written.
        let is_new = |name: &Name| {
            self.last
                .iter()
                .any(|(_, own)| matches!(own, Change::Account(account) if account.name == *name))
        };
        match &change {
            Change::Ban(Ban { what, .. }) | Change::BanRemoved(what) => {
                let is_same = own.any(|own| ban_of(own) == Some(what));
                (!is_same).then_some(change)
            }
            Change::Account(Account { name, .. })
            | Change::AccountRemoved(name)
            | Change::Password(name, _)
                if is_new(name) =>
            {
                None
            }
            Change::Password(name, _) => {
                let is_same = own.any(|own| matches!(own, Change::Password(of, _) if of == name));
                (!is_same).then_some(change)
            }
            Change::Account(account) => {
                let own = own.find_map(|own| match own {
                    Change::Password(name, hash) if *name == account.name => Some(hash.clone()),
                    _ => None,
                });
                let hash = own.unwrap_or_else(|| account.hash.clone());
                let account = account.clone();
                Some(Change::Account(Account { hash, ..account }))
            }
            Change::AccountRemoved(_) | Change::WasHere(..) | Change::Erased(_) => Some(change),
        }
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

    fn password(of: &str, hash: &str) -> Change {
        Change::Password(name(of), hash.into())
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
        for change in [ban("bob"), unban("bob"), password("carol", "own")] {
            handed.hand(change);
        }
        for (after, expected) in [
            (0, vec![account("carol", "own"), ban("dave")]),
            (1, vec![account("carol", "own"), ban("dave")]),
            (2, vec![ban("bob"), account("carol", "own"), ban("dave")]),
            (
                3,
                vec![
                    ban("bob"),
                    password("carol", "other"),
                    account("carol", "other"),
                    ban("dave"),
                ],
            ),
        ] {
            let changes = vec![
                ban("bob"),
                password("carol", "other"),
                account("carol", "other"),
                ban("dave"),
            ];
            assert_eq!(handed.lasting(Foreign { changes, after }), expected);
        }
    }

    #[test]
    fn of_an_account_that_is_new_here_nothing_of_others_lasts_before_it_is_written() {
        let mut handed = Handed::new(Box::new(drop));
        handed.hand(account("bob", "own"));
        let changes = || {
            let removed = Change::AccountRemoved(name("bob"));
            vec![account("bob", "other"), removed, password("bob", "other")]
        };
        for (after, expected) in [(0, Vec::new()), (1, changes())] {
            let changes = changes();
            assert_eq!(handed.lasting(Foreign { changes, after }), expected);
        }
    }
}

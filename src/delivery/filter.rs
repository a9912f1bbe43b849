//! What one client does not read, and from where in the log to where.
//!
//! A client that hides something may still have older lines to read: what it sees does not depend
//! on how far behind it is.

use crate::delivery::block::Origin;
use crate::delivery::shared_log::Position;
use crate::event::{ClientId, Echo};
use std::collections::BTreeMap;

/// How many stretches a filter has at most. More are only needed by a client that hides and shows
/// again and again, and reads nothing.
const MOST_STRETCHES: usize = 256;

/// What a client can hide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hidden {
    /// What a person says and does.
    Author(ClientId),
    /// The notices of joins and departures.
    Presence,
}

/// What one client does not read.
#[derive(Debug)]
pub struct Filter {
    reader: ClientId,
    echo: Echo,
    /// What is hidden, from where on in the log, and up to where.
    hidden: BTreeMap<(Hidden, Position), Position>,
}

impl Filter {
    /// The filter of a client that hides nothing.
    pub fn new(reader: ClientId, echo: Echo) -> Self {
        Self {
            reader,
            echo,
            hidden: BTreeMap::new(),
        }
    }

    /// Hides `what` from `at` on; the client has read everything before `read`. Returns whether
    /// there was room for that.
    pub fn hide(&mut self, what: Hidden, at: Position, read: Position) -> bool {
        self.hidden.retain(|_, until| *until > read);
        if let Some(until) = self.last_until(what, at)
            && *until >= at
        {
            *until = Position::NEVER;
            return true;
        }
        let has_room = self.hidden.len() < MOST_STRETCHES;
        if has_room {
            self.hidden.insert((what, at), Position::NEVER);
        }
        has_room
    }

    /// Shows `what` again from `at` on.
    pub fn show(&mut self, what: Hidden, at: Position) {
        if let Some(until) = self.last_until(what, at) {
            *until = at.min(*until);
        }
    }

    /// Where the last stretch ends that begins at `at` or before.
    fn last_until(&mut self, what: Hidden, at: Position) -> Option<&mut Position> {
        let stretches = self.hidden.range_mut((what, Position::START)..=(what, at));
        stretches.map(|(_, until)| until).next_back()
    }

    /// Whether the client reads what stands at `position` and comes from `origin`.
    pub fn reads(&self, origin: Origin, position: Position) -> bool {
        match origin {
            Origin::Said(author) if author == self.reader => self.echo == Echo::On,
            Origin::Said(author) | Origin::Done(author) => {
                self.shows(Hidden::Author(author), position)
            }
            Origin::Presence(other) => {
                other != self.reader && self.shows(Hidden::Presence, position)
            }
            Origin::Gathered => self.shows(Hidden::Presence, position),
            Origin::Server => true,
        }
    }

    fn shows(&self, what: Hidden, position: Position) -> bool {
        let mut stretches = self
            .hidden
            .range((what, Position::START)..=(what, position));
        stretches
            .next_back()
            .is_none_or(|(_, until)| *until <= position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::shared_log::SharedLog;

    const AUTHOR: ClientId = ClientId(2);
    const WHAT: Hidden = Hidden::Author(AUTHOR);

    /// The positions of so many lines.
    fn positions(count: usize) -> Vec<Position> {
        let mut log = SharedLog::default();
        let log = (0..count).map(|_| {
            let position = log.seal();
            log.append(Origin::Said(AUTHOR), b"\n", 1);
            position
        });
        log.collect()
    }

    fn filter() -> Filter {
        Filter::new(ClientId(1), Echo::Off)
    }

    #[test]
    fn what_is_hidden_is_what_was_logged_between_hiding_and_showing_it() {
        let at = positions(5);
        let mut filter = filter();
        for (from, until) in [(1, 2), (3, 4)] {
            assert!(filter.hide(WHAT, at[from], at[0]));
            assert!(filter.hide(WHAT, at[from], at[0]), "again");
            filter.show(WHAT, at[until]);
            filter.show(WHAT, at[until]);
        }
        let reads = |position: &Position| filter.reads(Origin::Said(AUTHOR), *position);
        assert_eq!(
            at.iter().map(reads).collect::<Vec<_>>(),
            [true, false, true, false, true]
        );
        assert!(
            filter.reads(Origin::Said(ClientId(3)), at[1]),
            "others are heard"
        );
        filter.hide(Hidden::Presence, at[4], at[4]);
        assert_eq!(filter.hidden.len(), 1, "what was read is forgotten");
    }

    #[test]
    fn who_hides_again_and_again_and_reads_nothing_comes_to_an_end() {
        let at = positions(2 * MOST_STRETCHES + 2);
        let mut filter = filter();
        for pair in at[..2 * MOST_STRETCHES].chunks(2) {
            assert!(filter.hide(WHAT, pair[0], at[0]));
            filter.show(WHAT, pair[1]);
        }
        let [next, end] = [at[2 * MOST_STRETCHES], at[2 * MOST_STRETCHES + 1]];
        assert!(!filter.hide(WHAT, next, at[0]));
        assert!(filter.hide(WHAT, next, end), "it has read");
    }

    #[test]
    fn what_is_shown_and_hidden_at_one_place_is_one_stretch() {
        let at = positions(2);
        let mut filter = filter();
        for _ in 0..2 * MOST_STRETCHES {
            assert!(filter.hide(WHAT, at[1], at[0]));
            filter.show(WHAT, at[1]);
        }
        assert!(filter.reads(Origin::Said(AUTHOR), at[1]));
        assert_eq!(filter.hidden.len(), 1);
    }

    #[test]
    fn who_reads_its_own_lines_reads_them() {
        let at = positions(1)[0];
        for (echo, reads) in [(Echo::Off, false), (Echo::On, true)] {
            let filter = Filter::new(AUTHOR, echo);
            assert_eq!(filter.reads(Origin::Said(AUTHOR), at), reads);
        }
    }
}

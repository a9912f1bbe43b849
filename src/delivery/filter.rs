//! What one client does not read, and from where in the log to where.
//!
//! A client that hides something may still have older lines to read: what it sees does not depend
//! on how far behind it is.

use crate::delivery::block::Origin;
use crate::delivery::shared_log::Position;
use crate::event::{ClientId, Echo};

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

/// From where on something is hidden, and up to where.
#[derive(Debug)]
struct Stretch {
    what: Hidden,
    from: Position,
    until: Position,
}

/// What one client does not read.
#[derive(Debug)]
pub struct Filter {
    reader: ClientId,
    echo: Echo,
    /// In the order of what is hidden, and then of the log.
    stretches: Vec<Stretch>,
}

impl Filter {
    /// The filter of a client that hides nothing.
    pub fn new(reader: ClientId, echo: Echo) -> Self {
        Self {
            reader,
            echo,
            stretches: Vec::new(),
        }
    }

    /// Hides `what` from `at` on; the client has read everything before `read`. Returns whether
    /// there was room for that.
    pub fn hide(&mut self, what: Hidden, at: Position, read: Position) -> bool {
        self.stretches.retain(|stretch| stretch.until > read);
        let next = self.behind(what, at);
        if let Some(last) = self.last_before(next, what)
            && last.until >= at
        {
            last.until = Position::NEVER;
            return true;
        }
        if self.stretches.len() >= MOST_STRETCHES {
            return false;
        }
        let stretch = Stretch {
            what,
            from: at,
            until: Position::NEVER,
        };
        self.stretches.insert(next, stretch);
        true
    }

    /// Shows `what` again from `at` on.
    pub fn show(&mut self, what: Hidden, at: Position) {
        let next = self.behind(what, at);
        if let Some(last) = self.last_before(next, what) {
            last.until = last.until.min(at);
        }
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
        let next = self.behind(what, position);
        let last = next.checked_sub(1).map(|at| &self.stretches[at]);
        last.is_none_or(|last| last.what != what || last.until <= position)
    }

    /// The number of the first stretch that begins after `position`, or hides something else.
    fn behind(&self, what: Hidden, position: Position) -> usize {
        self.stretches
            .partition_point(|stretch| (stretch.what, stretch.from) <= (what, position))
    }

    fn last_before(&mut self, next: usize, what: Hidden) -> Option<&mut Stretch> {
        let last = self.stretches.get_mut(next.checked_sub(1)?)?;
        (last.what == what).then_some(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::block::{BlockPool, Rendered};
    use crate::delivery::shared_log::SharedLog;

    const AUTHOR: ClientId = ClientId(2);
    const WHAT: Hidden = Hidden::Author(AUTHOR);

    /// The positions of so many lines.
    fn positions(count: usize) -> Vec<Position> {
        let (mut log, mut pool) = (SharedLog::default(), BlockPool::default());
        let log = (0..count).map(|_| {
            let position = log.seal();
            let line = Rendered {
                text: b"\n",
                count: 1,
                cost: 1,
            };
            log.append(Origin::Said(AUTHOR), line, &mut pool);
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
        assert_eq!(filter.stretches.len(), 1, "what was read is forgotten");
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
        assert_eq!(filter.stretches.len(), 1);
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

//! What one client does not read, and from where in the shared log to where.
//!
//! A client that hides something may still have older lines to read: what it sees does not depend
//! on how far behind it is.

use crate::delivery::shared_log::{Origin, Position};
use crate::event::ClientId;
use std::collections::BTreeMap;

/// What a client can hide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hidden {
    /// What a person says and does.
    Author(ClientId),
    /// The notices of joins and departures.
    Presence,
}

/// From where on something is hidden, and up to where, if it is shown again.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    from: Position,
    until: Option<Position>,
}

/// What one client does not read.
#[derive(Debug, Default)]
pub struct Filter {
    hidden: BTreeMap<Hidden, Vec<Stretch>>,
}

impl Filter {
    /// Hides `what` from `at` on.
    pub fn hide(&mut self, what: Hidden, at: Position) {
        if !self.hides(what) {
            let stretch = Stretch {
                from: at,
                until: None,
            };
            self.hidden.entry(what).or_default().push(stretch);
        }
    }

    /// Shows `what` again from `at` on. Answers whether it was hidden.
    pub fn show(&mut self, what: Hidden, at: Position) -> bool {
        let last = self.hidden.get_mut(&what).and_then(|all| all.last_mut());
        match last {
            Some(stretch) if stretch.until.is_none() => {
                stretch.until = Some(at);
                true
            }
            _ => false,
        }
    }

    /// Forgets stretches that end before `position`, which the client has read.
    pub fn forget_before(&mut self, position: Position) {
        self.hidden.retain(|_, stretches| {
            stretches.retain(|stretch| stretch.until.is_none_or(|until| until > position));
            !stretches.is_empty()
        });
    }

    /// Whether `what` is hidden now.
    #[must_use]
    pub fn hides(&self, what: Hidden) -> bool {
        let last = self.hidden.get(&what).and_then(|all| all.last());
        last.is_some_and(|stretch| stretch.until.is_none())
    }

    /// Whom the client ignores now.
    pub fn ignored(&self) -> impl Iterator<Item = ClientId> {
        let hidden = self.hidden.keys().copied().filter(|what| self.hides(*what));
        hidden.filter_map(|what| match what {
            Hidden::Author(client) => Some(client),
            Hidden::Presence => None,
        })
    }

    /// Whether `reader` reads what stands at `position` and comes from `origin`.
    #[must_use]
    pub fn reads(&self, reader: ClientId, origin: Origin, position: Position) -> bool {
        match origin {
            Origin::Said(author) => {
                author != reader && self.shows(Hidden::Author(author), position)
            }
            Origin::Done(author) => self.shows(Hidden::Author(author), position),
            Origin::Presence(other) => other != reader && self.shows(Hidden::Presence, position),
            Origin::Gathered => self.shows(Hidden::Presence, position),
            Origin::Server => true,
        }
    }

    fn shows(&self, what: Hidden, position: Position) -> bool {
        let is_in = |stretch: &Stretch| {
            stretch.from <= position && stretch.until.is_none_or(|until| position < until)
        };
        self.hidden
            .get(&what)
            .is_none_or(|stretches| !stretches.iter().any(is_in))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::shared_log::SharedLog;

    #[test]
    fn what_is_hidden_is_what_was_logged_between_hiding_and_showing_it() {
        let (reader, author) = (ClientId(1), ClientId(2));
        let what = Hidden::Author(author);
        let mut log = SharedLog::default();
        let mut filter = Filter::default();
        let positions = [(); 3].map(|()| {
            let position = log.end();
            log.append(Origin::Said(author), |text| text.push(b'\n'));
            position
        });
        filter.hide(what, positions[1]);
        assert!(filter.hides(what));
        assert!(filter.show(what, positions[2]));
        assert!(!filter.show(what, positions[2]));
        let read = positions.map(|position| filter.reads(reader, Origin::Said(author), position));
        assert_eq!(read, [true, false, true]);
        filter.forget_before(positions[2]);
        assert!(filter.hidden.is_empty());
    }
}

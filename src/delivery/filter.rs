//! What one client does not read of the log.

use crate::delivery::block::Origin;
use crate::event::{ClientId, Echo};
use std::collections::BTreeSet;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hidden {
    /// What a person says and does.
    Author(ClientId),
    /// The notices of joins and departures.
    Presence,
}

/// What one client does not read. It is so too for what was logged before and was not sent yet.
#[derive(Debug)]
pub struct Filter {
    reader: ClientId,
    echo: Echo,
    pub hidden: BTreeSet<Hidden>,
}

impl Filter {
    pub fn new(reader: ClientId, echo: Echo) -> Self {
        let hidden = BTreeSet::new();
        Self {
            reader,
            echo,
            hidden,
        }
    }

    /// Whether the client reads what comes from `origin`.
    pub fn reads(&self, origin: Origin) -> bool {
        match origin {
            Origin::Said(author) if author == self.reader => self.echo == Echo::On,
            Origin::Presence(other) if other == self.reader => false,
            Origin::Said(author) | Origin::Done(author) => {
                !self.hidden.contains(&Hidden::Author(author))
            }
            Origin::Presence(_) | Origin::Gathered => !self.hidden.contains(&Hidden::Presence),
            Origin::Server => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_is_not_read_and_everything_else_is() {
        let [reader, author] = [1, 2].map(ClientId);
        let said = Origin::Said(author);
        let mut filter = Filter::new(reader, Echo::Off);
        let everything = [
            said,
            Origin::Done(author),
            Origin::Presence(author),
            Origin::Gathered,
        ];
        assert!(everything.iter().all(|origin| filter.reads(*origin)));
        filter.hidden.insert(Hidden::Author(author));
        assert_eq!(
            everything.map(|origin| filter.reads(origin)),
            [false, false, true, true]
        );
        filter.hidden.insert(Hidden::Presence);
        assert!(everything.iter().all(|origin| !filter.reads(*origin)));
        assert!(filter.reads(Origin::Said(ClientId(3))), "others are heard");
        assert!(filter.reads(Origin::Server));
        assert!(
            !filter.reads(Origin::Presence(reader)),
            "nobody is told of themselves"
        );
        assert!(filter.reads(Origin::Done(reader)), "but of what they did");
    }

    #[test]
    fn who_reads_its_own_lines_reads_them() {
        for (echo, reads) in [(Echo::Off, false), (Echo::On, true)] {
            let filter = Filter::new(ClientId(1), echo);
            assert_eq!(filter.reads(Origin::Said(ClientId(1))), reads);
        }
    }
}

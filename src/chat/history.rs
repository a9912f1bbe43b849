//! What was said and done lately, for newcomers.

use crate::clock::When;
use crate::event::ClientId;
use jiff::Timestamp;
use std::collections::VecDeque;
use std::io::Write;

/// How many bytes of text the history holds at most, whatever the number of lines.
pub const HISTORY_BYTES: usize = 256 << 10;

/// A line that was said or done, under the name of that time.
#[derive(Debug, PartialEq)]
pub struct Entry {
    time: Timestamp,
    /// Who said it, so that those who ignore them are not shown it.
    pub author: ClientId,
    text: Box<[u8]>,
}

impl Entry {
    /// The line as a newcomer reads it, without its end: `-- 14:03Z <alice> hello`, with the date
    /// where it is not today's.
    pub fn write_to(&self, now: Timestamp, line: &mut Vec<u8>) {
        // Writing to a Vec cannot fail.
        let _ = write!(line, "-- {} ", When::new(self.time, now));
        line.extend_from_slice(&self.text);
    }
}

/// The last lines, bounded by their number and by their bytes.
#[derive(Debug, PartialEq)]
pub struct History {
    most_lines: usize,
    bytes: usize,
    entries: VecDeque<Entry>,
    /// How many lines it has ever been given: another number, another history.
    version: u64,
}

impl History {
    /// A history of up to `most_lines` lines; 0 keeps none.
    #[must_use]
    pub fn new(most_lines: usize) -> Self {
        Self {
            most_lines,
            bytes: 0,
            entries: VecDeque::new(),
            version: 0,
        }
    }

    /// How many lines it may hold.
    #[must_use]
    pub fn most_lines(&self) -> usize {
        self.most_lines
    }

    /// Whether nothing has been said yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What changes with each line that is added.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Adds a line without its end, made of two parts.
    pub fn push(&mut self, time: Timestamp, author: ClientId, prefix: &[u8], text: &[u8]) {
        let text = [prefix, text].concat().into_boxed_slice();
        self.bytes += text.len();
        self.version += 1;
        self.entries.push_back(Entry { time, author, text });
        while self.entries.len() > self.most_lines || self.bytes > HISTORY_BYTES {
            let Some(oldest) = self.entries.pop_front() else {
                break;
            };
            self.bytes -= oldest.text.len();
        }
    }

    /// The last `count` lines by the authors whom `shown` lets through, oldest first.
    pub fn last(&self, count: usize, shown: impl Fn(ClientId) -> bool) -> Vec<&Entry> {
        let newest_first = self
            .entries
            .iter()
            .rev()
            .filter(|entry| shown(entry.author));
        let mut last = newest_first.take(count).collect::<Vec<_>>();
        last.reverse();
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: ClientId = ClientId(1);
    const BOB: ClientId = ClientId(2);

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    fn shown(history: &History, count: usize, now: &str, ignored: Option<ClientId>) -> Vec<String> {
        let lines = history
            .last(count, |author| Some(author) != ignored)
            .into_iter();
        let render = |entry: &Entry| {
            let mut line = Vec::new();
            entry.write_to(at(now), &mut line);
            String::from_utf8(line).unwrap()
        };
        lines.map(render).collect()
    }

    #[test]
    fn it_keeps_the_last_lines_and_shows_those_of_whom_one_hears() {
        let mut history = History::new(2);
        for (author, text) in [(ALICE, "one"), (ALICE, "two"), (BOB, "three")] {
            history.push(at("2026-03-04T14:03:59Z"), author, b"<x> ", text.as_bytes());
        }
        let now = "2026-03-04T23:59:59Z";
        assert_eq!(
            shown(&history, 9, now, None),
            ["-- 14:03Z <x> two", "-- 14:03Z <x> three"]
        );
        assert_eq!(shown(&history, 1, now, None), ["-- 14:03Z <x> three"]);
        assert_eq!(shown(&history, 1, now, Some(BOB)), ["-- 14:03Z <x> two"]);
    }

    #[test]
    fn the_date_stands_before_the_time_where_it_is_not_todays() {
        let mut history = History::new(1);
        history.push(at("2026-03-04T23:59:59Z"), ALICE, b"* alice ", b"waves");
        let line = shown(&history, 1, "2026-03-05T00:00:00Z", None);
        assert_eq!(line, ["-- 2026-03-04 23:59Z * alice waves"]);
    }

    #[test]
    fn it_is_bounded_by_256_kib_too() {
        let mut history = History::new(10_000);
        for _ in 0..1_000 {
            history.push(at("2026-03-04T00:00:00Z"), ALICE, b"", &[b'x'; 1_000]);
        }
        assert_eq!(history.entries.len(), HISTORY_BYTES / 1_000);
        history.push(
            at("2026-03-04T00:00:00Z"),
            ALICE,
            b"",
            &vec![b'x'; HISTORY_BYTES + 1],
        );
        assert_eq!((history.entries.len(), history.bytes), (0, 0));
    }
}

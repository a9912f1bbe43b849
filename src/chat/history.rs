//! What was said and done lately, for newcomers.

use crate::clock::show_day;
use crate::event::ClientId;
use crate::text::push_server_line;
use jiff::Timestamp;
use std::collections::VecDeque;
use std::sync::Arc;

/// How many bytes of text the history holds at most, whatever the number of lines.
const HISTORY_BYTES: usize = 256 << 10;

/// A line that was said or done, under the name of that time.
#[derive(Debug, PartialEq)]
struct Entry {
    /// When, as people read it.
    time: Arc<str>,
    /// Who said it, so that those who ignore them are not shown it.
    author: ClientId,
    text: Box<[u8]>,
}

/// The last lines, bounded by their number and by their bytes.
#[derive(Debug, Default, PartialEq)]
pub struct History {
    /// How many lines it may hold; 0 keeps none.
    pub most_lines: usize,
    bytes: usize,
    entries: VecDeque<Entry>,
    /// How many lines it has ever been given: another number, another history.
    pub version: u64,
}

impl History {
    pub fn new(most_lines: usize) -> Self {
        Self {
            most_lines,
            ..Self::default()
        }
    }

    /// Adds a line without its end, made of two parts.
    pub fn push(&mut self, time: &Arc<str>, author: ClientId, prefix: &[u8], text: &[u8]) {
        let text = [prefix, text].concat().into_boxed_slice();
        self.bytes += text.len();
        self.version += 1;
        let time = Arc::clone(time);
        self.entries.push_back(Entry { time, author, text });
        while (self.entries.len() > self.most_lines || self.bytes > HISTORY_BYTES)
            && let Some(oldest) = self.entries.pop_front()
        {
            self.bytes -= oldest.text.len();
        }
    }

    /// Appends to `text` the last `count` lines by the authors whom `shown` lets through, oldest
    /// first, behind a line that says what they are: `-- 14:03Z <alice> hello`, with the date where
    /// it is not today's. Nothing if there are none.
    pub fn push_last(
        &self,
        text: &mut Vec<u8>,
        count: usize,
        now: Timestamp,
        shown: impl Fn(ClientId) -> bool,
    ) {
        let newest_first = self.entries.iter().rev();
        let shown = newest_first.filter(|entry| shown(entry.author));
        let last = shown.take(count).collect::<Vec<_>>();
        if !last.is_empty() {
            // Always in this form, which a script can look for.
            let count = last.len();
            push_server_line(text, format_args!("the last {count} lines, times in UTC:"));
        }
        let today = show_day(now);
        for Entry {
            time, text: line, ..
        } in last.iter().rev()
        {
            let time = time.strip_prefix(&today).unwrap_or(time);
            for part in [b"-- ", time.as_bytes(), b" ", line, b"\n"] {
                text.extend_from_slice(part);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::show_time;

    const ALICE: ClientId = ClientId(1);
    const BOB: ClientId = ClientId(2);

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    fn stamp(time: &str) -> Arc<str> {
        show_time(at(time)).into()
    }

    fn shown(history: &History, count: usize, now: &str, ignored: Option<ClientId>) -> Vec<String> {
        let mut text = Vec::new();
        history.push_last(&mut text, count, at(now), |author| Some(author) != ignored);
        let text = String::from_utf8(text).unwrap();
        text.lines().skip(1).map(str::to_owned).collect()
    }

    #[test]
    fn it_keeps_the_last_lines_and_shows_those_of_whom_one_hears() {
        let mut history = History::new(2);
        for (author, text) in [(ALICE, "one"), (ALICE, "two"), (BOB, "three")] {
            history.push(
                &stamp("2026-03-04T14:03:59Z"),
                author,
                b"<x> ",
                text.as_bytes(),
            );
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
        history.push(&stamp("2026-03-04T23:59:59Z"), ALICE, b"* alice ", b"waves");
        let line = shown(&history, 1, "2026-03-05T00:00:00Z", None);
        assert_eq!(line, ["-- 2026-03-04 23:59Z * alice waves"]);
    }

    #[test]
    fn it_is_bounded_by_256_kib_too() {
        let mut history = History::new(10_000);
        for _ in 0..1_000 {
            history.push(&stamp("2026-03-04T00:00:00Z"), ALICE, b"", &[b'x'; 1_000]);
        }
        assert_eq!(history.entries.len(), HISTORY_BYTES / 1_000);
        history.push(
            &stamp("2026-03-04T00:00:00Z"),
            ALICE,
            b"",
            &vec![b'x'; HISTORY_BYTES + 1],
        );
        assert_eq!((history.entries.len(), history.bytes), (0, 0));
    }
}

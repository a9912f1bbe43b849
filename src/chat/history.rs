//! What was said and done lately, for newcomers.

#[cfg(feature = "data")]
use crate::chat::archive::Kind;
use crate::clock::{show_day, show_time};
use crate::event::ClientId;
#[cfg(feature = "data")]
use crate::name::Name;
use crate::text::push_server_line;
use jiff::Timestamp;
use std::collections::VecDeque;
use std::sync::Arc;

/// How much the history holds at most: so many lines, and so many bytes of text.
const HISTORY_LINES: usize = 10_000;
const HISTORY_BYTES: usize = 256 << 10;

/// A line that was said or done, under the name of that time.
#[derive(Debug, PartialEq)]
struct Entry {
    /// How many lines were said before it.
    number: u64,
    at: Timestamp,
    /// When, as people read it.
    time: Arc<str>,
    /// Who said it, so that those who ignore them are not shown it.
    author: ClientId,
    text: Box<[u8]>,
}

/// From where on lines were said that somebody has not read.
#[cfg(feature = "data")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// Behind so many lines.
    Lines(u64),
    /// From this moment on: whoever was here then was it before the server started.
    Time(Timestamp),
}

/// The last lines, bounded by their number and by their bytes.
#[derive(Debug, Default, PartialEq)]
pub struct History {
    /// How many lines newcomers are shown. Where that is 0 it keeps none.
    pub shown: usize,
    bytes: usize,
    entries: VecDeque<Entry>,
    /// How many lines were ever said, as far as any are kept.
    pub said: u64,
    /// How often it has changed: another number, another history.
    pub version: u64,
    /// The minute of the newest line, and how people read it.
    minute: Option<(i64, Arc<str>)>,
}

impl History {
    pub fn new(shown: usize) -> Self {
        Self {
            shown,
            ..Self::default()
        }
    }

    /// Adds lines without their ends, each behind the same prefix.
    pub fn push<'a>(
        &mut self,
        at: Timestamp,
        author: ClientId,
        prefix: &[u8],
        lines: impl Iterator<Item = &'a [u8]>,
    ) {
        if self.shown == 0 {
            return;
        }
        let time = self.stamp(at);
        for line in lines {
            let text = [prefix, line].concat().into_boxed_slice();
            self.bytes += text.len();
            self.version += 1;
            let time = Arc::clone(&time);
            let number = self.said;
            self.said += 1;
            self.entries.push_back(Entry {
                number,
                at,
                time,
                author,
                text,
            });
        }
        while (self.entries.len() > HISTORY_LINES || self.bytes > HISTORY_BYTES)
            && let Some(oldest) = self.entries.pop_front()
        {
            self.bytes -= oldest.text.len();
        }
    }

    /// When the oldest line was said that it has.
    pub fn oldest(&self) -> Option<Timestamp> {
        self.entries.front().map(|entry| entry.at)
    }

    /// Forgets the oldest lines, as long as `is_old` says that they are, by when they were said.
    pub fn forget_oldest(&mut self, is_old: impl Fn(Timestamp) -> bool) {
        while self.oldest().is_some_and(&is_old)
            && let Some(oldest) = self.entries.pop_front()
        {
            self.bytes -= oldest.text.len();
            self.version += 1;
        }
    }

    /// A moment as people read it, made once a minute.
    fn stamp(&mut self, time: Timestamp) -> Arc<str> {
        let minute = time.as_second() / 60;
        match &self.minute {
            Some((same, stamp)) if *same == minute => Arc::clone(stamp),
            _ => {
                let stamp = Arc::<str>::from(show_time(time));
                self.minute = Some((minute, Arc::clone(&stamp)));
                stamp
            }
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
        match last.len() {
            0 => {}
            1 => push_server_line(text, format_args!("the last line, times in UTC:")),
            count => push_server_line(text, format_args!("the last {count} lines, times in UTC:")),
        }
        push_lines(text, last.into_iter().rev(), now);
    }

    /// The same with what others than `own` said since then, at most the last lines, so many.
    #[cfg(feature = "data")]
    pub fn push_since(
        &self,
        text: &mut Vec<u8>,
        since: Since,
        own: &Name,
        most: usize,
        now: Timestamp,
    ) {
        let own = [Kind::Said, Kind::Did].map(|kind| kind.prefix(own.shown()));
        let is_own = |line: &[u8]| own.iter().any(|own| line.starts_with(own.as_bytes()));
        let later = self.entries.iter().filter(|entry| match since {
            Since::Lines(number) => entry.number >= number,
            Since::Time(time) => entry.at >= time,
        });
        let later = later.filter(|entry| !is_own(&entry.text));
        let count = later.clone().count();
        let lines = if count == 1 { "line" } else { "lines" };
        match count {
            0 => {}
            _ if count > most => push_server_line(
                text,
                format_args!("{count} {lines} since you were here, the last {most}, times in UTC:"),
            ),
            _ => push_server_line(
                text,
                format_args!("{count} {lines} since you were here, times in UTC:"),
            ),
        }
        push_lines(text, later.skip(count.saturating_sub(most)), now);
    }

    /// Forgets the lines that `is_erased` says are, by their time and text, the newest first.
    #[cfg(feature = "data")]
    pub fn erase(&mut self, mut is_erased: impl FnMut(Timestamp, &[u8]) -> bool) {
        let mut kept = VecDeque::with_capacity(self.entries.len());
        while let Some(entry) = self.entries.pop_back() {
            if is_erased(entry.at, &entry.text) {
                self.bytes -= entry.text.len();
                self.version += 1;
            } else {
                kept.push_front(entry);
            }
        }
        self.entries = kept;
    }

    /// How many lines it holds.
    #[cfg(feature = "data")]
    pub fn count(&self) -> usize {
        self.entries.len()
    }
}

/// Appends lines as they are shown again.
fn push_lines<'a>(text: &mut Vec<u8>, lines: impl Iterator<Item = &'a Entry>, now: Timestamp) {
    let today = show_day(now);
    for Entry {
        time, text: line, ..
    } in lines
    {
        let time = time.strip_prefix(&today).unwrap_or(time);
        for part in [b"-- ", time.as_bytes(), b" ", line, b"\n"] {
            text.extend_from_slice(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::iter::once;

    const ALICE: ClientId = ClientId(1);
    const BOB: ClientId = ClientId(2);

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    fn shown(history: &History, count: usize, now: &str, ignored: Option<ClientId>) -> Vec<String> {
        let mut text = Vec::new();
        history.push_last(&mut text, count, at(now), |author| Some(author) != ignored);
        let text = String::from_utf8(text).unwrap();
        text.lines().skip(1).map(str::to_owned).collect()
    }

    #[test]
    fn it_keeps_the_last_lines_and_shows_those_of_whom_one_hears() {
        let mut history = History::new(20);
        for (author, text) in [(ALICE, "one"), (ALICE, "two"), (BOB, "three")] {
            history.push(
                at("2026-03-04T14:03:59Z"),
                author,
                b"<x> ",
                once(text.as_bytes()),
            );
        }
        let now = "2026-03-04T23:59:59Z";
        assert_eq!(
            shown(&history, 2, now, None),
            ["-- 14:03Z <x> two", "-- 14:03Z <x> three"]
        );
        assert_eq!(shown(&history, 1, now, None), ["-- 14:03Z <x> three"]);
        assert_eq!(shown(&history, 1, now, Some(BOB)), ["-- 14:03Z <x> two"]);
    }

    #[test]
    fn the_date_stands_before_the_time_where_it_is_not_todays() {
        let mut history = History::new(1);
        history.push(
            at("2026-03-04T23:59:59Z"),
            ALICE,
            b"* alice ",
            once(&b"waves"[..]),
        );
        let line = shown(&history, 1, "2026-03-05T00:00:00Z", None);
        assert_eq!(line, ["-- 2026-03-04 23:59Z * alice waves"]);
    }

    #[cfg(feature = "data")]
    #[test]
    fn what_others_said_is_found_by_its_time_or_by_how_much_was_said_before() {
        let mut history = History::new(1);
        let (noon, later) = (at("2026-03-04T12:00:00Z"), at("2026-03-04T12:00:01Z"));
        for (time, prefix, text) in [
            (noon, "<bob> ", "one"),
            (later, "<alice> ", "mine"),
            (later, "* alice ", "waves"),
            (later, "<alice2> ", "two"),
            (later, "<bob> ", "three"),
        ] {
            history.push(time, BOB, prefix.as_bytes(), once(text.as_bytes()));
        }
        let alice = Name::parse("alice").unwrap();
        for (since, texts) in [
            (
                Since::Time(noon),
                &["<bob> one", "<alice2> two", "<bob> three"][..],
            ),
            (Since::Time(later), &["<alice2> two", "<bob> three"]),
            (Since::Lines(1), &["<alice2> two", "<bob> three"]),
            (Since::Lines(4), &["<bob> three"]),
            (Since::Lines(5), &[]),
        ] {
            let mut text = Vec::new();
            history.push_since(&mut text, since, &alice, 9, later);
            let text = String::from_utf8(text).unwrap();
            let lines = text.lines().skip(1);
            let found = lines.map(|line| &line["-- 12:00Z ".len()..]);
            assert_eq!(found.collect::<Vec<_>>(), texts, "{since:?}");
        }
    }

    #[test]
    fn it_is_bounded_by_256_kib_too() {
        let mut history = History::new(10_000);
        for _ in 0..1_000 {
            history.push(
                at("2026-03-04T00:00:00Z"),
                ALICE,
                b"",
                once(&[b'x'; 1 << 10][..]),
            );
        }
        assert_eq!(history.entries.len(), 256);
        history.push(
            at("2026-03-04T00:00:00Z"),
            ALICE,
            b"",
            once(&vec![b'x'; HISTORY_BYTES + 1][..]),
        );
        assert_eq!((history.entries.len(), history.bytes), (0, 0));
    }

    #[test]
    fn it_keeps_10_000_lines_and_none_where_newcomers_are_shown_none() {
        for (shown, kept) in [(1, 10_000), (0, 0)] {
            let mut history = History::new(shown);
            for _ in 0..10_001 {
                history.push(at("2026-03-04T00:00:00Z"), ALICE, b"", once(&b"x"[..]));
            }
            assert_eq!(history.entries.len(), kept);
        }
    }

    #[test]
    fn each_line_has_the_time_of_its_own_minute() {
        let mut history = History::new(9);
        for time in ["14:03:59", "14:04:00", "14:04:01", "14:05:01"] {
            history.push(
                at(&format!("2026-03-04T{time}Z")),
                ALICE,
                b"",
                once(&b"x"[..]),
            );
        }
        assert_eq!(
            shown(&history, 9, "2026-03-04T23:59:59Z", None),
            ["-- 14:03Z x", "-- 14:04Z x", "-- 14:04Z x", "-- 14:05Z x"]
        );
    }
}

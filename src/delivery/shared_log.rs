//! Where lines wait: the log of what everybody is to read.
//!
//! Each line is rendered here once, or once for each style of line end. A client's backlog is
//! nothing but its position in this log, so a stalled client costs the same however many lines wait
//! for it.

use crate::delivery::block::{Block, Origin};
use crate::event::Style;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::mem;

/// How many blocks that no log uses any more are kept, so that they need not be made again.
const SPARE_BLOCKS: usize = 16;

thread_local! {
    /// Those blocks. One thread has all logs.
    static SPARE: RefCell<Vec<Block>> = const { RefCell::new(Vec::new()) };
}

/// A place between two spans: how many spans were logged before it, ever.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(u64);

impl Position {
    /// Behind everything that will ever be logged.
    pub const NEVER: Self = Self(u64::MAX);
}

/// How far a client has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The first span that it has not read whole.
    pub position: Position,
    /// How many bytes of that span it has read.
    pub sent: usize,
}

impl Cursor {
    /// The cursor of a client that has read everything before `position`.
    pub fn at(position: Position) -> Self {
        Self { position, sent: 0 }
    }
}

/// The log of one conversation.
#[derive(Debug, Default)]
pub struct SharedLog {
    /// Somebody reads CR LF, so what is logged from now on is kept with that too.
    pub keeps_crlf: bool,
    /// The blocks before the last one.
    old: VecDeque<Block>,
    /// The block that grows.
    last: Block,
    /// Somebody stands at the end, so what comes next is a span of its own.
    is_sealed: bool,
    /// How many bytes have been logged.
    pub bytes_ever: u64,
}

impl SharedLog {
    /// Adds the lines of one event, which cost so much.
    pub fn append(&mut self, origin: Origin, lines: &[u8], cost: u64) {
        if !self.last.has_room(lines.len(), self.keeps_crlf) {
            self.begin_block();
        }
        self.last.append(origin, lines, cost, !self.is_sealed);
        self.is_sealed = false;
        self.bytes_ever += lines.len() as u64;
    }

    fn begin_block(&mut self) {
        let spare = SPARE.with_borrow_mut(Vec::pop).unwrap_or_default();
        let block = self.last.followed_by(spare, self.keeps_crlf);
        self.old.push_back(mem::replace(&mut self.last, block));
    }

    /// Ends the last span, and returns the position behind it.
    pub fn seal(&mut self) -> Position {
        self.is_sealed = true;
        Position(self.last.end())
    }

    /// The cost of everything that was ever logged.
    pub fn cost_ever(&self) -> u64 {
        self.last.cost
    }

    pub fn cost_kept(&self) -> u64 {
        self.last.cost - self.old.front().unwrap_or(&self.last).cost_before(0)
    }

    /// The cost of what a client at `cursor` has not read, its own lines included.
    pub fn cost_after(&self, cursor: Cursor, style: Style) -> u64 {
        let (block, span) = self.find(cursor.position);
        let [cost, end_cost] = [span, span + 1].map(|span| block.cost_before(span));
        let [start, end] = [span, span + 1].map(|span| block.start(span, style));
        // Of a span that was begun, as much as was read of it.
        let read = (end_cost - cost) * cursor.sent as u64 / (end - start).max(1) as u64;
        self.last.cost - cost - read
    }

    /// Forgets what stands before `position`, in whole blocks.
    pub fn forget_before(&mut self, position: Position) {
        if !self.last.spans.is_empty() && self.last.end() <= position.0 {
            self.begin_block();
        }
        let read = self.old.partition_point(|block| block.end() <= position.0);
        let spare = self.old.drain(..read).filter_map(Block::emptied);
        SPARE.with_borrow_mut(|blocks| {
            blocks.extend(spare);
            blocks.truncate(SPARE_BLOCKS);
        });
    }

    /// The next text for a client at `cursor`, at most so many bytes: what it `reads` of so many
    /// `spans` before `limit`, one behind the other in one block. The cursor goes to the end of it,
    /// past what the client skips. What it has begun it reads to the end.
    pub fn next_run(
        &self,
        cursor: &mut Cursor,
        style: Style,
        limit: Position,
        most: usize,
        spans: &mut usize,
        reads: impl Fn(Origin) -> bool,
    ) -> &[u8] {
        let (block, first) = self.find(cursor.position);
        let position = |span: usize| Position(block.spans_before + span as u64);
        let begun = (cursor.sent > 0).then_some(first);
        let is_read = |span: usize| begun == Some(span) || reads(block.spans[span].origin);
        let end = block
            .spans
            .len()
            .min((limit.0 - block.spans_before) as usize);
        let end = end.min(first + *spans);

        let start = (first..end).find(|span| is_read(*span)).unwrap_or(end);
        let from = block.start(start, style) + cursor.sent;
        let most = from.saturating_add(most);
        let mut stop = end.min(start + 1);
        while stop < end && block.start(stop, style) < most && is_read(stop) {
            stop += 1;
        }
        *spans -= stop - first;
        let to = block.start(stop, style);
        *cursor = if to > most {
            // It is cut within its last span.
            Cursor {
                position: position(stop - 1),
                sent: most - block.start(stop - 1, style),
            }
        } else {
            Cursor::at(position(stop))
        };
        &block.text(style)[from..to.min(most)]
    }

    /// The block in which a span is or will be, and its number there.
    fn find(&self, position: Position) -> (&Block, usize) {
        // Nearly everybody is in the last block.
        let block = if position.0 >= self.last.spans_before {
            &self.last
        } else {
            &self.old[self.old.partition_point(|block| block.end() <= position.0)]
        };
        (block, (position.0 - block.spans_before) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::block::BLOCK_BYTES;
    use crate::event::ClientId;

    const ALICE: Origin = Origin::Said(ClientId(1));
    const BOB: Origin = Origin::Said(ClientId(2));

    /// Adds lines that cost as many as they have bytes.
    fn add(log: &mut SharedLog, origin: Origin, lines: &str) {
        log.keeps_crlf = true;
        log.append(origin, lines.as_bytes(), lines.len() as u64);
    }

    /// Everything from `cursor` on, run by run.
    fn runs(
        log: &mut SharedLog,
        mut cursor: Cursor,
        style: Style,
        reads: fn(Origin) -> bool,
    ) -> Vec<String> {
        let end = log.seal();
        let mut runs = Vec::new();
        while cursor.position < end {
            let (most, spans) = (usize::MAX, &mut 999);
            let run = log.next_run(&mut cursor, style, end, most, spans, reads);
            runs.push(String::from_utf8(run.to_vec()).unwrap());
        }
        assert_eq!(cursor, Cursor::at(end));
        runs.retain(|run| !run.is_empty());
        runs
    }

    #[test]
    fn a_client_reads_everything_but_what_it_skips() {
        let mut log = SharedLog::default();
        let start = Cursor::at(log.seal());
        for (origin, lines) in [
            (ALICE, "a1\na2\n"),
            (ALICE, "a3\n"),
            (BOB, "b1\n"),
            (Origin::Server, "s\n"),
            (ALICE, "a4\n"),
        ] {
            add(&mut log, origin, lines);
        }
        assert_eq!(
            runs(&mut log, start, Style::Lf, |_| true),
            ["a1\na2\na3\nb1\ns\na4\n"]
        );
        assert_eq!(
            runs(&mut log, start, Style::Lf, |origin| origin != ALICE),
            ["b1\ns\n"]
        );
        assert_eq!(
            runs(&mut log, start, Style::CrLf, |origin| origin != BOB),
            ["a1\r\na2\r\na3\r\n", "s\r\na4\r\n"]
        );
        assert!(runs(&mut log, start, Style::Lf, |_| false).is_empty());
    }

    #[test]
    fn a_client_goes_on_where_it_stopped_in_either_style() {
        for (style, whole) in [
            (Style::Lf, "one\ntwo\nthree\n"),
            (Style::CrLf, "one\r\ntwo\r\nthree\r\n"),
        ] {
            let mut log = SharedLog::default();
            let start = Cursor::at(log.seal());
            for (origin, line) in [(ALICE, "one\n"), (BOB, "two\n"), (ALICE, "three\n")] {
                add(&mut log, origin, line);
            }
            let end = log.seal();
            for taken in 1..whole.len() {
                let mut cursor = start;
                for (most, text) in [(taken, &whole[..taken]), (99, &whole[taken..])] {
                    let run = log.next_run(&mut cursor, style, end, most, &mut 9, |_| true);
                    assert_eq!(run, text.as_bytes());
                    let read = whole[..taken].matches('\n').count() as u64;
                    let position = if most == taken { Position(read) } else { end };
                    assert_eq!(cursor.position, position, "after {taken} bytes");
                }
            }
        }
    }

    #[test]
    fn what_everybody_has_read_is_forgotten_and_what_somebody_has_not_is_kept() {
        let mut log = SharedLog::default();
        let first = log.seal();
        let line = format!("{}\n", "x".repeat(BLOCK_BYTES - 1));
        for _ in 0..10 {
            add(&mut log, ALICE, &line);
        }
        let all = 10 * line.len() as u64;
        assert_eq!(
            (
                log.cost_kept(),
                log.cost_after(Cursor::at(first), Style::Lf)
            ),
            (all, all)
        );
        let third = Position(first.0 + 3);
        log.forget_before(third);
        let rest = all - 3 * line.len() as u64;
        assert_eq!(
            (
                log.cost_kept(),
                log.cost_after(Cursor::at(third), Style::Lf)
            ),
            (rest, rest)
        );
        let end = log.seal();
        log.forget_before(end);
        assert_eq!(
            (log.cost_kept(), log.cost_after(Cursor::at(end), Style::Lf)),
            (0, 0)
        );
        add(&mut log, BOB, "next\n");
        assert_eq!(
            runs(&mut log, Cursor::at(end), Style::Lf, |_| true),
            ["next\n"]
        );
    }

    #[test]
    fn an_event_that_does_not_fit_into_a_block_begins_another() {
        let mut log = SharedLog::default();
        let start = Cursor::at(log.seal());
        let line = format!("{}\n", "x".repeat(999));
        let few = line.repeat(40);
        add(&mut log, ALICE, &few);
        add(&mut log, ALICE, &few);
        let many = line.repeat(100);
        assert!(many.len() > BLOCK_BYTES);
        add(&mut log, ALICE, &many);
        assert_eq!(log.cost_after(start, Style::Lf), log.cost_ever());
        let runs = runs(&mut log, start, Style::Lf, |_| true);
        assert_eq!(runs, [few.clone(), few, many]);
    }

    #[test]
    fn what_is_logged_is_kept_in_crlf_while_somebody_reads_that() {
        let mut log = SharedLog::default();
        for (keeps_crlf, kept) in [(false, ""), (true, "a\r\n"), (false, "")] {
            log.keeps_crlf = keeps_crlf;
            let position = log.seal();
            log.append(ALICE, b"a\n", 1);
            let (block, _) = log.find(position);
            assert_eq!(block.text(Style::CrLf), kept.as_bytes());
        }
        let start = Cursor::at(Position::default());
        assert_eq!(runs(&mut log, start, Style::Lf, |_| true), ["a\n"; 3]);
    }

    #[test]
    fn one_try_looks_at_no_more_than_it_may_however_much_is_skipped() {
        let mut log = SharedLog::default();
        let mut cursor = Cursor::at(log.seal());
        for _ in 0..50 {
            add(&mut log, ALICE, "a\n");
            add(&mut log, BOB, "b\n");
        }
        let end = log.seal();
        let mut spans = 60;
        let run = log.next_run(&mut cursor, Style::Lf, end, 999, &mut spans, |_| false);
        assert!(run.is_empty());
        assert_eq!((cursor.position.0, spans), (60, 0));
        for (most, text, after) in [
            (7, "a\nb\na\nb", (63, 1, 56)),
            // The rest of a span and a whole one: nothing behind them is looked at.
            (3, "\na\n", (65, 0, 58)),
        ] {
            let mut spans = 60;
            let run = log.next_run(&mut cursor, Style::Lf, end, most, &mut spans, |_| true);
            assert_eq!(run, text.as_bytes());
            assert_eq!((cursor.position.0, cursor.sent, spans), after);
        }
    }

    #[test]
    fn a_client_reads_what_it_has_begun_to_the_end_and_nothing_behind_the_limit() {
        let mut log = SharedLog::default();
        let mut cursor = Cursor::at(log.seal());
        // Two blocks, so that the second does not begin with span 0.
        for origin in [ALICE, BOB, ALICE, BOB, ALICE, BOB, ALICE, BOB] {
            add(&mut log, origin, &format!("{:x<16383}\n", ""));
        }
        let [fourth, sixth] = [4, 6].map(Position);
        cursor.position = fourth;
        for (most, length, after) in [
            (99, 99, (4, 99)),
            (usize::MAX, 16_384 - 99, (5, 0)),
            (usize::MAX, 0, (6, 0)),
        ] {
            // Alice is ignored from when her line was begun.
            let is_read = |origin| origin == ALICE && most == 99;
            let run = log.next_run(&mut cursor, Style::Lf, sixth, most, &mut 9, is_read);
            assert_eq!(
                (run.len(), cursor.position.0, cursor.sent),
                (length, after.0, after.1)
            );
        }
    }

    #[test]
    fn of_a_span_that_was_begun_its_rest_is_to_be_read() {
        let mut log = SharedLog {
            keeps_crlf: true,
            ..SharedLog::default()
        };
        for (origin, text, cost) in [(BOB, "b\n", 50), (ALICE, "a1\na2\n", 96), (BOB, "b\n", 7)] {
            log.append(origin, text.as_bytes(), cost);
        }
        let position = Position(1);
        for (style, sent, rest) in [
            (Style::Lf, 0, 96),
            (Style::Lf, 2, 64),
            (Style::Lf, 6, 0),
            (Style::CrLf, 2, 72),
            (Style::CrLf, 7, 12),
        ] {
            let cursor = Cursor { position, sent };
            assert_eq!(log.cost_after(cursor, style), rest + 7, "{style:?}, {sent}");
        }
    }

    #[test]
    fn a_block_that_grows_is_forgotten_when_all_of_it_was_read_and_not_before() {
        let mut log = SharedLog::default();
        add(&mut log, ALICE, "a\n");
        let middle = log.seal();
        add(&mut log, ALICE, "a\n");
        log.forget_before(middle);
        assert_eq!((log.old.len(), log.cost_kept()), (0, 4));
        for _ in 0..2 {
            let end = log.seal();
            log.forget_before(end);
            let spare = SPARE.with_borrow(Vec::len);
            assert_eq!((log.cost_kept(), spare), (0, 1), "an empty one stays");
        }
    }

    #[test]
    fn sixteen_blocks_are_kept_to_be_used_again() {
        let mut log = SharedLog::default();
        let spare = || SPARE.with_borrow(Vec::len);
        for _ in 0..20 {
            add(&mut log, ALICE, &format!("{:x<1$}\n", "", BLOCK_BYTES - 1));
        }
        let end = log.seal();
        log.forget_before(end);
        assert_eq!(spare(), 16);
        for used in 1..4 {
            add(&mut log, ALICE, &format!("{:x<1$}\n", "", BLOCK_BYTES - 1));
            assert_eq!(spare(), 17 - used, "the first one goes into the last block");
        }
        let text = runs(&mut log, Cursor::at(end), Style::Lf, |_| true);
        assert_eq!(text.len(), 3);
    }
}

//! Where lines wait: the log of what everybody is to read.
//!
//! Each line is rendered here once, or once for each style of line end. A client's backlog is
//! nothing but its position in this log, so a stalled client costs the same however many lines wait
//! for it.

use crate::delivery::block::{Block, BlockPool, Origin, Rendered};
use crate::event::Style;
use std::collections::{BTreeSet, VecDeque};

/// How many blocks have their text with CR LF too: more than one send looks at.
const CRLF_BLOCKS: usize = 16;

/// A place between two spans: how many spans were logged before it, ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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

/// Text that a client reads without a gap.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// Where it begins.
    pub start: Cursor,
    /// What is to be sent.
    pub text: &'a [u8],
}

/// How much one try for one client may still look at.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Bytes of text.
    pub bytes: usize,
    /// Spans, whether they are read or skipped.
    pub spans: usize,
}

impl Budget {
    /// Whether nothing more may be looked at.
    pub fn is_spent(self) -> bool {
        self.bytes == 0 || self.spans == 0
    }
}

/// The log of one conversation.
#[derive(Debug, PartialEq)]
pub struct SharedLog {
    /// Never empty.
    blocks: VecDeque<Block>,
    /// Somebody stands at the end, so what comes next is a span of its own.
    is_sealed: bool,
    /// The blocks that have their text with CR LF too, by how many spans were logged before them.
    with_crlf: BTreeSet<u64>,
    bytes_ever: u64,
}

impl Default for SharedLog {
    fn default() -> Self {
        Self {
            blocks: VecDeque::from([Block::default()]),
            is_sealed: true,
            with_crlf: BTreeSet::new(),
            bytes_ever: 0,
        }
    }
}

impl SharedLog {
    /// Adds lines.
    pub fn append(&mut self, origin: Origin, mut lines: Rendered<'_>, pool: &mut BlockPool) {
        self.bytes_ever += lines.text.len() as u64;
        while !lines.text.is_empty() {
            let length = self.last().room_for(lines.text);
            if length == 0 {
                let block = pool.take(self.last().end(), self.cost_ever());
                self.blocks.push_back(block);
                self.is_sealed = true;
                continue;
            }
            let (part, rest) = lines.split(length);
            let may_grow = !self.is_sealed;
            self.last_mut().append(origin, part, may_grow);
            self.is_sealed = false;
            lines = rest;
        }
    }

    /// Ends the last span, and returns the position behind it.
    pub fn seal(&mut self) -> Position {
        self.is_sealed = true;
        Position(self.last().end())
    }

    /// How many bytes have been logged, ever.
    pub fn bytes_ever(&self) -> u64 {
        self.bytes_ever
    }

    /// What has been logged has cost, ever.
    pub fn cost_ever(&self) -> u64 {
        self.last().cost_end()
    }

    /// What is kept has cost.
    pub fn cost_kept(&self) -> u64 {
        self.cost_ever() - self.blocks.front().map_or(0, |block| block.cost_before)
    }

    /// What a client at `cursor` has not read has cost, its own lines included.
    pub fn cost_after(&self, cursor: Cursor, style: Style) -> u64 {
        let Some(block) = self.block_at(cursor.position) else {
            return 0;
        };
        let span = (cursor.position.0 - block.spans_before) as usize;
        let [cost, end_cost] = [span, span + 1].map(|span| block.cost_before_span(span));
        let [start, end] = [span, span + 1].map(|span| block.start(span, style));
        // Of a span that was begun, as much as was read of it.
        let read = (end_cost - cost) * cursor.sent as u64 / (end - start).max(1) as u64;
        self.cost_ever() - cost - read
    }

    /// Forgets what stands before `position`, in whole blocks.
    pub fn forget_before(&mut self, position: Position, pool: &mut BlockPool) {
        while self.blocks.len() > 1
            && self.blocks[0].end() <= position.0
            && let Some(block) = self.blocks.pop_front()
        {
            self.with_crlf.remove(&block.spans_before);
            pool.give_back(block);
        }
    }

    /// Forgets everything, because everybody has read it.
    pub fn forget_all(&mut self, pool: &mut BlockPool) {
        if self.last().len() == 0 {
            return;
        }
        let block = pool.take(self.last().end(), self.cost_ever());
        for drained in self.blocks.drain(..) {
            pool.give_back(drained);
        }
        self.blocks.push_back(block);
        self.with_crlf.clear();
        self.is_sealed = true;
    }

    /// Renders in `style` what follows `position`, as much of it as one send looks at. Of everything
    /// else little stays rendered.
    pub fn render(&mut self, position: Position, style: Style, bytes: usize) {
        if style == Style::Lf {
            return;
        }
        let first = self.index_of(position);
        let mut looked_at = 0;
        let mut rendered = Vec::new();
        for block in self.blocks.range_mut(first..) {
            if looked_at > bytes {
                break;
            }
            looked_at += block.text(Style::Lf).len();
            block.render_crlf();
            rendered.push(block.spans_before);
        }
        self.with_crlf.extend(&rendered);
        if self.with_crlf.len() > CRLF_BLOCKS {
            for block in &mut self.blocks {
                if !rendered.contains(&block.spans_before) {
                    block.forget_crlf();
                }
            }
            self.with_crlf.retain(|block| rendered.contains(block));
        }
    }

    /// The next text for a client at `cursor`: whole spans that it `reads`, one behind the other in
    /// one block, before `limit` and within the budget. The cursor goes to the end of it, past what
    /// the client skips.
    ///
    /// A span that was begun is always read to its end.
    pub fn next_run(
        &self,
        cursor: &mut Cursor,
        style: Style,
        limit: Position,
        budget: &mut Budget,
        reads: impl Fn(Origin, Position) -> bool,
    ) -> Option<Run<'_>> {
        while cursor.position < limit && !budget.is_spent() {
            let block = self.block_at(cursor.position)?;
            if !block.is_rendered(style) {
                // It was not expected to get so far. The next try begins here.
                budget.bytes = 0;
                return None;
            }
            let first = (cursor.position.0 - block.spans_before) as usize;
            let end = block.len().min((limit.0 - block.spans_before) as usize);
            let end = end.min(first + budget.spans);
            let begun = usize::from(cursor.sent > 0);
            let is_read = |span: usize| {
                reads(
                    block.origin(span),
                    Position(block.spans_before + span as u64),
                )
            };
            let mut start = first;
            while begun == 0 && start < end && !is_read(start) {
                start += 1;
            }
            let from = block.start(start, style) + cursor.sent;
            let enough = from + budget.bytes;
            let mut stop = (start + begun).min(end);
            while stop < end && block.start(stop, style) < enough && is_read(stop) {
                stop += 1;
            }
            budget.spans -= stop - first;
            let run_start = Cursor {
                position: Position(block.spans_before + start as u64),
                sent: cursor.sent,
            };
            *cursor = Cursor::at(Position(block.spans_before + stop as u64));
            if stop > start {
                let to = block.start(stop, style);
                budget.bytes = budget.bytes.saturating_sub(to - from);
                return Some(Run {
                    start: run_start,
                    text: &block.text(style)[from..to],
                });
            }
        }
        None
    }

    /// Where a client stands that took `bytes` of the run that began at `start`, and not all of it.
    pub fn after_bytes(&self, start: Cursor, style: Style, bytes: usize) -> Cursor {
        let Some(block) = self.block_at(start.position) else {
            return start;
        };
        let first = (start.position.0 - block.spans_before) as usize;
        let offset = block.start(first, style) + start.sent + bytes;
        let span = block.span_at(offset, style);
        Cursor {
            position: Position(block.spans_before + span as u64),
            sent: offset - block.start(span, style),
        }
    }

    /// For a client that has read a part of a span with LF and is to read on with CR LF: the rest
    /// of the line that it is in, and where it stands behind that.
    pub fn split_line(&self, cursor: Cursor) -> (&[u8], Cursor) {
        let Some(block) = self.block_at(cursor.position) else {
            return (&[], cursor);
        };
        let index = (cursor.position.0 - block.spans_before) as usize;
        let start = block.start(index, Style::Lf);
        let span = &block.text(Style::Lf)[start..block.start(index + 1, Style::Lf)];
        let is_at_start = cursor.sent > 0 && span[cursor.sent - 1] == b'\n';
        let rest = if is_at_start {
            &[]
        } else {
            &span[cursor.sent..]
        };
        let rest = &rest[..memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1)];
        let read = cursor.sent + rest.len();
        let after = if read == span.len() {
            Cursor::at(Position(cursor.position.0 + 1))
        } else {
            let ends = memchr::memchr_iter(b'\n', &span[..read]).count();
            Cursor {
                position: cursor.position,
                sent: read + ends,
            }
        };
        (rest, after)
    }

    fn block_at(&self, position: Position) -> Option<&Block> {
        // Nearly everybody is in the last block.
        if position.0 >= self.last().spans_before {
            return Some(self.last()).filter(|block| position.0 < block.end());
        }
        self.blocks.get(self.index_of(position))
    }

    fn index_of(&self, position: Position) -> usize {
        self.blocks
            .partition_point(|block| block.end() <= position.0)
    }

    fn last(&self) -> &Block {
        &self.blocks[self.blocks.len() - 1]
    }

    fn last_mut(&mut self) -> &mut Block {
        let last = self.blocks.len() - 1;
        &mut self.blocks[last]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::block::BLOCK_BYTES;
    use crate::event::ClientId;

    const ALICE: Origin = Origin::Said(ClientId(1));
    const BOB: Origin = Origin::Said(ClientId(2));

    const ALL: Budget = Budget {
        bytes: usize::MAX / 2,
        spans: usize::MAX / 2,
    };

    /// Adds lines that cost as many as they have bytes.
    fn add(log: &mut SharedLog, origin: Origin, lines: &str) {
        let pool = &mut BlockPool::default();
        let text = lines.as_bytes();
        let rendered = Rendered {
            text,
            count: memchr::memchr_iter(b'\n', text).count(),
            cost: lines.len() as u64,
        };
        log.append(origin, rendered, pool);
    }

    /// Everything from `cursor` on, run by run.
    fn runs(
        log: &mut SharedLog,
        mut cursor: Cursor,
        style: Style,
        reads: fn(Origin) -> bool,
    ) -> Vec<String> {
        let end = log.seal();
        log.render(cursor.position, style, usize::MAX / 2);
        let mut runs = Vec::new();
        while let Some(run) =
            log.next_run(&mut cursor, style, end, &mut ALL.clone(), |origin, _| {
                reads(origin)
            })
        {
            runs.push(String::from_utf8(run.text.to_vec()).unwrap());
        }
        assert_eq!(cursor, Cursor::at(end));
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
            log.render(start.position, style, usize::MAX / 2);
            for taken in 0..whole.len() {
                let stopped = log.after_bytes(start, style, taken);
                let rest = log
                    .next_run(
                        &mut stopped.clone(),
                        style,
                        end,
                        &mut ALL.clone(),
                        |_, _| true,
                    )
                    .unwrap();
                assert_eq!(rest.text, &whole.as_bytes()[taken..]);
            }
        }
    }

    #[test]
    fn what_everybody_has_read_is_forgotten_and_what_somebody_has_not_is_kept() {
        let mut log = SharedLog::default();
        let pool = &mut BlockPool::default();
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
        log.forget_before(third, pool);
        let rest = all - 3 * line.len() as u64;
        assert_eq!(
            (
                log.cost_kept(),
                log.cost_after(Cursor::at(third), Style::Lf)
            ),
            (rest, rest)
        );
        log.forget_all(pool);
        let end = log.seal();
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
    fn lines_that_do_not_fit_into_a_block_are_divided_between_lines() {
        let mut log = SharedLog::default();
        let start = Cursor::at(log.seal());
        let line = format!("{}\n", "x".repeat(999));
        let lines = line.repeat(100);
        add(&mut log, ALICE, &lines);
        assert_eq!(log.cost_after(start, Style::Lf), lines.len() as u64);
        let runs = runs(&mut log, start, Style::Lf, |_| true);
        assert_eq!(runs.len(), 2);
        assert!(
            runs.iter()
                .all(|run| run.ends_with('\n') && run.len() <= BLOCK_BYTES)
        );
        assert_eq!(runs.concat(), lines);
    }

    #[test]
    fn one_try_looks_at_no_more_than_its_budget_however_much_is_skipped() {
        let mut log = SharedLog::default();
        let mut cursor = Cursor::at(log.seal());
        for _ in 0..50 {
            add(&mut log, ALICE, "a\n");
            add(&mut log, BOB, "b\n");
        }
        let end = log.seal();
        let mut budget = Budget {
            bytes: 1000,
            spans: 60,
        };
        let skip_all = |_, _| false;
        assert!(
            log.next_run(&mut cursor, Style::Lf, end, &mut budget, skip_all)
                .is_none()
        );
        assert_eq!((cursor.position.0, budget.spans), (60, 0));
        let mut budget = Budget {
            bytes: 7,
            spans: 60,
        };
        let run = log.next_run(&mut cursor, Style::Lf, end, &mut budget, |_, _| true);
        assert_eq!(run.unwrap().text, b"a\nb\na\nb\n", "whole spans");
        assert!(budget.is_spent());
    }

    #[test]
    fn a_try_that_skips_far_goes_no_further_than_what_is_rendered() {
        let mut log = SharedLog::default();
        let start = Cursor::at(log.seal());
        let line = format!("{}\n", "x".repeat(BLOCK_BYTES - 1));
        for number in 0..2 * CRLF_BLOCKS {
            let position = log.seal();
            let is_last = number + 1 == 2 * CRLF_BLOCKS;
            add(&mut log, if is_last { BOB } else { ALICE }, &line);
            // Somebody else keeps up.
            log.render(position, Style::CrLf, 1);
        }
        let end = log.seal();
        let mut cursor = start;
        let mut read = Vec::new();
        for _ in 0..CRLF_BLOCKS {
            log.render(cursor.position, Style::CrLf, 4 * BLOCK_BYTES);
            let budget = &mut Budget {
                bytes: 4 * BLOCK_BYTES,
                spans: 99,
            };
            let reads = |origin, _| origin == BOB;
            while let Some(run) = log.next_run(&mut cursor, Style::CrLf, end, budget, reads) {
                read.extend_from_slice(run.text);
            }
        }
        assert_eq!(cursor, Cursor::at(end));
        assert_eq!(read.len(), BLOCK_BYTES + 1);
    }

    #[test]
    fn few_blocks_have_their_text_with_crlf_too_and_it_can_be_made_again() {
        let mut log = SharedLog::default();
        let start = Cursor::at(log.seal());
        let line = format!("{}\n", "x".repeat(BLOCK_BYTES - 1));
        for _ in 0..2 * CRLF_BLOCKS {
            add(&mut log, ALICE, &line);
        }
        let end = log.seal();
        for _ in 0..2 {
            let mut cursor = start;
            while cursor.position < end {
                log.render(cursor.position, Style::CrLf, 1);
                let budget = &mut Budget { bytes: 1, spans: 9 };
                let run = log.next_run(&mut cursor, Style::CrLf, end, budget, |_, _| true);
                assert!(run.unwrap().text.ends_with(b"x\r\n"));
                let with_crlf = log
                    .blocks
                    .iter()
                    .filter(|block| !block.text(Style::CrLf).is_empty());
                assert!(with_crlf.count() <= CRLF_BLOCKS);
            }
        }
    }
}

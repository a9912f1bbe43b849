//! Where lines wait: the one log of what everybody is to read.
//!
//! Each line is rendered here once, or once for each style of line end. A client's backlog is
//! nothing but its position in this log, so a stalled client costs the same however many lines wait
//! for it.
//!
//! The log is a queue of blocks of text. A block's text is divided into spans: whole lines of one
//! origin, which a client either reads or skips.

use crate::event::ClientId;
use std::collections::VecDeque;

/// How much text a block holds before the next one is begun, in bytes.
const BLOCK_BYTES: usize = 64 << 10;

/// How lines end for a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// LF.
    Lf,
    /// CR LF.
    CrLf,
}

/// Where a span of lines comes from, which decides who reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A client said it: its author does not read it, nor who ignores them.
    Said(ClientId),
    /// A client did it (`/me`): its author reads it, but not who ignores them.
    Done(ClientId),
    /// A client has joined or left: it does not read that itself, nor who turned such notices off.
    Presence(ClientId),
    /// Several have joined or left.
    Gathered,
    /// The server says it: everybody reads it.
    Server,
}

/// A place between two spans: how many spans were logged before it, ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(u64);

/// How far a client has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The first span that it has not read whole.
    pub position: Position,
    /// How many bytes of that span it has read.
    pub sent: usize,
}

impl Cursor {
    /// The cursor of a client that has read nothing.
    pub const START: Self = Self {
        position: Position(0),
        sent: 0,
    };

    /// The cursor of a client that has read everything before `position`.
    #[must_use]
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

#[derive(Debug)]
struct Span {
    origin: Origin,
    /// Where the span ends in its block's text, for LF.
    end: u32,
    /// The same for CR LF; what has not been rendered so has no meaning yet.
    crlf_end: u32,
}

#[derive(Debug)]
struct Block {
    /// Where its first span stands.
    first: u64,
    /// How many bytes of text, with LF, were logged before it, ever.
    bytes_before: u64,
    spans: Vec<Span>,
    text: Vec<u8>,
    crlf_text: Vec<u8>,
    /// How many spans are in `crlf_text`: it is only made where somebody reads it.
    crlf_spans: usize,
}

/// The log.
#[derive(Debug)]
pub struct SharedLog {
    /// Never empty.
    blocks: VecDeque<Block>,
    /// Somebody stands at the end, so what comes next is a span of its own.
    sealed: bool,
}

impl Default for SharedLog {
    fn default() -> Self {
        Self {
            blocks: VecDeque::from([Block::new(0, 0)]),
            sealed: true,
        }
    }
}

impl SharedLog {
    /// Adds the whole lines that `write` appends, each ending in LF.
    pub fn append(&mut self, origin: Origin, write: impl FnOnce(&mut Vec<u8>)) {
        if self.last().text.len() >= BLOCK_BYTES {
            let block = Block::new(self.last().end(), self.bytes_ever());
            self.blocks.push_back(block);
            self.sealed = true;
        }
        let sealed = self.sealed;
        let block = self.last_mut();
        write(&mut block.text);
        let end = block.text.len() as u32;
        match block.spans.last_mut() {
            Some(span) if span.origin == origin && !sealed => span.end = end,
            _ => block.spans.push(Span {
                origin,
                end,
                crlf_end: 0,
            }),
        }
        self.sealed = false;
    }

    /// The position after everything logged so far.
    pub fn end(&mut self) -> Position {
        self.sealed = true;
        Position(self.last().end())
    }

    /// How many bytes a client at `cursor` has not read, with LF, its own lines included.
    #[must_use]
    pub fn bytes_after(&self, cursor: Cursor) -> u64 {
        let Some(block) = self.block_at(cursor.position) else {
            return 0;
        };
        let span = (cursor.position.0 - block.first) as usize;
        let read = (block.start(span, Style::Lf) + cursor.sent).min(block.spans[span].end as usize);
        self.bytes_ever() - block.bytes_before - read as u64
    }

    /// How many bytes are kept, with LF.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes_ever() - self.blocks.front().map_or(0, |block| block.bytes_before)
    }

    /// Forgets what stands before `position`, in whole blocks.
    pub fn forget_before(&mut self, position: Position) {
        while self.blocks.len() > 1 && self.blocks[0].end() <= position.0 {
            self.blocks.pop_front();
        }
    }

    /// Forgets everything, because everybody has read it.
    pub fn forget_all(&mut self) {
        let (end, bytes) = (self.last().end(), self.bytes_ever());
        self.blocks.truncate(1);
        self.sealed = true;
        if let Some(block) = self.blocks.front_mut() {
            block.reset(end, bytes);
        }
    }

    /// Renders what follows `position` in `style`, if that has not been done yet.
    pub fn render(&mut self, position: Position, style: Style) {
        if style == Style::CrLf {
            let first = self
                .blocks
                .partition_point(|block| block.end() <= position.0);
            self.blocks.range_mut(first..).for_each(Block::render_crlf);
        }
    }

    /// The next text for a client at `cursor`: whole spans that it `reads`, one behind the other in
    /// one block and before `limit`. The cursor goes to the end of it, past what the client skips.
    ///
    /// A span that was begun is always read to its end.
    pub fn next_run(
        &self,
        cursor: &mut Cursor,
        style: Style,
        limit: Position,
        reads: impl Fn(Origin, Position) -> bool,
    ) -> Option<Run<'_>> {
        while cursor.position < limit {
            let block = self.block_at(cursor.position)?;
            let first = (cursor.position.0 - block.first) as usize;
            let spans =
                &block.spans[first..block.spans.len().min((limit.0 - block.first) as usize)];

            let base = cursor.position.0;
            let is_read =
                |(index, span): &(usize, &Span)| reads(span.origin, Position(base + *index as u64));
            let begun = usize::from(cursor.sent > 0);
            let mut spans = spans.iter().enumerate().skip(begun).peekable();
            let mut skipped = 0;
            while begun == 0 && spans.next_if(|span| !is_read(span)).is_some() {
                skipped += 1;
            }
            let read = begun + spans.take_while(is_read).count();

            let start = Cursor {
                position: Position(cursor.position.0 + skipped as u64),
                sent: cursor.sent,
            };
            *cursor = Cursor::at(Position(start.position.0 + read as u64));
            if read > 0 {
                let from = block.start(first + skipped, style) + start.sent;
                let to = block.start(first + skipped + read, style);
                let text = &block.text(style)[from..to];
                return Some(Run { start, text });
            }
        }
        None
    }

    /// Where a client stands that took `bytes` of the run that began at `start`, and not all of it.
    #[must_use]
    pub fn after_bytes(&self, start: Cursor, style: Style, bytes: usize) -> Cursor {
        let Some(block) = self.block_at(start.position) else {
            return start;
        };
        let first = (start.position.0 - block.first) as usize;
        let offset = block.start(first, style) + start.sent + bytes;
        let span = first + block.spans[first..].partition_point(|span| span.end(style) <= offset);
        Cursor {
            position: Position(block.first + span as u64),
            sent: offset - block.start(span, style),
        }
    }

    /// For a client that has read a part of a span with LF and is to read on with CR LF: the rest
    /// of the line that it is in, and where it stands behind that.
    #[must_use]
    pub fn split_line(&self, cursor: Cursor) -> (&[u8], Cursor) {
        let Some(block) = self.block_at(cursor.position) else {
            return (&[], cursor);
        };
        let index = (cursor.position.0 - block.first) as usize;
        let start = block.start(index, Style::Lf);
        let span = &block.text[start..block.spans[index].end as usize];
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
        if position.0 >= self.last().first {
            return Some(self.last()).filter(|block| position.0 < block.end());
        }
        self.blocks.get(
            self.blocks
                .partition_point(|block| block.end() <= position.0),
        )
    }

    fn bytes_ever(&self) -> u64 {
        self.last().bytes_before + self.last().text.len() as u64
    }

    fn last(&self) -> &Block {
        &self.blocks[self.blocks.len() - 1]
    }

    fn last_mut(&mut self) -> &mut Block {
        let last = self.blocks.len() - 1;
        &mut self.blocks[last]
    }
}

impl Span {
    fn end(&self, style: Style) -> usize {
        match style {
            Style::Lf => self.end as usize,
            Style::CrLf => self.crlf_end as usize,
        }
    }
}

impl Block {
    fn new(first: u64, bytes_before: u64) -> Self {
        Self {
            first,
            bytes_before,
            spans: Vec::new(),
            text: Vec::new(),
            crlf_text: Vec::new(),
            crlf_spans: 0,
        }
    }

    /// Empties the block for new text, and keeps its memory.
    fn reset(&mut self, first: u64, bytes_before: u64) {
        self.first = first;
        self.bytes_before = bytes_before;
        self.spans.clear();
        self.text.clear();
        self.text.shrink_to(2 * BLOCK_BYTES);
        self.crlf_text.clear();
        self.crlf_text.shrink_to(2 * BLOCK_BYTES);
        self.crlf_spans = 0;
    }

    fn end(&self) -> u64 {
        self.first + self.spans.len() as u64
    }

    fn start(&self, span: usize, style: Style) -> usize {
        span.checked_sub(1)
            .map_or(0, |before| self.spans[before].end(style))
    }

    fn text(&self, style: Style) -> &[u8] {
        match style {
            Style::Lf => &self.text,
            Style::CrLf => &self.crlf_text,
        }
    }

    fn render_crlf(&mut self) {
        for span in self.crlf_spans..self.spans.len() {
            let text = &self.text[self.start(span, Style::Lf)..self.spans[span].end as usize];
            push_crlf(&mut self.crlf_text, text);
            self.spans[span].crlf_end = self.crlf_text.len() as u32;
        }
        self.crlf_spans = self.spans.len();
    }
}

/// Appends whole lines to `output`, with CR LF for LF.
pub fn push_crlf(output: &mut Vec<u8>, lines: &[u8]) {
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        output.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
        output.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: Origin = Origin::Said(ClientId(1));
    const BOB: Origin = Origin::Said(ClientId(2));

    fn add(log: &mut SharedLog, origin: Origin, lines: &str) {
        log.append(origin, |text| text.extend_from_slice(lines.as_bytes()));
    }

    /// Everything from `cursor` on, run by run.
    fn runs(
        log: &mut SharedLog,
        mut cursor: Cursor,
        style: Style,
        reads: fn(Origin) -> bool,
    ) -> Vec<String> {
        let end = log.end();
        log.render(cursor.position, style);
        let mut runs = Vec::new();
        while let Some(run) = log.next_run(&mut cursor, style, end, |origin, _| reads(origin)) {
            runs.push(String::from_utf8(run.text.to_vec()).unwrap());
        }
        assert_eq!(cursor, Cursor::at(end));
        runs
    }

    #[test]
    fn a_client_reads_everything_but_what_it_skips() {
        let mut log = SharedLog::default();
        let start = Cursor::at(log.end());
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
            let start = Cursor::at(log.end());
            for (origin, line) in [(ALICE, "one\n"), (BOB, "two\n"), (ALICE, "three\n")] {
                add(&mut log, origin, line);
            }
            let end = log.end();
            log.render(start.position, style);
            for taken in 0..whole.len() {
                let stopped = log.after_bytes(start, style, taken);
                let rest = log
                    .next_run(&mut stopped.clone(), style, end, |_, _| true)
                    .unwrap();
                assert_eq!(rest.text, &whole.as_bytes()[taken..]);
            }
        }
    }

    #[test]
    fn what_everybody_has_read_is_forgotten_and_what_somebody_has_not_is_kept() {
        let mut log = SharedLog::default();
        let first = Cursor::at(log.end());
        let line = format!("{}\n", "x".repeat(BLOCK_BYTES));
        for _ in 0..10 {
            add(&mut log, ALICE, &line);
        }
        let all = 10 * line.len() as u64;
        assert_eq!((log.bytes(), log.bytes_after(first)), (all, all));
        let third = Cursor::at(Position(first.position.0 + 3));
        log.forget_before(third.position);
        assert_eq!(
            (log.bytes(), log.bytes_after(third)),
            (all - 3 * line.len() as u64, all - 3 * line.len() as u64)
        );
        log.forget_all();
        let end = Cursor::at(log.end());
        assert_eq!((log.bytes(), log.bytes_after(end)), (0, 0));
        add(&mut log, BOB, "next\n");
        assert_eq!(runs(&mut log, end, Style::Lf, |_| true), ["next\n"]);
    }
}

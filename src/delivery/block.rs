//! The blocks that a shared log is made of.
//!
//! A block's text is divided into spans: whole lines of one origin, which a client either reads or
//! skips.

use crate::event::{ClientId, Style};

/// How much text a block holds, in bytes, unless a single line is longer.
pub const BLOCK_BYTES: usize = 64 << 10;

/// What a block's text costs at most, unless a single event costs more: a log is forgotten block by
/// block, and what it keeps is counted by its cost.
const BLOCK_COST: u64 = 128 << 10;

/// How many blocks that nobody uses are kept.
const SPARE_BLOCKS: usize = 16;

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

/// Whole lines as clients read them, each ending in LF.
#[derive(Debug, Clone, Copy)]
pub struct Rendered<'a> {
    pub text: &'a [u8],
    /// How many they are.
    pub count: usize,
    /// What they cost.
    pub cost: u64,
}

impl Rendered<'_> {
    /// The first `bytes` of them, which are whole lines too, and the rest.
    pub fn split(self, bytes: usize) -> (Self, Self) {
        if bytes == self.text.len() {
            let nothing = Self {
                text: &[],
                count: 0,
                cost: 0,
            };
            return (self, nothing);
        }
        let (text, rest) = self.text.split_at(bytes);
        let count = memchr::memchr_iter(b'\n', text).count();
        let cost = self.cost * count as u64 / self.count.max(1) as u64;
        let first = Self { text, count, cost };
        let rest = Self {
            text: rest,
            count: self.count - count,
            cost: self.cost - cost,
        };
        (first, rest)
    }
}

/// Whole lines of one origin. Everything is counted from the beginning of the block to the end of
/// the span.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Span {
    origin: Origin,
    bytes: u32,
    lines: u32,
    cost: u32,
}

/// A part of a log.
#[derive(Debug, Default, PartialEq)]
pub struct Block {
    /// How many spans were logged before it, ever.
    pub spans_before: u64,
    /// What was logged before it has cost, ever.
    pub cost_before: u64,
    spans: Vec<Span>,
    text: Vec<u8>,
    /// The first `crlf_spans` spans with CR LF.
    crlf_text: Vec<u8>,
    crlf_spans: usize,
}

/// Blocks that no log uses, kept so that they need not be made again.
#[derive(Debug, Default)]
pub struct BlockPool(Vec<Block>);

impl BlockPool {
    /// An empty block for what comes after so many spans, and so much cost.
    pub fn take(&mut self, spans_before: u64, cost_before: u64) -> Block {
        let mut block = self.0.pop().unwrap_or_default();
        block.spans_before = spans_before;
        block.cost_before = cost_before;
        block
    }

    /// Takes back a block.
    pub fn give_back(&mut self, mut block: Block) {
        if self.0.len() < SPARE_BLOCKS && block.text.capacity() <= BLOCK_BYTES {
            block.clear();
            self.0.push(block);
        }
    }
}

impl Block {
    /// How many spans have been logged up to its end, ever.
    pub fn end(&self) -> u64 {
        self.spans_before + self.spans.len() as u64
    }

    /// What has been logged up to its end has cost, ever.
    pub fn cost_end(&self) -> u64 {
        self.cost_before + self.spans.last().map_or(0, |span| u64::from(span.cost))
    }

    /// What everything before a span of it has cost, ever.
    pub fn cost_before_span(&self, span: usize) -> u64 {
        let before = span.checked_sub(1).map(|before| self.spans[before].cost);
        self.cost_before + before.map_or(0, u64::from)
    }

    /// How many spans it has.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Where a span of it comes from.
    pub fn origin(&self, span: usize) -> Origin {
        self.spans[span].origin
    }

    /// How much of `lines` goes into it: whole lines, and all of the first where it is empty.
    pub fn room_for(&self, lines: &[u8]) -> usize {
        let is_full = self.cost_end() - self.cost_before >= BLOCK_COST;
        let room = if is_full {
            0
        } else {
            BLOCK_BYTES.saturating_sub(self.text.len())
        };
        if lines.len() <= room {
            return lines.len();
        }
        match memchr::memrchr(b'\n', &lines[..room]) {
            Some(end) => end + 1,
            None if self.text.is_empty() => {
                memchr::memchr(b'\n', lines).map_or(lines.len(), |end| end + 1)
            }
            None => 0,
        }
    }

    /// Adds lines, to its last span if that may grow.
    pub fn append(&mut self, origin: Origin, lines: Rendered<'_>, may_grow: bool) {
        let length = lines.text.len();
        if self.text.capacity() - self.text.len() < length {
            // It begins small and ends with exactly what a block holds.
            let wanted = (2 * self.text.capacity()).min(BLOCK_BYTES);
            let least = self.text.len() + length;
            self.text.reserve_exact(wanted.max(least) - self.text.len());
        }
        self.text.extend_from_slice(lines.text);
        let before = self.spans.last().copied();
        let (lines_before, cost_before) = before.map_or((0, 0), |span| (span.lines, span.cost));
        let span = Span {
            origin,
            bytes: self.text.len() as u32,
            lines: lines_before + lines.count as u32,
            cost: cost_before + lines.cost as u32,
        };
        match self.spans.last_mut() {
            Some(last) if last.origin == origin && may_grow => *last = span,
            _ => self.spans.push(span),
        }
    }

    /// Where a span begins in its text.
    pub fn start(&self, span: usize, style: Style) -> usize {
        span.checked_sub(1)
            .map_or(0, |before| self.spans[before].end(style))
    }

    /// The span in which a byte of its text is.
    pub fn span_at(&self, byte: usize, style: Style) -> usize {
        self.spans.partition_point(|span| span.end(style) <= byte)
    }

    /// Its text.
    pub fn text(&self, style: Style) -> &[u8] {
        match style {
            Style::Lf => &self.text,
            Style::CrLf => &self.crlf_text,
        }
    }

    /// Makes its text with CR LF, as far as that has not been done.
    pub fn render_crlf(&mut self) {
        let from = self.start(self.crlf_spans, Style::Lf);
        push_crlf(&mut self.crlf_text, &self.text[from..]);
        self.crlf_spans = self.spans.len();
    }

    /// Whether all of its text is there with these line ends.
    pub fn is_rendered(&self, style: Style) -> bool {
        style == Style::Lf || self.crlf_spans == self.spans.len()
    }

    /// Forgets its text with CR LF, which can be made again.
    pub fn forget_crlf(&mut self) {
        self.crlf_text = Vec::new();
        self.crlf_spans = 0;
    }

    fn clear(&mut self) {
        self.spans.clear();
        self.text.clear();
        self.forget_crlf();
    }
}

impl Span {
    fn end(&self, style: Style) -> usize {
        match style {
            Style::Lf => self.bytes as usize,
            Style::CrLf => self.bytes as usize + self.lines as usize,
        }
    }
}

/// Appends whole lines to `output`, with CR LF for LF.
pub fn push_crlf(output: &mut Vec<u8>, lines: &[u8]) {
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        output.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
        output.extend_from_slice(b"\r\n");
    }
}

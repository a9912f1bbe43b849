//! The blocks that a shared log is made of.
//!
//! A block's text is divided into spans: whole lines of one origin, which a client either reads or
//! skips.

use crate::event::{ClientId, Style};

/// How much text a block holds, in bytes, unless a single event has more.
pub const BLOCK_BYTES: usize = 64 << 10;

/// What a block's text costs when nothing more goes into it: a log is forgotten block by block, and
/// what it keeps is counted by its cost.
const BLOCK_COST: u64 = 128 << 10;

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

/// Whole lines of one origin, up to where the next span begins.
#[derive(Debug)]
pub struct Span {
    pub origin: Origin,
    start: u32,
    crlf_start: u32,
    cost_before: u64,
}

#[derive(Debug, Default)]
pub struct Block {
    /// How many spans were logged before it, ever.
    pub spans_before: u64,
    /// The cost of everything logged up to its end, ever.
    pub cost: u64,
    pub spans: Vec<Span>,
    text: Vec<u8>,
    /// The same with CR LF, if it keeps that.
    crlf_text: Vec<u8>,
    keeps_crlf: bool,
}

impl Block {
    /// An empty block for what comes behind this one, made of one that is not used any more.
    pub fn followed_by(&self, spare: Self, keeps_crlf: bool) -> Self {
        Self {
            spans_before: self.end(),
            cost: self.cost,
            keeps_crlf,
            ..spare
        }
    }

    /// Empties it to be used again, unless it is larger than others.
    pub fn emptied(mut self) -> Option<Self> {
        self.spans.clear();
        self.text.clear();
        self.crlf_text = Vec::new();
        (self.text.capacity() <= BLOCK_BYTES).then_some(self)
    }

    /// How many spans have been logged up to its end, ever.
    pub fn end(&self) -> u64 {
        self.spans_before + self.spans.len() as u64
    }

    /// Whether an event's lines go into it, in the forms in which they are to be kept.
    pub fn has_room(&self, bytes: usize, keeps_crlf: bool) -> bool {
        let is_small = self.text.len() + bytes <= BLOCK_BYTES;
        let is_cheap = self.cost - self.cost_before(0) < BLOCK_COST;
        self.keeps_crlf == keeps_crlf && (self.spans.is_empty() || is_small && is_cheap)
    }

    /// Adds lines, to its last span if that may grow.
    pub fn append(&mut self, origin: Origin, lines: &[u8], cost: u64, may_grow: bool) {
        if !(may_grow && self.spans.last().is_some_and(|last| last.origin == origin)) {
            self.spans.push(Span {
                origin,
                start: self.text.len() as u32,
                crlf_start: self.crlf_text.len() as u32,
                cost_before: self.cost,
            });
        }
        if self.text.capacity() - self.text.len() < lines.len() {
            // It begins small and ends with exactly what a block holds.
            let wanted = (2 * self.text.capacity()).min(BLOCK_BYTES);
            let least = self.text.len() + lines.len();
            self.text.reserve_exact(wanted.max(least) - self.text.len());
        }
        self.text.extend_from_slice(lines);
        if self.keeps_crlf {
            push_crlf(&mut self.crlf_text, lines);
        }
        self.cost += cost;
    }

    /// The cost of everything before a span of it, ever. The span behind its last is at its end.
    pub fn cost_before(&self, span: usize) -> u64 {
        self.spans
            .get(span)
            .map_or(self.cost, |span| span.cost_before)
    }

    /// Where a span begins in its text. The span behind its last is at its end.
    pub fn start(&self, span: usize, style: Style) -> usize {
        match (self.spans.get(span), style) {
            (None, _) => self.text(style).len(),
            (Some(span), Style::Lf) => span.start as usize,
            (Some(span), Style::CrLf) => span.crlf_start as usize,
        }
    }

    pub fn text(&self, style: Style) -> &[u8] {
        match style {
            Style::Lf => &self.text,
            Style::CrLf => &self.crlf_text,
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

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: Origin = Origin::Said(ClientId(1));

    /// A block with so much text, which costs so much, behind others.
    fn block(bytes: usize, cost: u64) -> Block {
        let before = Block {
            spans_before: 7,
            cost: 1 << 30,
            ..Block::default()
        };
        let mut block = before.followed_by(Block::default(), false);
        block.append(ALICE, &vec![b'\n'; bytes], cost, true);
        block
    }

    #[test]
    fn a_block_takes_64_kib_of_text_and_what_begins_below_a_cost_of_128_kib() {
        const KIB: usize = 1 << 10;
        for (bytes, cost, more, has_room) in [
            (60 * KIB, 1, 4 * KIB, true),
            (60 * KIB, 1, 4 * KIB + 1, false),
            (1, (128 << 10) - 1, 1, true),
            (1, 128 << 10, 1, false),
        ] {
            let block = block(bytes, cost);
            assert_eq!(block.has_room(more, false), has_room, "{bytes} and {more}");
            assert!(!block.has_room(more, true), "it is without CR LF");
        }
        let empty = Block::default();
        assert!(
            empty.has_room(100 * KIB, false),
            "anything goes into an empty one"
        );
        assert!(!empty.has_room(1, true));
    }

    #[test]
    fn a_block_begins_small_and_ends_with_exactly_what_it_holds() {
        let mut block = Block::default();
        let mut capacities = Vec::new();
        while block.has_room(1_000, false) {
            block.append(ALICE, &[b'\n'; 1_000], 1, true);
            capacities.push(block.text.capacity());
        }
        assert_eq!(capacities[..5], [1_000, 2_000, 4_000, 4_000, 8_000]);
        assert_eq!(capacities.last(), Some(&BLOCK_BYTES));
    }

    #[test]
    fn a_block_that_is_used_again_keeps_its_memory_and_nothing_of_what_it_held() {
        let last = block(10, 20);
        let mut used = block(50_000, 9);
        used.keeps_crlf = true;
        used.append(ALICE, b"a\n", 1, true);
        let spare = used.emptied().unwrap();
        assert!(spare.text.capacity() >= 50_000);
        assert_eq!(spare.crlf_text.capacity(), 0, "few read that");
        let mut again = last.followed_by(spare, false);
        assert_eq!((again.spans_before, again.end()), (8, 8));
        assert_eq!((again.cost, again.cost_before(0)), (last.cost, last.cost));
        again.append(ALICE, b"b\n", 1, true);
        let [text, crlf] = [Style::Lf, Style::CrLf].map(|style| again.text(style));
        assert_eq!((text, crlf), (&b"b\n"[..], &b""[..]));
    }

    #[test]
    fn a_block_that_is_larger_than_others_is_not_used_again() {
        assert!(block(BLOCK_BYTES, 1).emptied().is_some());
        assert!(block(BLOCK_BYTES + 1, 1).emptied().is_none());
    }
}

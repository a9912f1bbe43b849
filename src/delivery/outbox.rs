//! Where lines leave: what one client has still to read, and the sending of it.

use crate::delivery::block::push_crlf;
use crate::delivery::filter::Filter;
use crate::delivery::shared_log::{Cursor, Position, SharedLog};
use crate::event::{Answer, Arrival, ClientId, Style};
use crate::wire::Wire;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice};
use std::sync::Arc;

/// How many bytes one try for one client takes, at most: what one send may take.
const TRY_BYTES: usize = 256 << 10;

/// How many spans one try looks at, at most, whether they are read or skipped.
const TRY_SPANS: usize = 4096;

/// How many pieces of text go into one send.
const PIECES: usize = 64;

pub struct Outbox {
    pub wire: Arc<dyn Wire>,
    pub filter: Filter,
    /// How far it has come in the log.
    cursor: Cursor,
    /// Where it begins to read the log: nowhere yet, if it waits to be let in.
    pub reads_from: Position,
    /// Where it stops reading the log, once it has left. Then nothing more is for it alone either.
    pub limit: Position,
    /// What was logged, or told to it, from here on ends in CR LF.
    pub crlf_from: Position,
    /// What is for this client alone, in the order in which it is read.
    private: VecDeque<Private>,
    /// How many bytes of that are pending.
    pub private_bytes: usize,
}

/// Text for one client alone: answers, private messages, the welcome.
struct Private {
    /// It is read before what stands here in the log.
    at: Position,
    text: Answer,
    /// How many bytes the client has read.
    read: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    All,
    /// There is more than one try looks at.
    Part,
    /// The client's socket is full.
    Full,
}

/// How far a client comes that takes so many bytes.
struct Reached {
    bytes: usize,
    /// How many of them are for it alone.
    private_bytes: usize,
    cursor: Cursor,
}

impl Outbox {
    /// The outbox of a client that joins at `position`.
    pub fn new(client: ClientId, arrival: Arrival, position: Position) -> Self {
        Self {
            wire: arrival.wire,
            filter: Filter::new(client, arrival.echo),
            cursor: Cursor::at(position),
            reads_from: position,
            limit: Position::NEVER,
            crlf_from: Position::NEVER,
            private: VecDeque::new(),
            private_bytes: 0,
        }
    }

    /// The first span of the log that the client is to read and has not read whole.
    pub fn position(&self) -> Position {
        self.cursor.position.max(self.reads_from)
    }

    /// The cost of what the client has not read of the log.
    pub fn behind(&self, log: &SharedLog) -> u64 {
        let cursor = match self.position() {
            Position::NEVER => return 0,
            position if position > self.cursor.position => Cursor::at(position),
            _ => self.cursor,
        };
        log.cost_after(cursor, self.style_at(cursor.position))
    }

    /// Whether nothing more is for this client than what is pending.
    pub fn is_limited(&self) -> bool {
        self.limit != Position::NEVER
    }

    /// Whether lines that are added now end in CR LF.
    pub fn wants_crlf(&self) -> bool {
        self.crlf_from != Position::NEVER
    }

    /// How the lines end that stand there in the log.
    fn style_at(&self, position: Position) -> Style {
        if position < self.crlf_from {
            Style::Lf
        } else {
            Style::CrLf
        }
    }

    /// Adds text for this client alone. It comes after everything logged before `at`, the end of
    /// the log.
    pub fn push(&mut self, at: Position, answer: Answer) {
        if answer.as_bytes().is_empty() {
            return;
        }
        let text = match answer {
            Answer::Lines(_) | Answer::SharedLines(_) if self.wants_crlf() => {
                let mut text = Vec::with_capacity(answer.as_bytes().len() + 64);
                push_crlf(&mut text, answer.as_bytes());
                Answer::Lines(text)
            }
            _ => answer,
        };
        self.private_bytes += text.as_bytes().len();
        if let Some(last) = self.private.back_mut()
            && last.at == at
            && let Answer::Lines(before) | Answer::Bytes(before) = &mut last.text
            && let Answer::Lines(more) | Answer::Bytes(more) = &text
        {
            before.extend_from_slice(more);
        } else {
            self.private.push_back(Private { at, text, read: 0 });
        }
    }

    /// Sends what is pending, as much as one try looks at. An error means that the connection is
    /// lost.
    pub fn send(&mut self, log: &SharedLog, end: Position) -> io::Result<Sent> {
        let end = end.min(self.limit);
        if self.cursor.position < self.reads_from {
            self.cursor = Cursor::at(end.min(self.reads_from));
        }
        let mut texts = Vec::new();
        let offered = self.walk(log, end, usize::MAX, &mut texts);
        let taken = self.send_texts(&texts)?;
        if taken < offered.bytes {
            let reached = self.walk(log, end, taken, &mut Vec::new());
            self.go_to(&reached);
            return Ok(Sent::Full);
        }
        self.go_to(&offered);
        let is_all = self.cursor.position >= end && self.private.is_empty();
        Ok(if is_all { Sent::All } else { Sent::Part })
    }

    /// Adds what one try looks at of what is pending to `texts`, but at most so many bytes: private
    /// text before what stands at its place in the log.
    fn walk<'a>(
        &'a self,
        log: &'a SharedLog,
        end: Position,
        most: usize,
        texts: &mut Vec<IoSlice<'a>>,
    ) -> Reached {
        let (mut bytes, mut private_bytes) = (0, 0);
        let (mut cursor, mut spans) = (self.cursor, TRY_SPANS);
        let mut private = self.private.iter().peekable();
        let enough = most.min(TRY_BYTES);
        while texts.len() < PIECES && bytes < enough && spans > 0 {
            let limit = private.peek().map_or(end, |private| private.at);
            let text = if cursor.position < limit {
                let style = self.style_at(cursor.position);
                let limit = match style {
                    Style::Lf => limit.min(self.crlf_from),
                    Style::CrLf => limit,
                };
                let reads = |origin| self.filter.reads(origin);
                log.next_run(&mut cursor, style, limit, enough - bytes, &mut spans, reads)
            } else if let Some(private) = private.next() {
                let text = private.pending();
                let text = &text[..text.len().min(enough - bytes)];
                private_bytes += text.len();
                text
            } else {
                break;
            };
            if !text.is_empty() {
                bytes += text.len();
                texts.push(IoSlice::new(text));
            }
        }
        Reached {
            bytes,
            private_bytes,
            cursor,
        }
    }

    /// Sends all of `texts` in one call, as far as there is room.
    fn send_texts(&self, texts: &[IoSlice<'_>]) -> io::Result<usize> {
        if texts.is_empty() {
            return Ok(0);
        }
        loop {
            match self.wire.send(texts) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(0),
                result => return result,
            }
        }
    }

    fn go_to(&mut self, reached: &Reached) {
        self.cursor = reached.cursor;
        self.private_bytes -= reached.private_bytes;
        let mut bytes = reached.private_bytes;
        while bytes > 0
            && let Some(first) = self.private.front_mut()
        {
            let read = bytes.min(first.pending().len());
            first.read += read;
            bytes -= read;
            if first.pending().is_empty() {
                self.private.pop_front();
            }
        }
        if self.private.is_empty() {
            // The welcome was the most that most clients are ever sent alone.
            self.private = VecDeque::new();
        }
    }
}

impl Private {
    fn pending(&self) -> &[u8] {
        &self.text.as_bytes()[self.read..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::block::{BLOCK_BYTES, Origin};
    use crate::delivery::filter::Hidden;
    use crate::wire::TestWire;

    const KIB: usize = 1 << 10;
    const AUTHOR: ClientId = ClientId(2);

    /// A client that reads an empty log and takes everything.
    fn outbox(log: &mut SharedLog) -> (Arc<TestWire>, Outbox) {
        let wire = TestWire::with_room(usize::MAX);
        let arrival = wire.arrival(Style::Lf);
        (wire, Outbox::new(ClientId(1), arrival, log.seal()))
    }

    /// Logs a line of so many bytes, a span of its own.
    fn log_line(log: &mut SharedLog, bytes: usize) {
        let line = [vec![b'x'; bytes - 1], vec![b'\n']].concat();
        log.append(Origin::Said(AUTHOR), &line, 1);
        log.seal();
    }

    #[test]
    fn one_try_sends_256_kib_at_most_whatever_waits() {
        let shared = Answer::SharedLines(vec![b'\n'; 600 * KIB].into());
        for (private, logged) in [(None, 600), (Some(shared.clone()), 0), (Some(shared), 300)] {
            let mut log = SharedLog::default();
            let (wire, mut outbox) = outbox(&mut log);
            let mut rest = logged * KIB;
            if let Some(answer) = private {
                rest += 600 * KIB;
                outbox.push(log.seal(), answer);
            }
            for _ in 0..logged {
                log_line(&mut log, KIB);
            }
            let end = log.seal();
            while rest > 0 {
                let most = rest.min(256 * KIB);
                let is_last = rest == most;
                rest -= most;
                let sent = if is_last { Sent::All } else { Sent::Part };
                assert_eq!(outbox.send(&log, end).unwrap(), sent, "{rest} bytes remain");
                assert_eq!(wire.take_received().len(), most);
                assert_eq!(wire.take_offers().len(), 1, "one call");
            }
        }
    }

    #[test]
    fn one_try_sends_64_pieces_at_most() {
        let mut log = SharedLog::default();
        let (wire, mut outbox) = outbox(&mut log);
        for _ in 0..70 {
            outbox.push(log.seal(), Answer::Lines(b"-- yes\n".to_vec()));
            log_line(&mut log, 9);
        }
        let end = log.seal();
        let sends = [(64, Sent::Part), (64, Sent::Part), (12, Sent::All)];
        for (pieces, sent) in sends {
            assert_eq!(outbox.send(&log, end).unwrap(), sent);
            assert_eq!(wire.take_offers()[0].len(), pieces);
        }
    }

    #[test]
    fn one_try_looks_at_4096_spans_at_most_however_much_is_hidden() {
        for (hidden, tries) in [(4095, 1), (4096, 2), (8191, 2), (8192, 3)] {
            let mut log = SharedLog::default();
            let (wire, mut outbox) = outbox(&mut log);
            outbox.filter.hidden.insert(Hidden::Author(AUTHOR));
            for _ in 0..hidden {
                log_line(&mut log, 2);
            }
            log.append(Origin::Server, b"the end\n", 1);
            let end = log.seal();
            for _ in 1..tries {
                assert_eq!(outbox.send(&log, end).unwrap(), Sent::Part, "{hidden}");
                assert!(wire.take_offers().is_empty(), "there is nothing to send");
            }
            assert_eq!(outbox.send(&log, end).unwrap(), Sent::All, "{hidden}");
            assert_eq!(wire.take_received(), "the end\n");
        }
    }

    #[test]
    fn answers_at_the_same_place_are_one_piece_of_text() {
        let mut log = SharedLog::default();
        let (wire, mut outbox) = outbox(&mut log);
        for _ in 0..1_000 {
            outbox.push(log.seal(), Answer::Lines(b"-- yes\n".to_vec()));
        }
        outbox.send(&log, Position::default()).unwrap();
        assert_eq!(wire.take_offers(), [[7_000]]);
    }

    #[test]
    fn who_has_read_everything_costs_no_memory_for_what_was_for_it_alone() {
        let mut log = SharedLog::default();
        let (wire, mut outbox) = outbox(&mut log);
        for _ in 0..100 {
            outbox.push(log.seal(), Answer::Lines(vec![b'\n'; BLOCK_BYTES]));
            log_line(&mut log, 2);
        }
        let end = log.seal();
        wire.set_room(3);
        assert_eq!(outbox.send(&log, end).unwrap(), Sent::Full);
        assert_eq!(outbox.private_bytes, 100 * BLOCK_BYTES - 3);
        wire.set_room(usize::MAX);
        while outbox.send(&log, end).unwrap() != Sent::All {}
        assert_eq!((outbox.private_bytes, outbox.private.capacity()), (0, 0));
        assert_eq!(wire.take_received().len(), 100 * (BLOCK_BYTES + 2));
    }
}

//! Where lines leave: what one client has still to read, and the sending of it.

use crate::delivery::filter::Filter;
use crate::delivery::private::Private;
use crate::delivery::shared_log::{Budget, Cursor, Position, Run, SharedLog};
use crate::event::{Answer, Arrival, ClientId, Style};
use crate::wire::Wire;
use std::borrow::Cow;
use std::collections::{VecDeque, vec_deque};
use std::io::{self, IoSlice};
use std::iter::Peekable;

/// What one try for one client looks at, at most: what one send may take.
const TRY: Budget = Budget {
    bytes: 256 << 10,
    spans: 4096,
};

/// How many pieces of text go into one send.
const PIECES: usize = 64;

/// What one client has still to read.
pub struct Outbox {
    /// How far it has come in the log.
    cursor: Cursor,
    /// Where it stops reading the log.
    limit: Position,
    style: Style,
    /// What is for this client alone, in the order in which it is read.
    private: VecDeque<Private>,
    /// How many bytes of that are pending, with LF.
    private_bytes: usize,
    /// What the client does not read.
    pub filter: Filter,
}

/// How a try went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// Everything was sent.
    All,
    /// There is more than one try looks at.
    Part,
    /// The client's socket is full.
    Full,
}

/// What is known of a part of a send, beside its text.
#[derive(Clone, Copy)]
struct Part {
    bytes: usize,
    kind: Kind,
    /// Where the client stands in the log before it.
    start: Cursor,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Private,
    Shared,
}

impl Outbox {
    /// The outbox of a client that joins at `position`.
    pub fn new(client: ClientId, arrival: &Arrival, position: Position) -> Self {
        Self {
            cursor: Cursor::at(position),
            limit: Position::NEVER,
            style: arrival.style,
            private: VecDeque::new(),
            private_bytes: 0,
            filter: Filter::new(client, arrival.echo),
        }
    }

    /// The first span of the log that the client has not read whole.
    pub fn position(&self) -> Position {
        self.cursor.position
    }

    /// What the client has not read of the log has cost.
    pub fn behind(&self, log: &SharedLog) -> u64 {
        log.cost_after(self.cursor, self.style)
    }

    /// Nothing logged from `end` on is for this client.
    pub fn limit_to(&mut self, end: Position) {
        self.limit = self.limit.min(end);
    }

    /// How many bytes are pending for this client alone.
    pub fn private_bytes(&self) -> usize {
        self.private_bytes
    }

    /// Adds text for this client alone. It comes after everything logged before `at`.
    pub fn push(&mut self, at: Position, answer: Answer) {
        if answer.is_empty() {
            return;
        }
        self.private_bytes += answer.len();
        let last = self.private.back_mut().filter(|last| last.at == at);
        let rest = match last {
            Some(last) => last.append(answer),
            None => Some(answer),
        };
        self.private
            .extend(rest.map(|answer| Private::new(at, answer)));
    }

    /// Lines end in CR LF from now on; one of the log that was begun ends as it began.
    pub fn want_crlf(&mut self, log: &SharedLog) {
        if self.style == Style::CrLf {
            return;
        }
        self.style = Style::CrLf;
        if self.cursor.sent > 0 {
            let (rest, after) = log.split_line(self.cursor);
            self.private_bytes += rest.len();
            let rest = Answer::Bytes(rest.to_vec());
            self.private
                .push_front(Private::new(self.cursor.position, rest));
            self.cursor = after;
        }
    }

    /// Sends what is pending, as much as one try looks at.
    ///
    /// # Errors
    ///
    /// Those of the connection, which is then lost.
    pub fn send(
        &mut self,
        log: &mut SharedLog,
        end: Position,
        wire: &dyn Wire,
    ) -> io::Result<Sent> {
        log.render(self.cursor.position, self.style, TRY.bytes);
        let mut walk = Walk {
            outbox: self,
            log,
            end: end.min(self.limit),
            cursor: self.cursor,
            private: self.private.iter().peekable(),
            budget: TRY,
        };
        let (mut texts, mut parts) = (Vec::new(), Vec::new());
        while parts.len() < PIECES
            && let Some((text, part)) = walk.next_part()
        {
            texts.push(text);
            parts.push(part);
        }
        let is_all = parts.len() < PIECES && !walk.budget.is_spent();
        let behind = walk.cursor;
        let offered = parts.iter().map(|part| part.bytes).sum();
        let taken = send_texts(wire, &texts)?;
        drop(texts);
        self.cursor = behind;
        self.take(log, &parts, taken);
        Ok(match is_all {
            _ if taken < offered => Sent::Full,
            true => Sent::All,
            false => Sent::Part,
        })
    }

    /// Goes on behind the first `taken` bytes of `parts`.
    fn take(&mut self, log: &SharedLog, parts: &[Part], mut taken: usize) {
        for part in parts {
            let bytes = part.bytes.min(taken);
            taken -= bytes;
            if part.kind == Kind::Private
                && let Some(private) = self.private.front_mut()
            {
                self.private_bytes -= private.pending();
                private.advance(self.style, bytes);
                self.private_bytes += private.pending();
                if private.pending() == 0 {
                    self.private.pop_front();
                }
            }
            if bytes < part.bytes {
                self.cursor = match part.kind {
                    Kind::Private => part.start,
                    Kind::Shared => log.after_bytes(part.start, self.style, bytes),
                };
                break;
            }
        }
        if self.private.is_empty() {
            // The welcome was the most that most clients are ever sent alone.
            self.private = VecDeque::new();
        }
    }
}

/// Sends all of `texts` in one call, as far as there is room.
fn send_texts(wire: &dyn Wire, texts: &[Cow<'_, [u8]>]) -> io::Result<usize> {
    if texts.is_empty() {
        return Ok(0);
    }
    let mut slices = [IoSlice::new(&[]); PIECES];
    for (slice, text) in slices.iter_mut().zip(texts) {
        *slice = IoSlice::new(text);
    }
    loop {
        match wire.send(&slices[..texts.len()]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
            result => return result,
        }
    }
}

/// Goes through what is pending, part by part, and changes nothing.
struct Walk<'a> {
    outbox: &'a Outbox,
    log: &'a SharedLog,
    end: Position,
    cursor: Cursor,
    private: Peekable<vec_deque::Iter<'a, Private>>,
    budget: Budget,
}

impl<'a> Walk<'a> {
    /// The next part: private text before what stands at its place in the log.
    fn next_part(&mut self) -> Option<(Cow<'a, [u8]>, Part)> {
        let at = self.private.peek().map(|private| private.at);
        let limit = at.map_or(self.end, |at| at.min(self.end));
        let (outbox, style) = (self.outbox, self.outbox.style);
        let (cursor, budget) = (&mut self.cursor, &mut self.budget);
        let run = self
            .log
            .next_run(cursor, style, limit, budget, |origin, position| {
                outbox.filter.reads(origin, position)
            });
        if let Some(Run { start, text }) = run {
            let part = Part {
                bytes: text.len(),
                kind: Kind::Shared,
                start,
            };
            return Some((Cow::Borrowed(text), part));
        }
        let is_next = |private: &&Private| private.at <= self.cursor.position;
        if self.budget.is_spent() {
            return None;
        }
        let private = self.private.next_if(is_next)?;
        let text = private.render(style, self.budget.bytes);
        self.budget.bytes = self.budget.bytes.saturating_sub(private.pending());
        let part = Part {
            bytes: text.len(),
            kind: Kind::Private,
            start: self.cursor,
        };
        Some((text, part))
    }
}

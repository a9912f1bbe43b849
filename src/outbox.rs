//! Where lines leave: what one client has still to read, and the sending of it.

use crate::event::ClientId;
use crate::filter::Filter;
use crate::shared_log::{Cursor, Position, Run, SharedLog, Style, push_crlf};
use crate::wire::Wire;
use std::collections::VecDeque;
use std::io::{self, IoSlice};

/// How many pieces of text go into one send.
const PIECES: usize = 32;

/// Whole lines, or telnet commands, for one client alone.
#[derive(Debug)]
struct Private {
    /// It is read before what stands here in the shared log.
    at: Position,
    text: Vec<u8>,
}

/// How a send went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// How many bytes the client took.
    pub bytes: u64,
    /// Whether there is more.
    pub left: Left,
}

/// What is left to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Nothing.
    Nothing,
    /// Something: the client's socket is full.
    Something,
}

/// What one client has still to read: its position in the shared log, and what is meant for it
/// alone.
#[derive(Debug)]
pub struct Outbox {
    reader: ClientId,
    cursor: Cursor,
    /// Nothing from here on is for this client, which is leaving.
    limit: Option<Position>,
    /// How its lines are to end.
    style: Style,
    /// How the span at the cursor ends, if it was begun.
    begun_in: Style,
    private: VecDeque<Private>,
    private_bytes: usize,
    /// How much of the first private text was sent.
    private_sent: usize,
    /// What it skips.
    pub filter: Filter,
}

/// How one vectored send went.
struct Round {
    taken: usize,
    /// What is left, if that is known without another one.
    left: Option<Left>,
}

/// One piece of a vectored send.
#[derive(Clone, Copy)]
struct Piece {
    kind: PieceKind,
    /// Where the client stands until the piece is sent.
    start: Cursor,
    bytes: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PieceKind {
    Private,
    Shared,
}

impl Outbox {
    /// The outbox of a client that joins at `position`.
    #[must_use]
    pub fn new(reader: ClientId, position: Position) -> Self {
        Self {
            reader,
            cursor: Cursor::at(position),
            limit: None,
            style: Style::Lf,
            begun_in: Style::Lf,
            private: VecDeque::new(),
            private_bytes: 0,
            private_sent: 0,
            filter: Filter::default(),
        }
    }

    /// How far the client has read.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// Lines end in CR LF from the next one on.
    pub fn want_crlf(&mut self) {
        self.style = Style::CrLf;
    }

    /// Adds whole lines, each ending in LF, for this client alone. They come after everything
    /// logged before `end`.
    pub fn push_lines(&mut self, end: Position, lines: &[u8]) {
        match self.style {
            Style::Lf => self.push_bytes(end, lines),
            Style::CrLf => {
                let mut text = Vec::with_capacity(lines.len() + 16);
                push_crlf(&mut text, lines);
                self.push_bytes(end, &text);
            }
        }
    }

    /// The same for bytes that are no lines.
    pub fn push_bytes(&mut self, end: Position, bytes: &[u8]) {
        self.private_bytes += bytes.len();
        match self.private.back_mut() {
            Some(last) if last.at == end => last.text.extend_from_slice(bytes),
            _ => self.private.push_back(Private {
                at: end,
                text: bytes.to_vec(),
            }),
        }
    }

    /// How many bytes are pending for this client alone.
    #[must_use]
    pub fn private_bytes(&self) -> usize {
        self.private_bytes
    }

    /// Nothing logged from `end` on is for this client.
    pub fn limit_to(&mut self, end: Position) {
        self.limit = Some(end);
    }

    /// Forgets everything that is pending.
    pub fn clear(&mut self, end: Position) {
        self.private.clear();
        self.private_bytes = 0;
        self.private_sent = 0;
        self.cursor = Cursor::at(end);
    }

    /// Sends what is pending, until it is all gone or the client's socket is full.
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
        let end = self.limit.unwrap_or(end);
        let mut bytes = 0;
        loop {
            log.render(self.cursor.position, self.style);
            match self.send_once(log, end, wire) {
                Ok(Round { taken, left }) => {
                    bytes += taken as u64;
                    if let Some(left) = left {
                        return Ok(Sent { bytes, left });
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let left = Left::Something;
                    return Ok(Sent { bytes, left });
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// One vectored send.
    fn send_once(&mut self, log: &SharedLog, end: Position, wire: &dyn Wire) -> io::Result<Round> {
        let mut slices = [IoSlice::new(&[]); PIECES];
        let mut pieces = [Piece {
            kind: PieceKind::Shared,
            start: self.cursor,
            bytes: 0,
        }; PIECES];
        let mut count = 0;
        let mut cursor = self.cursor;
        let mut private = self.private.iter();
        let mut next_private = private.next();
        let mut skip = self.private_sent;
        while count < PIECES {
            let (kind, run) = match next_private {
                Some(own) if own.at <= cursor.position => {
                    next_private = private.next();
                    let text = &own.text[skip..];
                    skip = 0;
                    (
                        PieceKind::Private,
                        Run {
                            start: cursor,
                            text,
                        },
                    )
                }
                own => {
                    match self.next_run(log, &mut cursor, own.map_or(end, |own| own.at.min(end))) {
                        Some(run) => (PieceKind::Shared, run),
                        None if next_private.is_some_and(|own| own.at <= cursor.position) => {
                            continue;
                        }
                        None => break,
                    }
                }
            };
            slices[count] = IoSlice::new(run.text);
            pieces[count] = Piece {
                kind,
                start: run.start,
                bytes: run.text.len(),
            };
            count += 1;
        }
        let pieces = &pieces[..count];
        if count == 0 {
            self.cursor = cursor;
            return Ok(Round {
                taken: 0,
                left: Some(Left::Nothing),
            });
        }
        let taken = wire.send(&slices[..count])?;
        let offered = pieces.iter().map(|piece| piece.bytes).sum::<usize>();
        self.take(log, pieces, taken, cursor);
        let left = if taken < offered {
            Some(Left::Something)
        } else if count < PIECES {
            Some(Left::Nothing)
        } else {
            None
        };
        Ok(Round { taken, left })
    }

    /// The next shared text, in the style in which its first span was begun.
    fn next_run<'a>(
        &self,
        log: &'a SharedLog,
        cursor: &mut Cursor,
        limit: Position,
    ) -> Option<Run<'a>> {
        let (style, limit) = if cursor.sent > 0 && self.begun_in != self.style {
            (self.begun_in, cursor.position.next().min(limit))
        } else {
            (self.style, limit)
        };
        log.next_run(cursor, style, limit, |origin, position| {
            self.filter.reads(self.reader, origin, position)
        })
    }

    /// Goes on behind the first `taken` bytes of `pieces`; `end` is behind all of them.
    fn take(&mut self, log: &SharedLog, pieces: &[Piece], mut taken: usize, end: Cursor) {
        for piece in pieces {
            let part = taken.min(piece.bytes);
            taken -= part;
            let is_whole = part == piece.bytes;
            match piece.kind {
                PieceKind::Private => {
                    self.private_bytes -= part;
                    self.private_sent += part;
                    if is_whole {
                        self.private.pop_front();
                        self.private_sent = 0;
                    }
                }
                PieceKind::Shared if !is_whole => {
                    let style = if piece.start.sent > 0 {
                        self.begun_in
                    } else {
                        self.style
                    };
                    self.begun_in = style;
                    self.cursor = log.after_bytes(piece.start, style, part);
                    return;
                }
                PieceKind::Shared => {}
            }
            if !is_whole {
                self.cursor = piece.start;
                return;
            }
        }
        if self.private.is_empty() {
            // The welcome was the most that most clients are ever sent alone.
            self.private = VecDeque::new();
        }
        self.cursor = end;
    }
}

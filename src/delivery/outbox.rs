//! Where lines leave: what one client has still to read, and the sending of it.

use crate::delivery::filter::Filter;
use crate::delivery::shared_log::{Cursor, Position, Run, SharedLog, Style, push_crlf};
use crate::event::ClientId;
use crate::wire::Wire;
use std::collections::{VecDeque, vec_deque};
use std::io::{self, IoSlice};
use std::iter::Peekable;
use std::mem;

/// How many pieces of text go into one send.
const PIECES: usize = 32;

/// Text for one client alone.
#[derive(Debug)]
struct Private {
    /// It is read before what stands here in the shared log.
    at: Position,
    form: Form,
    text: Vec<u8>,
}

/// What a private text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Whole lines.
    Lines,
    /// Something else, such as telnet commands: a 10 in it is no LF.
    Bytes,
}

impl Private {
    /// Renders what follows the line that the first `sent` bytes end in.
    fn end_in_crlf(&mut self, sent: usize) {
        if self.form == Form::Bytes {
            return;
        }
        let is_begun = sent > 0 && self.text[sent - 1] != b'\n';
        let end =
            memchr::memchr(b'\n', &self.text[sent..]).map_or(self.text.len(), |end| sent + end + 1);
        let rest = self.text.split_off(if is_begun { end } else { sent });
        push_crlf(&mut self.text, &rest);
    }
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
    /// How its lines end.
    style: Style,
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

impl Piece {
    const NOTHING: Self = Self {
        kind: PieceKind::Shared,
        start: Cursor::START,
        bytes: 0,
    };
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

    /// Lines end in CR LF from the next whole one on.
    pub fn want_crlf(&mut self, log: &SharedLog) {
        if self.style == Style::CrLf {
            return;
        }
        self.style = Style::CrLf;
        let mut sent = self.private_sent;
        for private in &mut self.private {
            private.end_in_crlf(mem::take(&mut sent));
        }
        self.private_bytes = self.private.iter().map(|private| private.text.len()).sum();
        self.private_bytes -= self.private_sent;
        if self.cursor.sent > 0 {
            self.finish_line(log);
        }
    }

    /// The rest of a line that was begun becomes text for this client alone, and what follows it is
    /// read in the new style.
    fn finish_line(&mut self, log: &SharedLog) {
        let (rest, after) = log.split_line(self.cursor);
        if !rest.is_empty() {
            self.private_bytes += rest.len();
            self.private.push_front(Private {
                at: self.cursor.position,
                form: Form::Bytes,
                text: rest.to_vec(),
            });
        }
        self.cursor = after;
    }

    /// Adds whole lines, each ending in LF, for this client alone. They come after everything
    /// logged before `end`.
    pub fn push_lines(&mut self, end: Position, lines: &[u8]) {
        self.push(end, Form::Lines, |text, style| match style {
            Style::Lf => text.extend_from_slice(lines),
            Style::CrLf => push_crlf(text, lines),
        });
    }

    /// The same for bytes that are no lines.
    pub fn push_bytes(&mut self, end: Position, bytes: &[u8]) {
        self.push(end, Form::Bytes, |text, _| text.extend_from_slice(bytes));
    }

    fn push(&mut self, end: Position, form: Form, write: impl FnOnce(&mut Vec<u8>, Style)) {
        if self
            .private
            .back()
            .is_none_or(|last| last.at != end || last.form != form)
        {
            self.private.push_back(Private {
                at: end,
                form,
                text: Vec::new(),
            });
        }
        if let Some(last) = self.private.back_mut() {
            let before = last.text.len();
            write(&mut last.text, self.style);
            self.private_bytes += last.text.len() - before;
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
        let mut pieces = [Piece::NOTHING; PIECES];
        let mut count = 0;
        let mut offered = 0;
        let mut walk = Walk {
            outbox: self,
            log,
            end,
            cursor: self.cursor,
            private: self.private.iter().peekable(),
            private_sent: self.private_sent,
        };
        while count < PIECES
            && let Some((kind, Run { start, text })) = walk.next_piece()
        {
            let bytes = text.len();
            slices[count] = IoSlice::new(text);
            pieces[count] = Piece { kind, start, bytes };
            count += 1;
            offered += bytes;
        }
        let behind = walk.cursor;
        let taken = if count > 0 {
            wire.send(&slices[..count])?
        } else {
            0
        };
        self.take(log, &pieces[..count], taken, behind);
        let left = if taken < offered {
            Some(Left::Something)
        } else if count < PIECES {
            Some(Left::Nothing)
        } else {
            None
        };
        Ok(Round { taken, left })
    }

    /// Goes on behind the first `taken` bytes of `pieces`; `behind` is where all of them end.
    fn take(&mut self, log: &SharedLog, pieces: &[Piece], mut taken: usize, behind: Cursor) {
        for piece in pieces {
            let part = taken.min(piece.bytes);
            taken -= part;
            let is_whole = part == piece.bytes;
            if piece.kind == PieceKind::Private {
                self.take_private(part, is_whole);
            }
            if !is_whole {
                self.cursor = match piece.kind {
                    PieceKind::Private => piece.start,
                    PieceKind::Shared => log.after_bytes(piece.start, self.style, part),
                };
                return;
            }
        }
        if self.private.is_empty() {
            // The welcome was the most that most clients are ever sent alone.
            self.private = VecDeque::new();
        }
        self.cursor = behind;
    }

    fn take_private(&mut self, bytes: usize, is_whole: bool) {
        self.private_bytes -= bytes;
        self.private_sent += bytes;
        if is_whole {
            self.private.pop_front();
            self.private_sent = 0;
        }
    }
}

/// Goes through what is pending, piece by piece, and changes nothing.
struct Walk<'a> {
    outbox: &'a Outbox,
    log: &'a SharedLog,
    end: Position,
    cursor: Cursor,
    private: Peekable<vec_deque::Iter<'a, Private>>,
    /// How much of the next private text was sent.
    private_sent: usize,
}

impl<'a> Walk<'a> {
    /// The next piece: private text before what stands at its place in the log.
    fn next_piece(&mut self) -> Option<(PieceKind, Run<'a>)> {
        let at = self.private.peek().map(|private| private.at);
        let limit = at.map_or(self.end, |at| at.min(self.end));
        let (outbox, style) = (self.outbox, self.outbox.style);
        let shared = self
            .log
            .next_run(&mut self.cursor, style, limit, |origin, position| {
                outbox.filter.reads(outbox.reader, origin, position)
            });
        if let Some(run) = shared {
            return Some((PieceKind::Shared, run));
        }
        let private = self
            .private
            .next_if(|private| private.at <= self.cursor.position)?;
        let run = Run {
            start: self.cursor,
            text: &private.text[mem::take(&mut self.private_sent)..],
        };
        Some((PieceKind::Private, run))
    }
}

//! `/search`: a client's own thread looks through what is kept, from the newest line back, with one of
//! two connections.

use crate::client::errand::{Errand, Progress};
use crate::clock::{show_day, show_time};
use crate::data::directory::{FileId, complaint, database_in, file_id};
use crate::data::lines::{Walk, time_from, walk};
use crate::data::matching::Wanted;
use crate::data::schema::open_to_read;
use crate::event::{Answer, ClientId, Event};
use crate::name::Name;
use crate::passwords::hash::Buffers;
use crate::text::{Line, push_server_line};
use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};
use jiff::Timestamp;
use log::error;
use rusqlite::Connection;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How many searches there are at a time.
const CONNECTIONS: usize = 2;

/// How many lines are shown, of how many bytes, as of the history, how long they are looked for, and how
/// long a connection is waited for.
const SHOWN: usize = 20;
const SHOWN_BYTES: usize = 256 << 10;
const LOOKING: Duration = Duration::from_millis(300);
const WAITING: Duration = Duration::from_secs(10);

/// How many rows are looked at in one step, and how long at most, between which the thread listens.
const STEP: i64 = 5_000;
const STEP_TIME: Duration = Duration::from_millis(10);

/// After how many bytes of rows the time is looked at.
const GLANCE: usize = 4 << 10;

/// How often a client may search.
const PAUSE: Duration = Duration::from_secs(1);

/// How long the end of a search is waited for at most: longer than any lasts, unless the disk does not
/// answer.
const CLOSING: Duration = Duration::from_secs(30);

/// How long a read waits for another program that has the database to itself.
const PATIENCE: Duration = Duration::from_millis(50);

/// The connections that lie ready. A clone stands for the same.
#[derive(Clone)]
pub struct Readers {
    database: PathBuf,
    returned: Sender<Slot>,
    ready: Receiver<Slot>,
}

/// Room for a connection. It is opened when it is needed first, or when another file has the
/// database's name since.
type Slot = Option<(FileId, Connection)>;

/// A connection that is in use, or a room for one, given back with this.
pub struct Reader {
    slot: Slot,
    returned: Sender<Slot>,
}

impl Readers {
    /// For the database in this directory.
    pub fn new(directory: &Path) -> Self {
        let (returned, ready) = bounded(CONNECTIONS);
        for _ in 0..CONNECTIONS {
            let _ = returned.send(None);
        }
        Self {
            database: database_in(directory),
            returned,
            ready,
        }
    }

    /// Closes all connections, behind the searches that go on. None is opened until what is returned
    /// is dropped.
    pub fn close(&self) -> Vec<Reader> {
        let close = |_| {
            let closed = self.ready.recv_timeout(CLOSING).ok()?;
            drop(closed);
            Some(Reader {
                slot: None,
                returned: self.returned.clone(),
            })
        };
        (0..CONNECTIONS).filter_map(close).collect()
    }

    /// A connection, if one is free.
    fn take(&self) -> Option<Result<Reader, String>> {
        let mut reader = Reader {
            slot: self.ready.try_recv().ok()?,
            returned: self.returned.clone(),
        };
        let current = file_id(&self.database);
        if reader.slot.as_ref().map(|(file, _)| *file) != current || current.is_none() {
            reader.slot = None;
            match open_to_read(&self.database, PATIENCE) {
                Ok(connection) => reader.slot = current.zip(Some(connection)),
                Err(why) => return Some(Err(why)),
            }
        }
        Some(Ok(reader))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // There is room for as many as there are.
        let _ = self.returned.try_send(self.slot.take());
    }
}

/// The searches of one client.
#[derive(Default)]
pub struct Searches {
    last: Option<Instant>,
}

/// Why there is no search.
#[derive(Clone, Copy)]
pub enum NoSearch {
    NothingKept,
    TooSoon,
}

impl Searches {
    /// Whether there may be one now.
    pub fn admit<'a>(
        &mut self,
        readers: Option<&'a Readers>,
        now: Instant,
    ) -> Result<&'a Readers, NoSearch> {
        let readers = readers.ok_or(NoSearch::NothingKept)?;
        let is_soon = |last| now.saturating_duration_since(last) < PAUSE;
        if self.last.is_some_and(is_soon) {
            return Err(NoSearch::TooSoon);
        }
        self.last = Some(now);
        Ok(readers)
    }
}

/// A search, as far as it is.
pub struct Search<'a> {
    client: ClientId,
    wanted: Wanted,
    readers: Result<&'a Readers, NoSearch>,
    /// Where passwords are computed, to which a search gives way.
    buffers: &'a Buffers,
    /// Who comes with the first answer.
    ignored: Receiver<Vec<Name>>,
    hidden: Option<Vec<Name>>,
    reader: Option<Reader>,
    began: Instant,
    next: Walk,
    /// Newest first.
    found: Vec<(Timestamp, String)>,
    looked_back_to: Option<Timestamp>,
}

impl<'a> Search<'a> {
    pub fn new(
        client: ClientId,
        text: &Line,
        ignored: Receiver<Vec<Name>>,
        readers: Result<&'a Readers, NoSearch>,
        buffers: &'a Buffers,
        now: Instant,
    ) -> Self {
        Self {
            client,
            wanted: Wanted::new(text.as_str()),
            readers,
            buffers,
            ignored,
            hidden: None,
            reader: None,
            began: now,
            next: Walk::Down(i64::MAX),
            found: Vec::new(),
            looked_back_to: None,
        }
    }

    fn answer(&self, content: &str) -> Progress {
        let mut text = Vec::new();
        push_server_line(&mut text, format_args!("{content}"));
        self.tell(text)
    }

    fn tell(&self, text: Vec<u8>) -> Progress {
        Progress::Done(Event::Answered(self.client, Answer::Lines(text)))
    }

    /// Gets what it takes to look, or returns what to do instead.
    fn prepare(&mut self, now: Instant) -> Result<(), Progress> {
        if self.hidden.is_none() {
            match self.ignored.try_recv() {
                Ok(names) => self.hidden = Some(names),
                Err(TryRecvError::Empty) => return Err(Progress::Wait),
                // It was ended, or waits to be let in, and is told so by the broadcaster alone.
                Err(TryRecvError::Disconnected) => return Err(Progress::InVain),
            }
        }
        let readers = match self.readers {
            Ok(readers) => readers,
            Err(NoSearch::NothingKept) => {
                return Err(
                    self.answer("what is said here is not kept, there is nothing to search")
                );
            }
            Err(NoSearch::TooSoon) => {
                return Err(self.answer("one search a second, try again in a moment"));
            }
        };
        if self.reader.is_none() {
            match readers.take() {
                Some(Ok(reader)) => (self.reader, self.began) = (Some(reader), now),
                Some(Err(why)) => return Err(self.fail(&why)),
                None if now.saturating_duration_since(self.began) > WAITING => {
                    return Err(self.answer("busy, try again in a few seconds"));
                }
                None => return Err(Progress::Wait),
            }
        }
        Ok(())
    }

    fn fail(&mut self, why: &str) -> Progress {
        error!(target: "chatd::searches", "a search failed: {why}");
        // Perhaps the connection is of no use any more.
        if let Some(reader) = &mut self.reader {
            reader.slot = None;
        }
        self.answer("what is kept cannot be read now")
    }

    /// Looks at some rows. Returns where it goes on.
    fn look(&mut self) -> rusqlite::Result<Option<Walk>> {
        let Some((_, connection)) = self.reader.as_ref().and_then(|reader| reader.slot.as_ref())
        else {
            return Ok(None);
        };
        let hidden = self.hidden.as_deref().unwrap_or_default();
        let is_hidden = |line: &[u8]| hidden.iter().any(|name| name.letters().as_bytes() == line);
        let (begun, mut bytes) = (Instant::now(), 0);
        let (mut last, mut stopped) = (i64::MIN, None);
        let next = walk(connection, self.next, STEP, |line| {
            let (n, length) = (line.n, line.text.len());
            if self.wanted.is_in(line.text)
                && !is_hidden(line.name)
                && let Some(line) = line.recalled()
            {
                self.found.push((line.time, line.prefix() + &line.text));
            }
            if self.found.len() >= SHOWN {
                last = n;
                return ControlFlow::Break(());
            }
            bytes += length;
            if bytes >= GLANCE {
                bytes = 0;
                if begun.elapsed() >= STEP_TIME {
                    stopped = self.next.past(n);
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(())
        })?;
        let next = next.or(stopped);
        // All before was looked at, and much of it may have been erased.
        let last = next.map_or(last, |next| next.row().saturating_add(1));
        self.looked_back_to = time_from(connection, last)?;
        Ok(next)
    }

    fn finish(&self) -> Progress {
        let mut text = Vec::new();
        let today = show_day(Timestamp::now());
        let mut bytes = 0;
        let fits = |(_, line): &&(Timestamp, String)| {
            bytes += line.len();
            bytes <= SHOWN_BYTES
        };
        let shown = self.found.iter().take_while(fits).count().max(1);
        for (time, line) in self.found.iter().take(shown).rev() {
            let time = show_time(*time);
            let time = time.strip_prefix(&today).unwrap_or(&time);
            push_server_line(&mut text, format_args!("{time} {line}"));
        }
        match self.looked_back_to {
            Some(time) => {
                push_server_line(
                    &mut text,
                    format_args!("looked back to {}", show_time(time)),
                );
            }
            None => push_server_line(&mut text, format_args!("nothing has been kept yet")),
        }
        self.tell(text)
    }
}

impl Errand for Search<'_> {
    fn step(&mut self, now: Instant) -> Progress {
        if let Err(progress) = self.prepare(now) {
            return progress;
        }
        match self.look() {
            Ok(Some(next)) if now.saturating_duration_since(self.began) < LOOKING => {
                self.next = next;
                // So that two searches on two cores do not make a login wait.
                if self.buffers.are_idle() {
                    Progress::Again
                } else {
                    Progress::Wait
                }
            }
            Ok(_) => self.finish(),
            Err(error) => {
                let path = self.readers.map(|readers| readers.database.as_path());
                let path = path.unwrap_or(Path::new(""));
                self.fail(&complaint(path, &error))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::schema::TABLES;

    /// A database in memory, with more lines than one step looks at.
    fn connection() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        let lines = "INSERT INTO lines WITH RECURSIVE numbers(n) AS
            (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 20000)
            SELECT n, n, 'alice', 0, 0, 'hello' FROM numbers";
        connection.execute_batch(TABLES).unwrap();
        connection.execute(lines, []).unwrap();
        connection
    }

    #[test]
    fn a_search_gives_way_while_a_password_is_computed() {
        let (readers, buffers) = (Readers::new(Path::new("unused")), Buffers::default());
        let (text, now) = (Line::new("goodbye"), Instant::now());
        let (_, nobody) = bounded(1);
        let mut search = Search::new(ClientId(1), &text, nobody, Ok(&readers), &buffers, now);
        search.hidden = Some(Vec::new());
        search.reader = Some(Reader {
            slot: Some(((0, 0), connection())),
            returned: readers.returned.clone(),
        });
        assert!(matches!(search.step(now), Progress::Again));
        let buffer = buffers.try_take();
        assert!(matches!(search.step(now), Progress::Wait));
        drop(buffer);
        assert!(matches!(search.step(now), Progress::Again));
    }
}

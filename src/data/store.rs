//! The database, as the keeper writes it.

use crate::change::{self, Change};
use crate::chat::archive::Recalled;
use crate::data::directory::{Directory, FileId, complaint, file_id};
use crate::data::erasing::{Erasure, erase_last, row_behind, trim};
use crate::data::lines::{GAP, ends, first_from, number_of, recall};
use crate::data::queue::Kept;
use crate::data::roll::{self, Roll, Written};
use crate::data::schema::{self, pragma};
use jiff::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::types::Value;
use rusqlite::{Connection, TransactionBehavior};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// How long a write waits for another program's, before it is tried again later.
const PATIENCE: Duration = Duration::from_millis(100);

/// How long one waits at the start.
const FIRST_PATIENCE: Duration = Duration::from_secs(2);

/// How large the database may grow.
#[derive(Clone, Copy)]
pub struct Room {
    /// `--keep-size`, in bytes.
    pub most: u64,
    /// How much of that is for the journal (the WAL).
    journal: u64,
}

impl Room {
    pub fn new(most: u64) -> Self {
        let journal = (most / 4).min(32 << 20);
        Self { most, journal }
    }

    /// How many bytes of text are written in one transaction.
    pub fn batch(self) -> u64 {
        self.journal / 8
    }
}

pub struct Store {
    connection: Connection,
    path: PathBuf,
    file: Option<FileId>,
    room: Room,
    page_bytes: u64,
    /// It had no tables before.
    pub is_new: bool,
    /// The last row's number and its time.
    last: (i64, i64),
    /// What other programs have changed until it was last looked.
    version: i64,
}

/// An erasure, with its row's number.
pub type Numbered = (i64, Erasure);

impl Store {
    /// Opens the database of a directory, and makes it if it is missing.
    ///
    /// # Errors
    ///
    /// For the user, on one line that names the file.
    pub fn open(directory: &Directory, room: Room) -> Result<Self, String> {
        let path = directory.database()?;
        let is_new = fs::metadata(&path).is_ok_and(|metadata| metadata.len() == 0);
        let connection = schema::open(&path, FIRST_PATIENCE)?;
        let prepare = || -> rusqlite::Result<_> {
            connection.busy_timeout(PATIENCE)?;
            let page_bytes = pragma(&connection, "page_size")?.unsigned_abs();
            let pages = (room.journal / 2 / page_bytes).clamp(16, 4_000);
            let journal = room.journal;
            connection.execute_batch(&format!(
                "PRAGMA wal_autocheckpoint={pages}; PRAGMA journal_size_limit={journal}"
            ))?;
            let last = ends(&connection)?.map_or((0, 0), |[_, last]| last);
            Ok((page_bytes, last))
        };
        let (page_bytes, last) = prepare().map_err(|error| complaint(&path, &error))?;
        Ok(Self {
            file: file_id(&path),
            connection,
            path,
            room,
            page_bytes,
            is_new,
            last,
            version: -1,
        })
    }

    /// What was kept last, as much as memory holds.
    ///
    /// # Errors
    ///
    /// For the user, on one line that names the file.
    pub fn recall(&self) -> Result<Vec<Recalled>, String> {
        recall(&self.connection).map_err(|error| complaint(&self.path, &error))
    }

    /// Whether another file, or none, has its name now. What is written then would be lost.
    pub fn was_moved(&self, directory: &Directory) -> bool {
        directory.current() != self.file
    }

    /// Lets go of a file that others may have put another in place of: nothing at its path is touched.
    pub fn abandon(self) {
        let setting = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
        let _ = self.connection.set_db_config(setting, true);
    }

    /// The accounts and bans that there are.
    ///
    /// # Errors
    ///
    /// For the user, on one line that names the file.
    pub fn read_roll(&self, known: &Roll) -> Result<Roll, String> {
        Roll::read(&self.connection, known).map_err(|error| complaint(&self.path, &error))
    }

    /// Writes all of it, or nothing. No line of it is a change.
    pub fn write_lines(&mut self, batch: &[Kept], roll: &Roll) -> rusqlite::Result<()> {
        let (mut n, mut time) = self.last;
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut insert = transaction.prepare("INSERT INTO lines VALUES(?1, ?2, ?3, ?4, ?5, ?6)")?;
        for kept in batch {
            match kept {
                Kept::Said(said) => {
                    time = time.max(said.time.as_millisecond());
                    let (name, kind) = (said.name.letters(), number_of(said.kind));
                    // Nobody but its owner has the name of an account.
                    let account = roll.accounts.contains_key(name);
                    for line in said.lines.iter() {
                        n += 1;
                        let text = String::from_utf8_lossy(line);
                        insert.execute((n, time, name, account, kind, &*text))?;
                    }
                }
                Kept::Gap(at, lines) => {
                    (n, time) = (n + 1, time.max(at.as_millisecond()));
                    insert.execute((n, time, "", false, GAP, lines.to_string()))?;
                }
                Kept::Changed(_) => {}
            }
        }
        drop(insert);
        transaction.commit()?;
        self.last = (n, time);
        Ok(())
    }

    /// Writes a change so that a power cut does not undo it.
    pub fn write_change(&mut self, change: &mut Change, known: &Roll) -> rusqlite::Result<Written> {
        self.connection.execute_batch("PRAGMA synchronous=FULL")?;
        let written = match change {
            Change::Erased(erasure) => self.erase_last(erasure),
            change => roll::write_whole(&mut self.connection, change, known),
        };
        self.connection.execute_batch("PRAGMA synchronous=NORMAL")?;
        written
    }

    /// Erases the last lines said under a name, as many as `erasure` counts, which counts down.
    fn erase_last(&mut self, erasure: &mut change::Erasure) -> rusqlite::Result<Written> {
        let Some(left) = &mut erasure.count else {
            return Ok(Written::Unchanged);
        };
        let mut before = i64::MAX;
        while *left > 0 {
            let (erased, next) = erase_last(&mut self.connection, &erasure.name, *left, before)?;
            *left -= erased;
            let Some(next) = next else { break };
            before = next;
        }
        Ok(Written::Changed)
    }

    /// When the last line was said, in milliseconds since 1970.
    pub fn last_time(&self) -> i64 {
        self.last.1
    }

    /// Takes a step of taking away what is older than `oldest`, or too much. Returns whether there is
    /// more to do.
    pub fn trim(&mut self, oldest: Timestamp, trimmed: &mut i64) -> rusqlite::Result<bool> {
        let live = first_from(&self.connection, oldest.as_millisecond())?;
        if live > *trimmed {
            if trim(&mut self.connection, live)? {
                return Ok(true);
            }
            *trimmed = live;
        }
        let most = (self.room.most - self.room.journal) / self.page_bytes;
        let pages = pragma(&self.connection, "page_count")?.unsigned_abs();
        let free = pragma(&self.connection, "freelist_count")?.unsigned_abs();
        let used = pages.saturating_sub(free);
        if used > most {
            let bytes = (used - most) * self.page_bytes;
            let live = row_behind(&self.connection, bytes)?;
            trim(&mut self.connection, live)?;
            return Ok(live <= self.last.0);
        }
        if pages > most && free > 0 {
            let mut statement = self.connection.prepare("PRAGMA incremental_vacuum(500)")?;
            let mut rows = statement.query([])?;
            // Each is a page.
            while rows.next()?.is_some() {}
            return Ok(true);
        }
        Ok(false)
    }

    /// Whether there is something in the journal, whoever wrote it.
    pub fn has_journal(&self) -> bool {
        let mut path = self.path.clone().into_os_string();
        path.push("-wal");
        fs::metadata(path).is_ok_and(|journal| journal.len() > 0)
    }

    /// Brings everything from the journal into the database, where it overwrites what was there, and
    /// empties the journal. Returns whether nobody was in the way.
    pub fn empty_journal(&self) -> rusqlite::Result<bool> {
        let query = "PRAGMA wal_checkpoint(TRUNCATE)";
        let busy = self
            .connection
            .query_row(query, [], |row| row.get::<_, i64>(0))?;
        Ok(busy == 0)
    }

    /// The accounts and bans, and the erasures that there are, if another program has changed
    /// something since they were last asked for.
    pub fn what_others_changed(
        &mut self,
        known: &Roll,
    ) -> rusqlite::Result<Option<(Roll, Vec<Numbered>)>> {
        let version = pragma(&self.connection, "data_version")?;
        if version == self.version {
            return Ok(None);
        }
        let roll = Roll::read(&self.connection, known)?;
        let query = "SELECT id, name, since, until FROM erasures ORDER BY id";
        let mut statement = self.connection.prepare(query)?;
        let rows = statement.query_map([], |row| {
            let (name, since, until) = (row.get(1)?, row.get(2)?, row.get(3)?);
            Ok((row.get(0)?, Erasure { name, since, until }))
        })?;
        let erasures = rows.collect::<rusqlite::Result<Vec<_>>>()?;
        self.version = version;
        Ok(Some((roll, erasures)))
    }

    /// Erases what there is of it from row `n` on, up to a step's end. Returns where it goes on.
    pub fn erase(&mut self, erasure: &Erasure, n: i64) -> rusqlite::Result<Option<i64>> {
        erasure.step(&mut self.connection, n).map(|(_, next)| next)
    }

    /// The erasure is carried out.
    pub fn forget_erasure(&mut self, id: i64) -> rusqlite::Result<()> {
        let query = "DELETE FROM erasures WHERE id = ?1";
        self.connection
            .execute(query, [Value::Integer(id)])
            .map(|_| ())
    }

    /// Where the database is, for complaints.
    pub fn complain(&self, error: &rusqlite::Error) -> String {
        complaint(&self.path, error)
    }
}

//! The database, as the keeper writes it.

use crate::change::{self, Account, Change};
use crate::chat::archive::Recalled;
use crate::data::directory::{Directory, FileId, complaint, database_id, file_id};
use crate::data::erasing::{self, Erasure, Extent, Numbered, row_behind, trim};
use crate::data::lines::{GAP, RawLine, ends, first_from, number_of, recall};
use crate::data::queue::Kept;
use crate::data::roll::{self, Roll};
use crate::data::schema::{self, pragma};
use crate::name::Name;
use jiff::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, TransactionBehavior, ffi};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a write waits for another program's, before it is tried again later.
const PATIENCE: Duration = Duration::from_millis(100);

/// How long one waits at the start.
const FIRST_PATIENCE: Duration = Duration::from_secs(2);

/// How large the database may grow.
#[derive(Clone, Copy)]
pub struct Quota {
    /// `--keep-size`, in bytes.
    pub most: u64,
    /// How much of that is for the journal (the WAL).
    journal: u64,
}

impl Quota {
    pub fn new(most: u64) -> Self {
        let journal = (most / 4).min(32 << 20);
        Self { most, journal }
    }

    /// How large the database may be without it.
    fn database(self) -> u64 {
        self.most - self.journal
    }

    /// How many bytes are written in one transaction.
    pub fn batch(self) -> u64 {
        self.journal / 8
    }
}

/// What has come of writing.
#[derive(Default)]
pub struct Outcome {
    /// What is another than before.
    pub changed: Vec<Change>,
    /// Accounts that are not as the chat has them: they would be new, and another program has made one of
    /// that name, or one that looks like it; or it has given one another password.
    pub refused: Vec<Name>,
    /// What is to be erased.
    pub noted: Vec<Numbered>,
}

/// What there is since another program has changed something.
pub struct Changed {
    pub roll: Roll,
    /// What is to be erased, with what the chat is told of it.
    pub erasures: Vec<(Numbered, change::Erasure)>,
}

pub struct Store {
    connection: Connection,
    path: PathBuf,
    /// Which files are the database and its journal.
    file: Option<FileId>,
    journal: Option<FileId>,
    quota: Quota,
    page_bytes: u64,
    /// The last row's number and its time.
    last: (i64, i64),
    /// `PRAGMA data_version`, as it was when it was last looked what other programs have changed.
    version: i64,
}

impl Store {
    /// Opens the database of a directory, and makes it, with these accounts and bans, if it is missing.
    ///
    /// # Errors
    ///
    /// For the user, on one line that names the file.
    pub fn open(directory: &Directory, quota: Quota, roll: &Roll) -> Result<Self, String> {
        let path = directory.database()?;
        let connection = schema::open(&path, FIRST_PATIENCE, roll)?;
        let prepare = || -> rusqlite::Result<_> {
            connection.busy_timeout(PATIENCE)?;
            let page_bytes = pragma(&connection, "page_size")?.unsigned_abs();
            let pages = (quota.journal / 2 / page_bytes).clamp(16, 4_000);
            let journal = quota.journal;
            connection.execute_batch(&format!(
                "PRAGMA wal_autocheckpoint={pages}; PRAGMA journal_size_limit={journal}"
            ))?;
            let last = ends(&connection)?.map_or((0, 0), |[_, last]| last);
            Ok((page_bytes, last))
        };
        let (page_bytes, last) = prepare().map_err(|error| complaint(&path, &error))?;
        Ok(Self {
            file: database_id(&path),
            journal: file_id(&beside(&path, "-wal")),
            connection,
            path,
            quota,
            page_bytes,
            last,
            version: -1,
        })
    }

    /// What was kept last, as much as memory holds, but for what is to be erased.
    ///
    /// # Errors
    ///
    /// For the user, on one line that names the file.
    pub fn recall(&self, erasures: &[Numbered]) -> Result<Vec<Recalled>, String> {
        let mut erasures = erasures.to_vec();
        // What the first of them takes the next does not find.
        let is_erased =
            |line: &RawLine<'_>| erasures.iter_mut().any(|(_, erasure)| erasure.takes(line));
        recall(&self.connection, is_erased).map_err(|error| complaint(&self.path, &error))
    }

    /// Notes that nobody is here, since the server begins.
    ///
    /// # Errors
    ///
    /// For the user, on one line that names the file.
    pub fn empty_room(&self) -> Result<(), String> {
        roll::empty_room(&self.connection).map_err(|error| complaint(&self.path, &error))
    }

    /// What is to be erased.
    ///
    /// # Errors
    ///
    /// For the user, on one line that names the file.
    pub fn noted(&self) -> Result<Vec<Numbered>, String> {
        erasing::noted(&self.connection).map_err(|error| complaint(&self.path, &error))
    }

    /// Which file the database is.
    pub fn file(&self) -> Option<FileId> {
        self.file
    }

    /// Whether another file, or none, or an empty one, has its name now. What is written then would be
    /// lost.
    pub fn was_moved(&self, directory: &Directory) -> bool {
        directory.current() != self.file
    }

    /// Lets go of a file that was moved. Its journal goes with it: it would spoil what has its name now.
    pub fn abandon(self) {
        if file_id(&self.path) != self.file {
            let _ = self.empty_journal();
        }
        let setting = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
        let _ = self.connection.set_db_config(setting, true);
        drop(self.connection);
        let journal = beside(&self.path, "-wal");
        if file_id(&journal) == self.journal {
            for file in [journal, beside(&self.path, "-shm")] {
                let _ = fs::remove_file(file);
            }
        }
    }

    /// The accounts and bans that there are.
    ///
    /// # Errors
    ///
    /// For the user, on one line that names the file.
    pub fn read_roll(&self, known: &Roll) -> Result<Roll, String> {
        Roll::read(&self.connection, known).map_err(|error| complaint(&self.path, &error))
    }

    /// Writes all of it, or nothing; if there is a change in it, so that a power cut does not undo it.
    /// `roll` are the accounts and bans as they were written last.
    pub fn write(&mut self, batch: &[Kept], roll: &Roll) -> rusqlite::Result<Outcome> {
        self.bound_journal()?;
        let is_change = |kept: &Kept| matches!(kept, Kept::Changed(..));
        if !batch.iter().any(is_change) {
            return self.write_batch(batch, roll);
        }
        self.connection.execute_batch("PRAGMA synchronous=FULL")?;
        let outcome = self.write_batch(batch, roll);
        // What is written is written.
        let _ = self.connection.execute_batch("PRAGMA synchronous=NORMAL");
        outcome
    }

    fn write_batch(&mut self, batch: &[Kept], roll: &Roll) -> rusqlite::Result<Outcome> {
        let (mut n, mut time) = self.last;
        let mut outcome = Outcome::default();
        // Which names have become accounts, or are none any more, with this batch.
        let mut accounts = HashMap::new();
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
                    let account = match accounts.get(name) {
                        Some(is_one) => *is_one,
                        None => roll.accounts.contains_key(name),
                    };
                    for line in said.lines.iter() {
                        n += 1;
                        let text = String::from_utf8_lossy(line);
                        insert.execute((n, time, name, account, kind, &*text))?;
                    }
                }
                Kept::Gap(gap) => {
                    (n, time) = (n + 1, time.max(gap.since.as_millisecond()));
                    insert.execute((n, time, "", false, GAP, gap.end().to_string()))?;
                }
                Kept::Changed(_, Change::Erased(erasure)) => {
                    let erasure = Erasure {
                        name: erasure.name.clone(),
                        extent: Extent::Last {
                            count: erasure.count.unwrap_or(usize::MAX),
                            before: n.saturating_add(1),
                        },
                    };
                    let number = erasing::note(&transaction, &erasure)?;
                    outcome.noted.push((number, erasure));
                }
                Kept::Changed(_, change) => {
                    let is_changed = roll::write_if_unique(&transaction, change, roll)?;
                    match change {
                        Change::Account(Account { name, .. }) if is_changed => {
                            accounts.insert(name.letters(), true);
                        }
                        Change::Account(Account { name, .. }) | Change::Password(name, ..)
                            if !is_changed =>
                        {
                            outcome.refused.push(name.clone());
                        }
                        Change::AccountRemoved(name) => {
                            accounts.insert(name.letters(), false);
                        }
                        _ => {}
                    }
                    if is_changed {
                        outcome.changed.push(change.clone());
                    }
                }
            }
        }
        drop(insert);
        transaction.commit()?;
        self.last = (n, time);
        Ok(outcome)
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
        let most = self.quota.database() / self.page_bytes;
        let pages = pragma(&self.connection, "page_count")?.unsigned_abs();
        let used = self.used_pages()?;
        let free = pages.saturating_sub(used);
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
        self.journal_bytes() > 0
    }

    fn journal_bytes(&self) -> u64 {
        fs::metadata(beside(&self.path, "-wal")).map_or(0, |journal| journal.len())
    }

    /// Refuses to write on while somebody who reads keeps the journal from being emptied, once it is as
    /// large as all may become without that.
    pub fn bound_journal(&self) -> rusqlite::Result<()> {
        if self.journal_bytes() <= self.quota.most || self.empty_journal()? {
            return Ok(());
        }
        let full = ffi::Error::new(ffi::SQLITE_FULL);
        let why = "another program reads in it and does not end, its journal is full";
        Err(rusqlite::Error::SqliteFailure(full, Some(why.to_owned())))
    }

    /// Whether nothing more should be written before something was taken away.
    pub fn is_full(&self) -> rusqlite::Result<bool> {
        let most = self.quota.database() + self.quota.journal / 4;
        Ok(self.used_pages()? * self.page_bytes > most)
    }

    fn used_pages(&self) -> rusqlite::Result<u64> {
        let pages = pragma(&self.connection, "page_count")?;
        let free = pragma(&self.connection, "freelist_count")?;
        Ok(pages.saturating_sub(free).unsigned_abs())
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

    /// What there is, if another program has changed something since that was last asked for.
    pub fn what_others_changed(&mut self, known: &Roll) -> rusqlite::Result<Option<Changed>> {
        let version = pragma(&self.connection, "data_version")?;
        if version == self.version {
            return Ok(None);
        }
        let roll = Roll::read(&self.connection, known)?;
        let mut erasures = Vec::new();
        for (number, erasure) in erasing::noted(&self.connection)? {
            let told = erasure.told(&self.connection)?;
            erasures.push(((number, erasure), told));
        }
        self.version = version;
        Ok(Some(Changed { roll, erasures }))
    }

    /// Takes away the bans that are over at that time. What another program has renewed is not.
    pub fn forget_bans(&self, now: Timestamp) -> rusqlite::Result<()> {
        let query = "DELETE FROM bans WHERE until <= ?1";
        self.connection.execute(query, [now.as_millisecond()])?;
        Ok(())
    }

    /// Carries out a step of an erasure. Returns what is left of it; nothing at its end.
    pub fn erase(&mut self, erasure: &Numbered) -> rusqlite::Result<Option<Erasure>> {
        erasing::step(&mut self.connection, erasure)
    }

    /// An erasure is carried out.
    pub fn forget_erasure(&mut self, number: i64) -> rusqlite::Result<()> {
        erasing::forget(&self.connection, number)
    }

    /// Where the database is, for complaints.
    pub fn complain(&self, error: &rusqlite::Error) -> String {
        complaint(&self.path, error)
    }
}

/// A file that `SQLite` has beside a database.
fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut path = database.to_owned().into_os_string();
    path.push(suffix);
    path.into()
}

//! What a database of chatd looks like, and how a connection to it is set up.

use crate::data::directory::complaint;
use crate::data::roll::{Roll, write};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Tells a database of chatd from others (`PRAGMA application_id`): "chat".
const APPLICATION: i32 = 0x6368_6174;

/// Which tables there are (`PRAGMA user_version`).
const VERSION: i64 = 2;

/// What makes of each version the next.
const UPGRADES: [&str; VERSION as usize - 1] =
    ["ALTER TABLE accounts ADD COLUMN is_here INTEGER NOT NULL DEFAULT 0"];

/// A database up to so many bytes is checked as a whole when it is opened, which takes a tenth of a
/// second.
const CHECKED_BYTES: i64 = 32 << 20;

/// Lines: `n` has no holes, and `time`, in milliseconds, never goes back, so that a time is found by
/// bisection. A line of which `name` is a blob was erased. `kind` is 0 for what was said, 1 for what
/// was done, and 2 for a gap, of which `text` is how many lines it has.
///
/// `is_here` is 1 from somebody's login to their departure: also after a crash, when nobody noted that.
///
/// Erasures are there until the server has carried them out: of what was said from `since` on and
/// before `until`, or of the last lines, so many as `count`, before row `before`.
pub const TABLES: &str = "
    CREATE TABLE lines(n INTEGER PRIMARY KEY, time INTEGER NOT NULL, name TEXT NOT NULL,
        account INTEGER NOT NULL, kind INTEGER NOT NULL, text TEXT NOT NULL);
    CREATE TABLE accounts(name TEXT PRIMARY KEY, hash TEXT NOT NULL, is_operator INTEGER NOT NULL,
        last_here INTEGER, is_here INTEGER NOT NULL DEFAULT 0);
    CREATE TABLE bans(id INTEGER PRIMARY KEY, what TEXT NOT NULL UNIQUE, whose TEXT,
        made INTEGER NOT NULL, until INTEGER, by TEXT NOT NULL, text TEXT);
    CREATE TABLE erasures(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL,
        since INTEGER, until INTEGER, count INTEGER, before INTEGER);";

/// Opens a database for writing. An empty file becomes one, with these accounts and bans: with all of
/// them, or it stays empty.
///
/// # Errors
///
/// For the user, on one line that names the file.
pub fn open(path: &Path, patience: Duration, first: &Roll) -> Result<Connection, String> {
    let open = || -> rusqlite::Result<_> {
        let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, patience)?;
        if is_new(&connection)? {
            connection.execute_batch("PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL")?;
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            // Another program may have been faster.
            if is_new(&transaction)? {
                transaction.execute_batch(&format!(
                    "{TABLES}; PRAGMA application_id={APPLICATION}; PRAGMA user_version={VERSION}"
                ))?;
                for change in first.changes() {
                    write(&transaction, &change)?;
                }
            }
            transaction.commit()?;
        }
        Ok(connection)
    };
    let mut connection = open().map_err(|error| complaint(path, &error))?;
    check(&connection, path)?;
    upgrade(&mut connection).map_err(|error| complaint(path, &error))?;
    let prepare = || {
        connection.execute_batch(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON;
            PRAGMA temp_store=MEMORY; PRAGMA cache_size=-4096; PRAGMA wal_autocheckpoint=100;
            BEGIN IMMEDIATE; COMMIT;",
        )?;
        let (pages, size) = ("page_count", "page_size");
        let bytes = pragma(&connection, pages)? * pragma(&connection, size)?;
        if bytes <= CHECKED_BYTES {
            return connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0));
        }
        Ok("ok".to_owned())
    };
    match prepare() {
        Ok(found) if found == "ok" => Ok(connection),
        // It says which page is broken, on several lines.
        Ok(_) => Err(complaint(path, &"database disk image is malformed")),
        Err(error) => Err(complaint(path, &error)),
    }
}

/// Brings the tables up to what this program writes.
fn upgrade(connection: &mut Connection) -> rusqlite::Result<()> {
    if pragma(connection, "user_version")? == VERSION {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version = pragma(&transaction, "user_version")?;
    for (upgrade, from) in UPGRADES.iter().zip(1..) {
        if from >= version {
            transaction.execute_batch(upgrade)?;
        }
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

fn is_new(connection: &Connection) -> rusqlite::Result<bool> {
    let tables = "SELECT count(*) FROM sqlite_schema";
    let is_nobodys = pragma(connection, "application_id")? == 0;
    Ok(is_nobodys && connection.query_row(tables, [], |row| row.get::<_, i64>(0))? == 0)
}

/// Opens a database that is there to read it. Nothing in it is changed.
///
/// # Errors
///
/// For the user, on one line that names the file.
pub fn open_to_read(path: &Path, patience: Duration) -> Result<Connection, String> {
    // SQLite says less of one that is missing.
    fs::metadata(path).map_err(|error| complaint(path, &error))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let connection = connect(path, flags, patience).map_err(|error| complaint(path, &error))?;
    check(&connection, path)?;
    Ok(connection)
}

fn connect(path: &Path, flags: OpenFlags, patience: Duration) -> rusqlite::Result<Connection> {
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(patience)?;
    connection.execute_batch("PRAGMA trusted_schema=OFF")?;
    Ok(connection)
}

/// Checks that this program understands the database.
fn check(connection: &Connection, path: &Path) -> Result<(), String> {
    let complain = |what: &dyn std::fmt::Display| complaint(path, what);
    let read = |name| pragma(connection, name).map_err(|error| complain(&error));
    if read("application_id")? != i64::from(APPLICATION) {
        return Err(complain(&"this is not a database of chatd"));
    }
    match read("user_version")? {
        1..=VERSION => Ok(()),
        version if version > VERSION => Err(complain(&format_args!(
            "this was made by a newer chatd: its schema is {version}, this one knows {VERSION}"
        ))),
        version => Err(complain(&format_args!("there is no schema {version}"))),
    }
}

/// A number that a pragma tells.
pub fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

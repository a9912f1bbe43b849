//! The database of chatd as another program sees it, in the directory that chatd was given: what the
//! scenarios about what is kept count there, and what they fill it with.

use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, Error};

use crate::lines::{LINE, text};

/// What there is in a database.
pub struct Count {
    pub lines: usize,
    /// The lines that are missing, as the gaps say.
    pub missing: usize,
}

/// The number of the last row: as many lines and gaps were ever kept.
pub fn rows(data: &Path) -> io::Result<usize> {
    let query = "SELECT ifnull(max(n), 0) FROM lines";
    let read = || open(data)?.query_row(query, [], |row| row.get::<_, i64>(0));
    Ok(read().map_err(io::Error::other)?.unsigned_abs() as usize)
}

/// Counts every row.
pub fn count(data: &Path) -> io::Result<Count> {
    let query = "SELECT count(*) FILTER (WHERE kind < 2),
        ifnull(sum(text) FILTER (WHERE kind = 2), 0) FROM lines";
    let number = |number: i64| number.unsigned_abs() as usize;
    let read = || {
        open(data)?.query_row(query, [], |row| {
            Ok(Count {
                lines: number(row.get(0)?),
                missing: number(row.get(1)?),
            })
        })
    };
    read().map_err(io::Error::other)
}

/// Fills an empty one with lines that 20 people said, the last one now, the others at even distances
/// before it. No server may run on it.
pub fn fill(data: &Path, lines: u32, distance: Duration) -> io::Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_err(io::Error::other)?.as_millis() as i64;
    let distance = distance.as_millis() as i64;
    let text = text(0);
    let words = String::from_utf8_lossy(&text[9..LINE - 1]);
    // Written without a journal, or this would take longer than what is measured.
    let fill = || {
        let database = open(data)?;
        database.execute_batch("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF")?;
        database.execute(
            "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?1)
            INSERT INTO lines SELECT n, ?2 - (?1 - n) * ?3, 'guest' || (n % 20 + 1), 0, 0,
            printf('#%08d', n) || ?4 FROM number",
            (lines, now, distance, words),
        )?;
        Ok::<_, Error>(())
    };
    fill().map_err(io::Error::other)
}

/// Makes accounts with the password of one that there is, called like it with a number behind.
pub fn copy_account(data: &Path, name: &str, copies: u32) -> io::Result<()> {
    let copy = || {
        let database = open(data)?;
        let mut statement = database.prepare(
            "INSERT INTO accounts(name, hash, is_operator, last_here)
            SELECT ?1 || ?2, hash, is_operator, last_here FROM accounts
            WHERE name = ?1",
        )?;
        (0..copies).try_for_each(|number| statement.execute((name, number)).map(|_| ()))
    };
    copy().map_err(io::Error::other)
}

fn open(data: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(data.join("chatd.db"))?;
    connection.busy_timeout(Duration::from_secs(5))?;
    Ok(connection)
}

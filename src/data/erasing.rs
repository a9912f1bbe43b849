//! What is to be erased, and how: the words are overwritten where they lie, and the row stays without
//! them until it is too old.
//!
//! A row that is taken away may make `SQLite` move others from page to page, and where they lay before
//! they can still be read, `secure_delete` or not (`rebuildPage` in its source). A row that is
//! overwritten by one of the same length moves nothing.

use crate::change;
use crate::data::lines::{RawLine, Walk, ends, first_from, walk, walk_on};
use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior};
use std::ops::ControlFlow;

/// Lines that are to be erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// Said under this very name.
    pub name: String,
    pub extent: Extent,
}

/// Which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Those said from `since` on and before `until`, in milliseconds since 1970. Rows before `from`
    /// were looked at.
    Between { since: i64, until: i64, from: i64 },
    /// The last ones, so many, of the rows before this one.
    Last { count: usize, before: i64 },
}

/// An erasure, with its row's number in the table of erasures.
pub type Numbered = (i64, Erasure);

/// How many rows are looked at in one transaction, and how many bytes of them are overwritten, about:
/// some milliseconds.
const STEP: i64 = 10_000;
const STEP_BYTES: u64 = 1 << 20;

impl Erasure {
    /// Whether it is about this line: of several, those are asked about from the newest back.
    pub fn takes(&mut self, line: &RawLine<'_>) -> bool {
        if !line.is_by(&self.name) {
            return false;
        }
        match &mut self.extent {
            Extent::Between { since, until, .. } => (*since..*until).contains(&line.time),
            Extent::Last { count, before } => {
                let is_theirs = line.n < *before && *count > 0;
                *count -= usize::from(is_theirs);
                is_theirs
            }
        }
    }

    /// Whether it may be about others than this line and those before it.
    fn goes_on_behind(&self, line: &RawLine<'_>) -> ControlFlow<()> {
        match self.extent {
            Extent::Between { until, .. } if line.time >= until => ControlFlow::Break(()),
            Extent::Last { count: 0, .. } => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }

    /// The same as the chat is told it: of the last lines those before the row from which it goes on.
    pub fn told(&self, connection: &Connection) -> rusqlite::Result<change::Erasure> {
        let time = |at| Timestamp::from_millisecond(at).ok();
        let (since, until, count) = match self.extent {
            Extent::Between { since, until, .. } => (time(since), time(until), None),
            Extent::Last { count, before } => {
                let query = "SELECT ifnull(max(time), 0) FROM lines WHERE n = ?1 - 1";
                let last = connection.query_row(query, [before], |row| row.get::<_, i64>(0))?;
                (None, time(last + 1), Some(count))
            }
        };
        Ok(change::Erasure {
            name: self.name.clone(),
            since,
            until,
            count,
        })
    }
}

/// How many lines an erasure takes, if nobody has begun with it.
pub fn count_taken(connection: &Connection, erasure: &Erasure) -> rusqlite::Result<u64> {
    let mut left = erasure.clone();
    let mut count = 0;
    walk_on(connection, begin(connection, erasure)?, STEP, |line| {
        count += u64::from(left.takes(&line));
        left.goes_on_behind(&line)
    })?;
    Ok(count)
}

/// Where an erasure goes on.
fn begin(connection: &Connection, erasure: &Erasure) -> rusqlite::Result<Walk> {
    Ok(match erasure.extent {
        Extent::Between { since, from, .. } => Walk::Up(from.max(first_from(connection, since)?)),
        Extent::Last { before, .. } => Walk::Down(before - 1),
    })
}

/// Notes what is to be erased, so that whoever writes next carries it out, whatever happens
/// meanwhile. Returns its number.
pub fn note(connection: &Connection, erasure: &Erasure) -> rusqlite::Result<i64> {
    let Erasure { name, extent } = erasure;
    match extent {
        Extent::Between { since, until, .. } => connection.execute(
            "INSERT INTO erasures(name, since, until) VALUES(?1, ?2, ?3)",
            (name, since, until),
        )?,
        Extent::Last { count, before } => connection.execute(
            "INSERT INTO erasures(name, count, before) VALUES(?1, ?2, ?3)",
            (name, rows(*count), before),
        )?,
    };
    Ok(connection.last_insert_rowid())
}

/// What was noted.
pub fn noted(connection: &Connection) -> rusqlite::Result<Vec<Numbered>> {
    let query = "SELECT id, name, since, until, count, before FROM erasures ORDER BY id";
    let mut statement = connection.prepare(query)?;
    let rows = statement.query_map([], |row| {
        let extent = match row.get::<_, Option<i64>>(4)? {
            Some(count) => Extent::Last {
                count: usize::try_from(count).unwrap_or(0),
                before: row.get(5)?,
            },
            None => Extent::Between {
                since: row.get(2)?,
                until: row.get(3)?,
                from: i64::MIN,
            },
        };
        let name = row.get(1)?;
        Ok((row.get(0)?, Erasure { name, extent }))
    })?;
    rows.collect()
}

/// Carries out a step of an erasure that was noted. Returns what is left of it; nothing at its end.
pub fn step(
    connection: &mut Connection,
    (id, erasure): &Numbered,
) -> rusqlite::Result<Option<Erasure>> {
    let (mut found, mut left) = (Vec::new(), erasure.clone());
    let begin = begin(connection, erasure)?;
    let (mut bytes, mut stopped) = (0, None);
    let next = walk(connection, begin, STEP, |line| {
        if left.takes(&line) {
            found.push(line.n);
            bytes += line.text.len() as u64;
        }
        let goes_on = left.goes_on_behind(&line);
        if goes_on.is_continue() && bytes >= STEP_BYTES {
            stopped = begin.past(line.n);
            return ControlFlow::Break(());
        }
        goes_on
    })?;
    let next = next.or(stopped);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    overwrite(&transaction, &found)?;
    if let Some(next) = next {
        match &mut left.extent {
            Extent::Between { from, .. } => *from = next.row(),
            Extent::Last { count, before } => {
                *before = next.row() + 1;
                let query = "UPDATE erasures SET count = ?2, before = ?3 WHERE id = ?1";
                transaction.execute(query, (id, rows(*count), *before))?;
            }
        }
    }
    transaction.commit()?;
    Ok(next.map(|_| left))
}

/// An erasure is carried out.
pub fn forget(connection: &Connection, id: i64) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM erasures WHERE id = ?1", [id])?;
    Ok(())
}

fn rows(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn overwrite(connection: &Connection, rows: &[i64]) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(&overwrite_where("n = ?1"))?;
    for n in rows {
        statement.execute([n])?;
    }
    Ok(())
}

/// Puts zeros in place of the text, as many as it had in the leaves of the tree, so that no row moves; what
/// it had in other pages is given back (`secure_delete` overwrites that). Not the row's other values:
/// their length depends on them.
fn overwrite_where(rows: &str) -> String {
    format!(
        "UPDATE lines SET name = zeroblob(octet_length(name)),
        text = zeroblob(min(octet_length(text), {LOCAL})) WHERE typeof(name) = 'text' AND {rows}"
    )
}

/// How much of the rows lies in the leaves of the tree that stays overwritten before the rows that stay:
/// four pages, where `SQLite` moves rows of at most three.
const MARGIN: u64 = 16 << 10;

/// How much of a row lies there at least, if it has so much (file format, section 1.6), and what it
/// takes beside its text at least.
const LOCAL: u64 = 480;
const OWN: u64 = 12;

/// How many rows are taken away in one transaction at most.
const TAKEN: i64 = 4_000;

/// Overwrites the rows before `live`, and takes away those that are far enough from it, up to a
/// step's end. Returns whether there is more to do.
pub fn trim(connection: &mut Connection, live: i64) -> rusqlite::Result<bool> {
    let Some([(first, _), _]) = ends(connection)?.filter(|[(first, _), _]| *first < live) else {
        return Ok(false);
    };
    let live_now = live.min(row_behind(connection, STEP_BYTES)?);
    let taken = margin(connection, live_now)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Those that are taken away, too: SQLite moves some of them before.
    let range = (first, live_now);
    transaction.execute(&overwrite_where("n >= ?1 AND n < ?2"), range)?;
    let gone = transaction.execute("DELETE FROM lines WHERE n < ?1", [taken])?;
    transaction.commit()?;
    Ok(gone > 0 && live_now < live)
}

/// The row from which on rows stay if so many bytes of the oldest are to be taken away, but no more
/// rows than in one transaction.
pub fn row_behind(connection: &Connection, bytes: u64) -> rusqlite::Result<i64> {
    let query = "SELECT n, octet_length(name) + octet_length(text) FROM lines ORDER BY n LIMIT ?1";
    let mut statement = connection.prepare(query)?;
    let mut rows = statement.query([TAKEN])?;
    let (mut counted, mut local, mut behind) = (0, 0, i64::MAX);
    // Those that are only overwritten take room all the same.
    while (counted < bytes || local < 2 * MARGIN)
        && let Some(row) = rows.next()?
    {
        behind = row.get::<_, i64>(0)? + 1;
        let length = OWN + row.get::<_, i64>(1)?.unsigned_abs();
        (counted, local) = (counted + length, local + length.min(LOCAL));
    }
    Ok(behind)
}

/// Before which row rows may be taken away if those from `live` on stay.
fn margin(connection: &Connection, live: i64) -> rusqlite::Result<i64> {
    let query = "SELECT n, octet_length(name) + octet_length(text) FROM lines
        WHERE n < ?1 ORDER BY n DESC";
    let mut statement = connection.prepare(query)?;
    let mut rows = statement.query([live])?;
    let mut local = 0;
    while let Some(row) = rows.next()? {
        local += OWN + row.get::<_, i64>(1)?.unsigned_abs().min(LOCAL);
        if local >= MARGIN {
            return row.get(0);
        }
    }
    Ok(i64::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::roll::Roll;
    use crate::data::schema::open;
    use std::collections::BTreeSet;
    use std::path::PathBuf;
    use std::time::Duration;
    use std::{env, fs, process};

    /// A database with so many lines, each with a word of its own, and its file.
    fn filled(name: &str, lines: i64, longest: i64) -> (Connection, PathBuf) {
        let name = format!("chatd-test-erasing-{}-{name}", process::id());
        let path = env::temp_dir().join(name);
        fs::write(&path, "").unwrap();
        let connection = open(&path, Duration::ZERO, &Roll::default()).unwrap();
        let fill = "WITH RECURSIVE numbers(n) AS
                (VALUES(1) UNION ALL SELECT n + 1 FROM numbers WHERE n < ?1)
            INSERT INTO lines SELECT n, n, iif(n / 50 % 3, 'alice', 'bob'), 0, 0, 'word' || n || '.' ||
                substr(hex(zeroblob(?2)), 1, n * 7919 % ?2) FROM numbers";
        connection.execute(fill, [lines, longest]).unwrap();
        (connection, path)
    }

    /// Of which lines the words are in the file.
    fn words(connection: &Connection, path: &PathBuf) -> BTreeSet<i64> {
        let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
        connection.query_row(checkpoint, [], |_| Ok(())).unwrap();
        let bytes = fs::read(path).unwrap();
        let found = memchr::memmem::find_iter(&bytes, b"word").filter_map(|at| {
            let rest = &bytes[at + 4..];
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            str::from_utf8(&rest[..digits]).ok()?.parse().ok()
        });
        found.collect()
    }

    /// Erases what bob has said, and then takes away what is too old, step by step.
    fn erase_and_trim(longest: i64, step: i32) {
        let lines = i64::from(20 * step);
        let (mut connection, path) = filled(&format!("{longest}-{step}"), lines, longest);
        let bob = Erasure {
            name: "bob".to_owned(),
            extent: Extent::Last {
                count: usize::MAX,
                before: lines + 1,
            },
        };
        let mut left = Some(bob);
        while let Some(erasure) = left {
            left = super::step(&mut connection, &(1, erasure)).unwrap();
        }
        for live in (1..lines).step_by(step.unsigned_abs() as usize) {
            while trim(&mut connection, live).unwrap() {}
            let stays = |n: &i64| *n >= live && n / 50 % 3 > 0;
            let expected = (1..=lines).filter(stays).collect::<BTreeSet<_>>();
            let found = words(&connection, &path);
            let difference = found.symmetric_difference(&expected).collect::<Vec<_>>();
            assert!(
                difference.is_empty(),
                "from {live} of {longest}, {step}: {difference:?}"
            );
        }
        let [(first, _), _] = ends(&connection).unwrap().unwrap();
        assert!(first > 1, "rows are taken away");
        drop(connection);
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn no_word_of_what_is_erased_or_too_old_is_left_and_all_others_are() {
        for (longest, step) in [
            (1, 700),
            (1, 2_900),
            (9, 3_000),
            (16, 3_000),
            (60, 97),
            (600, 50),
            (4_000, 13),
            (20_000, 7),
        ] {
            erase_and_trim(longest, step);
        }
    }
}

//! The lines that are kept, as they are read: page by page, so that no transaction lasts.

use crate::chat::archive::{Kind, Recalled};
use crate::text::clean;
use jiff::Timestamp;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use std::ops::ControlFlow;

/// What is read from the database to be filled into memory: so many lines, of so many bytes.
const RECALLED_LINES: usize = 10_000;
const RECALLED_BYTES: usize = 256 << 10;

/// How many rows are looked at for that, since many may have been erased: a million, which takes some
/// tenths of a second.
const RECALLED_PAGES: usize = 100;
const PAGE: i64 = 10_000;

/// A row that is there and was not erased, as it lies in the database: nothing in it is sure to be
/// harmless.
pub struct RawLine<'a> {
    pub n: i64,
    /// Milliseconds since 1970.
    pub time: i64,
    pub name: &'a [u8],
    pub account: bool,
    pub kind: i64,
    pub text: &'a [u8],
}

/// How `kind` is written down.
pub const GAP: i64 = 2;

pub fn number_of(kind: Kind) -> i64 {
    match kind {
        Kind::Said => 0,
        Kind::Did => 1,
    }
}

impl RawLine<'_> {
    pub fn timestamp(&self) -> Timestamp {
        Timestamp::from_millisecond(self.time).unwrap_or_default()
    }

    /// The line as people may read it; nothing if it is a gap.
    pub fn recalled(&self) -> Option<Recalled> {
        let kind = match self.kind {
            0 => Kind::Said,
            1 => Kind::Did,
            _ => return None,
        };
        let one_line = |text: &[u8]| clean(text).into_owned();
        Some(Recalled {
            time: self.timestamp(),
            name: one_line(self.name),
            kind,
            text: one_line(self.text),
        })
    }

    /// Whether it was said or done under this very name. Whose the lines in a gap are nobody knows.
    pub fn is_by(&self, name: &str) -> bool {
        self.name == name.as_bytes() && self.kind != GAP
    }

    /// How many lines are missing here; nothing if none are.
    pub fn gap(&self) -> Option<u64> {
        let text = || str::from_utf8(self.text).ok()?.parse().ok();
        (self.kind == GAP).then(|| text().unwrap_or_default())
    }
}

/// Which way rows are walked, and from where, that row included.
#[derive(Clone, Copy)]
pub enum Walk {
    Up(i64),
    Down(i64),
}

impl Walk {
    /// Where it begins.
    pub fn row(self) -> i64 {
        match self {
            Self::Up(row) | Self::Down(row) => row,
        }
    }

    /// Where it goes on behind a row.
    pub fn past(self, row: i64) -> Option<Self> {
        match self {
            Self::Up(_) => row.checked_add(1).map(Self::Up),
            Self::Down(_) => row.checked_sub(1).map(Self::Down),
        }
    }
}

/// Reads up to `count` rows, and hands each to `take` until it has enough. Returns where the walk
/// goes on; nothing at its end, or where `take` has enough.
///
/// # Errors
///
/// What `SQLite` says.
pub fn walk(
    connection: &Connection,
    walk: Walk,
    count: i64,
    mut take: impl FnMut(RawLine<'_>) -> ControlFlow<()>,
) -> rusqlite::Result<Option<Walk>> {
    let columns = "SELECT n, time, name, account, kind, text FROM lines";
    let (query, start) = match walk {
        Walk::Up(n) => ("WHERE n >= ?1 ORDER BY n LIMIT ?2", n),
        Walk::Down(n) => ("WHERE n <= ?1 ORDER BY n DESC LIMIT ?2", n),
    };
    let mut statement = connection.prepare(&format!("{columns} {query}"))?;
    let mut rows = statement.query((start, count))?;
    let (mut read, mut last) = (0, start);
    while let Some(row) = rows.next()? {
        (read, last) = (read + 1, row.get(0)?);
        if let Some(line) = raw_line(row)?
            && take(line).is_break()
        {
            return Ok(None);
        }
    }
    Ok(walk.past(last).filter(|_| read == count))
}

/// The same on and on, so many rows at a time, to the end or until `take` has enough.
pub fn walk_on(
    connection: &Connection,
    begin: Walk,
    count: i64,
    mut take: impl FnMut(RawLine<'_>) -> ControlFlow<()>,
) -> rusqlite::Result<()> {
    let mut next = Some(begin);
    while let Some(begin) = next {
        next = walk(connection, begin, count, &mut take)?;
    }
    Ok(())
}

/// Nothing if it was erased.
fn raw_line<'a>(row: &'a Row<'_>) -> rusqlite::Result<Option<RawLine<'a>>> {
    let text = |value| match value {
        ValueRef::Text(text) => Some(text),
        _ => None,
    };
    let (Some(name), Some(content)) = (text(row.get_ref(2)?), text(row.get_ref(5)?)) else {
        return Ok(None);
    };
    Ok(Some(RawLine {
        n: row.get(0)?,
        time: row.get(1)?,
        name,
        account: row.get::<_, i64>(3)? != 0,
        kind: row.get(4)?,
        text: content,
    }))
}

/// The first row's number and its time, and the last one's. Nothing if there are none.
pub fn ends(connection: &Connection) -> rusqlite::Result<Option<[(i64, i64); 2]>> {
    let end = |order| {
        let query = format!("SELECT n, time FROM lines ORDER BY n {order} LIMIT 1");
        let found = connection.query_row(&query, [], |row| Ok((row.get(0)?, row.get(1)?)));
        match found {
            Err(rusqlite::Error::QueryReturnedNoRows) => Ok(None),
            found => found.map(Some),
        }
    };
    Ok(end("ASC")?
        .zip(end("DESC")?)
        .map(|(first, last)| [first, last]))
}

/// The number of the first row that is not before `time`, or the one behind the last.
pub fn first_from(connection: &Connection, time: i64) -> rusqlite::Result<i64> {
    let Some([(mut low, _), (last, _)]) = ends(connection)? else {
        return Ok(1);
    };
    let mut high = last.saturating_add(1);
    let query = "SELECT n, time FROM lines WHERE n >= ?1 ORDER BY n LIMIT 1";
    let mut statement = connection.prepare(query)?;
    while low < high {
        let middle = low + (high - low) / 2;
        let (_, found) = statement.query_row([middle], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
        })?;
        if found < time {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// When the first line from row `n` on was said, or was that is erased; nothing if there is none.
pub fn time_from(connection: &Connection, n: i64) -> rusqlite::Result<Option<Timestamp>> {
    let query = "SELECT time FROM lines WHERE n >= ?1 ORDER BY n LIMIT 1";
    let mut statement = connection.prepare(query)?;
    let mut rows = statement.query([n])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    Ok(Timestamp::from_millisecond(row.get(0)?).ok())
}

/// What was kept last, oldest first, as much as memory holds, but for what `is_erased`, which is asked
/// from the newest line back.
pub fn recall(
    connection: &Connection,
    mut is_erased: impl FnMut(&RawLine<'_>) -> bool,
) -> rusqlite::Result<Vec<Recalled>> {
    let (mut lines, mut bytes) = (Vec::new(), 0);
    let mut next = Some(Walk::Down(i64::MAX));
    for _ in 0..RECALLED_PAGES {
        let Some(begin) = next else { break };
        next = walk(connection, begin, PAGE, |line| {
            if !is_erased(&line)
                && let Some(line) = line.recalled()
            {
                bytes += line.text.len();
                lines.push(line);
            }
            if lines.len() < RECALLED_LINES && bytes <= RECALLED_BYTES {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })?;
    }
    lines.reverse();
    Ok(lines)
}

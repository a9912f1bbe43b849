//! `chatd erase`: what was said under a name, overwritten.

use crate::config::EraseOptions;
use crate::data::command_line::{Database, show};
use crate::data::directory::complaint;
use crate::data::erasing::{Erasure, Extent, count_taken, note, step};
use crate::data::lines::ends;
use crate::name::without_lrm;
use jiff::Timestamp;
use rusqlite::Connection;
use std::thread;
use std::time::Duration;

/// How long it takes at most until what is said is in the database, where the disk keeps up.
const WRITTEN_WITHIN: Duration = Duration::from_millis(200);

/// Erases what was said under a name, and returns what to print. A server that runs is told by what
/// stands in the database.
///
/// # Errors
///
/// For the user, on one line, also where there was nothing to erase.
pub fn erase(options: &EraseOptions) -> Result<String, String> {
    let mut database = Database::open(&options.data.path)?;
    let name = without_lrm(&options.name);
    // What a server has heard just now is counted too.
    thread::sleep(WRITTEN_WITHIN);
    let count = carry_out(&mut database.connection, name, options);
    let name = show(name);
    match count.map_err(|error| complaint(&database.path, &error))? {
        0 if options.since.or(options.until).is_some() => {
            Err(format!("nothing was said by {name} in that time"))
        }
        0 => Err(format!("nothing was said by {name}")),
        1 => Ok(format!("1 line of {name} is erased\n")),
        count => Ok(format!("{count} lines of {name} are erased\n")),
    }
}

fn carry_out(
    connection: &mut Connection,
    name: &str,
    options: &EraseOptions,
) -> rusqlite::Result<u64> {
    // What is being said now is not left out, and what will be said is. Where the clock was ahead once,
    // what was said last may be later than now.
    let newest = ends(connection)?.map_or(i64::MIN, |[_, (_, time)]| time);
    let now = newest.max(Timestamp::now().as_millisecond()) + 1;
    let until = options.until.map_or(now, Timestamp::as_millisecond);
    let erasure = Erasure {
        name: name.to_owned(),
        extent: Extent::Between {
            since: options.since.unwrap_or(Timestamp::MIN).as_millisecond(),
            until: until.min(now),
            from: i64::MIN,
        },
    };
    // A server that runs takes some of them.
    let count = count_taken(connection, &erasure)?;
    let mut noted = (note(connection, &erasure)?, erasure);
    while let Some(left) = step(connection, &noted)? {
        noted.1 = left;
    }
    Ok(count)
}

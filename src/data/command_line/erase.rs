//! `chatd erase`: what was said under a name, overwritten.

use crate::config::EraseOptions;
use crate::data::command_line::{Database, show};
use crate::data::directory::complaint;
use crate::data::erasing::Erasure;
use crate::data::lines::first_from;
use crate::name::without_lrm;
use jiff::Timestamp;
use rusqlite::Connection;

/// Erases what was said under a name, and returns what to print. A server that runs is told by what
/// stands in the database.
///
/// # Errors
///
/// For the user, on one line, also where there was nothing to erase.
pub fn erase(options: &EraseOptions) -> Result<String, String> {
    let mut database = Database::open(&options.data.path)?;
    // What is being said now is not left out, and what will be said is.
    let now = Timestamp::now().as_millisecond() + 1;
    let until = options.until.map_or(now, Timestamp::as_millisecond);
    let erasure = Erasure {
        name: without_lrm(&options.name).to_owned(),
        since: options.since.unwrap_or(Timestamp::MIN).as_millisecond(),
        until: until.min(now),
    };
    let count = carry_out(&mut database.connection, &erasure);
    let name = show(&erasure.name);
    match count.map_err(|error| complaint(&database.path, &error))? {
        0 => Err(format!("nothing was said by {name}")),
        1 => Ok(format!("1 line of {name} is erased\n")),
        count => Ok(format!("{count} lines of {name} are erased\n")),
    }
}

fn carry_out(connection: &mut Connection, erasure: &Erasure) -> rusqlite::Result<u64> {
    connection.execute(
        "INSERT INTO erasures(name, since, until) VALUES(?1, ?2, ?3)",
        (&erasure.name, erasure.since, erasure.until),
    )?;
    let mut next = Some(first_from(connection, erasure.since)?);
    let mut count = 0;
    while let Some(n) = next {
        let step = erasure.step(connection, n)?;
        (count, next) = (count + step.0, step.1);
    }
    Ok(count)
}

//! Other programs than the server that read and change what is kept, while that runs or not: `chatd
//! log`, `erase`, `user` and `ban`.

mod bans;
mod erase;
mod log;
mod users;

pub use bans::ban;
pub use erase::erase;
pub use log::print_log;
pub use users::user;

use crate::change::Change;
use crate::data::directory::{complaint, database_in, make_database, make_directory};
use crate::data::roll::{Roll, write};
use crate::data::schema::{open, open_to_read};
use crate::text::clean;
use rusqlite::{Connection, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a command waits for another program that writes.
const PATIENCE: Duration = Duration::from_secs(2);

/// A database that is there, to be changed.
struct Database {
    path: PathBuf,
    connection: Connection,
}

impl Database {
    fn open(directory: &Path) -> Result<Self, String> {
        // It is not to be made.
        drop(open_to_read(&database_in(directory), PATIENCE)?);
        Self::make(directory)
    }

    /// The same where it may be missing, and its directory too.
    fn make(directory: &Path) -> Result<Self, String> {
        make_directory(directory)?;
        let path = make_database(directory)?;
        let connection = open(&path, PATIENCE, &Roll::default())?;
        Ok(Self { path, connection })
    }

    /// Changes what `decide` wants to be changed of the accounts and bans, in one transaction. A
    /// server that runs notices it.
    fn change(
        &mut self,
        decide: impl FnOnce(&Roll) -> Result<Vec<Change>, String>,
    ) -> Result<(), String> {
        let path = &self.path;
        let complain = |error: rusqlite::Error| complaint(path, &error);
        let lasting = "PRAGMA synchronous=FULL";
        self.connection.execute_batch(lasting).map_err(complain)?;
        // To look at many names takes long, and meanwhile others could not write.
        let known = Roll::read(&self.connection, &Roll::default()).map_err(complain)?;
        let behavior = TransactionBehavior::Immediate;
        let transaction = self.connection.transaction_with_behavior(behavior);
        let transaction = transaction.map_err(complain)?;
        let roll = Roll::read(&transaction, &known).map_err(complain)?;
        for change in decide(&roll)? {
            write(&transaction, &change).map_err(complain)?;
        }
        transaction.commit().map_err(complain)
    }
}

/// The accounts and bans that there are.
fn read_roll(directory: &Path) -> Result<Roll, String> {
    let path = database_in(directory);
    let connection = open_to_read(&path, PATIENCE)?;
    Roll::read(&connection, &Roll::default()).map_err(|error| complaint(&path, &error))
}

/// What the user wrote, on one line.
fn show(name: &str) -> String {
    clean(name.as_bytes()).into_owned()
}

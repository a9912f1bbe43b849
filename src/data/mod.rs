//! What lasts longer than the server: one directory, with one `SQLite` database.
//!
//! | what | where |
//! | --- | --- |
//! | the directory, its lock, its files | `directory` |
//! | the tables, and how the database is opened | `schema` |
//! | **what is said goes there**: the broadcaster's end of a queue, and the thread that writes | `queue`, `keeper`, `store` |
//! | how lines are read | `lines` |
//! | how they are erased, by whoever wants it, or since they are too old | `erasing`, `cleaner` |
//! | what is found again | `search`, `matching` |
//! | accounts and bans, and how they change | `roll` |
//! | `chatd log`, `chatd user` and so on | `command_line` |

mod cleaner;
pub mod command_line;
mod directory;
mod erasing;
mod keeper;
mod lines;
mod matching;
mod queue;
mod roll;
mod schema;
pub mod search;
mod store;

use crate::change::{Account, Ban, Change};
use crate::chat::archive::Archive;
use crate::config::DataOptions;
use crate::shared::Shared;
use cleaner::Cleaner;
use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use directory::Directory;
use keeper::{Keeper, LAST_TIME, State};
use log::warn;
use queue::{Load, queue};
use roll::Roll;
use search::Readers;
use std::sync::Arc;
use std::time::Duration;
use std::{io, thread};
use store::{Quota, Store};

/// What is kept, before anything more is said.
pub struct Data {
    /// What the chat hands on what is said to.
    pub archive: Box<dyn Archive>,
    /// What clients search with: nothing where nothing is kept that is said.
    pub readers: Option<Readers>,
    /// Who keeps it.
    pub keeper: Keeper,
    pub accounts: Vec<Account>,
    pub bans: Vec<Ban>,
    /// Takes what changes in the chat of accounts and bans, and what is erased. Never waits.
    pub keep: Box<dyn FnMut(Change) + Send>,
}

/// The thread that keeps what is said.
pub struct Keeping {
    load: Arc<Load>,
    ended: Receiver<()>,
}

impl Data {
    /// Opens the directory, and makes it if it is missing. Nothing if none is wanted.
    ///
    /// # Errors
    ///
    /// For the user, on one line that names the file.
    pub fn open(options: &DataOptions) -> Result<Option<Self>, String> {
        let Some(path) = &options.directory else {
            return Ok(None);
        };
        let directory = Directory::open(path)?;
        let quota = Quota::new(options.keep_size);
        let store = Store::open(&directory, quota, &Roll::default())?;
        let is_kept = !options.keep.is_zero();
        if let Err(why) = store.empty_room() {
            // Members read again what they read before a crash.
            warn!(target: "chatd::kept", "when people were last here cannot be noted now: {why}");
        }
        let erasures = store.noted()?;
        let past = if is_kept {
            store.recall(&erasures)?
        } else {
            Vec::new()
        };
        let (archivist, queue, load) = queue(options.keep, past);
        let mut cleaner = Cleaner::new(options.keep, options.overwriting);
        for erasure in erasures {
            cleaner.erase(erasure);
        }
        let roll = store.read_roll(&Roll::default())?;
        let readers = Readers::new(path);
        Ok(Some(Self {
            accounts: roll.accounts.values().cloned().collect(),
            bans: roll.bans.values().cloned().collect(),
            keep: Box::new(archivist.changes()),
            archive: Box::new(archivist),
            readers: is_kept.then(|| readers.clone()),
            keeper: Keeper {
                state: State::new(&store),
                directory,
                store: Some(store),
                queue,
                load,
                readers,
                quota,
                cleaner,
                roll,
            },
        }))
    }
}

/// Starts the thread.
pub fn start(keeper: Keeper, shared: Arc<Shared>) -> io::Result<Keeping> {
    let (end, ended) = bounded::<()>(0);
    let load = Arc::clone(&keeper.load);
    let keep = move || {
        keeper.run(&shared);
        drop(end);
    };
    thread::Builder::new()
        .name("keeper".to_owned())
        .spawn(keep)?;
    Ok(Keeping { load, ended })
}

impl Keeping {
    /// Waits until everything is written, and not for a disk that does not take it.
    pub fn finish(&self) {
        // The thread looks at the time itself, unless the disk does not even answer.
        let longest = LAST_TIME + Duration::from_millis(500);
        let ended = self.ended.recv_timeout(longest);
        let (lines, changes) = (self.load.lines(), self.load.changes());
        if lines > 0 {
            warn!("{lines} lines are not kept: the disk did not take them in time");
        }
        if changes > 0 {
            warn!("{changes} changes of accounts and bans are not kept: the same holds");
        }
        if lines + changes == 0 && ended == Err(RecvTimeoutError::Timeout) {
            warn!("the database is not closed: the disk does not answer");
        }
    }
}

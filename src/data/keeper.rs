//! The thread that owns the database for writing. It writes what was said and what has changed of
//! accounts and bans, notices what other programs have changed, and has what is not to be kept taken
//! away.
//!
//! Whatever the disk does, only this thread waits for it. What cannot be written now is tried again,
//! each second at least, and stays in the queue meanwhile.

#[cfg(test)]
mod tests;

use crate::change::{Change, Foreign};
use crate::data::cleaner::Cleaner;
use crate::data::directory::{Directory, FileId};
use crate::data::queue::{Kept, Load};
use crate::data::roll::Roll;
use crate::data::search::Readers;
use crate::data::store::{Changed, Quota, Store};
use crate::event::Event;
use crate::name::Name;
use crate::shared::Shared;
use crossbeam_channel::{Receiver, RecvTimeoutError};
use jiff::Timestamp;
use log::{error, info, warn};
use rusqlite::ErrorCode;
use std::collections::{HashMap, VecDeque};
use std::mem::{discriminant, take};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// How long lines gather before they are written: the more at once, the less each costs.
const GATHERING: Duration = Duration::from_millis(100);

/// How often everything else is looked after, and an outage is tried to be ended.
const TICK: Duration = Duration::from_secs(1);

/// How long the disk has at the end for what is not written yet, and how often it is tried then.
pub const LAST_TIME: Duration = Duration::from_secs(10);
const LAST_STEP: Duration = Duration::from_millis(100);

/// How often the broadcaster is tried to be told something when its channel is full.
const TELLING_STEP: Duration = Duration::from_millis(20);

/// How long the disk rests while there is more to be taken away.
const CLEANING_STEP: Duration = Duration::from_millis(20);

/// How many changes it is told of at once.
const TOLD_AT_ONCE: usize = 64;

pub struct Keeper {
    pub directory: Directory,
    /// Nothing while the database cannot be opened.
    pub store: Option<Store>,
    pub queue: Receiver<Kept>,
    pub load: Arc<Load>,
    /// The connections that clients search with.
    pub readers: Readers,
    pub quota: Quota,
    pub cleaner: Cleaner,
    /// The accounts and bans, as the database had them last.
    pub roll: Roll,
    pub state: State,
}

/// What the keeper is about.
#[derive(Default)]
pub struct State {
    /// What was taken from the queue and is not written yet.
    batch: VecDeque<Kept>,
    /// Why it cannot be, as the log has it already.
    outage: Option<String>,
    /// Since when another program has the database to itself.
    busy: Option<Instant>,
    /// The number of the last change that was written.
    written: u64,
    /// What the broadcaster is to be told, in this order.
    untold: VecDeque<Foreign>,
    /// Which file was the database last.
    file: Option<FileId>,
}

impl State {
    /// Nothing has happened yet to the database that is open.
    pub fn new(store: &Store) -> Self {
        Self {
            file: store.file(),
            ..Self::default()
        }
    }

    /// Has the broadcaster told of what others have changed, a few at a time, between which it hears
    /// everybody else.
    fn tell(&mut self, changes: &[Change]) {
        let after = self.written;
        let parts = changes.chunks(TOLD_AT_ONCE).map(<[Change]>::to_vec);
        self.untold
            .extend(parts.map(|changes| Foreign { changes, after }));
    }
}

impl Keeper {
    /// Keeps what comes until the broadcaster has ended, and then what is left.
    pub fn run(mut self, shared: &Shared) {
        let events = shared.events.for_this_thread();
        let mut ticked = Instant::now();
        self.tick();
        loop {
            let mut wait = TICK.saturating_sub(ticked.elapsed());
            if !self.state.untold.is_empty() {
                wait = wait.min(TELLING_STEP);
            }
            if self.cleaner.has_more {
                wait = wait.min(CLEANING_STEP);
            }
            match self.queue.recv_timeout(wait) {
                Ok(kept) => {
                    self.state.batch.push_back(kept);
                    thread::sleep(GATHERING);
                    self.write_all(|| ticked.elapsed() >= TICK);
                }
                Err(RecvTimeoutError::Timeout) => self.clean(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if ticked.elapsed() >= TICK {
                ticked = Instant::now();
                self.tick();
            }
            while let Some(foreign) = self.state.untold.pop_front() {
                if let Err(Event::Changed(foreign)) = events.try_send(Event::Changed(foreign), 0) {
                    self.state.untold.push_front(foreign);
                    break;
                }
            }
        }
        self.finish();
    }

    /// Writes what is left, as far as the disk takes it in time.
    fn finish(mut self) {
        let end = Instant::now() + LAST_TIME;
        self.write_all(|| Instant::now() >= end);
        while !(self.state.batch.is_empty() && self.queue.is_empty()) && Instant::now() < end {
            thread::sleep(LAST_STEP);
            self.write_all(|| Instant::now() >= end);
        }
        if let Some(store) = self.store
            && let Err(error) = store.empty_journal()
        {
            warn!(target: "chatd::kept", "{}", store.complain(&error));
        }
    }

    /// Writes what there is, batch by batch, until all is written, the disk refuses it, or it
    /// `is_enough`.
    fn write_all(&mut self, is_enough: impl Fn() -> bool) {
        loop {
            let mut bytes = self.state.batch.iter().map(Kept::stored).sum::<u64>();
            while bytes < self.quota.batch()
                && let Ok(kept) = self.queue.try_recv()
            {
                bytes += kept.stored();
                self.state.batch.push_back(kept);
            }
            if self.state.batch.is_empty() || !self.write() {
                return;
            }
            self.clean();
            if is_enough() {
                return;
            }
        }
    }

    fn clean(&mut self) {
        if let Some(store) = &mut self.store {
            self.cleaner.clean(store, &self.load);
        }
    }

    /// Writes the first of the batch, as many as go into a transaction. Returns whether they were
    /// written.
    fn write(&mut self) -> bool {
        self.prepare_store();
        let Some(store) = &mut self.store else {
            return false;
        };
        let batch = self.state.batch.make_contiguous();
        let mut bytes = 0;
        let fits = |kept: &&Kept| {
            bytes += kept.stored();
            bytes <= 2 * self.quota.batch()
        };
        let count = batch.iter().take_while(fits).count().max(1);
        let outcome = match store.write(&batch[..count], &self.roll) {
            Ok(outcome) => outcome,
            Err(error) => {
                self.fail(&error);
                return false;
            }
        };
        self.state.busy = None;
        if self.state.outage.take().is_some() {
            info!(target: "chatd::kept", "what is said is kept again");
        }
        for kept in self.state.batch.drain(..count) {
            match &kept {
                Kept::Gap(gap) => {
                    let lines = gap.end();
                    warn!(target: "chatd::kept", "there is a gap in what is kept: {lines} lines are lost");
                }
                Kept::Changed(number, _) => self.state.written = *number,
                Kept::Said(_) => {}
            }
            self.load.remove(&kept);
        }
        for change in &outcome.changed {
            self.roll.apply(change);
        }
        for noted in outcome.noted {
            self.cleaner.erase(noted);
        }
        let accounts = &self.roll.accounts;
        let told = |name: Name| match accounts.get(name.letters()) {
            Some(account) => Change::Account(account.clone()),
            None => Change::AccountRemoved(name),
        };
        let told = outcome.refused.into_iter().map(told).collect::<Vec<_>>();
        self.state.tell(&told);
        true
    }

    /// Opens the store anew if it has to be.
    fn prepare_store(&mut self) {
        let mut closed = Vec::new();
        if let Some(store) = self.store.take_if(|store| store.was_moved(&self.directory)) {
            // SQLite shares what belongs to a file among all connections of a process.
            closed = self.readers.close();
            store.abandon();
            warn!(target: "chatd::kept", "the database was moved, replaced or emptied");
        }
        if self.store.is_none() {
            let locked = self.directory.lock_again();
            match locked.and_then(|()| Store::open(&self.directory, self.quota, &self.roll)) {
                Ok(store) => {
                    // The chat has been told of what is to be erased in the same file.
                    if store.file() != self.state.file {
                        self.cleaner.begin_anew();
                    }
                    self.state.file = store.file();
                    self.store = Some(store);
                }
                Err(why) => self.note_outage(why),
            }
        }
        drop(closed);
    }

    /// Leaves out changes for which later ones stand too, so that an outage does not fill the memory
    /// however long it lasts.
    fn condense(&mut self) {
        let mut places = HashMap::new();
        let mut condensed = Vec::<Option<Kept>>::new();
        let batch = take(&mut self.state.batch).into_iter();
        for mut kept in batch.chain(self.queue.try_iter()) {
            if let Kept::Changed(_, change) = &mut kept
                && let Change::Password(name, ..) | Change::WasHere(name, ..) = &*change
                && let what = (discriminant(&*change), name.letters().to_owned())
                && let Some(place) = places.insert(what, condensed.len())
                && let Some(earlier) = &condensed[place]
                && stands_for(change, earlier)
            {
                self.load.remove(earlier);
                condensed[place] = None;
            }
            condensed.push(Some(kept));
        }
        self.state.batch = condensed.into_iter().flatten().collect();
    }

    /// Says why nothing is kept now, once. What may be wrong with the connection is gone with it.
    fn fail(&mut self, error: &rusqlite::Error) {
        let Some(store) = &self.store else { return };
        let why = store.complain(error);
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                let since = *self.state.busy.get_or_insert_with(Instant::now);
                if since.elapsed() < TICK {
                    return;
                }
            }
            Some(ErrorCode::DiskFull) => {}
            _ => self.store = None,
        }
        self.note_outage(why);
    }

    fn note_outage(&mut self, why: String) {
        if self.state.outage.as_ref() != Some(&why) {
            error!(target: "chatd::kept", "what is said cannot be kept now: {why}");
            self.state.outage = Some(why);
        }
    }

    /// Looks after everything that is due each second.
    fn tick(&mut self) {
        self.prepare_store();
        let begun = Instant::now();
        self.write_all(|| begun.elapsed() >= GATHERING);
        if self.state.outage.is_some() || self.state.busy.is_some() {
            self.condense();
        }
        if let Err(error) = self.follow_others().and_then(|()| self.forget_bans()) {
            return self.fail(&error);
        }
        if self.state.batch.is_empty() {
            self.state.busy = None;
        }
        if let Some(store) = &mut self.store {
            self.cleaner.clean(store, &self.load);
            self.cleaner.empty_journal(store);
        }
    }

    /// Takes over what other programs have changed.
    fn follow_others(&mut self) -> rusqlite::Result<()> {
        let Some(store) = &mut self.store else {
            return Ok(());
        };
        let Some(Changed { roll, erasures }) = store.what_others_changed(&self.roll)? else {
            return Ok(());
        };
        let mut changes = self.roll.changes_to(&roll);
        self.roll = roll;
        for (erasure, told) in erasures {
            if self.cleaner.erase(erasure) {
                changes.push(Change::Erased(told));
            }
        }
        self.state.tell(&changes);
        Ok(())
    }

    /// Takes away the bans that are over.
    fn forget_bans(&mut self) -> rusqlite::Result<()> {
        let now = Timestamp::now();
        let over = self.roll.bans_over(now);
        if let Some(store) = &self.store
            && !over.is_empty()
        {
            store.forget_bans(now)?;
            for change in &over {
                self.roll.apply(change);
            }
            self.state.tell(&over);
        }
        Ok(())
    }
}

/// Has a change of an account stand for an earlier one of the same kind too. Returns whether it can.
fn stands_for(change: &mut Change, earlier: &Kept) -> bool {
    match (change, earlier) {
        (Change::WasHere(..), _) => true,
        (Change::Password(_, old, _), Kept::Changed(_, Change::Password(_, oldest, same)))
            if *old == *same =>
        {
            old.clone_from(oldest);
            true
        }
        _ => false,
    }
}

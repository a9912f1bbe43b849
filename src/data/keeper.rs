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
use crate::data::directory::Directory;
use crate::data::queue::{Kept, Load};
use crate::data::roll::{Roll, Written};
use crate::data::store::{Room, Store};
use crate::event::Event;
use crate::shared::Shared;
use crossbeam_channel::{Receiver, RecvTimeoutError};
use log::{error, info, warn};
use rusqlite::ErrorCode;
use std::collections::{HashSet, VecDeque};
use std::mem::discriminant;
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

pub struct Keeper {
    pub directory: Directory,
    /// Nothing while the database cannot be opened.
    pub store: Option<Store>,
    pub queue: Receiver<Kept>,
    pub load: Arc<Load>,
    pub room: Room,
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
    /// How many changes were taken from the queue.
    taken: u64,
    /// What the broadcaster is to be told, in this order.
    untold: VecDeque<Foreign>,
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
            match self.queue.recv_timeout(wait) {
                Ok(kept) => {
                    self.take(kept);
                    thread::sleep(GATHERING);
                    self.write_all(|| ticked.elapsed() >= TICK);
                }
                Err(RecvTimeoutError::Timeout) => {}
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

    fn take(&mut self, kept: Kept) {
        self.state.taken += u64::from(matches!(kept, Kept::Changed(_)));
        self.state.batch.push_back(kept);
    }

    /// Writes what there is, batch by batch, until all is written, the disk refuses it, or it
    /// `is_enough`.
    fn write_all(&mut self, is_enough: impl Fn() -> bool) {
        loop {
            let mut bytes = self.state.batch.iter().map(Kept::bytes).sum::<u64>();
            while bytes < self.room.batch()
                && let Ok(kept) = self.queue.try_recv()
            {
                bytes += kept.bytes();
                self.take(kept);
            }
            if self.state.batch.is_empty() || !self.write() {
                return;
            }
            if let Some(store) = &mut self.store {
                self.cleaner.clean(store, &self.load);
            }
            if is_enough() {
                return;
            }
        }
    }

    /// Writes the first of the batch: a change, or the lines before the next one, as many as go into
    /// a transaction. Returns whether they were written.
    fn write(&mut self) -> bool {
        self.prepare_store();
        let Some(store) = &mut self.store else {
            return false;
        };
        let batch = self.state.batch.make_contiguous();
        let mut bytes = 0;
        let lines = batch.iter().take_while(|kept| {
            bytes += kept.bytes();
            !matches!(kept, Kept::Changed(_)) && bytes <= 2 * self.room.batch()
        });
        let lines = lines.count().max(1);
        let written = match batch.first() {
            Some(Kept::Changed(Change::Erased(erasure))) => {
                let count = erasure.count.unwrap_or(usize::MAX);
                let noted = store.note_erasure(&erasure.name, count);
                noted.map(|noted| {
                    self.cleaner.erase(noted);
                })
            }
            Some(Kept::Changed(change)) => match store.write_change(change, &self.roll) {
                Ok(Written::Changed) => {
                    self.roll.apply(change);
                    Ok(())
                }
                Ok(Written::Refused) => {
                    if let Change::Account(account) = change {
                        let removed = Change::AccountRemoved(account.name.clone());
                        self.state.untold.push_back(Foreign {
                            changes: vec![removed],
                            after: self.state.taken,
                        });
                    }
                    Ok(())
                }
                written => written.map(|_| ()),
            },
            Some(_) => store.write_lines(&batch[..lines], &self.roll),
            None => Ok(()),
        };
        if let Err(error) = written {
            self.fail(&error);
            return false;
        }
        if self.state.outage.take().is_some() {
            info!(target: "chatd::kept", "what is said is kept again");
        }
        for kept in self.state.batch.drain(..lines) {
            if let Kept::Gap(_, lines) = kept {
                warn!(target: "chatd::kept", "there is a gap in what is kept: {lines} lines are lost");
            }
            self.load.remove(&kept);
        }
        true
    }

    /// Opens the store anew if it has to be.
    fn prepare_store(&mut self) {
        if let Some(store) = self.store.take_if(|store| store.was_moved(&self.directory)) {
            store.abandon();
        }
        if self.store.is_none() {
            let locked = self.directory.lock_again();
            match locked.and_then(|()| Store::open(&self.directory, self.room)) {
                Ok(store) => {
                    if store.is_new {
                        self.keep_roll();
                    }
                    self.store = Some(store);
                    self.cleaner.begin_anew();
                }
                Err(why) => self.note_outage(why),
            }
        }
    }

    /// Has the accounts and bans written into a database that is new, before anything else.
    fn keep_roll(&mut self) {
        for change in self.roll.changes() {
            let kept = Kept::Changed(change);
            self.load.add(&kept);
            self.state.batch.push_front(kept);
        }
    }

    /// Leaves out changes that are undone by later ones, so that an outage does not fill the memory
    /// however long it lasts.
    fn condense(&mut self) {
        while let Ok(kept) = self.queue.try_recv() {
            self.take(kept);
        }
        let mut later = HashSet::new();
        let mut condensed = VecDeque::new();
        while let Some(kept) = self.state.batch.pop_back() {
            if let Kept::Changed(change @ (Change::Password(name, _) | Change::WasHere(name, _))) =
                &kept
                && !later.insert((discriminant(change), name.letters().to_owned()))
            {
                self.load.remove(&kept);
            } else {
                condensed.push_front(kept);
            }
        }
        self.state.batch = condensed;
    }

    /// Says why nothing is kept now, once. What may be wrong with the connection is gone with it.
    fn fail(&mut self, error: &rusqlite::Error) {
        let Some(store) = &self.store else { return };
        let why = store.complain(error);
        if !matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::DiskFull)
        ) {
            self.store = None;
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
        if self.state.outage.is_some() {
            self.condense();
        }
        let Some(store) = &mut self.store else {
            return;
        };
        let is_change = |kept: &Kept| matches!(kept, Kept::Changed(_));
        // What is not written yet is not to be taken for what others have changed.
        if !self.state.batch.iter().any(is_change) {
            match store.what_others_changed(&self.roll) {
                Ok(None) => {}
                Ok(Some((roll, erasures))) => {
                    let mut changes = self.roll.changes_to(&roll);
                    self.roll = roll;
                    let newest = store.last_time();
                    for (id, erasure) in erasures {
                        let told = Change::Erased(erasure.told(newest));
                        if self.cleaner.erase((id, erasure)) {
                            changes.push(told);
                        }
                    }
                    if !changes.is_empty() {
                        let after = self.state.taken;
                        self.state.untold.push_back(Foreign { changes, after });
                    }
                }
                Err(error) => return self.fail(&error),
            }
        }
        self.cleaner.clean(store, &self.load);
        self.cleaner.empty_journal(store);
    }
}

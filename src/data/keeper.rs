//! The thread that owns the database for writing. It writes what was said and what has changed of
//! accounts and bans, takes away what is too old or too much, and notices what other programs have
//! changed.
//!
//! Whatever the disk does, only this thread waits for it. What cannot be written now is tried again,
//! each second at least, and stays in the queue meanwhile.

#[cfg(test)]
mod tests;

use crate::change::Change;
use crate::data::directory::Directory;
use crate::data::queue::{Kept, Load};
use crate::data::roll::{Roll, Written};
use crate::data::store::{Numbered, Room, Store};
use crate::event::Event;
use crate::shared::Shared;
use crossbeam_channel::{Receiver, RecvTimeoutError};
use jiff::Timestamp;
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

/// How long it may take the broadcaster to hear of what it is told. What it changes meanwhile it has
/// perhaps changed before that.
const HEARING_TIME: Duration = Duration::from_secs(10);

/// How long what is too old is taken away before lines are written again.
const CLEANING: Duration = Duration::from_millis(50);

pub struct Keeper {
    pub directory: Directory,
    /// Nothing while the database cannot be opened.
    pub store: Option<Store>,
    pub queue: Receiver<Kept>,
    pub load: Arc<Load>,
    pub room: Room,
    /// How long what was said is kept.
    pub keep: Duration,
    /// How often the journal is emptied.
    pub overwriting: Duration,
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
    /// Why what is old cannot be taken away, as the log has it already.
    unclean: Option<String>,
    /// No row before this is live.
    trimmed: i64,
    /// What is erased now, and from which row on; the last was found last.
    erasing: VecDeque<(Numbered, i64)>,
    last_erasure: i64,
    /// What the broadcaster is to be told, and when it was told something last.
    untold: Vec<Change>,
    told: Option<Instant>,
    /// When the journal was emptied.
    emptied: Option<Instant>,
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
                    self.state.batch.push_back(kept);
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
            let untold = std::mem::take(&mut self.state.untold);
            if !untold.is_empty() {
                self.state.told = Some(Instant::now());
                if let Err(Event::Changed(untold)) = events.try_send(Event::Changed(untold), 0) {
                    self.state.untold = untold;
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
            let mut bytes = self.state.batch.iter().map(Kept::bytes).sum::<u64>();
            while bytes < self.room.batch()
                && let Ok(kept) = self.queue.try_recv()
            {
                bytes += kept.bytes();
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
        let written = match batch.first_mut() {
            Some(Kept::Changed(change)) => match store.write_change(change, &self.roll) {
                Ok(Written::Changed) => {
                    self.roll.apply(change);
                    let told = self.state.told;
                    // Otherwise it would go on as it was told, and the database as it is written.
                    if told.is_some_and(|told| told.elapsed() < HEARING_TIME)
                        && !matches!(change, Change::Erased(_) | Change::WasHere(..))
                    {
                        self.state.untold.push(change.clone());
                    }
                    Ok(())
                }
                Ok(Written::Refused) => {
                    if let Change::Account(account) = change {
                        let name = account.name.clone();
                        self.state.untold.push(Change::AccountRemoved(name));
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
                    self.state.trimmed = 0;
                    self.state.last_erasure = 0;
                    self.state.erasing.clear();
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
        self.state.batch.extend(self.queue.try_iter());
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
                    self.state.untold.extend(self.roll.changes_to(&roll));
                    self.roll = roll;
                    self.begin_erasing(erasures);
                }
                Err(error) => return self.fail(&error),
            }
        }
        self.clean();
        self.empty_journal();
    }

    fn begin_erasing(&mut self, erasures: Vec<Numbered>) {
        let last = self.state.last_erasure;
        for (id, erasure) in erasures.into_iter().filter(|(id, _)| *id > last) {
            self.state.last_erasure = id;
            self.state.untold.push(Change::Erased(erasure.told()));
            self.state.erasing.push_back(((id, erasure), 0));
        }
    }

    /// Takes some steps of taking away what is not to be kept.
    fn clean(&mut self) {
        let end = Instant::now() + CLEANING;
        while Instant::now() < end {
            match self.clean_step() {
                Ok(true) => {}
                Ok(false) => {
                    self.state.unclean = None;
                    return;
                }
                Err(error) => return self.note_unclean(&error),
            }
        }
    }

    /// Says why nothing is taken away now, once. What is new can be kept perhaps all the same.
    fn note_unclean(&mut self, error: &rusqlite::Error) {
        let why = self.store.as_ref().map(|store| store.complain(error));
        if self.state.unclean != why {
            let text = why.as_deref().unwrap_or_default();
            error!(target: "chatd::kept", "what is old cannot be erased now: {text}");
            self.state.unclean = why;
        }
    }

    /// Returns whether there is more to do.
    fn clean_step(&mut self) -> rusqlite::Result<bool> {
        let Some(store) = &mut self.store else {
            return Ok(false);
        };
        if let Some(((id, erasure), n)) = self.state.erasing.front_mut() {
            if let Some(next) = store.erase(erasure, *n)? {
                *n = next;
                return Ok(true);
            }
            // Until then what was said before it may still wait to be written.
            if self.load.lines() == 0 || store.last_time() >= erasure.until {
                store.forget_erasure(*id)?;
                self.state.erasing.pop_front();
                return Ok(true);
            }
        }
        let now = Timestamp::now();
        let oldest = now.checked_sub(self.keep).unwrap_or(Timestamp::MIN);
        store.trim(oldest, &mut self.state.trimmed)
    }

    /// Empties the journal where it is time for that.
    fn empty_journal(&mut self) {
        let Some(store) = &self.store else { return };
        let now = Instant::now();
        let emptied = *self.state.emptied.get_or_insert(now);
        if now.saturating_duration_since(emptied) >= self.overwriting && store.has_journal() {
            match store.empty_journal() {
                // Somebody reads: it is tried again soon.
                Ok(false) => {}
                Ok(true) => self.state.emptied = Some(now),
                Err(error) => self.fail(&error),
            }
        }
    }
}

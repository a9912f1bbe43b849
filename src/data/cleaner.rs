//! What is taken away of what is kept: what is erased, too old, or too much. It goes in steps between
//! which lines are written, and the journal is emptied behind it.

use crate::data::erasing::{Extent, Numbered};
use crate::data::queue::Load;
use crate::data::store::Store;
use jiff::Timestamp;
use log::error;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long something is taken away before lines are written again, and how long at most while the
/// database is full.
const CLEANING: Duration = Duration::from_millis(50);
const MOST_CLEANING: Duration = Duration::from_secs(1);

pub struct Cleaner {
    /// How long what was said is kept.
    keep: Duration,
    /// How often the journal is emptied, and when it was.
    overwriting: Duration,
    emptied: Instant,
    /// What is erased now, one after another.
    erasing: VecDeque<Numbered>,
    /// No row before this is live.
    trimmed: i64,
    /// There was more to do when it stopped.
    pub has_more: bool,
    /// Why what is old cannot be taken away, as the log has it already.
    complaint: Option<String>,
}

impl Cleaner {
    pub fn new(keep: Duration, overwriting: Duration) -> Self {
        Self {
            keep,
            overwriting,
            emptied: Instant::now(),
            erasing: VecDeque::new(),
            trimmed: 0,
            has_more: false,
            complaint: None,
        }
    }

    /// Takes an erasure that was noted. Returns whether it is a new one.
    pub fn erase(&mut self, erasure: Numbered) -> bool {
        let is_new = self.erasing.iter().all(|(id, _)| *id != erasure.0);
        if is_new {
            self.erasing.push_back(erasure);
        }
        is_new
    }

    /// Another file may be the database now. What is to be erased is noted in there.
    pub fn begin_anew(&mut self) {
        self.erasing.clear();
        self.trimmed = 0;
    }

    /// Takes some steps.
    pub fn clean(&mut self, store: &mut Store, load: &Load) {
        let begun = Instant::now();
        self.has_more = false;
        if let Err(error) = store.bound_journal() {
            return self.complain(store, &error);
        }
        loop {
            match self.step(store, load) {
                Ok(true) => {}
                Ok(false) => {
                    self.complaint = None;
                    return;
                }
                Err(error) => return self.complain(store, &error),
            }
            let most = match store.is_full() {
                Ok(true) => MOST_CLEANING,
                _ => CLEANING,
            };
            if begun.elapsed() >= most {
                self.has_more = true;
                return;
            }
        }
    }

    /// Returns whether there is more to do.
    fn step(&mut self, store: &mut Store, load: &Load) -> rusqlite::Result<bool> {
        if let Some(erasure) = self.erasing.front_mut() {
            if let Some(left) = store.erase(erasure)? {
                erasure.1 = left;
                return Ok(true);
            }
            let is_over = match erasure.1.extent {
                // Until then what was said before it may still wait to be written.
                Extent::Between { until, .. } => load.lines() == 0 || store.last_time() >= until,
                Extent::Last { .. } => true,
            };
            if is_over {
                store.forget_erasure(erasure.0)?;
                self.erasing.pop_front();
                return Ok(true);
            }
        }
        let now = Timestamp::now();
        let oldest = now.checked_sub(self.keep).unwrap_or(Timestamp::MIN);
        store.trim(oldest, &mut self.trimmed)
    }

    /// Empties the journal where it is time for that.
    pub fn empty_journal(&mut self, store: &Store) {
        if self.emptied.elapsed() >= self.overwriting && store.has_journal() {
            match store.empty_journal() {
                // Somebody reads: it is tried again soon.
                Ok(false) => {}
                Ok(true) => self.emptied = Instant::now(),
                Err(error) => self.complain(store, &error),
            }
        }
    }

    /// Says why nothing is taken away now, once. What is new can be kept perhaps all the same.
    fn complain(&mut self, store: &Store, error: &rusqlite::Error) {
        let why = store.complain(error);
        if self.complaint.as_ref() != Some(&why) {
            error!(target: "chatd::kept", "what is old cannot be erased now: {why}");
            self.complaint = Some(why);
        }
    }
}

//! What waits to be kept: the broadcaster puts it here, and the keeper takes it.
//!
//! The broadcaster never waits: where there is no room, lines are counted and not kept. It goes on
//! keeping when there is room for half of the queue, so that there is one gap and not many. Changes
//! of accounts and bans, and what is erased, stand among the lines in the order in which all that
//! happened; for them there is always room.

use crate::change::Change;
use crate::chat::archive::{Archive, Recalled, Utterance};
use crate::units::MIB;
use crossbeam_channel::{Receiver, Sender, unbounded};
use jiff::Timestamp;
use log::warn;
use std::mem::{size_of, take};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How many bytes may wait.
const MOST_BYTES: u64 = 16 * MIB;

/// What something that waits takes beside its text.
const OWN_BYTES: u64 = 2 * size_of::<Kept>() as u64;

/// What a row takes in the database beside its name and text, and what a change does, about.
const ROW_BYTES: usize = 24;
const CHANGE_BYTES: u64 = 256;

/// Something that is to be kept.
pub enum Kept {
    Said(Utterance),
    /// Here lines are missing.
    Gap(Arc<Gap>),
    /// A change, with its number among all changes.
    Changed(u64, Change),
}

/// Lines that found no room, one behind the other. They are counted until it is written how many there
/// are.
pub struct Gap {
    /// When the first of them was said.
    pub since: Timestamp,
    /// How many there are, and whether that is written: [`FINAL`].
    lines: AtomicU64,
}

const FINAL: u64 = 1 << 63;

impl Gap {
    /// Counts more of them. Returns whether it was not too late for that.
    fn add(&self, lines: u64) -> bool {
        let add = |count| (count & FINAL == 0).then_some(count + lines);
        let (success, failure) = (Ordering::Relaxed, Ordering::Relaxed);
        self.lines.fetch_update(success, failure, add).is_ok()
    }

    /// How many there are. From now on there are no more.
    pub fn end(&self) -> u64 {
        self.lines.fetch_or(FINAL, Ordering::Relaxed) & !FINAL
    }
}

/// What waits, or is being written.
#[derive(Default)]
pub struct Load {
    bytes: AtomicU64,
    lines: AtomicU64,
    changes: AtomicU64,
}

impl Kept {
    /// How many bytes of the queue it takes. Changes take nothing away from lines.
    fn bytes(&self) -> u64 {
        match self {
            Self::Said(utterance) => OWN_BYTES + utterance.lines.capacity() as u64,
            Self::Gap(..) => OWN_BYTES,
            Self::Changed(..) => 0,
        }
    }

    /// How many bytes of the database it takes, about.
    pub fn stored(&self) -> u64 {
        match self {
            Self::Said(Utterance { name, lines, .. }) => {
                let row = ROW_BYTES + name.letters().len();
                (lines.as_bytes().len() + lines.count() * row) as u64
            }
            Self::Gap(..) => ROW_BYTES as u64,
            Self::Changed(..) => CHANGE_BYTES,
        }
    }

    /// How many lines are lost with it, or were before.
    fn lines(&self) -> u64 {
        match self {
            Self::Said(utterance) => utterance.lines.count() as u64,
            Self::Gap(gap) => gap.lines.load(Ordering::Relaxed) & !FINAL,
            Self::Changed(..) => 0,
        }
    }

    fn changes(&self) -> u64 {
        u64::from(matches!(self, Self::Changed(..)))
    }
}

impl Load {
    pub fn add(&self, kept: &Kept) {
        self.bytes.fetch_add(kept.bytes(), Ordering::Relaxed);
        self.lines.fetch_add(kept.lines(), Ordering::Relaxed);
        self.changes.fetch_add(kept.changes(), Ordering::Relaxed);
    }

    /// It is kept now.
    pub fn remove(&self, kept: &Kept) {
        self.bytes.fetch_sub(kept.bytes(), Ordering::Relaxed);
        self.lines.fetch_sub(kept.lines(), Ordering::Relaxed);
        self.changes.fetch_sub(kept.changes(), Ordering::Relaxed);
    }

    /// How many lines are not kept yet.
    pub fn lines(&self) -> u64 {
        self.lines.load(Ordering::Relaxed)
    }

    /// How many changes of accounts and bans, and erasures, are not kept yet.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

/// The broadcaster's end.
pub struct Archivist {
    queue: Sender<Kept>,
    load: Arc<Load>,
    /// How long it is kept: nothing is, if that is no time.
    keep: Duration,
    past: Vec<Recalled>,
    /// The lines that find no room now.
    gap: Option<Arc<Gap>>,
}

/// A queue with nothing in it, for what is kept for so long after what is `past`.
pub fn queue(keep: Duration, past: Vec<Recalled>) -> (Archivist, Receiver<Kept>, Arc<Load>) {
    let (sender, receiver) = unbounded();
    let load = Arc::new(Load::default());
    let archivist = Archivist {
        queue: sender,
        load: Arc::clone(&load),
        keep,
        past,
        gap: None,
    };
    (archivist, receiver, load)
}

impl Archivist {
    /// What hands on what has changed.
    pub fn changes(&self) -> impl FnMut(Change) + Send + use<> {
        let (queue, load) = (self.queue.clone(), Arc::clone(&self.load));
        let mut number = 0;
        move |change| {
            number += 1;
            push(&queue, &load, Kept::Changed(number, change));
        }
    }

    fn push(&self, kept: Kept) {
        push(&self.queue, &self.load, kept);
    }
}

fn push(queue: &Sender<Kept>, load: &Load, kept: Kept) {
    load.add(&kept);
    // If the keeper has ended, its panic was logged, and nothing is kept any more.
    let _ = queue.send(kept);
}

impl Archive for Archivist {
    fn keep(&mut self, utterance: Utterance) {
        if self.keep.is_zero() {
            return;
        }
        let (since, lines) = (utterance.time, utterance.lines.count() as u64);
        let kept = Kept::Said(utterance);
        let most = match self.gap {
            None => MOST_BYTES,
            Some(_) => MOST_BYTES / 2,
        };
        if self.load.bytes() + kept.bytes() <= most {
            self.gap = None;
            return self.push(kept);
        }
        if self.gap.as_ref().is_some_and(|gap| gap.add(lines)) {
            self.load.lines.fetch_add(lines, Ordering::Relaxed);
            return;
        }
        warn!(target: "chatd::kept",
            "what is said now is not kept: the disk does not keep up, lines are lost");
        let lines = AtomicU64::new(lines);
        let gap = Arc::new(Gap { since, lines });
        self.push(Kept::Gap(Arc::clone(&gap)));
        self.gap = Some(gap);
    }

    fn recall(&mut self) -> Vec<Recalled> {
        take(&mut self.past)
    }

    fn lasts(&self) -> Option<Duration> {
        (!self.keep.is_zero()).then_some(self.keep)
    }
}

//! The log on stderr. It never stops the chat: lines pass through a bounded queue to a thread that
//! writes them, and what there is too much of is counted.

pub mod clients;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use env_logger::{Builder, Logger};
use jiff::Timestamp;
use log::{Level, LevelFilter, Log, Metadata, Record};
use std::collections::HashMap;
use std::fmt;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{panic, thread};

/// How many log lines may wait for stderr.
const QUEUE_LINES: usize = 1024;

/// How many lines of one kind are written in a second.
const LINES_PER_SECOND: u32 = 20;

const SECOND: Duration = Duration::from_secs(1);

/// What goes to the thread that writes.
enum Entry {
    Line(String),
    /// Everything before it is to be written, then this is dropped.
    Flush(Sender<()>),
}

/// The log, to be finished at the end of the process.
pub struct Logging {
    limited: Arc<Limited>,
}

/// Begins logging at `level`, or as `RUST_LOG` says. Panics are logged too. Fails when the system
/// has no thread for it, or logging has begun already.
pub fn start(level: LevelFilter) -> io::Result<Logging> {
    let (queue, entries) = bounded(QUEUE_LINES);
    let filter = Builder::new()
        .filter_level(level)
        .parse_default_env()
        .build();
    let level = filter.filter();
    let limited = Arc::new(Limited {
        filter,
        queue,
        lost: AtomicU64::new(0),
        kinds: Mutex::default(),
    });
    let writer = Arc::clone(&limited);
    thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || write_entries(&entries, &writer, io::stderr()))?;
    log::set_boxed_logger(Box::new(Arc::clone(&limited))).map_err(io::Error::other)?;
    log::set_max_level(level);
    panic::set_hook(Box::new(
        |panic| log::error!(target: "chatd::panic", "{panic}"),
    ));
    Ok(Logging { limited })
}

impl Logging {
    /// Says what was left out until now, so that what is logged next is the last line.
    pub fn tell_left_out(&self) {
        self.limited.tell_left_out(Instant::now() + SECOND);
    }

    /// Waits until everything is written, but not for long: perhaps nobody reads it.
    pub fn finish(&self) {
        self.tell_left_out();
        let (done, is_done) = bounded(0);
        let timeout = Duration::from_millis(200);
        let queue = &self.limited.queue;
        if queue.send_timeout(Entry::Flush(done), timeout).is_ok() {
            let _ = is_done.recv_timeout(timeout);
        }
    }
}

/// The thread that writes. A stderr that cannot be written is no reason to end.
fn write_entries(entries: &Receiver<Entry>, limited: &Limited, mut stderr: impl Write) {
    loop {
        // Nothing is left out of a log that is quiet, so nothing has to be told then.
        let is_quiet = limited.kinds().is_empty();
        let wait = if is_quiet { Duration::MAX } else { SECOND };
        let entry = match entries.recv_timeout(wait) {
            Err(RecvTimeoutError::Disconnected) => return,
            received => received.ok(),
        };
        if let Some(Entry::Line(line)) = &entry {
            let _ = stderr.write_all(line.as_bytes());
        }
        limited.tell_left_out(Instant::now());
        let lost = limited.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let _ = writeln!(stderr, "… and {lost} lines more, which nobody read in time");
        }
        if let Some(Entry::Flush(done)) = entry {
            drop(done);
        }
    }
}

/// A logger that writes so many lines of a kind in a second, and then one that counts what was left
/// out. A line's kind is its target.
struct Limited {
    filter: Logger,
    queue: Sender<Entry>,
    /// How many lines found no room in the queue.
    lost: AtomicU64,
    kinds: Mutex<HashMap<String, Second>>,
}

/// What was written of a kind in one second.
struct Second {
    start: Instant,
    written: u32,
    left_out: u64,
    level: Level,
}

impl Limited {
    fn kinds(&self) -> MutexGuard<'_, HashMap<String, Second>> {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, level: Level, content: fmt::Arguments<'_>) {
        let time = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
        let line = format!("[{time} {level:5}] {content}\n");
        if self.queue.try_send(Entry::Line(line)).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether a line is within the limit.
    fn admit(&self, record: &Record<'_>) -> bool {
        let now = Instant::now();
        self.tell_left_out(now);
        let mut kinds = self.kinds();
        let kind = record.target().to_owned();
        let second = kinds.entry(kind).or_insert_with(|| Second {
            start: now,
            written: 0,
            left_out: 0,
            level: record.level(),
        });
        let is_admitted = second.written < LINES_PER_SECOND;
        second.written += u32::from(is_admitted);
        second.left_out += u64::from(!is_admitted);
        is_admitted
    }

    /// Says what was left out in the seconds that are over, and begins new ones.
    fn tell_left_out(&self, now: Instant) {
        self.kinds().retain(|kind, second| {
            let is_over = now.saturating_duration_since(second.start) >= SECOND;
            if is_over && second.left_out > 0 {
                let kind = kind.rsplit("::").next().unwrap_or_default();
                let what = kind.replace('_', " ");
                let left_out = second.left_out;
                self.write(second.level, format_args!("… and {left_out} more {what}"));
            }
            !is_over
        });
    }
}

impl Log for Limited {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.filter.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if self.filter.matches(record) && self.admit(record) {
            self.write(record.level(), *record.args());
        }
    }

    fn flush(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A log at info, with room for so many lines, and what is written of it.
    fn log(room: usize) -> (Limited, Receiver<Entry>) {
        let (queue, entries) = bounded(room);
        let limited = Limited {
            filter: Builder::new().filter_level(LevelFilter::Info).build(),
            queue,
            lost: AtomicU64::new(0),
            kinds: Mutex::default(),
        };
        (limited, entries)
    }

    fn log_each(limited: &Limited, level: Level, target: &str, count: usize) {
        for number in 1..=count {
            let mut record = Record::builder();
            let record = record.level(level).target(target);
            limited.log(&record.args(format_args!("line {number}")).build());
        }
    }

    /// The messages that wait to be written, without the time.
    fn waiting(entries: &Receiver<Entry>) -> Vec<String> {
        let message = |entry| match entry {
            Entry::Line(line) => line.split_once(' ').map(|(_, rest)| rest.to_owned()),
            Entry::Flush(_) => None,
        };
        entries.try_iter().filter_map(message).collect()
    }

    #[test]
    fn of_each_kind_20_lines_a_second_are_written_and_then_one_that_counts_the_rest() {
        let (limited, entries) = log(100);
        let start = Instant::now();
        log_each(&limited, Level::Info, "chatd::turned_away", 25);
        log_each(&limited, Level::Warn, "chatd::another", 20);
        log_each(&limited, Level::Debug, "chatd::not_wanted", 30);
        // Unless the machine stopped for a second, all of this was in one.
        if start.elapsed() < SECOND {
            let lines = waiting(&entries);
            assert_eq!(lines.len(), 40, "{lines:?}");
            assert_eq!(lines[19], "INFO ] line 20\n");
            assert_eq!(lines[39], "WARN ] line 20\n");
            limited.tell_left_out(start + SECOND / 2);
            assert!(waiting(&entries).is_empty(), "the second is not over");
        }
        limited.tell_left_out(Instant::now() + SECOND);
        let lines = waiting(&entries);
        assert_eq!(lines, ["INFO ] … and 5 more turned away\n"]);
        log_each(&limited, Level::Info, "chatd::turned_away", 1);
        assert_eq!(waiting(&entries), ["INFO ] line 1\n"]);
    }

    #[test]
    fn what_finds_no_room_in_the_queue_is_counted_and_said_once() {
        let (limited, entries) = log(2);
        log_each(&limited, Level::Info, "chatd::joined", 5);
        assert_eq!(waiting(&entries).len(), 2);
        let (queue, entries) = bounded(2);
        for line in ["one\n", "other\n"] {
            assert!(queue.send(Entry::Line(line.to_owned())).is_ok());
        }
        // So it ends when it has written these.
        drop(queue);
        let mut written = Vec::new();
        write_entries(&entries, &limited, &mut written);
        let written = String::from_utf8(written).unwrap();
        let lost = "… and 3 lines more, which nobody read in time";
        assert_eq!(written, format!("one\n{lost}\nother\n"));
    }
}

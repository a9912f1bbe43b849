//! The log on stderr. It never stops the chat: lines pass through a bounded queue to a thread that
//! writes them, and what there is too much of is counted.

pub mod lines;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use env_logger::{Builder, Logger, Target};
use log::{LevelFilter, Log, Metadata, Record};
use std::collections::HashMap;
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
    Line(Vec<u8>),
    /// Everything before it is to be written, then this is dropped.
    Flush(Sender<()>),
}

/// The log, to be finished at the end of the process.
pub struct Logging {
    queue: Sender<Entry>,
}

/// Begins logging at `level`, or as `RUST_LOG` says. Panics are logged too.
///
/// # Errors
///
/// When the system has no thread for it, or logging has begun already.
pub fn start(level: LevelFilter) -> io::Result<Logging> {
    let (queue, entries) = bounded(QUEUE_LINES);
    let lost = Arc::new(AtomicU64::new(0));
    let pipe = Pipe {
        queue: queue.clone(),
        lost: Arc::clone(&lost),
    };
    let logger = Builder::new()
        .filter_level(level)
        .parse_default_env()
        .target(Target::Pipe(Box::new(pipe)))
        .format(|line, record| {
            let time = line.timestamp();
            writeln!(line, "[{time} {:5}] {}", record.level(), record.args())
        })
        .build();
    let level = logger.filter();
    let limited = Arc::new(Limited {
        logger,
        kinds: Mutex::default(),
    });
    let writer = Arc::clone(&limited);
    thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || write_entries(&entries, &writer, &lost))?;
    log::set_boxed_logger(Box::new(limited)).map_err(io::Error::other)?;
    log::set_max_level(level);
    panic::set_hook(Box::new(
        |panic| log::error!(target: "chatd::panic", "{panic}"),
    ));
    Ok(Logging { queue })
}

impl Logging {
    /// Waits until everything is written, but not for long: perhaps nobody reads it.
    pub fn finish(&self) {
        let (done, is_done) = bounded(0);
        let timeout = Duration::from_millis(200);
        if self.queue.send_timeout(Entry::Flush(done), timeout).is_ok() {
            let _ = is_done.recv_timeout(timeout);
        }
    }
}

/// Where `env_logger` writes its lines.
struct Pipe {
    queue: Sender<Entry>,
    lost: Arc<AtomicU64>,
}

impl Write for Pipe {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.queue.try_send(Entry::Line(line.to_vec())).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The thread that writes. A stderr that cannot be written is no reason to end.
fn write_entries(entries: &Receiver<Entry>, limited: &Limited, lost: &AtomicU64) {
    loop {
        // Nothing is left out of a log that is quiet, so nothing has to be told then.
        let wait = if limited.kinds().is_empty() {
            Duration::MAX
        } else {
            SECOND
        };
        match entries.recv_timeout(wait) {
            Ok(Entry::Line(line)) => {
                let _ = io::stderr().write_all(&line);
            }
            Ok(Entry::Flush(done)) => {
                limited.tell_left_out(Instant::now() + SECOND);
                for entry in entries.try_iter() {
                    if let Entry::Line(line) = entry {
                        let _ = io::stderr().write_all(&line);
                    }
                }
                drop(done);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        limited.tell_left_out(Instant::now());
        let lost = lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let _ = writeln!(
                io::stderr(),
                "… and {lost} lines more, which nobody read in time"
            );
        }
    }
}

/// A logger that writes so many lines of a kind in a second, and then one that counts what was left
/// out. A line's kind is its target.
struct Limited {
    logger: Logger,
    kinds: Mutex<HashMap<String, Second>>,
}

/// What was written of a kind in one second.
#[derive(Debug)]
struct Second {
    start: Instant,
    written: u32,
    left_out: u64,
    level: log::Level,
}

impl Limited {
    fn kinds(&self) -> MutexGuard<'_, HashMap<String, Second>> {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a line is within the limit.
    fn admit(&self, record: &Record<'_>) -> bool {
        let now = Instant::now();
        self.tell_left_out(now);
        let mut kinds = self.kinds();
        if !kinds.contains_key(record.target()) {
            let second = Second {
                start: now,
                written: 0,
                left_out: 0,
                level: record.level(),
            };
            kinds.insert(record.target().to_owned(), second);
        }
        let Some(second) = kinds.get_mut(record.target()) else {
            return true;
        };
        if second.written < LINES_PER_SECOND {
            second.written += 1;
            true
        } else {
            second.left_out += 1;
            false
        }
    }

    /// Says what was left out in the seconds that are over, and begins new ones.
    fn tell_left_out(&self, now: Instant) {
        let mut over = Vec::new();
        self.kinds().retain(|kind, second| {
            let is_over = now.saturating_duration_since(second.start) >= SECOND;
            if is_over && second.left_out > 0 {
                over.push((kind.clone(), second.level, second.left_out));
            }
            !is_over
        });
        for (kind, level, left_out) in over {
            let what = kind
                .rsplit("::")
                .next()
                .unwrap_or_default()
                .replace('_', " ");
            let mut record = Record::builder();
            let record = record.level(level).target(&kind);
            self.logger.log(
                &record
                    .args(format_args!("… and {left_out} more {what}"))
                    .build(),
            );
        }
    }
}

impl Log for Limited {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.logger.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if self.logger.matches(record) && self.admit(record) {
            self.logger.log(record);
        }
    }

    fn flush(&self) {
        self.logger.flush();
    }
}

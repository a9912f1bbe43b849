//! The shutdown: who asks for it and who has to know.

use crate::event::Event;
use crossbeam_channel::Sender;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use socket2::SockRef;
use std::fs;
use std::io;
use std::net::TcpListener;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Asks the accept loop and the broadcaster to end.
pub struct Shutdown {
    requested: AtomicBool,
    listener: Arc<TcpListener>,
    events: Sender<Event>,
}

impl Shutdown {
    /// A shutdown that nobody has asked for yet.
    #[must_use]
    pub fn new(listener: Arc<TcpListener>, events: Sender<Event>) -> Self {
        Self {
            requested: AtomicBool::new(false),
            listener,
            events,
        }
    }

    /// Whether it was asked for.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.requested.load(Ordering::Acquire)
    }

    fn request(&self) {
        self.requested.store(true, Ordering::Release);
        // On Linux this ends an accept that is waiting.
        let _ = SockRef::from(&*self.listener).shutdown(std::net::Shutdown::Both);
        // If the channel is full, the broadcaster is not waiting for it.
        let _ = self.events.try_send(Event::Nudge);
    }
}

/// Begins the shutdown at the first signal, and ends the process at the second.
///
/// # Errors
///
/// When the system refuses the handlers or the thread.
pub fn handle_signals(shutdown: Arc<Shutdown>) -> io::Result<()> {
    let mut numbers = vec![SIGINT, SIGTERM];
    if !is_ignored(SIGHUP) {
        numbers.push(SIGHUP);
    }
    let mut signals = Signals::new(numbers)?;
    let wait = move || {
        for _ in signals.forever() {
            if shutdown.is_requested() {
                process::exit(1);
            }
            shutdown.request();
        }
    };
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(wait)?;
    Ok(())
}

/// Whether the process was started with the signal ignored, as nohup does (proc(5), `SigIgn`).
fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & (1 << (signal - 1)) != 0)
}

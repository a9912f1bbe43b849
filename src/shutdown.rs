//! The shutdown: who asks for it and who has to know.

use crate::supervisor::{Stage, Supervisor};
use crossbeam_channel::Sender;
use log::info;
use rustix::event::{EventfdFlags, eventfd};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::signal_name;
use std::fs;
use std::io::{self, IsTerminal};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// The server's bell: it rings once, at the shutdown, and goes on ringing. Every thread waits for it
/// beside what else it waits for.
pub struct Bell {
    has_rung: AtomicBool,
    descriptor: OwnedFd,
}

impl Bell {
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            has_rung: AtomicBool::new(false),
            descriptor: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
        })
    }

    pub fn has_rung(&self) -> bool {
        self.has_rung.load(Ordering::Acquire)
    }

    /// What is readable from the shutdown on.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }

    pub fn ring(&self) {
        self.has_rung.store(true, Ordering::Release);
        // Nobody reads it, so it stays readable. It is the only write, so it cannot fail.
        let _ = rustix::io::write(&self.descriptor, &1_u64.to_ne_bytes());
    }
}

/// Rings the bell at the first signal that ends the server, and ends the process at the second.
/// SIGHUP asks for everything to be read anew; but where it comes from a terminal that was closed, it
/// rings the bell too.
pub fn handle_signals(
    bell: Arc<Bell>,
    reloads: Sender<()>,
    supervisor: Arc<dyn Supervisor>,
) -> io::Result<()> {
    let hangup_ends = io::stdin().is_terminal() && !is_ignored(SIGHUP);
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let wait = move || {
        for signal in signals.forever() {
            if signal == SIGHUP && !hangup_ends {
                // If one is waiting already, that is enough.
                let _ = reloads.try_send(());
                continue;
            }
            if bell.has_rung() {
                if signal == SIGHUP {
                    // The shell passes it on when a terminal is closed, and the kernel sends it too
                    // when the shell has ended.
                    continue;
                }
                process::exit(1);
            }
            info!("stopping: {}", signal_name(signal).unwrap_or("a signal"));
            // First, since the process may have ended soon after the bell has rung.
            supervisor.tell(Stage::Stopping);
            bell.ring();
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

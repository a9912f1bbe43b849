//! The kit of all tests: a chatd that runs as a child process, clients that talk to it over TCP,
//! and what several topics need besides.
//!
//! Every wait ends when what it waits for has come, and fails after [`WAIT`] with everything seen
//! until then. Nothing here sleeps for a while and hopes.

mod chat;
mod child;
mod client;
mod crowds;
#[cfg(feature = "data")]
mod data;
mod file;
mod flood;
#[cfg(feature = "service")]
mod local;
mod log;
mod notices;
mod process;
mod program;
mod server;
mod skip;
mod sockets;
#[cfg(feature = "tls")]
mod tls;

use std::fmt::Display;
use std::thread;
use std::time::{Duration, Instant};

pub use chat::{
    Chat, alice_and_bob, answers, answers_each, given_name, only, passes, reads, reads_each,
    stamp_and_text, texts_of_history, without_numbers,
};
pub use child::{complaint, new_command, run_to_end};
pub use client::Client;
pub use crowds::{crowd, crowd_size, crowd_turn, narrow_crowd};
pub use file::TempFile;
pub use flood::{Flood, Follower, StopOnDrop, paste, send_until, text};
pub use log::nobody_panicked;
pub use notices::{
    GATHERING, Notice, next_notice_is_of_a_newcomer, read_notices, within_the_gathering,
};
pub use process::{Footprint, grew_by_less_than};
pub use program::{Program, one_shot};
pub use server::Server;
pub use skip::{are_installed, only_in_plain, only_over_tcp, skip};
pub use sockets::{seen_from_both_sides, server_side, waiting_bytes};

#[cfg(not(all(feature = "tls", feature = "data")))]
pub use child::are_unknown;
#[cfg(feature = "data")]
pub use data::{AGAIN_PROMPT, DataDir, NEW_PROMPT, PROMPT, Rank, WRONG, password_of};
#[cfg(feature = "service")]
pub use local::SocketPath;
#[cfg(feature = "tls")]
pub use tls::{TlsClient, TlsEnd};

/// How clients talk to the servers that tests start: each `main.rs` that has this kit says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    Plain,
    Tls,
    Unix,
}

impl Transport {
    /// How many bytes of what one client sends are neither in the kernel nor seen as lines: what a
    /// thread reads at a time, and with TLS a record that is not whole and as much in the hands of
    /// who encrypts.
    pub const fn unseen_per_client(self) -> usize {
        match self {
            Self::Plain | Self::Unix => 16 << 10,
            Self::Tls => 3 * (16 << 10),
        }
    }

    /// How many bytes of what one client is to read its thread may hold: with TLS what is encrypted
    /// and not taken yet.
    pub fn held_per_client(self) -> u64 {
        match self {
            Self::Plain | Self::Unix => 0,
            Self::Tls => 64 * KIB,
        }
    }
}

/// How long anything may take before a test gives up. Far longer than it ever takes, because
/// machines are shared.
pub const WAIT: Duration = Duration::from_secs(20);

/// A receive buffer so small that a client that does not read is full at once.
pub const NARROW: usize = 4 * 1024;

/// How many of the last lines a client remembers for the message of a failing test.
const REMEMBERED: usize = 60;

/// What a client of [`Server::joined`] says so that everybody has heard of it.
pub const FIRST_WORDS: &str = "it is me";

/// What `/version` answers.
pub const VERSION: &str = concat!("-- chatd ", env!("CARGO_PKG_VERSION"));

/// Everybody's last line.
pub const GOODBYE: &str = "-- chatd is shutting down";

/// What those read for whom there is no place.
pub const FULL: &str = "-- chatd is full, try again later";

pub const KIB: u64 = 1024;
pub const MIB: u64 = 1024 * KIB;

/// How much later than promised something may happen on a machine that has other things to do.
pub const SLACK: Duration = Duration::from_secs(4);

/// Little backlog and little patience, so that the end comes soon.
pub const IMPATIENT: [&str; 8] = [
    "--rate",
    "0",
    "--max-backlog",
    "1MiB",
    "--patience",
    "1s",
    "--history",
    "0",
];

/// Asks again and again until the answer is yes. For what the kernel shows but does not announce.
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + WAIT;
    while !is_so() {
        assert!(Instant::now() < deadline, "this did not come to be: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn listed<S: Display>(lines: impl IntoIterator<Item = S>) -> String {
    // The beginning of a line is enough to know it by.
    text(
        lines
            .into_iter()
            .map(|line| format!("  | {:.200}", line.to_string())),
    )
}

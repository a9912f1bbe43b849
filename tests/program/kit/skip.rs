//! What a test does for which something is missing on this machine.

use std::env;
use std::fmt::Display;
use std::io::{self, Write};
use std::thread;

use crate::TRANSPORT;

use super::Transport;

/// Says which test does not run here, and what is missing. Where all tests must run (`CI=true`)
/// that test fails instead, so that none of them passes there by not running.
pub fn skip(missing: impl Display) {
    let thread = thread::current();
    // With a single test thread there is no name: all tests run in the main one.
    let test = thread.name().filter(|name| *name != "main");
    let test = test.unwrap_or("this test");
    let must_run = env::var_os("CI").is_some_and(|ci| ci == "true");
    assert!(!must_run, "{test} cannot run, and CI=true: {missing}");
    // Not `eprintln!`, of which nobody reads anything when the test passes.
    let _ = writeln!(io::stderr(), "skipped {test}: {missing}");
}

/// Whether all these programs are on the search path. Where one is not, the test is skipped.
pub fn are_installed(programs: &[&str]) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let is_installed =
        |program: &&&str| env::split_paths(&path).any(|folder| folder.join(program).is_file());
    let missing = programs.iter().find(|program| !is_installed(program));
    if let Some(program) = missing {
        skip(format_args!("{program} is not installed"));
    }
    missing.is_none()
}

/// The same for what is so with TLS too, but not where they come by a Unix socket.
pub fn only_over_tcp(_reason: &str) -> bool {
    TRANSPORT == Transport::Unix
}

/// Whether the clients of this run do not talk over plain TCP, so that a test stays out that looks at
/// what is only so there, for the reason that it gives.
pub fn only_in_plain(_reason: &str) -> bool {
    TRANSPORT != Transport::Plain
}

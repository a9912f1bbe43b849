//! The processes that tests start: what they inherit, and how they end.

use std::ffi::OsStr;
use std::fs;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Once};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::WAIT;

/// A command that inherits nothing from whoever started the tests that would make a difference.
pub fn new_command(program: impl AsRef<OsStr>) -> Command {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        allow_many_open_files();
        catch_what_is_ignored();
    });
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CHATD_") || name == "RUST_LOG" {
            command.env_remove(name);
        }
    }
    command
}

/// A crowd and the tests beside it are in one process, and many systems start it with 1024
/// descriptors.
fn allow_many_open_files() {
    let limit = getrlimit(Resource::Nofile);
    // Where it cannot be raised, the largest crowds are made to fit.
    let _ = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        },
    );
}

/// A child inherits that a signal is ignored, as `nohup` wants it, and a shell cannot take that
/// back. What is caught is at its default again in a child.
fn catch_what_is_ignored() {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGTERM] {
        if mask.is_some_and(|mask| mask & (1 << (signal - 1)) != 0) {
            // The flag that is set is looked at by nobody, so this process goes on ignoring it.
            signal_hook::flag::register(signal, Arc::default()).expect("it can be caught");
        }
    }
}

/// Waits for the process to end; nothing if it does not.
pub fn wait_for(child: &mut Child) -> Option<ExitStatus> {
    let deadline = Instant::now() + WAIT;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait().expect("the child is ours") {
            return Some(status);
        }
        thread::sleep(Duration::from_millis(5));
    }
    None
}

/// Runs a command that should end by itself, and returns what it said.
pub fn run_to_end(mut command: Command) -> Output {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    if wait_for(&mut child).is_none() {
        let _ = child.kill();
        panic!(
            "still running: {command:?}; it said: {:?}",
            child.wait_with_output()
        );
    }
    child.wait_with_output().expect("its output can be read")
}

/// Runs a command that must fail with `status` and one line on stderr, and returns that line.
pub fn complaint(command: Command, status: i32) -> String {
    let output = run_to_end(command);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(status), "it said: {stderr}");
    assert_eq!(stderr.lines().count(), 1, "not one line: {stderr}");
    assert!(
        stderr.starts_with("chatd: ") && stderr.ends_with('\n'),
        "{stderr}"
    );
    stderr.trim_end().to_owned()
}

/// Checks that none of these is an option: the feature that they belong to is not built in.
#[cfg(not(all(feature = "tls", feature = "data")))]
pub fn are_unknown(options: &[&str]) {
    for option in options {
        let mut command = super::Server::command();
        command.args([option, "1"]);
        let line = complaint(command, 2);
        assert!(
            line.contains("unexpected") && line.contains(option),
            "{line}"
        );
    }
}

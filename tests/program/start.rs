//! Section 3: a start that fails, and how little is said of it.

use std::net::TcpListener;
use std::process::Command;

use crate::kit::{Server, complaint, run_to_end};

/// Runs a command that cannot start, and returns the one line that it says before it ends with
/// status 1.
fn regret(mut command: Command) -> String {
    // Whoever has this set wants backtraces of panics, and there must be none to show.
    command.env("RUST_BACKTRACE", "1");
    complaint(command, 1)
}

fn command(args: &[&str]) -> Command {
    let mut command = Server::command();
    command.args(args);
    command
}

#[test]
fn a_port_that_is_taken_is_one_line_with_the_address_and_the_systems_reason() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let port = address.port().to_string();
    let line = regret(command(&["--bind", "127.0.0.1", "--port", &port]));
    assert!(line.contains(&address.to_string()), "{line}");
    assert!(line.contains("Address already in use"), "{line}");
}

#[test]
fn an_address_that_is_not_ours_is_one_line_with_the_address_and_the_systems_reason() {
    // TEST-NET-1 of RFC 5737 is nobody's.
    let line = regret(command(&["--bind", "192.0.2.1", "--port", "0"]));
    assert!(line.contains("192.0.2.1"), "{line}");
    assert!(line.contains("Cannot assign requested address"), "{line}");
}

#[test]
fn a_motd_that_is_missing_is_one_line_with_its_name_and_the_systems_reason() {
    let line = regret(command(&["--motd", "/no/such/file"]));
    assert!(line.contains("/no/such/file"), "{line}");
    assert!(line.contains("No such file or directory"), "{line}");
}

#[test]
fn a_motd_that_is_a_directory_is_one_line_with_its_name_and_the_systems_reason() {
    let line = regret(command(&["--motd", "/"]));
    assert!(
        line.contains(" /") && line.contains("Is a directory"),
        "{line}"
    );
}

#[test]
fn a_usage_error_that_cannot_be_written_has_its_exit_status_all_the_same() {
    let mut command = Server::command_after("exec 2>/dev/full");
    command.arg("--port=none");
    assert_eq!(run_to_end(command).status.code(), Some(2));
}

#[test]
fn a_failure_to_start_that_cannot_be_written_has_its_exit_status_all_the_same() {
    let mut command = Server::command_after("exec 2>/dev/full");
    command.args(["--motd", "/no/such/file"]);
    assert_eq!(run_to_end(command).status.code(), Some(1));
}

#[test]
fn a_help_that_cannot_be_written_is_no_panic() {
    let mut command = Server::command_after("exec >/dev/full");
    command.arg("--help");
    let output = run_to_end(command);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        !stderr.contains("panicked") && matches!(output.status.code(), Some(0..101)),
        "{}: {stderr}",
        output.status
    );
}

#[test]
fn a_stopped_server_can_be_started_again_at_once_on_the_same_port() {
    let first = Server::start(&[]);
    let port = first.port().to_string();
    let client = first.welcomed();
    // The server closes first, so that its side of the connection is the one that lingers in the
    // kernel.
    drop(first);
    drop(client);
    Server::start(&["--port", &port]).welcomed();
}

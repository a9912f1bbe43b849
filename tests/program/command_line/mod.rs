//! Section 7, "At the command line": accounts and bans. (`chatd log` and `chatd erase` are in
//! `kept/`.)
//!
//! | topic | file |
//! | --- | --- |
//! | `chatd user` | `users` |
//! | how a password is asked for | `asking` |
//! | `chatd ban` | `bans` |
//! | where the database is, and one that is of no use | `databases` |
//! | what is missing, doubled or in the wrong place | `usage` |
//! | what of it reaches a server that runs | `reaching` |

mod asking;
mod bans;
mod databases;
mod reaching;
mod usage;
mod users;

use std::io::pipe;
use std::process::{Command, Stdio};

use crate::kit::DataDir;
use crate::kit::{Server, complaint, run_to_end};

/// The command, for this directory.
fn command(directory: &DataDir, args: &[&str]) -> Command {
    let mut command = Server::command();
    command.args(args).args(["--data", directory.path()]);
    command
}

/// What it prints when it has done its work.
fn done(directory: &DataDir, args: &[&str]) -> String {
    let output = run_to_end(command(directory, args));
    assert!(
        output.status.code() == Some(0) && output.stderr.is_empty(),
        "{args:?}: {output:?}"
    );
    String::from_utf8(output.stdout).expect("text")
}

/// The one line that it says when it has not.
fn refused(directory: &DataDir, args: &[&str]) -> String {
    complaint(command(directory, args), 1)
}

/// Nobody reads what it prints.
fn is_done_in_a_closed_pipe(directory: &DataDir, args: &[&str]) {
    let (reader, writer) = pipe().expect("a pipe");
    drop(reader);
    let mut command = command(directory, args);
    let child = command.stdout(writer).stderr(Stdio::piped()).spawn();
    let output = child.expect("it starts").wait_with_output();
    let output = output.expect("it ends");
    assert!(
        output.status.code() == Some(0) && output.stderr.is_empty(),
        "{args:?}: {output:?}"
    );
}

/// The same on a server that runs and on one that has stopped.
fn running_and_stopped(mut check: impl FnMut(&DataDir)) {
    let directory = DataDir::new();
    let mut server = directory.server(&[]);
    check(&directory);
    server.signal("TERM");
    assert_eq!(server.wait_exit().code(), Some(0));
    check(&directory);
}

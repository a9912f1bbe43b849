//! Where the commands find the database, and one that is of no use to them.

use std::fs;

use crate::kit::{DataDir, Server, complaint, run_to_end};

use super::{done, refused};

/// Every command that there is, with what it needs.
const COMMANDS: [&[&str]; 11] = [
    &["user", "add", "bob"],
    &["user", "password", "alice"],
    &["user", "op", "alice"],
    &["user", "deop", "alice"],
    &["user", "list"],
    &["user", "remove", "alice"],
    &["ban", "add", "192.0.2.1"],
    &["ban", "list"],
    &["ban", "remove", "192.0.2.1"],
    &["log"],
    &["erase", "--name", "alice"],
];

#[test]
fn the_directory_may_stand_in_the_environment_of_each_command() {
    let directory = DataDir::new();
    done(&directory, &["user", "add", "alice"]);
    let insert = "INSERT INTO lines VALUES(1, unixepoch() * 1000, 'alice', 1, 0, 'hello')";
    directory.database().execute_batch(insert).unwrap();
    for args in COMMANDS.iter().filter(|args| !args.contains(&"password")) {
        let mut command = Server::command();
        command.args(*args).env("CHATD_DATA", directory.path());
        let output = run_to_end(command);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {output:?}");
    }
    assert!(done(&directory, &["user", "list"]).starts_with("bob, "));
    assert_eq!(done(&directory, &["log"]), "");
}

#[test]
fn the_option_comes_before_the_environment() {
    let [here, there] = [DataDir::new(), DataDir::new()];
    let mut command = Server::command();
    command.args(["user", "add", "alice", "--data", here.path()]);
    command.env("CHATD_DATA", there.path());
    assert_eq!(run_to_end(command).status.code(), Some(0));
    assert!(done(&here, &["user", "list"]).starts_with("alice, "));
    assert!(fs::metadata(there.path()).is_err());
}

#[test]
fn a_database_that_is_newer_than_the_program_is_one_line_and_exit_1_for_each_command() {
    let directory = DataDir::new();
    done(&directory, &["user", "add", "alice"]);
    let newer = "PRAGMA user_version=99";
    directory.database().execute_batch(newer).unwrap();
    for args in COMMANDS {
        let line = refused(&directory, args);
        assert!(
            line.contains("chatd.db: ") && line.contains("newer"),
            "{args:?}: {line}"
        );
    }
}

#[test]
fn a_database_that_is_none_is_one_line_and_exit_1_for_each_command_and_is_left_as_it_is() {
    let directory = DataDir::new();
    fs::create_dir(directory.path()).unwrap();
    let rubbish = "this is no database".repeat(1000);
    fs::write(directory.file("chatd.db"), &rubbish).unwrap();
    for args in COMMANDS {
        let line = refused(&directory, args);
        assert!(line.contains("chatd.db: "), "{args:?}: {line}");
    }
    let left = fs::read(directory.file("chatd.db")).unwrap();
    assert!(left == rubbish.as_bytes());
}

#[test]
fn a_database_that_is_not_writable_is_one_line_and_exit_1_for_who_wants_to_change_it() {
    let directory = DataDir::new();
    done(&directory, &["user", "add", "alice"]);
    for args in [
        &["user", "op", "alice"][..],
        &["ban", "add", "192.0.2.1"],
        &["erase", "--name", "alice"],
    ] {
        let Some(mut command) = directory.command_after("mount -o bind,ro . . && cd \"$0\"") else {
            return;
        };
        command.args(args).args(["--data", directory.path()]);
        let line = complaint(command, 1);
        assert!(line.contains("chatd.db"), "{args:?}: {line}");
    }
    assert_eq!(done(&directory, &["user", "list"]), "alice, not here yet\n");
}

//! `chatd user`.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use rustix::process::geteuid;

use crate::kit::DataDir;
use crate::kit::{Server, complaint, skip};

use super::{command, done, is_done_in_a_closed_pipe, refused, running_and_stopped};

/// What is kept of the password of an account.
fn hash(directory: &DataDir, name: &str) -> String {
    let query = "SELECT hash FROM accounts WHERE name = ?1";
    let hash = directory
        .database()
        .query_row(query, [name], |row| row.get(0));
    hash.expect("the account is there")
}

fn is_whole(directory: &DataDir) {
    let check = "PRAGMA integrity_check";
    let found = directory
        .database()
        .query_row(check, [], |row| row.get::<_, String>(0));
    assert_eq!(found.as_deref(), Ok("ok"));
}

#[test]
fn user_add_prints_a_password_made_up_for_it_of_which_only_argon2id_is_kept() {
    let directory = DataDir::new();
    let printed = ["alice", "bob"].map(|name| done(&directory, &["user", "add", name]));
    assert!(printed[0] != printed[1], "{printed:?}");
    for (password, name) in printed.iter().zip(["alice", "bob"]) {
        let (words, end) = password.split_at(password.len() - 1);
        // 80 random bits.
        assert!(
            words.split('-').count() == 5 && end == "\n",
            "{password:?} of {name}"
        );
        let hash = hash(&directory, name);
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        for file in fs::read_dir(directory.path()).unwrap() {
            let bytes = fs::read(file.unwrap().path()).unwrap();
            let found = memchr::memmem::find(&bytes, words.as_bytes());
            assert_eq!(found, None);
        }
    }
}

#[test]
fn user_add_makes_a_missing_dir_with_mode_0700_and_its_files_with_0600() {
    let directory = DataDir::new();
    done(&directory, &["user", "add", "alice", "--op"]);
    let mode = |path: &str| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(directory.path()), 0o700);
    for file in fs::read_dir(directory.path()).unwrap() {
        let path = file.unwrap().path();
        assert_eq!(mode(path.to_str().unwrap()), 0o600, "{path:?}");
    }
}

#[test]
fn accounts_are_made_marked_and_removed_on_a_running_and_a_stopped_server() {
    running_and_stopped(|directory| {
        let list = || done(directory, &["user", "list"]);
        assert_eq!(list(), "");
        done(directory, &["user", "add", "alice", "--op"]);
        done(directory, &["user", "add", "שרה"]);
        assert_eq!(
            list(),
            "alice, operator, not here yet\n\u{200e}שרה\u{200e}, not here yet\n"
        );
        assert_eq!(done(directory, &["user", "deop", "alice"]), "");
        assert_eq!(done(directory, &["user", "op", "\u{200e}שרה\u{200e}"]), "");
        assert_eq!(
            list(),
            "alice, not here yet\n\u{200e}שרה\u{200e}, operator, not here yet\n"
        );
        for name in ["alice", "שרה"] {
            assert_eq!(done(directory, &["user", "remove", name]), "");
        }
        assert_eq!(list(), "");
    });
}

#[test]
fn user_list_tells_when_the_owner_was_last_here() {
    let directory = DataDir::new();
    done(&directory, &["user", "add", "alice"]);
    let update = "UPDATE accounts SET last_here = 1795275780000";
    directory.database().execute_batch(update).unwrap();
    let list = done(&directory, &["user", "list"]);
    assert_eq!(list, "alice, last here 2026-11-21 15:43Z\n");
}

#[test]
fn op_and_deop_leave_the_password_and_the_time_as_they_are() {
    let directory = DataDir::new();
    done(&directory, &["user", "add", "alice"]);
    let row = || {
        let query = "SELECT name || hash || ifnull(last_here, 0) FROM accounts";
        let database = directory.database();
        let row = database.query_row(query, [], |row| row.get::<_, String>(0));
        row.unwrap()
    };
    let before = row();
    for task in ["op", "op", "deop", "deop"] {
        done(&directory, &["user", task, "alice"]);
        assert_eq!(row(), before, "{task}");
    }
}

#[test]
fn a_name_that_nobody_may_have_or_that_looks_like_anothers_is_refused_with_the_reason() {
    let directory = DataDir::new();
    for (name, why) in [
        ("a b", "made of letters"),
        ("", "begins with a letter"),
        ("admin", "kept for the server"),
        ("guest7", "kept for the server"),
        ("\u{1b}[2J", "begins with a letter"),
    ] {
        let line = refused(&directory, &["user", "add", name]);
        assert!(line.contains(why), "{name:?}: {line:?}");
        assert!(!line.contains('\u{1b}'), "{line:?}");
    }
    assert!(fs::metadata(directory.path()).is_err(), "nothing is made");
    done(&directory, &["user", "add", "alice"]);
    let hash_before = hash(&directory, "alice");
    for (name, why) in [
        ("alice", "already"),
        ("ALICE", "like alice"),
        ("al1ce", "like alice"),
    ] {
        let line = refused(&directory, &["user", "add", name]);
        assert!(line.contains(why), "{name:?}: {line}");
    }
    assert_eq!(hash(&directory, "alice"), hash_before);
    assert_eq!(done(&directory, &["user", "list"]).lines().count(), 1);
}

#[test]
fn a_name_that_is_not_there_is_exit_1() {
    running_and_stopped(|directory| {
        for task in ["password", "remove", "op", "deop"] {
            let line = refused(directory, &["user", task, "eve"]);
            assert!(line.contains("eve"), "{task}: {line}");
        }
    });
}

#[test]
fn a_missing_directory_is_exit_1_and_is_not_made() {
    let directory = DataDir::new();
    for args in [
        &["user", "password", "bob"][..],
        &["user", "remove", "bob"],
        &["user", "op", "bob"],
        &["user", "deop", "bob"],
        &["user", "list"],
        &["ban", "list"],
        &["ban", "add", "192.0.2.1"],
        &["ban", "remove", "192.0.2.1"],
    ] {
        let line = refused(&directory, args);
        assert!(line.contains("chatd.db: No such file"), "{args:?}: {line}");
        assert!(fs::metadata(directory.path()).is_err(), "{args:?}");
    }
}

#[test]
fn without_data_or_a_task_it_is_a_usage_error() {
    for (args, named) in [
        (&["user", "list"][..], "--data"),
        (&["user", "add", "bob"], "--data"),
        (&["user", "add"], "NAME"),
        (&["user"], "list"),
        (&["user", "rename", "bob"], "rename"),
        (&["ban", "list"], "--data"),
        (&["ban"], "list"),
        (&["ban", "add", "bob", "--for", "soon"], "--for"),
    ] {
        let mut command = Server::command();
        command.args(args).env("CHATD_DATA", "");
        let line = complaint(command, 2);
        assert!(line.contains(named), "{args:?}: {line}");
    }
}

#[test]
fn a_closed_pipe_is_exit_0() {
    running_and_stopped(|directory| {
        is_done_in_a_closed_pipe(directory, &["user", "add", "alice"]);
        is_done_in_a_closed_pipe(directory, &["user", "list"]);
        is_done_in_a_closed_pipe(directory, &["user", "remove", "alice"]);
        is_done_in_a_closed_pipe(directory, &["ban", "add", "192.0.2.1"]);
        is_done_in_a_closed_pipe(directory, &["ban", "list"]);
        is_done_in_a_closed_pipe(directory, &["ban", "remove", "192.0.2.1"]);
        assert_eq!(done(directory, &["user", "list"]), "");
    });
}

#[test]
fn files_that_root_makes_have_dirs_owner() {
    if !geteuid().is_root() {
        return skip("only root can give files away");
    }
    let directory = DataDir::new();
    fs::create_dir(directory.path()).unwrap();
    chown(directory.path(), Some(4711), Some(4712)).unwrap();
    done(&directory, &["user", "add", "alice"]);
    let database = directory.database();
    done(&directory, &["user", "op", "alice"]);
    // The journal is there as long as somebody has the database open.
    let _ = database.query_row("SELECT 1 FROM accounts", [], |_| Ok(()));
    done(&directory, &["user", "deop", "alice"]);
    for file in fs::read_dir(directory.path()).unwrap() {
        let file = file.unwrap();
        let metadata = file.metadata().unwrap();
        assert_eq!((metadata.uid(), metadata.gid()), (4711, 4712), "{file:?}");
    }
}

#[test]
fn commands_at_the_same_time_all_do_their_work() {
    let directory = DataDir::new();
    let names = ["alice", "bob", "carol", "dave", "eve", "frank"];
    thread::scope(|scope| {
        for name in names {
            let directory = &directory;
            scope.spawn(move || done(directory, &["user", "add", name]));
        }
    });
    let list = done(&directory, &["user", "list"]);
    let listed = list.lines().filter_map(|line| line.split(',').next());
    assert_eq!(listed.collect::<Vec<_>>(), names);
}

#[test]
fn a_database_that_is_locked_for_longer_than_2_s_is_exit_1() {
    let directory = DataDir::new();
    done(&directory, &["user", "add", "alice"]);
    let database = directory.database();
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    let line = refused(&directory, &["user", "op", "alice"]);
    assert!(
        line.contains("chatd.db: ") && line.contains("locked"),
        "{line}"
    );
    // To read it nobody has to wait.
    done(&directory, &["user", "list"]);
    database.execute_batch("COMMIT").unwrap();
    done(&directory, &["user", "op", "alice"]);
}

#[test]
fn a_command_that_is_killed_has_done_all_or_nothing() {
    let directory = DataDir::new();
    done(&directory, &["user", "add", "alice"]);
    let names = [
        "bob", "carol", "dave", "eve", "frank", "gina", "hugo", "iris",
    ];
    for (number, name) in (0..).zip(names) {
        let mut command = command(&directory, &["user", "add", name, "--op"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        thread::sleep(Duration::from_millis(number * 60));
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        is_whole(&directory);
        let list = done(&directory, &["user", "list"]);
        let expected = format!("{name}, operator, not here yet");
        let is_there = list.lines().any(|line| line == expected);
        assert!(is_there || output.stdout.is_empty(), "{list}");
        if is_there {
            assert!(hash(&directory, name).starts_with("$argon2id$"));
        }
    }
}

#[test]
fn what_was_done_is_there_after_the_server_is_killed() {
    let directory = DataDir::new();
    for name in ["alice", "bob", "carol"] {
        let server = directory.server(&[]);
        done(&directory, &["user", "add", name]);
        // SIGKILL.
        drop(server);
        is_whole(&directory);
        assert!(done(&directory, &["user", "list"]).contains(name));
    }
}

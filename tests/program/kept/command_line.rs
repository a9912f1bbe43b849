//! `chatd log`.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use crate::kit::{Client, Server, are_installed, complaint, eventually, new_command, run_to_end};

use crate::kit::DataDir;

/// Alice and bob have said something, and it is kept.
pub fn talked(directory: &DataDir) -> (Server, [Client; 2]) {
    let server = directory.server(&[]);
    let [mut alice, bob] = server.room(["alice", "bob"]);
    alice.send("hello \"bob\" \\ \t\n/me waves");
    alice.settle();
    bob.send("Hello Alice");
    directory.keeps("<bob> Hello Alice");
    (server, [alice, bob])
}

pub fn stop(mut server: Server) {
    server.signal("TERM");
    assert_eq!(server.wait_exit().code(), Some(0));
}

#[test]
fn log_prints_what_was_said_oldest_first_on_a_running_and_a_stopped_server() {
    let directory = DataDir::new();
    let (server, people) = talked(&directory);
    let check = || {
        let all = [
            "<alice> it is me",
            "<bob> it is me",
            "<alice> hello \"bob\" \\ \t",
            "* alice waves",
            "<bob> Hello Alice",
        ];
        assert_eq!(directory.log(&[]), all);
        assert_eq!(directory.log(&["--name", "bob"]), [all[1], all[4]]);
        assert_eq!(directory.log(&["--search", "HELLO"]), [all[2], all[4]]);
        assert_eq!(directory.log(&["--since", "2h"]), all);
        assert!(directory.log(&["--until", "2h"]).is_empty());
        assert!(directory.log(&["--since", "2200-01-01"]).is_empty());
        assert_eq!(directory.log(&["--until", "2200-01-01T00:00Z"]), all);
    };
    check();
    drop(people);
    stop(server);
    check();
}

#[test]
fn log_prints_one_json_object_a_line() {
    let directory = DataDir::new();
    let (server, _people) = talked(&directory);
    drop(server);
    directory
        .database()
        .execute_batch("INSERT INTO lines VALUES(6, unixepoch() * 1000, '', 0, 2, '37')")
        .unwrap();
    let output = directory.run(&["log", "--json"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().collect::<Vec<_>>();
    // SQLite reads JSON too.
    let database = directory.database();
    let value = |line: &str, key: &str| {
        let query = format!("SELECT json_extract(?1, '$.{key}') || ''");
        let value = database.query_row(&query, [line], |row| row.get::<_, Option<String>>(0));
        value.expect("JSON").unwrap_or_default()
    };
    assert_eq!(value(lines[2], "text"), "hello \"bob\" \\ \t");
    assert_eq!(value(lines[2], "name"), "alice");
    assert_eq!(value(lines[2], "account"), "0", "false");
    assert_eq!(
        (value(lines[2], "n"), value(lines[2], "kind")),
        ("3".into(), "said".into())
    );
    assert_eq!(value(lines[3], "kind"), "did");
    let time = value(lines[3], "time");
    assert!(
        time.starts_with('2') && time.len() == 20 && time.ends_with('Z'),
        "{time}"
    );
    assert_eq!(value(lines[5], "gap"), "37");
    assert!(lines[5].starts_with(r#"{"gap":37,"#), "{}", lines[5]);
}

#[test]
fn what_log_prints_as_json_is_read_back_by_jq_and_so_is_a_gap() {
    if !are_installed(&["jq"]) {
        return;
    }
    let directory = DataDir::new();
    let (server, _people) = talked(&directory);
    drop(server);
    let insert = "INSERT INTO lines VALUES(6, unixepoch() * 1000, '', 0, 2, '37')";
    directory.database().execute_batch(insert).unwrap();
    let _server = directory.server(&[]);
    let mut shell = new_command("sh");
    let filter = r#"if .gap then "\(.gap) are missing" else "\(.name) \(.kind): \(.text)" end"#;
    let script = "\"$0\" log --json --data \"$1\" | jq -r \"$2\"";
    let program = env!("CARGO_BIN_EXE_chatd");
    shell.args(["-c", script, program, directory.path(), filter]);
    let output = run_to_end(shell);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let expected = [
        "alice said: it is me",
        "bob said: it is me",
        "alice said: hello \"bob\" \\ \t",
        "alice did: waves",
        "bob said: Hello Alice",
        "37 are missing",
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
}

/// A stopped server's lines: at a minute past two on the 21st, on the day after, and three hours and
/// one hour ago.
fn with_old_lines(directory: &DataDir) {
    drop(directory.server(&[]));
    let insert = "INSERT INTO lines VALUES
        (1, unixepoch('2020-11-21 14:03:05') * 1000, 'alice', 1, 0, 'hello'),
        (2, unixepoch('2020-11-22 00:00:00') * 1000, 'שרה', 0, 1, 'waves'),
        (3, unixepoch() * 1000 - 10800000, '', 0, 2, '37'),
        (4, unixepoch() * 1000 - 3600000, 'bob', 0, 0, 'an hour ago')";
    directory.database().execute_batch(insert).unwrap();
}

#[test]
fn each_line_is_as_the_specification_shows_it() {
    let directory = DataDir::new();
    with_old_lines(&directory);
    let print = |args: &[&str]| {
        let output = directory.run(&[&["log", "--until", "1d"], args].concat());
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(
        print(&[]),
        "2020-11-21 14:03:05Z <alice> hello\n2020-11-22 00:00:00Z * \u{200e}שרה\u{200e} waves\n"
    );
    assert_eq!(
        print(&["--json"]),
        "{\"n\":1,\"time\":\"2020-11-21T14:03:05Z\",\"name\":\"alice\",\"account\":true,\
            \"kind\":\"said\",\"text\":\"hello\"}\n\
        {\"n\":2,\"time\":\"2020-11-22T00:00:00Z\",\"name\":\"שרה\",\"account\":false,\
            \"kind\":\"did\",\"text\":\"waves\"}\n"
    );
    let output = directory.run(&["log", "--json", "--since", "1d"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.starts_with("{\"gap\":37,\"n\":3,\"time\":\"2"),
        "{text}"
    );
}

#[test]
fn a_time_is_a_day_a_minute_or_how_long_ago() {
    let directory = DataDir::new();
    with_old_lines(&directory);
    let all = [
        "<alice> hello",
        "* \u{200e}שרה\u{200e} waves",
        "-- 37 lines were not kept",
        "<bob> an hour ago",
    ];
    for (args, range) in [
        (&["--since", "2020-11-21"][..], 0..4),
        (&["--since", "2020-11-22"], 1..4),
        (&["--until", "2020-11-22"], 0..1),
        (&["--since", "2020-11-21T14:03Z"], 0..4),
        (&["--since", "2020-11-21T14:04Z"], 1..4),
        (&["--until", "2020-11-21T14:04Z"], 0..1),
        (&["--until", "2020-11-21T14:03Z"], 0..0),
        (&["--since", "2020-11-21T14:03:05Z"], 0..4),
        (&["--since", "2h"], 3..4),
        (&["--until", "2h"], 0..3),
        (&["--since", "1d", "--until", "120m"], 2..3),
        (&["--since", "90m", "--until", "2h"], 0..0),
        (&["--since", "0s"], 0..0),
        (&["--until", "0s"], 0..4),
        (&["--since", "99999999d"], 0..4),
        (&["--until", "99999999d"], 0..0),
        (&["--since", "0001-01-01", "--until", "9999-12-31"], 0..4),
        (&["--until", "0001-01-01"], 0..0),
        (&["--since", "9999-12-31T23:59:59Z"], 0..0),
    ] {
        assert_eq!(directory.log(args), all[range], "{args:?}");
    }
    for time in [
        "2020-11-31",
        "14:03",
        "2020-11-21T14:03",
        "2",
        "2h30m",
        "-2h",
        "now",
        "",
    ] {
        let mut command = Server::command();
        command.args([
            "log",
            &format!("--since={time}"),
            "--data",
            directory.path(),
        ]);
        let line = complaint(command, 2);
        let takes = "takes a time, such as 2026-11-21, 2026-11-21T14:03Z or 2h (ago)";
        assert!(line.contains("--since") && line.contains(takes), "{line}");
    }
}

#[test]
fn a_name_is_meant_as_it_is_spelt_with_the_marks_around_it_or_without() {
    let directory = DataDir::new();
    with_old_lines(&directory);
    for name in ["שרה", "\u{200e}שרה\u{200e}"] {
        let log = directory.log(&["--name", name]);
        assert_eq!(log, ["* \u{200e}שרה\u{200e} waves"]);
    }
    // The name is there, and only what is searched for is not, or not then.
    for other in [["--search", "two hours"], ["--since", "1s"]] {
        let log = directory.log(&[&["--name", "bob"], &other[..]].concat());
        assert!(log.is_empty(), "{log:?}");
    }
    let mut command = Server::command();
    command.args(["log", "--name", "Bob", "--data", directory.path()]);
    let line = complaint(command, 1);
    assert_eq!(line, "chatd: nothing was said by Bob");
}

#[test]
fn who_reads_the_log_slowly_keeps_nothing_from_being_overwritten() {
    let directory = DataDir::with_lines(50_000);
    let server = directory.server(&["--overwriting", "200ms"]);
    let mut command = Server::command();
    command.args(["log", "--data", directory.path()]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    let mut pipe = BufReader::new(child.stdout.take().unwrap());
    pipe.read_line(&mut first).unwrap();
    // It waits in the middle, for the pipe.
    let _alice = server.joined("alice");
    directory.keeps("<alice> it is me");
    eventually("the journal is emptied", || {
        let journal = fs::metadata(directory.file("chatd.db-wal"));
        journal.is_ok_and(|journal| journal.len() == 0)
    });
    assert_eq!(pipe.lines().count(), 50_000);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_gap_is_told_in_its_place() {
    let directory = DataDir::new();
    drop(directory.server(&[]));
    let insert = "INSERT INTO lines VALUES(1, unixepoch() * 1000, '', 0, 2, '37'),
        (2, unixepoch() * 1000, '', 0, 2, '1')";
    directory.database().execute_batch(insert).unwrap();
    let told = ["-- 37 lines were not kept", "-- 1 line was not kept"];
    assert_eq!(directory.log(&[]), told);
}

#[test]
fn a_closed_pipe_is_exit_0() {
    let directory = DataDir::with_lines(50_000);
    let mut command = Server::command();
    command.args(["log", "--data", directory.path()]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    let mut pipe = BufReader::new(child.stdout.take().unwrap());
    pipe.read_line(&mut first).unwrap();
    assert!(first.ends_with("Z <bob> x1\n"), "{first}");
    drop(pipe);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn a_directory_or_a_name_that_is_not_there_is_exit_1_and_nothing_is_made() {
    let directory = DataDir::new();
    for args in [&["log"][..], &["erase", "--name", "bob"]] {
        let mut command = Server::command();
        command.args(args).args(["--data", directory.path()]);
        let line = complaint(command, 1);
        assert!(line.contains("chatd.db: No such file"), "{line}");
        assert!(!Path::new(directory.path()).exists());
    }
    let (_server, _people) = talked(&directory);
    for args in [&["log", "--name", "eve"][..], &["erase", "--name", "eve"]] {
        let mut command = Server::command();
        command.args(args).args(["--data", directory.path()]);
        let line = complaint(command, 1);
        assert!(line.contains("eve"), "{line}");
    }
}

#[test]
fn a_command_without_data_or_with_a_bad_time_is_a_usage_error() {
    let directory = DataDir::new();
    let data = ["--data", directory.path()];
    for (args, named) in [
        (&["log"][..], "--data"),
        (&["erase", "--name", "bob"], "--data"),
        (&[&["erase"], &data[..]].concat(), "--name"),
        (
            &[&["log", "--since", "yesterday"], &data[..]].concat(),
            "--since",
        ),
    ] {
        let mut command = Server::command();
        command.args(args).env("CHATD_DATA", "");
        let line = complaint(command, 2);
        assert!(line.contains(named), "{line}");
    }
}

#[test]
fn the_directory_may_stand_in_the_environment() {
    let directory = DataDir::new();
    let (_server, _people) = talked(&directory);
    let mut command = Server::command();
    command.arg("log").env("CHATD_DATA", directory.path());
    let output = run_to_end(command);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 5);
}

#[test]
fn what_is_printed_harms_no_terminal_whatever_is_in_the_database() {
    let directory = DataDir::new();
    drop(directory.server(&[]));
    directory
        .database()
        .execute_batch(
            "INSERT INTO lines VALUES(1, 0, char(27) || '[2J', 0, 0, char(27) || 'c' || char(10, 8238)),
            (2, 9223372036854775807, 'bob', 7, 99, 'x'), (3, 'never', 'bob', 0, 0, x'ff00')",
        )
        .unwrap();
    for args in [&["log"][..], &["log", "--json"]] {
        let output = directory.run(args);
        let text = String::from_utf8_lossy(&output.stdout);
        let is_harmful = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert!(!text.contains(is_harmful), "{text:?}");
    }
}

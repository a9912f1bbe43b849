//! `chatd log` and `chatd erase`.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use crate::kit::{
    Client, Server, answers, are_installed, complaint, eventually, new_command, run_to_end,
    texts_of_history,
};

use crate::kit::DataDir;

/// Alice and bob have said something, and it is kept.
fn talked(directory: &DataDir) -> (Server, [Client; 2]) {
    let server = directory.server(&[]);
    let [mut alice, bob] = server.room(["alice", "bob"]);
    alice.send("hello \"bob\" \\ \t\n/me waves");
    alice.settle();
    bob.send("Hello Alice");
    directory.keeps("<bob> Hello Alice");
    (server, [alice, bob])
}

fn stop(mut server: Server) {
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
fn what_log_prints_as_json_is_read_back_by_jq() {
    if !are_installed(&["jq"]) {
        return;
    }
    let directory = DataDir::new();
    let (_server, _people) = talked(&directory);
    let mut shell = new_command("sh");
    let script = "\"$0\" log --json --data \"$1\" | jq -r '\"\\(.name) \\(.kind): \\(.text)\"'";
    shell.args(["-c", script, env!("CARGO_BIN_EXE_chatd"), directory.path()]);
    let output = run_to_end(shell);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let expected = [
        "alice said: it is me",
        "bob said: it is me",
        "alice said: hello \"bob\" \\ \t",
        "alice did: waves",
        "bob said: Hello Alice",
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn a_gap_is_told_in_its_place() {
    let directory = DataDir::new();
    drop(directory.server(&[]));
    let insert = "INSERT INTO lines VALUES(1, unixepoch() * 1000, '', 0, 2, '37')";
    directory.database().execute_batch(insert).unwrap();
    assert_eq!(directory.log(&[]), ["-- 37 lines were not kept"]);
}

#[test]
fn a_closed_pipe_is_exit_0() {
    let directory = DataDir::new();
    drop(directory.server(&[]));
    directory
        .database()
        .execute_batch(
            "WITH RECURSIVE numbers(n) AS (VALUES(1) UNION ALL SELECT n + 1 FROM numbers WHERE n < 50000)
            INSERT INTO lines SELECT n, unixepoch() * 1000, 'bob', 0, 0, 'x' || n FROM numbers",
        )
        .unwrap();
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

#[test]
fn erase_reaches_the_running_servers_memory_and_its_database() {
    let directory = DataDir::new();
    let (server, [alice, mut bob]) = talked(&directory);
    let output = directory.run(&["erase", "--name", "alice"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(directory.log(&[]), ["<bob> it is me", "<bob> Hello Alice"]);
    eventually("the history is without them", || {
        let history = answers(&mut bob, "/history");
        texts_of_history(&history) == ["<bob> it is me", "<bob> Hello Alice"]
    });
    let welcome = server.connect().read_welcome();
    assert_eq!(texts_of_history(&welcome).len(), 2, "{welcome:?}");
    alice.send("I am still here");
    directory.keeps("<alice> I am still here");
}

#[test]
fn erase_takes_what_was_said_since_and_until_on_a_stopped_server_too() {
    let directory = DataDir::new();
    drop(directory.server(&[]));
    let insert = "INSERT INTO lines VALUES
        (1, 1767225600000, 'bob', 0, 0, 'in 2026'), (2, 1798761600000, 'bob', 0, 0, 'in 2027'),
        (3, 1830297600000, 'bob', 0, 0, 'in 2028')";
    directory.database().execute_batch(insert).unwrap();
    let args = [
        "erase",
        "--name",
        "bob",
        "--since",
        "2026-06-01",
        "--until",
        "2027-06-01",
    ];
    let output = directory.run(&args);
    // Times to come are not erased, whatever the clock says.
    let is_past = output.status.code() == Some(0);
    let left = directory.log(&[]);
    let expected = if is_past { 2 } else { 3 };
    assert_eq!(left.len(), expected, "{left:?}");
    drop(directory.server(&["--keep", "36500d"]));
    let names = directory.log(&["--name", "bob"]);
    assert_eq!(names, left);
    assert!(fs::metadata(directory.path()).is_ok());
}

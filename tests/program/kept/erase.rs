//! `chatd erase`.

use std::io::pipe;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use crate::kit::{DataDir, Server, answers, complaint, eventually, texts_of_history};

use super::command_line::{stop, talked};

/// Erases, and returns what is printed of it.
fn erase(directory: &DataDir, args: &[&str]) -> String {
    let output = directory.run(&[&["erase"], args].concat());
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{complaint}");
    String::from_utf8(output.stdout).unwrap()
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

/// What bob said three hours, two hours and one hour ago, and what alice did.
fn with_old_lines(directory: &DataDir) {
    drop(directory.server(&[]));
    let insert = "INSERT INTO lines VALUES
        (1, unixepoch() * 1000 - 10800000, 'bob', 0, 0, 'three'),
        (2, unixepoch() * 1000 - 7200000, 'bob', 0, 0, 'two'),
        (3, unixepoch() * 1000 - 7200000, 'alice', 0, 0, 'two'),
        (4, unixepoch() * 1000 - 3600000, 'bob', 0, 0, 'one')";
    directory.database().execute_batch(insert).unwrap();
}

#[test]
fn what_was_said_since_and_until_is_erased_on_a_stopped_server() {
    let directory = DataDir::new();
    with_old_lines(&directory);
    let args = ["--name", "bob", "--since", "150m", "--until", "90m"];
    assert_eq!(erase(&directory, &args), "1 line of bob is erased\n");
    let left = ["<bob> three", "<alice> two", "<bob> one"];
    assert_eq!(directory.log(&[]), left);
    let server = directory.server(&[]);
    let welcome = server.connect().read_welcome();
    assert_eq!(texts_of_history(&welcome), left);
}

#[test]
fn what_was_said_since_and_until_is_erased_from_the_memory_of_a_running_server() {
    let directory = DataDir::new();
    with_old_lines(&directory);
    let server = directory.server(&[]);
    let mut carol = server.joined("carol");
    let has = |carol: &mut crate::kit::Client, lines: &[&str]| {
        let history = answers(carol, "/history");
        texts_of_history(&history) == [lines, &["<carol> it is me"]].concat()
    };
    for (args, left) in [
        (
            &["--until", "150m"][..],
            &["<bob> two", "<alice> two", "<bob> one"][..],
        ),
        (&["--since", "90m"], &["<bob> two", "<alice> two"]),
        (&[], &["<alice> two"]),
    ] {
        let args = [&["--name", "bob"], args].concat();
        assert_eq!(erase(&directory, &args), "1 line of bob is erased\n");
        eventually("the history is without it", || has(&mut carol, left));
    }
    for (args, expected) in [
        (
            &["--since", "90m"][..],
            "chatd: nothing was said by bob in that time",
        ),
        (&[], "chatd: nothing was said by bob"),
    ] {
        let mut command = Server::command();
        command.args(["erase", "--name", "bob", "--data", directory.path()]);
        command.args(args);
        assert_eq!(complaint(command, 1), expected);
    }
}

#[test]
fn erase_tells_how_many_lines_and_a_closed_pipe_is_exit_0() {
    let directory = DataDir::new();
    let (server, people) = talked(&directory);
    drop(people);
    stop(server);
    let printed = erase(&directory, &["--name", "alice"]);
    assert_eq!(printed, "3 lines of alice are erased\n");
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let mut command = Server::command();
    command.args(["erase", "--name", "bob", "--data", directory.path()]);
    let child = command.stdout(writer).stderr(Stdio::piped()).spawn();
    let output = child.unwrap().wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty(), "{output:?}");
    assert!(directory.log(&[]).is_empty());
}

#[test]
fn what_is_said_after_an_erasure_stays() {
    let directory = DataDir::new();
    let (_server, [alice, mut bob]) = talked(&directory);
    erase(&directory, &["--name", "alice"]);
    // What is said in the same millisecond goes too.
    thread::sleep(Duration::from_millis(2));
    alice.send("after it");
    bob.expect("<alice> after it");
    directory.keeps("<alice> after it");
    let left = ["<bob> it is me", "<bob> Hello Alice", "<alice> after it"];
    eventually("the history is without the others", || {
        let history = answers(&mut bob, "/history");
        texts_of_history(&history) == left
    });
    assert_eq!(directory.log(&[]), left);
}

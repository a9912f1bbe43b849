//! `--password-file`: one password for everybody.

use crate::kit::{PROMPT, Server, TempFile, WRONG, answers, complaint};

const SECRET: &str = "open sesame";

/// The file, and a server with it.
fn server() -> (TempFile, Server) {
    let file = TempFile::with(&format!("{SECRET}\nnot this line\n"));
    let server = Server::start(&["--password-file", file.path()]);
    (file, server)
}

#[test]
fn newcomers_must_give_what_stands_in_the_files_first_line() {
    let (_file, server) = server();
    let mut alice = server.connect();
    alice.next_is(PROMPT);
    // Every line is the password, whatever it looks like.
    for line in ["/who", "not this line"] {
        alice.send(line);
        alice.next_is(WRONG);
    }
    alice.send(SECRET);
    let welcome = alice.read_welcome();
    assert!(
        welcome[0].starts_with("-- welcome to chatd, you are guest"),
        "{welcome:?}"
    );
    let mut bob = server.connect();
    bob.send(&format!("{SECRET}\nhello"));
    alice.lines_until_one(&"hello", |line| line.ends_with("> hello"));
    bob.read_welcome();
}

#[test]
fn who_has_not_given_the_rooms_password_is_not_there_and_an_empty_line_closes() {
    let (_file, server) = server();
    let mut alice = server.connect();
    alice.send(SECRET);
    alice.read_welcome();
    let mut stranger = server.connect();
    stranger.next_is(PROMPT);
    assert_eq!(answers(&mut alice, "/who").len(), 2);
    stranger.send("");
    assert_eq!(stranger.expect_eof(), [""; 0]);
    let mut guessing = server.connect();
    guessing.send("1\n2\n3\nhello");
    let read = guessing.expect_eof();
    assert_eq!(read, [PROMPT, WRONG, WRONG, "-- wrong name or password"]);
    assert_eq!(alice.settle(), [""; 0]);
}

#[test]
fn without_data_there_are_no_accounts_beside_the_rooms_password() {
    let (_file, server) = server();
    let mut alice = server.connect();
    alice.send(SECRET);
    alice.read_welcome();
    assert!(
        !answers(&mut alice, "/help")
            .iter()
            .any(|line| line.contains("/login"))
    );
    alice.send("/login alice\nhunter22");
    assert_eq!(alice.expect_eof(), ["-- this server has no accounts"]);
}

#[cfg(feature = "service")]
#[test]
fn the_rooms_password_does_not_hold_for_who_comes_by_a_unix_socket() {
    let file = TempFile::with(SECRET);
    let socket = crate::kit::SocketPath::new();
    let args = ["--password-file", file.path(), "--socket", socket.path()];
    let _server = Server::start(&args);
    socket.connect().read_welcome();
}

#[test]
fn a_password_file_that_is_not_readable_or_empty_is_one_line_and_exit_1() {
    let empty = TempFile::with("\nnot this line\n");
    let missing = "/nowhere/at/all";
    for path in [empty.path(), missing] {
        let mut command = Server::command();
        command.args([
            "--port",
            "0",
            "--bind",
            "127.0.0.1",
            "--password-file",
            path,
        ]);
        let line = complaint(command, 1);
        assert!(line.contains(path), "{line}");
    }
}

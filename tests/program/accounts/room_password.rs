//! `--password-file`: one password for everybody.

use crate::kit::{
    DataDir, PROMPT, Server, TempFile, WRONG, answers, complaint, only_over_tcp, password_of,
};

const SECRET: &str = "open sesame";

/// The file, and a server with it. Nothing where newcomers are known already.
fn server() -> Option<(TempFile, Server)> {
    if only_over_tcp("it does not hold for who comes by a Unix socket") {
        return None;
    }
    let file = TempFile::with(&format!("{SECRET}\nnot this line\n"));
    let server = Server::start(&["--password-file", file.path()]);
    Some((file, server))
}

#[test]
fn newcomers_must_give_what_stands_in_the_files_first_line() {
    let Some((_file, server)) = server() else {
        return;
    };
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
    let Some((_file, server)) = server() else {
        return;
    };
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
fn at_most_40_wait_from_one_address_to_give_the_rooms_password() {
    let Some((_file, server)) = server() else {
        return;
    };
    let mut waiting = Vec::new();
    for _ in 0..40 {
        let mut stranger = server.connect();
        stranger.next_is(PROMPT);
        waiting.push(stranger);
    }
    let read = server.connect().expect_eof();
    let last = read.last().map(String::as_str);
    assert_eq!(
        last,
        Some("-- too many wait at your address, try again later")
    );
    waiting[39].send(SECRET);
    waiting[39].read_welcome();
    server.connect().next_is(PROMPT);
}

#[test]
fn what_can_be_no_password_is_a_wrong_one() {
    let Some((_file, server)) = server() else {
        return;
    };
    let too_long = [b'x'; 4097];
    for line in [&too_long[..], b"open sesame\xfe", b"open sesame\t"] {
        let mut guessing = server.connect();
        guessing.send_bytes(&[line, b"\nopen sesam\x08me\n"].concat());
        let read = guessing.read_welcome();
        assert_eq!(read[..2], [PROMPT, WRONG], "after {}", line.escape_ascii());
    }
}

#[test]
fn with_data_there_are_accounts_behind_the_rooms_password() {
    if only_over_tcp("it does not hold for who comes by a Unix socket") {
        return;
    }
    let (directory, file) = (DataDir::new(), TempFile::with(&format!("{SECRET}\r\n")));
    let server = directory.server(&["--register", "--password-file", file.path()]);
    let password = password_of("alice");
    let mut alice = server.connect();
    alice.send(&format!(
        "{SECRET}\n/register alice\n{password}\n{password}"
    ));
    alice.read_renaming("alice");
    let mut again = server.connect();
    again.send(&format!("{SECRET}\n/login alice\n{password}"));
    again.read_renaming("alice");
}

#[test]
fn without_data_there_are_no_accounts_beside_the_rooms_password() {
    let Some((_file, server)) = server() else {
        return;
    };
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
    if crate::kit::only_in_plain("the test has a socket of its own") {
        return;
    }
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

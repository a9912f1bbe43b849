//! Nothing secret anywhere: passwords were given in every way, and no byte of them is in what is kept,
//! logged or read by others.

use crate::kit::{Client, DataDir, Server, TempFile, password_of};

/// In every password here, and in nothing else. What is typed wrong and taken back has the second.
const SECRET: &str = "QXZ";
const MISTAKE: &str = "JWJ";

/// What is sent at once, by somebody each, who then leaves; each holds passwords in every place
/// where one may be.
fn everything_at_once() -> Vec<Vec<u8>> {
    let right = password_of("QXZalice").replace("alice", "");
    let mut all = Vec::new();
    for end in ["\n", "\r\n", "\r\0", "\r\r\n"] {
        for line in [
            // Behind the name, and before the prompt is there.
            "/login alice QXZ QXZ|QXZ1|QXZ2|QXZ3|QXZ4",
            "/login alice|RIGHT|",
            "/login|QXZ1|QXZ2|QXZ3|QXZ4",
            "/login nobody|QXZ1|",
            "/LOGIN \u{202e}QXZ|QXZ|QXZ|QXZ|QXZ",
            "\x1b[A/login alice|JWJ\x7f\x7f\x7fQXZ|",
            "/login alice|/msg alice QXZ|/me QXZ|//QXZ|QXZ",
            // After every refusal and misuse.
            "/register|QXZQXZQXZ|QXZQXZQXZ",
            "/register root|QXZQXZQXZ|QXZQXZQXZ",
            "/register QXZ\u{7}|QXZQXZQXZ|QXZQXZQXZ",
            "/register alice QXZ|QXZQXZQXZ|QXZQXZQXZ|QXZ",
            "/register zoe|QXZ|QXZ|QXZ",
            "/register zoe|QXZQXZQXZ|QXZQXZXXX|QXZ",
            "/password|QXZQXZQXZ|QXZQXZQXZ|QXZQXZQXZ",
            "/password QXZ|QXZQXZQXZ|QXZQXZQXZ",
        ] {
            let line = line.replace("RIGHT", &right).replace('|', end);
            all.push(line.into_bytes());
        }
    }
    // Too long for a line, and unusable.
    all.push(format!("/login alice {}\nQXZ\nQXZ", "QXZ ".repeat(2000)).into_bytes());
    all.push(format!("/login alice\n{}\nQXZ\nQXZ\nQXZ", "QXZ".repeat(2000)).into_bytes());
    all.push(b"/login alice\nQXZ\xff\nQXZ\tQXZ\n\x04QXZ\nQXZ".to_vec());
    // Telnet, with its commands in between.
    all.push(
        b"\xff\xfd\x03/login alice\r\0Q\xff\xf1XZ\r\n\xff\xfb\x18QX\xff\xf6Z\r\nQXZ\r\nQXZ"
            .to_vec(),
    );
    all.push(
        b"\xff\xf6/register \xff\xf1yan\r\nQXZ\xff\xfd\x01QXZQXZ\r\nQXZQXZQ\xff\xf4XZ\r\nbye\r\n"
            .to_vec(),
    );
    all
}

/// Sends that in pieces, and reads whatever comes of it. Nobody but who gives a password may read
/// it, and nobody is answered it.
fn gives(client: Client, bytes: &[u8], piece: usize) {
    for piece in bytes.chunks(piece) {
        if client.try_send(piece).is_err() {
            break;
        }
    }
    client.close_sending();
    let mut client = client;
    let (read, _) = client.read_to_any_end();
    let read = String::from_utf8_lossy(&read).into_owned();
    // Its own commands are quoted to nobody either.
    assert!(
        !read.contains(SECRET),
        "after {}: {read}",
        bytes.escape_ascii()
    );
}

/// Nothing of a server has any of it.
fn check(server: &mut Server, watcher: &mut Client, directory: &DataDir) {
    let mut read = watcher.settle();
    watcher.send("/history 10000\n/who");
    read.extend(watcher.settle());
    server.signal("TERM");
    read.extend(watcher.expect_eof());
    server.wait_exit();
    let files = directory.files();
    assert!(
        files.iter().any(|(path, _)| path.ends_with("chatd.db")),
        "{files:?}"
    );
    for secret in [SECRET, MISTAKE] {
        for line in read.iter().chain(&server.log()) {
            assert!(!line.contains(secret), "{line}");
        }
        for (path, bytes) in &files {
            let is_there = bytes
                .windows(secret.len())
                .any(|part| part == secret.as_bytes());
            assert!(!is_there, "{} has it", path.display());
        }
    }
}

#[test]
fn no_byte_of_a_password_is_ever_said_logged_kept_or_answered_back() {
    let directory = DataDir::new();
    let mut command = Server::command();
    command.env("RUST_LOG", "trace");
    command.args([
        "--port",
        "0",
        "--bind",
        "127.0.0.1",
        "--register",
        "--data",
        directory.path(),
    ]);
    let mut server = Server::launch(command);
    let mut watcher = server.joined("watcher");
    let right = password_of("QXZalice").replace("alice", "");
    let mut alice = server.connect();
    alice.send(&format!("/register alice\n{right}\n{right}"));
    alice.read_renaming("alice");
    // By somebody who is logged in already.
    let lines = "/login bob\nQXZ\n/register bob\nQXZQXZQXZ\nQXZQXZQXZ\n/password\nQXZ\n\n";
    alice.send(&format!(
        "{lines}/password\n{right}\nQXZQXZ12\nQXZQXZ12\nhello"
    ));
    watcher.expect("<alice> hello");
    alice.send("/quit");
    for (number, bytes) in everything_at_once().iter().enumerate() {
        let piece = [usize::MAX, 1, 7][number % 3];
        gives(server.connect(), bytes, piece);
        if number % 20 == 0 {
            watcher.settle();
        }
    }
    check(&mut server, &mut watcher, &directory);
}

#[test]
fn no_byte_of_the_rooms_password_is_ever_said_logged_kept_or_answered_back() {
    let (directory, file) = (DataDir::new(), TempFile::with("QXZ QXZ\n"));
    let mut command = Server::command();
    command.env("RUST_LOG", "trace");
    command.args([
        "--port",
        "0",
        "--bind",
        "127.0.0.1",
        "--data",
        directory.path(),
    ]);
    command.args(["--password-file", file.path()]);
    let mut server = Server::launch(command);
    let mut watcher = server.connect();
    watcher.send("QXZ QXZ");
    watcher.read_welcome();
    for bytes in [
        "QXZ\nQXZ\nQXZ\nQXZ",
        "QXZ QXZ\nhello\n/login alice QXZ\nQXZ\n\n",
        "/QXZ QXZ",
    ] {
        gives(server.connect(), bytes.as_bytes(), usize::MAX);
    }
    check(&mut server, &mut watcher, &directory);
}

#[test]
fn no_byte_of_a_password_that_is_given_to_a_server_without_accounts_is_said_or_logged() {
    let mut command = Server::command();
    command.env("RUST_LOG", "trace");
    command.args(["--port", "0", "--bind", "127.0.0.1"]);
    let mut server = Server::launch(command);
    let mut watcher = server.joined("watcher");
    for bytes in everything_at_once() {
        gives(server.connect(), &bytes, usize::MAX);
    }
    let mut read = watcher.settle();
    server.signal("TERM");
    read.extend(watcher.expect_eof());
    server.wait_exit();
    for line in read.iter().chain(&server.log()) {
        assert!(!line.contains(SECRET), "{line}");
    }
}

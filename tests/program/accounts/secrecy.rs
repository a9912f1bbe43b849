//! Nothing secret anywhere: passwords were given in every way, and no byte of them is in what is kept,
//! logged or read by others.

use std::net::Ipv4Addr;

use crate::kit::{Client, DataDir, Server, TempFile, only_over_tcp, password_of};

/// In every password here, and in nothing else. What is typed wrong and taken back has the second.
const SECRET: &str = "QXZ";
const MISTAKE: &str = "JWJ";

/// In how many ways a line can end that is sent here.
const ENDS: [&str; 4] = ["\n", "\r\n", "\r\0", "\r\r\n"];

/// How many there are with each of these ends.
const WAYS: usize = 15;

/// What is sent at once, by somebody each, who then leaves; each holds passwords in every place
/// where one may be.
fn everything_at_once() -> Vec<Vec<u8>> {
    let right = password_of("QXZalice").replace("alice", "");
    let mut all = Vec::new();
    for end in ENDS {
        let ways: [&str; WAYS] = [
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
        ];
        for line in ways {
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

/// One of many, each from another address where they can have one: what wrong passwords cost would
/// keep them from being looked at.
fn somebody(server: &Server, number: usize) -> Client {
    if only_over_tcp("all have one address") {
        return server.connect();
    }
    let number = u8::try_from(number).expect("they are not that many");
    server.connect_from(Ipv4Addr::new(127, 0, 1, number))
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

/// No file of a server that runs has any of it, its journal included.
fn check_files(directory: &DataDir) {
    let files = directory.files();
    assert!(
        files.iter().any(|(path, _)| path.ends_with("chatd.db")),
        "{files:?}"
    );
    for secret in [SECRET, MISTAKE] {
        for (path, bytes) in &files {
            let is_there = bytes
                .windows(secret.len())
                .any(|part| part == secret.as_bytes());
            assert!(!is_there, "{} has it", path.display());
        }
    }
}

/// Nothing of a server has any of it.
fn check(server: &mut Server, watcher: &mut Client, directory: Option<&DataDir>) {
    let mut read = watcher.settle();
    watcher.send("/history 10000\n/who");
    read.extend(watcher.settle());
    if let Some(directory) = directory {
        check_files(directory);
    }
    server.signal("TERM");
    read.extend(watcher.expect_eof());
    server.wait_exit();
    for secret in [SECRET, MISTAKE] {
        for line in read.iter().chain(&server.log()) {
            assert!(!line.contains(secret), "{line}");
        }
    }
    if let Some(directory) = directory {
        check_files(directory);
    }
}

/// The most verbose level, as `RUST_LOG=trace` is.
const TRACE: &str = "-vv";

fn no_byte_is_anywhere(args: &[&str]) {
    let directory = DataDir::new();
    let mut server = directory.server(&[&["--register", TRACE], args].concat());
    let mut watcher = server.registered("watcher");
    let right = password_of("QXZalice").replace("alice", "");
    let alice = server.connect();
    alice.send(&format!("/register alice\n{right}\n{right}\nit is me"));
    watcher.expect("<alice> it is me");
    // By somebody who is logged in already.
    let lines = "/login bob\nQXZ\n/register bob\nQXZQXZQXZ\nQXZQXZQXZ\n/password\nQXZ\n\n";
    alice.send(&format!(
        "{lines}/password\n{right}\nQXZQXZ12\nQXZQXZ12\n/password\nQXZQXZ12\n{right}\n{right}\nhello"
    ));
    watcher.expect("<alice> hello");
    // The second ends the first, and the third is refused.
    for _ in 0..2 {
        gives(
            somebody(&server, 1),
            format!("/login alice\n{right}\n").as_bytes(),
            5,
        );
    }
    for (number, bytes) in everything_at_once().iter().enumerate() {
        let piece = [usize::MAX, 1, 7][(number + number / WAYS) % 3];
        gives(somebody(&server, 2 + number), bytes, piece);
        if number % 20 == 0 {
            watcher.settle();
        }
    }
    // Too many new accounts, and too many wrong passwords, until all are refused.
    for name in ["yan", "zoe", "xia", "uma"] {
        let bytes = format!("/register {name}\nQXZQXZQXZ\nQXZQXZQXZ\n");
        gives(server.connect(), bytes.as_bytes(), usize::MAX);
    }
    let mut last = String::new();
    while !last.contains("too many wrong passwords") {
        let mut client = server.connect();
        client.send("/login nobody\nQXZ\nQXZ\nQXZ\nQXZ");
        last = client.expect_eof().pop().unwrap_or_default();
    }
    check(&mut server, &mut watcher, Some(&directory));
}

#[test]
fn no_byte_of_a_password_is_ever_said_logged_kept_or_answered_back() {
    no_byte_is_anywhere(&[]);
}

#[test]
fn no_byte_of_a_password_that_a_stranger_gives_is_either() {
    no_byte_is_anywhere(&["--members-only"]);
}

#[test]
fn no_byte_of_the_rooms_password_is_ever_said_logged_kept_or_answered_back() {
    if only_over_tcp("it does not hold for who comes by a Unix socket") {
        return;
    }
    let (directory, file) = (DataDir::new(), TempFile::with("QXZ QXZ\n"));
    let mut server = directory.server(&[TRACE, "--password-file", file.path()]);
    let mut watcher = server.connect();
    watcher.send("QXZ QXZ");
    watcher.read_welcome();
    let ways = [
        &b"QXZ\nQXZ\nQXZ\nQXZ"[..],
        b"QXZ QXZ\nhello\n/login alice QXZ\nQXZ\n\n",
        b"/QXZ QXZ",
        b"QXZ QXZ\x07\nJWJ\x7f\x7f\x7fQXZ QXZ\nhello",
        b"\xff\xfd\x03QXZ\xff\xf1 QX\r\nQXZ \xff\xfb\x18QXZ\r\nhello\r\n",
        b"\nQXZ QXZ\n",
    ];
    for (number, bytes) in ways.iter().enumerate() {
        for (round, piece) in [usize::MAX, 1, 7].into_iter().enumerate() {
            gives(somebody(&server, 1 + 3 * number + round), bytes, piece);
        }
    }
    check(&mut server, &mut watcher, Some(&directory));
}

#[test]
fn no_byte_of_a_password_that_is_given_to_a_server_without_accounts_is_said_or_logged() {
    let mut server = Server::start(&[TRACE]);
    let mut watcher = server.joined("watcher");
    for (number, bytes) in everything_at_once().iter().enumerate() {
        let piece = [usize::MAX, 1, 7][(number + number / WAYS) % 3];
        gives(server.connect(), bytes, piece);
    }
    check(&mut server, &mut watcher, None);
}

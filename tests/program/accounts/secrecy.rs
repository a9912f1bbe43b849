//! Nothing secret anywhere: passwords were given in every way, and no byte of them is in what is kept,
//! logged or read by others.

use std::net::Ipv4Addr;

use crate::kit::{Client, DataDir, Server, TempFile, only_over_tcp, password_of};

/// In every password here, and in nothing else: hashes, which are kept, have no `_`, and checksums
/// are short. What is typed wrong and taken back has the second.
const SECRET: &str = "Q_Z_Q_";
const MISTAKE: &str = "J_J_J_";

/// In how many ways a line can end that is sent here.
const ENDS: [&str; 4] = ["\n", "\r\n", "\r\0", "\r\r\n"];

/// How many there are with each of these ends.
const WAYS: usize = 15;

/// What is sent at once, by somebody each, who then leaves; each holds passwords in every place
/// where one may be.
fn everything_at_once() -> Vec<Vec<u8>> {
    let right = password_of("Q_Z_Q_alice").replace("alice", "");
    let mut all = Vec::new();
    for end in ENDS {
        let ways: [&str; WAYS] = [
            // Behind the name, and before the prompt is there.
            "/login alice Q_Z_Q_ Q_Z_Q_|Q_Z_Q_1|Q_Z_Q_2|Q_Z_Q_3|Q_Z_Q_4",
            "/login alice|RIGHT|",
            "/login|Q_Z_Q_1|Q_Z_Q_2|Q_Z_Q_3|Q_Z_Q_4",
            "/login nobody|Q_Z_Q_1|",
            "/LOGIN \u{202e}Q_Z_Q_|Q_Z_Q_|Q_Z_Q_|Q_Z_Q_|Q_Z_Q_",
            "\x1b[A/login alice|J_J_J_\x7f\x7f\x7f\x7f\x7f\x7fQ_Z_Q_|",
            "/login alice|/msg alice Q_Z_Q_|/me Q_Z_Q_|//Q_Z_Q_|Q_Z_Q_",
            // After every refusal and misuse.
            "/register|Q_Z_Q_Q_Z_Q_Q_Z_Q_|Q_Z_Q_Q_Z_Q_Q_Z_Q_",
            "/register root|Q_Z_Q_Q_Z_Q_Q_Z_Q_|Q_Z_Q_Q_Z_Q_Q_Z_Q_",
            "/register Q_Z_Q_\u{7}|Q_Z_Q_Q_Z_Q_Q_Z_Q_|Q_Z_Q_Q_Z_Q_Q_Z_Q_",
            "/register alice Q_Z_Q_|Q_Z_Q_Q_Z_Q_Q_Z_Q_|Q_Z_Q_Q_Z_Q_Q_Z_Q_|Q_Z_Q_",
            "/register zoe|Q_Z_Q_|Q_Z_Q_|Q_Z_Q_",
            "/register zoe|Q_Z_Q_Q_Z_Q_Q_Z_Q_|Q_Z_Q_Q_Z_Q_XXX|Q_Z_Q_",
            "/password|Q_Z_Q_Q_Z_Q_Q_Z_Q_|Q_Z_Q_Q_Z_Q_Q_Z_Q_|Q_Z_Q_Q_Z_Q_Q_Z_Q_",
            "/password Q_Z_Q_|Q_Z_Q_Q_Z_Q_Q_Z_Q_|Q_Z_Q_Q_Z_Q_Q_Z_Q_",
        ];
        for line in ways {
            let line = line.replace("RIGHT", &right).replace('|', end);
            all.push(line.into_bytes());
        }
    }
    // Too long for a line, and unusable.
    all.push(format!("/login alice {}\nQ_Z_Q_\nQ_Z_Q_", "Q_Z_Q_ ".repeat(2000)).into_bytes());
    all.push(
        format!(
            "/login alice\n{}\nQ_Z_Q_\nQ_Z_Q_\nQ_Z_Q_",
            "Q_Z_Q_".repeat(2000)
        )
        .into_bytes(),
    );
    all.push(b"/login alice\nQ_Z_Q_\xff\nQ_Z_Q_\tQ_Z_Q_\n\x04Q_Z_Q_\nQ_Z_Q_".to_vec());
    // Telnet, with its commands in between.
    all.push(
        b"\xff\xfd\x03/login alice\r\0Q\xff\xf1_Z_Q_\r\n\xff\xfb\x18Q_\xff\xf6Z_Q_\r\nQ_Z_Q_\r\nQ_Z_Q_"
            .to_vec(),
    );
    all.push(
        b"\xff\xf6/register \xff\xf1yan\r\nQ_Z_Q_\xff\xfd\x01Q_Z_Q_Q_Z_Q_\r\nQ_Z_Q_Q_Z_Q_Q\xff\xf4_Z_Q_\r\nbye\r\n"
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
            let place = memchr::memmem::find(bytes, secret.as_bytes());
            let around = place.map(|at| {
                bytes[at.saturating_sub(60)..bytes.len().min(at + 60)]
                    .escape_ascii()
                    .to_string()
            });
            assert_eq!(around, None, "{} has it", path.display());
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
    let right = password_of("Q_Z_Q_alice").replace("alice", "");
    let alice = server.connect();
    alice.send(&format!("/register alice\n{right}\n{right}\nit is me"));
    watcher.expect("<alice> it is me");
    // By somebody who is logged in already.
    let lines = "/login bob\nQ_Z_Q_\n/register bob\nQ_Z_Q_Q_Z_Q_Q_Z_Q_\nQ_Z_Q_Q_Z_Q_Q_Z_Q_\n/password\nQ_Z_Q_\n\n";
    alice.send(&format!(
        "{lines}/password\n{right}\nQ_Z_Q_Q_Z_Q_12\nQ_Z_Q_Q_Z_Q_12\n/password\nQ_Z_Q_Q_Z_Q_12\n{right}\n{right}\nhello"
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
        let bytes = format!("/register {name}\nQ_Z_Q_Q_Z_Q_Q_Z_Q_\nQ_Z_Q_Q_Z_Q_Q_Z_Q_\n");
        gives(server.connect(), bytes.as_bytes(), usize::MAX);
    }
    let mut last = String::new();
    while !last.contains("too many wrong passwords") {
        let mut client = server.connect();
        client.send("/login nobody\nQ_Z_Q_\nQ_Z_Q_\nQ_Z_Q_\nQ_Z_Q_");
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
    let (directory, file) = (DataDir::new(), TempFile::with("Q_Z_Q_ Q_Z_Q_\n"));
    let mut server = directory.server(&[TRACE, "--password-file", file.path()]);
    let mut watcher = server.connect();
    watcher.send("Q_Z_Q_ Q_Z_Q_");
    watcher.read_welcome();
    let ways = [
        &b"Q_Z_Q_\nQ_Z_Q_\nQ_Z_Q_\nQ_Z_Q_"[..],
        b"Q_Z_Q_ Q_Z_Q_\nhello\n/login alice Q_Z_Q_\nQ_Z_Q_\n\n",
        b"/Q_Z_Q_ Q_Z_Q_",
        b"Q_Z_Q_ Q_Z_Q_\x07\nJ_J_J_\x7f\x7f\x7f\x7f\x7f\x7fQ_Z_Q_ Q_Z_Q_\nhello",
        b"\xff\xfd\x03Q_Z_Q_\xff\xf1 Q_\r\nQ_Z_Q_ \xff\xfb\x18Q_Z_Q_\r\nhello\r\n",
        b"\nQ_Z_Q_ Q_Z_Q_\n",
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

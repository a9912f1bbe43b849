//! What wrong passwords cost the address that they come from, and who waits for a check.

use std::net::Ipv4Addr;
use std::thread;
use std::time::Duration;

use crate::kit::{
    Client, DataDir, PROMPT, Server, TempFile, WRONG, only_in_plain, only_over_tcp, password_of,
};

const CLOSED: &str = "-- wrong name or password";
const REFUSED: &str = "-- too many wrong passwords, try again in 1m";
const BUSY: &str = "-- busy, try again in a few seconds";

/// How many wrong passwords an address may give: each costs 10 s, and over 5 minutes are too much.
const TOLERATED: usize = 30;

/// Somebody gives wrong passwords, behind `command`, until the connection is closed. Returns how many were
/// looked at, and the last line.
fn gives_wrong_ones(mut client: Client, command: &str) -> (usize, String) {
    client.send(&format!("{command}1\n2\n3\nhello"));
    let read = client.expect_eof();
    let wrong = read
        .iter()
        .filter(|line| [WRONG, CLOSED].contains(&line.as_str()));
    (wrong.count(), read.last().cloned().unwrap_or_default())
}

/// Wrong passwords are given one after the other until they are refused, which is soon when it
/// should be.
fn gives_too_many(server: &Server, command: &str) {
    let mut looked_at = 0;
    while looked_at < TOLERATED {
        let (wrong, last) = gives_wrong_ones(server.connect(), command);
        assert_eq!((wrong, last.as_str()), (3, CLOSED), "after {looked_at}");
        looked_at += wrong;
    }
    // Some of the debt is paid by the time that this takes.
    for _ in 0..TOLERATED {
        let (wrong, last) = gives_wrong_ones(server.connect(), command);
        if wrong < 3 {
            assert_eq!(last, REFUSED);
            return;
        }
    }
    panic!("{} wrong passwords and more are looked at", 4 * TOLERATED);
}

/// The log says once that somebody gave too many, and who was here reads nothing of it.
fn is_told_once(server: &Server, watcher: &mut Client) {
    let said = watcher.settle();
    assert!(!said.iter().any(|line| line.contains("hello")), "{said:?}");
    let told = |line: &str| line.contains("too many wrong passwords: ");
    assert_eq!(server.log_lines(1, told).len(), 1, "{:?}", server.log());
}

#[test]
fn a_name_without_an_account_owes_the_same_and_over_5_minutes_every_password_is_refused() {
    let directory = DataDir::new();
    let server = directory.server(&["--register"]);
    let mut alice = server.registered("alice");
    gives_too_many(&server, "/login nobody\n");
    // The right one too, unchecked, and for a new password the old one.
    let right = password_of("alice");
    let mut owner = server.welcomed();
    owner.send(&format!("/login alice\n{right}\nhello"));
    let mut read = owner.expect_eof();
    // Others come and go.
    read.retain(|line| [PROMPT, WRONG, REFUSED].contains(&line.as_str()));
    assert_eq!(read, [PROMPT, REFUSED]);
    is_told_once(&server, &mut alice);
    if !only_over_tcp("there is one address") {
        let mut elsewhere = server.connect_from(Ipv4Addr::new(127, 0, 0, 2));
        elsewhere.send(&format!("/login alice\n{right}"));
        elsewhere.read_renaming("alice");
        alice.expect_eof();
    }
}

#[test]
fn wrong_passwords_of_the_room_cost_the_same() {
    if only_over_tcp("the room's password does not hold for who comes by a Unix socket") {
        return;
    }
    let file = TempFile::with("open sesame\n");
    let server = Server::start(&["--password-file", file.path()]);
    let mut alice = server.connect();
    alice.send("open sesame");
    alice.read_welcome();
    gives_too_many(&server, "");
    let mut owner = server.connect();
    owner.send("open sesame\nhello");
    assert_eq!(owner.expect_eof(), [PROMPT, REFUSED]);
    is_told_once(&server, &mut alice);
    let mut elsewhere = server.connect_from(Ipv4Addr::new(127, 0, 0, 2));
    elsewhere.send("open sesame");
    elsewhere.read_welcome();
}

/// So many want to log in at one address, which has one check at a time, and the server is stopped
/// for longer than they wait. Returns whether one of them has waited for too long.
fn somebody_waits_for_too_long(server: &Server) -> bool {
    let right = password_of("alice");
    let mut clients = (0..50).map(|_| server.connect()).collect::<Vec<_>>();
    for client in &clients {
        client.send(&format!("/login alice\n{right}\nhello"));
    }
    for client in &mut clients {
        client.expect(PROMPT);
    }
    server.signal("STOP");
    thread::sleep(Duration::from_millis(10_500));
    server.signal("CONT");
    let mut is_busy = false;
    for client in &mut clients {
        // The one that is logged in stays.
        let end = client.lines_until_one(&"an end", |line| {
            line == BUSY || line.ends_with(" is now alice") || line.starts_with("-- alice has just")
        });
        if end.1 == BUSY {
            assert_eq!(client.expect_eof(), [""; 0]);
            is_busy = true;
        }
    }
    is_busy
}

#[test]
fn who_has_waited_10_s_for_a_check_is_told_to_try_again_and_closed() {
    if only_in_plain("it takes a while, and is the same there") {
        return;
    }
    let directory = DataDir::new();
    let server = directory.server(&["--register"]);
    server.registered("alice").send("/quit");
    server.log_line(|line| line.contains("left: ") && line.contains(" alice, "));
    // Where all were checked before it was stopped nobody has waited.
    let has_waited = (0..5).any(|_| somebody_waits_for_too_long(&server));
    assert!(has_waited, "{:?}", server.log());
}

//! Section 4: every way in which a connection ends.

use std::thread;
use std::time::{Duration, Instant};

use crate::kit::{Client, NARROW, Server, eventually, paste, text};

/// Waits for `-- NAME left` and nothing behind it.
fn reads_plain_departure(watcher: &mut Client, name: &str) {
    let beginning = format!("-- {name} left");
    let (_, line) = watcher.lines_until_one(&"a departure", |line| line.starts_with(&beginning));
    assert_eq!(line, beginning);
}

#[test]
fn a_client_that_closes_its_sending_side_has_left() {
    let server = Server::start(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    alice.send("my last line");
    alice.close_sending();
    bob.next_is("<alice> my last line");
    reads_plain_departure(&mut bob, "alice");
    assert_eq!(alice.expect_eof(), [""; 0]);
}

#[test]
fn what_stands_without_an_lf_when_the_client_closes_its_sending_side_is_a_line() {
    let server = Server::start(&[]);
    let [alice, mut bob] = server.room(["alice", "bob"]);
    alice.send_bytes(b"no line feed here");
    alice.close_sending();
    bob.next_is("<alice> no line feed here");
}

#[test]
fn a_client_that_only_speaks_and_closes_its_sending_side_is_heard() {
    // What `echo hi | nc -N host 8080` does.
    let server = Server::start(&[]);
    let [mut bob] = server.room(["bob"]);
    let passer_by = server.connect();
    passer_by.send("hi");
    passer_by.close_sending();
    let (before, line) = bob.lines_until_one(&"the line", |line| line.ends_with("> hi"));
    let name = line.trim_start_matches('<').trim_end_matches("> hi");
    assert_eq!(before, [format!("-- {name} joined")]);
    reads_plain_departure(&mut bob, name);
}

#[test]
fn a_close_is_a_plain_departure() {
    let server = Server::start(&[]);
    let [alice, mut bob] = server.room(["alice", "bob"]);
    drop(alice);
    reads_plain_departure(&mut bob, "alice");
}

#[test]
fn a_reset_is_a_plain_departure() {
    let server = Server::start(&[]);
    let [alice, mut bob] = server.room(["alice", "bob"]);
    alice.reset();
    reads_plain_departure(&mut bob, "alice");
}

#[test]
fn quit_is_a_plain_departure() {
    let server = Server::start(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    alice.send("/quit");
    reads_plain_departure(&mut bob, "alice");
    alice.expect_eof();
}

#[test]
fn no_more_lines_are_taken_from_who_has_quit() {
    let server = Server::start(&[]);
    let [alice, mut bob] = server.room(["alice", "bob"]);
    alice.send_bytes(b"before\n/quit\nafter\n/msg bob after\n");
    bob.next_is("<alice> before");
    reads_plain_departure(&mut bob, "alice");
    let after = bob.settle();
    assert_eq!(after, [""; 0]);
}

#[test]
fn what_was_pending_is_written_to_who_leaves() {
    let server = Server::start(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    let text = "x".repeat(1000);
    bob.send_bytes(format!("{text}\n").repeat(500).as_bytes());
    bob.settle();
    alice.close_sending();
    let read = alice.expect_eof();
    assert_eq!(read.len(), 500, "the last is {:?}", read.last());
}

#[test]
fn nobody_loses_the_last_line_to_a_reset() {
    let server = Server::start(&[]);
    // So narrow that most of what is pending for alice is still in the kernel on chatd's side when
    // chatd has written it.
    let mut alice = server.connect_with_receive_buffer(4 * NARROW);
    alice.read_welcome();
    let mut bob = server.joined("bob");
    bob.send_bytes(text((0..100).map(|number| format!("{number:0>1000}"))).as_bytes());
    bob.settle();
    // A close with any of this unread would be a reset, and that would take with it what has not
    // arrived yet.
    let unread = "said too late\n".repeat(20_000);
    alice.send_bytes(format!("/quit\n{unread}").as_bytes());
    server.log_line(|line| line.contains("left: "));
    let last = alice.expect_eof().pop();
    assert_eq!(last, Some(format!("<bob> {:0>1000}", 99)));
}

#[test]
fn chatd_closes_even_when_the_client_does_not() {
    let server = Server::start(&[]);
    let [mut bob] = server.room(["bob"]);
    let (descriptors, threads) = (server.descriptors(), server.threads().len());
    let mut alice = server.joined("alice");
    alice.send("/quit");
    alice.expect_eof();
    eventually("alice's descriptor and thread are gone", || {
        server.descriptors() == descriptors && server.threads().len() == threads
    });
    bob.settle();
}

#[test]
fn chatd_closes_even_when_what_is_pending_is_never_read() {
    let server = Server::start(&[]);
    let [mut bob] = server.room(["bob"]);
    let descriptors = server.descriptors();
    let mut alice = server.connect_with_receive_buffer(NARROW);
    alice.read_welcome();
    bob.send_bytes(paste(2000).as_bytes());
    bob.settle();
    alice.send("/quit");
    eventually("alice's descriptor is gone", || {
        server.descriptors() == descriptors
    });
}

#[test]
fn an_idle_client_reads_for_how_long_it_was_idle_and_the_others_that_it_left_idle() {
    let server = Server::start(&["--idle-timeout", "3s"]);
    let mut bob = server.joined("bob");
    let mut alice = server.joined("alice");
    let seen = loop {
        // Asking keeps bob from being idle himself.
        let seen = bob.settle();
        if seen.iter().any(|line| line.starts_with("-- alice left")) {
            break seen;
        }
        thread::sleep(Duration::from_millis(50));
    };
    assert!(
        seen.contains(&"-- alice left (idle)".to_owned()),
        "{seen:?}"
    );
    let told = alice.expect_eof();
    assert_eq!(told, ["-- you were idle for 3s"]);
    server.log_line(|line| line.contains(" alice, ") && line.ends_with(", idle"));
}

#[test]
fn a_client_that_sends_a_byte_now_and_then_is_not_idle() {
    let server = Server::start(&["--idle-timeout", "3s"]);
    let mut alice = server.welcomed();
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(4) {
        alice.send_bytes(b"x");
        thread::sleep(Duration::from_millis(100));
    }
    alice.send("");
    alice.settle();
}

#[test]
fn a_client_that_is_slowed_by_its_rate_is_not_idle() {
    let server = Server::start(&["--rate", "1KiB", "--idle-timeout", "1s"]);
    let mut alice = server.join("alice");
    // 4 KiB may come at once, and the rest takes four seconds, in which chatd does not look at what
    // she sends.
    alice.send_bytes(paste(8).as_bytes());
    alice.settle();
}

#[test]
fn a_client_that_the_room_makes_wait_is_not_idle() {
    let server = Server::start(&[
        "--rate",
        "0",
        "--max-backlog",
        "1MiB",
        "--patience",
        "3s",
        "--idle-timeout",
        "1s",
    ]);
    let mut sleeper = server.connect_with_receive_buffer(NARROW);
    sleeper.read_welcome();
    let mut alice = server.join("alice");
    // Over the backlog of the sleeper, for whom everybody waits until the patience is over. The
    // sleeper may be idle.
    alice.send_bytes(paste(8000).as_bytes());
    alice.settle();
}

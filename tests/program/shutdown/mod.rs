//! Section 3: what signals do, and how the server ends.

mod hangup;
mod under_load;

use std::io::ErrorKind;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use crate::kit::{Client, GOODBYE, NARROW, Server, eventually, only_in_plain, paste, text};

/// What a client that has much pending for it holds unread, in lines of 1000 bytes: more than the
/// kernel holds, and little enough to be read in 2 s on a busy machine.
const MUCH: usize = 600;

/// Goodbye is the last line, the connection ends without a reset, and the process with status 0.
fn ends_well_on(signal: &str) {
    let mut server = Server::start(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    server.signal(signal);
    assert_eq!(alice.expect_eof(), [GOODBYE]);
    assert_eq!(bob.expect_eof(), [GOODBYE]);
    drop((alice, bob));
    assert_eq!(server.wait_exit().code(), Some(0));
}

#[test]
fn on_sigterm_goodbye_is_everybodys_last_line_and_the_status_is_0() {
    ends_well_on("TERM");
}

#[test]
fn on_sigint_goodbye_is_everybodys_last_line_and_the_status_is_0() {
    ends_well_on("INT");
}

/// A server that was told to end when it had just accepted this client.
fn told_at_the_accept(args: &[&str]) -> (Server, Client) {
    let server = Server::start(args);
    let before = server.descriptors();
    let newcomer = server.connect();
    eventually("it is accepted", || server.descriptors() > before);
    server.signal("TERM");
    (server, newcomer)
}

#[test]
fn goodbye_is_the_last_line_of_those_too_who_were_not_welcomed_yet() {
    if only_in_plain("before the handshake nobody reads anything") {
        return;
    }
    let (_server, mut newcomer) = told_at_the_accept(&[]);
    assert_eq!(newcomer.expect_eof().pop().as_deref(), Some(GOODBYE));
    let (_server, mut newcomer) = told_at_the_accept(&["--raw"]);
    assert_eq!(newcomer.expect_eof(), [""; 0]);
}

#[test]
fn an_empty_room_is_left_at_once() {
    let mut server = Server::start(&[]);
    server.signal("TERM");
    assert_eq!(server.wait_exit().code(), Some(0));
}

#[test]
fn a_second_signal_exits_at_once_with_status_1() {
    let mut server = Server::start(&[]);
    let _stalled = with_much_pending(&server);
    // Both wait for the process, so that the second comes while it has yet to write what is
    // pending.
    server.signal("STOP");
    server.signal("TERM");
    server.signal("INT");
    server.signal("CONT");
    assert_eq!(server.wait_exit().code(), Some(1));
}

#[test]
fn departures_are_told_before_goodbye() {
    let server = Server::start(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    bob.send("/quit");
    bob.expect_eof();
    // Others would read of this within a second.
    server.signal("TERM");
    assert_eq!(alice.expect_eof(), ["-- bob left", GOODBYE]);
}

#[test]
fn nothing_can_be_said_after_goodbye() {
    let server = Server::start(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    server.signal("TERM");
    alice.expect(GOODBYE);
    let _ = alice.try_send(b"I come too late\n");
    assert_eq!(alice.expect_eof(), [""; 0]);
    assert_eq!(bob.expect_eof(), [GOODBYE]);
}

#[test]
fn whoever_reads_nothing_delays_the_end_by_little() {
    let mut server = Server::start(&[]);
    let _stalled = with_much_pending(&server);
    let start = Instant::now();
    server.signal("TERM");
    assert_eq!(server.wait_exit().code(), Some(0));
    // 2 s for what is pending and 1 s for the client to close; the rest is for a busy machine.
    assert!(
        start.elapsed() < Duration::from_secs(8),
        "it took {:?}",
        start.elapsed()
    );
}

#[test]
fn what_is_pending_is_written_before_goodbye() {
    let mut server = Server::start(&[]);
    let mut reader = with_much_pending(&server);
    server.signal("TERM");
    let lines = reader.expect_eof();
    let pending = lines.iter().filter(|line| line.ends_with('x')).count();
    assert_eq!(
        (pending, lines.last().map(String::as_str)),
        (MUCH, Some(GOODBYE))
    );
    drop(reader);
    assert_eq!(server.wait_exit().code(), Some(0));
}

#[test]
fn goodbye_is_not_lost_to_a_reset_when_a_client_has_sent_what_nobody_reads_any_more() {
    let mut server = Server::start(&["--rate", "64KiB"]);
    // So narrow that most of what is pending for alice is still in the kernel on chatd's side when
    // chatd has written it.
    let mut alice = server.connect_with_receive_buffer(4 * NARROW);
    alice.read_welcome();
    let mut bob = server.joined("bob");
    bob.send_bytes(text((0..100).map(|number| format!("{number:0>1000}"))).as_bytes());
    bob.settle();
    // Over her rate after 256 KiB, so that some of it stays in the socket.
    alice.send_bytes(
        "I can go on like this for a while\n"
            .repeat(12_000)
            .as_bytes(),
    );
    server.signal("TERM");
    let address = alice.address().to_string();
    server.log_line(|line| line.contains("left: ") && line.contains(&address));
    assert_eq!(alice.expect_eof().last().map(String::as_str), Some(GOODBYE));
    drop(alice);
    bob.expect(GOODBYE);
    drop(bob);
    assert_eq!(server.wait_exit().code(), Some(0));
}

#[test]
fn whole_lines_that_a_slowed_client_sent_before_the_signal_arrive_before_goodbye() {
    let server = Server::start(&["--rate", "1KiB"]);
    let [alice, mut bob] = server.room(["alice", "bob"]);
    // Little enough for a single read, and yet over her rate: a line costs 80 and its bytes.
    let lines: Vec<String> = (100..190).map(|number| format!("no {number}")).collect();
    alice.send_bytes((text(lines.clone()) + "not a whole line").as_bytes());
    bob.next_is("<alice> no 100");
    server.signal("TERM");
    let mut rest = bob.expect_eof();
    assert_eq!(rest.pop().as_deref(), Some(GOODBYE));
    let expected: Vec<String> = lines[1..]
        .iter()
        .map(|line| format!("<alice> {line}"))
        .collect();
    assert_eq!(rest, expected);
}

#[test]
fn the_signal_does_not_wait_out_a_pause() {
    let mut server = Server::start(&["--rate", "0", "--max-backlog", "1MiB", "--patience", "1h"]);
    let mut stalled = server.connect_with_receive_buffer(NARROW);
    stalled.read_welcome();
    let [sender, mut bob] = server.room(["sender", "bob"]);
    sender
        .stream()
        .set_write_timeout(Some(Duration::from_secs(1)))
        .unwrap();
    let reader = thread::spawn(move || bob.expect_eof().pop());
    let error = (0..100).find_map(|_| sender.try_send(paste(MUCH).as_bytes()).err());
    // Nothing more is taken from the sender: the room waits for the one who does not read, and
    // would for an hour.
    assert_eq!(error.map(|error| error.kind()), Some(ErrorKind::WouldBlock));
    // Whoever comes now waits behind the pause too.
    let _newcomer = server.connect();
    server.signal("TERM");
    assert_eq!(server.wait_exit().code(), Some(0));
    assert_eq!(reader.join().unwrap().as_deref(), Some(GOODBYE));
}

#[test]
fn no_new_clients_after_the_signal() {
    let mut server = Server::start(&[]);
    let _stalled = with_much_pending(&server);
    let [mut alice] = server.room(["alice"]);
    server.signal("TERM");
    alice.expect(GOODBYE);
    if let Ok(stream) = TcpStream::connect(server.address()) {
        let (bytes, _) = Client::new(stream).read_to_any_end();
        assert!(
            !String::from_utf8_lossy(&bytes).contains("welcome"),
            "a newcomer was welcomed"
        );
    }
    drop(alice);
    server.wait_exit();
}

#[test]
fn the_log_says_that_everybody_left_because_of_the_shutdown() {
    let mut server = Server::start(&[]);
    let [alice, bob] = server.room(["alice", "bob"]);
    server.signal("TERM");
    server.wait_exit();
    for name in [" alice, ", " bob, "] {
        let left = server.log_line(|line| line.contains("left: ") && line.contains(name));
        assert!(left.ends_with(", shutdown"), "{left}");
    }
    drop((alice, bob));
}

/// A client who has joined, and for whom much waits that it has not read.
fn with_much_pending(server: &Server) -> Client {
    let mut client = server.connect_with_receive_buffer(NARROW);
    client.read_welcome();
    let mut speaker = server.joined("speaker");
    speaker.send_bytes(paste(MUCH).as_bytes());
    speaker.settle();
    speaker.send("/quit");
    speaker.expect_eof();
    client
}

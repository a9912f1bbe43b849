//! How a connection ends: nobody loses the last line, and half a line that somebody may have cut
//! never becomes one.

use std::io::Write;
use std::net::Shutdown;
use std::thread;

use socket2::SockRef;

use crate::kit::{
    Client, Flood, Footprint, GOODBYE, IMPATIENT, NARROW, Server, TlsClient, TlsEnd, paste, text,
};

/// A server, somebody who watches, and who is going to end.
fn watched() -> (Server, Client, TlsClient) {
    let server = Server::start(&["--tls"]);
    let mut bob = server.joined("bob");
    let alice = TlsClient::join(&server, "alice");
    bob.settle();
    (server, bob, alice)
}

fn is_logged(server: &Server, ending: &str) {
    let line = server.log_line(|line| line.contains(" alice, "));
    assert!(line.ends_with(&format!(", {ending}")), "{line}");
}

/// What was said before alice's end is still written to her.
fn reads_what_was_pending(
    bob: &mut Client,
    mut alice: TlsClient,
    end: impl FnOnce(&mut TlsClient),
) {
    let lines = text((0..400).map(|number| format!("{number:0>1000}")));
    let last = format!("<bob> {:0>1000}", 399);
    bob.send_bytes(lines.as_bytes());
    bob.settle();
    end(&mut alice);
    let (read, ending) = alice.read_to_end();
    assert_eq!(read.lines().last(), Some(last.as_str()));
    assert_eq!(ending, TlsEnd::CloseNotify);
}

#[test]
fn close_notify_is_a_half_close_and_what_stands_without_an_lf_is_a_line() {
    let (server, mut bob, mut alice) = watched();
    let mut bytes = alice.seal(b"a line\nand no line feed");
    bytes.extend(alice.seal_close_notify());
    alice.stream.write_all(&bytes).unwrap();
    for line in [
        "<alice> a line",
        "<alice> and no line feed",
        "-- alice left",
    ] {
        bob.next_is(line);
    }
    assert_eq!(alice.read_to_end().1, TlsEnd::CloseNotify);
    is_logged(&server, "closed");
}

#[test]
fn after_a_fin_without_close_notify_what_stands_without_an_lf_is_no_line() {
    let (server, mut bob, mut alice) = watched();
    alice.send(b"a line\nhalf a li");
    alice.stream.shutdown(Shutdown::Write).unwrap();
    for line in ["<alice> a line", "-- alice left"] {
        bob.next_is(line);
    }
    assert_eq!(bob.settle(), [""; 0]);
    assert_eq!(alice.read_to_end().1, TlsEnd::CloseNotify);
    is_logged(&server, "closed");
}

#[test]
fn half_a_record_is_nothing() {
    let (_server, mut bob, mut alice) = watched();
    alice.send(b"a line\n");
    let record = alice.seal(b"another\n");
    alice.stream.write_all(&record[..record.len() - 1]).unwrap();
    alice.stream.shutdown(Shutdown::Write).unwrap();
    for line in ["<alice> a line", "-- alice left"] {
        bob.next_is(line);
    }
}

#[test]
fn after_close_notify_what_was_pending_is_still_written() {
    let (_server, mut bob, alice) = watched();
    reads_what_was_pending(&mut bob, alice, |alice| {
        let bytes = alice.seal_close_notify();
        alice.stream.write_all(&bytes).unwrap();
    });
}

#[test]
fn after_a_fin_without_close_notify_what_was_pending_is_still_written() {
    let (_server, mut bob, alice) = watched();
    reads_what_was_pending(&mut bob, alice, |alice| {
        alice.stream.shutdown(Shutdown::Write).unwrap();
    });
}

#[test]
fn a_reset_is_reset() {
    let (server, mut bob, alice) = watched();
    alice.reset();
    bob.next_is("-- alice left");
    is_logged(&server, "reset");
}

#[test]
fn what_came_before_a_reset_is_heard() {
    let (server, mut bob, mut alice) = watched();
    // So that both are there when the server looks, and something to write beside.
    server.signal("STOP");
    alice.send(b"my last words\n");
    bob.send("hello?");
    alice.reset();
    server.signal("CONT");
    bob.next_is("<alice> my last words");
    bob.next_is("-- alice left");
}

#[test]
fn a_record_that_somebody_has_changed_ends_the_connection_and_is_no_line() {
    let (_server, mut bob, mut alice) = watched();
    let mut bytes = alice.seal(b"a line\n");
    let whole = bytes.len();
    bytes.extend(alice.seal(b"another\n"));
    bytes[whole + 8] ^= 1;
    bytes.extend(alice.seal(b"a third\n"));
    alice.stream.write_all(&bytes).unwrap();
    for line in ["<alice> a line", "-- alice left"] {
        bob.next_is(line);
    }
}

#[test]
fn nobody_loses_the_last_line_to_what_they_still_send() {
    let (server, bob, mut alice) = watched();
    bob.send_bytes(text((0..100).map(|number| format!("{number:0>1000}"))).as_bytes());
    alice.send(b"/quit\n");
    let unread = alice.seal("said too late\n".repeat(20_000).as_bytes());
    let mut stream = alice.stream.try_clone().unwrap();
    thread::scope(|scope| {
        scope.spawn(move || stream.write_all(&unread));
        server.log_line(|line| line.contains("left: "));
        let (read, end) = alice.read_to_end();
        assert_eq!(end, TlsEnd::CloseNotify, "{:?}", read.lines().last());
    });
}

#[test]
fn the_goodbye_reaches_everybody_and_those_who_are_behind_too() {
    let mut server = Server::start(&["--tls", "--rate", "0"]);
    let mut sender = server.joined("sender");
    let mut behind: Vec<TlsClient> = (0..5)
        .map(|number| TlsClient::join(&server, &format!("b{number}")))
        .collect();
    sender.send_bytes(paste(6000).as_bytes());
    sender.settle();
    server.signal("TERM");
    thread::scope(|scope| {
        for client in &mut behind {
            scope.spawn(|| {
                let (read, end) = client.read_to_end();
                assert_eq!(read.lines().last(), Some(GOODBYE));
                let lines = read.lines().filter(|line| line.starts_with("<sender> x"));
                assert_eq!(lines.count(), 6000);
                assert_eq!(end, TlsEnd::CloseNotify);
            });
        }
    });
    assert_eq!(
        sender.expect_eof().last().map(String::as_str),
        Some(GOODBYE)
    );
    drop((sender, behind));
    assert_eq!(server.wait_exit().code(), Some(0));
}

#[test]
fn a_client_that_is_let_go_is_reset() {
    let server = Server::start(&[&["--tls"][..], &IMPATIENT].concat());
    let mut sleeper = TlsClient::join(&server, "sleeper");
    let sender = server.joined("sender");
    let mut reader = server.joined("reader");
    Flood::of(255).during(&sender, || reader.expect("-- sleeper left (too slow)"));
    assert_eq!(sleeper.read_to_end().1, TlsEnd::Reset);
    server.log_line(|line| line.contains(" sleeper, ") && line.ends_with(", too slow"));
}

#[test]
fn who_does_not_read_does_not_keep_the_server_from_ending() {
    let mut server = Server::start(&["--tls", "--rate", "0"]);
    let mut sleeper = server.connect_with_receive_buffer(NARROW);
    sleeper.read_welcome();
    let mut sender = server.joined("sender");
    sender.send_bytes(paste(6000).as_bytes());
    sender.settle();
    server.signal("TERM");
    assert_eq!(sender.expect_eof(), [GOODBYE]);
    assert_eq!(server.wait_exit().code(), Some(0));
}

#[test]
fn who_sends_much_and_reads_only_then_loses_nothing_of_what_was_pending() {
    let server = Server::start(&["--tls", "--rate", "0"]);
    let mut bob = server.joined("bob");
    let mut alice = TlsClient::narrow(&server, NARROW);
    let narrow = SockRef::from(&alice.stream).set_send_buffer_size(4 * NARROW);
    narrow.expect("a send buffer");
    alice.shake_hands();
    alice.send(b"/nick alice\n");
    bob.expect("-- alice joined");
    // More than fits between the two.
    bob.send_bytes(text((0..1500).map(|number| format!("{number:0>1000}"))).as_bytes());
    bob.settle();
    let mut bytes = alice.seal(b"/quit\n");
    bytes.extend(alice.seal("said too late\n".repeat(40_000).as_bytes()));
    alice
        .stream
        .write_all(&bytes)
        .expect("chatd throws it away");
    let (read, end) = alice.read_to_end();
    let last = format!("<bob> {:0>1000}", 1499);
    assert_eq!(read.lines().last(), Some(last.as_str()));
    assert_eq!(end, TlsEnd::CloseNotify);
}

#[test]
fn what_is_pending_for_who_leaves_and_does_not_read_is_written_for_2_s_wherever_it_is() {
    let server = Server::start(&["--tls", "--rate", "0"]);
    let mut bob = server.joined("bob");
    let before = Footprint::of(&server);
    let mut sleepers: Vec<TlsClient> = (0..24)
        .map(|_| {
            let mut sleeper = TlsClient::narrow(&server, NARROW);
            sleeper.shake_hands();
            sleeper.send(b"I shall read no more\n");
            bob.lines_until_one(&"the first words", |line| line.contains("no more"));
            sleeper
        })
        .collect();
    // Of some all of it is in the kernel, of some in the thread, in the pair, or in the log.
    for sleeper in &mut sleepers {
        bob.send_bytes(text((0..20).map(|_| "x".repeat(1000))).as_bytes());
        bob.settle();
        sleeper.send(b"/quit\n");
    }
    before.returns(&server);
}

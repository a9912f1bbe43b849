//! What comes in pieces, and what makes no line.

use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use crate::kit::{Server, TlsClient, eventually, text};

#[test]
fn a_handshake_and_lines_that_come_a_byte_at_a_time_are_taken() {
    let server = Server::start(&["--tls"]);
    let mut bob = server.joined("bob");
    let mut alice = TlsClient::new(&server);
    let hello = alice.ciphertext();
    for byte in hello {
        alice.stream.write_all(&[byte]).unwrap();
    }
    alice.shake_hands();
    let record = alice.seal(b"/nick alice\nhello, one by one\n");
    for byte in record {
        alice.stream.write_all(&[byte]).unwrap();
    }
    bob.expect("<alice> hello, one by one");
}

#[test]
fn lines_come_whole_however_the_records_are_cut() {
    let server = Server::start(&["--tls", "--rate", "0"]);
    let mut bob = server.joined("bob");
    let mut alice = TlsClient::join(&server, "alice");
    bob.settle();
    let lines: Vec<String> = (0..500).map(|number| format!("{number:0>70}")).collect();
    let text = lines.join("\n") + "\n";
    let records = text.as_bytes().chunks(113).map(|piece| alice.seal(piece));
    let records: Vec<u8> = records.collect::<Vec<_>>().concat();
    let mut stream = alice.stream.try_clone().unwrap();
    thread::scope(|scope| {
        scope.spawn(move || {
            for piece in records.chunks(97) {
                stream.write_all(piece).unwrap();
            }
        });
        for line in &lines {
            bob.next_is(&format!("<alice> {line}"));
        }
    });
}

#[test]
fn who_updates_the_keys_10_000_times_is_heard() {
    let server = Server::start(&["--tls", "--rate", "0"]);
    let mut bob = server.joined("bob");
    let mut alice = TlsClient::join(&server, "alice");
    bob.settle();
    let mut bytes = Vec::new();
    for _ in 0..10_000 {
        bytes.extend(alice.seal_key_update());
        bytes.extend(alice.seal(b"\n"));
    }
    bytes.extend(alice.seal(b"here I am\n"));
    alice.stream.write_all(&bytes).unwrap();
    bob.next_is("<alice> here I am");
    // Her own direction has new keys too.
    bob.send("I hear you");
    alice.expect("<bob> I hear you");
}

/// What makes no line costs its number of bytes: of these 8 KiB may come at once, and 2 KiB a second
/// after that.
fn waits_for_its_rate(
    nothing: &[u8],
    mut stream: &std::net::TcpStream,
    said: &[u8],
    server: &Server,
) {
    let mut bob = server.welcomed();
    let began = Instant::now();
    stream.write_all(&[nothing, said].concat()).unwrap();
    bob.expect("<alice> done");
    let passed = began.elapsed();
    assert!(passed >= Duration::from_secs(1), "it took only {passed:?}");
}

#[test]
fn empty_records_count_as_bytes_that_make_no_line() {
    let server = Server::start(&["--tls", "--rate", "2KiB"]);
    let mut alice = TlsClient::join(&server, "alice").into_sealer();
    // An empty line now and then: of many empty records in a row the TLS library takes offence.
    let records = (0..12_000 / 22).map(|number| match number % 20 {
        0 => alice.record(b"\n"),
        _ => alice.record(b""),
    });
    let empty = records.collect::<Vec<_>>().concat();
    let said = alice.record(b"done\n");
    waits_for_its_rate(&empty, &alice.stream, &said, &server);
}

#[test]
fn key_updates_count_as_bytes_that_make_no_line() {
    let server = Server::start(&["--tls", "--rate", "2KiB"]);
    let mut alice = TlsClient::join(&server, "alice");
    let mut updates = Vec::new();
    for _ in 0..12_000 / 50 {
        updates.extend(alice.seal_key_update());
        updates.extend(alice.seal(b"\n"));
    }
    let said = alice.seal(b"done\n");
    waits_for_its_rate(&updates, &alice.stream, &said, &server);
}

#[test]
fn who_waits_for_the_rate_reads_what_the_others_say() {
    let server = Server::start(&["--tls", "--rate", "1KiB"]);
    let mut bob = server.joined("bob");
    let mut alice = TlsClient::join(&server, "alice");
    bob.settle();
    // 4 KiB of it may come at once, and the rest takes 96 s.
    alice.send(text((0..100).map(|number| format!("{number:0>900}"))).as_bytes());
    bob.expect(&format!("<alice> {:0>900}", 0));
    bob.send("I hear you");
    alice.expect("<bob> I hear you");
    let last = format!("<alice> {:0>900}", 99);
    assert!(!bob.settle().contains(&last), "she did not wait");
}

#[test]
fn empty_records_keep_nobody_from_being_idle() {
    let server = Server::start(&["--tls", "--idle-timeout", "2s"]);
    let mut alice = TlsClient::join(&server, "alice").into_sealer();
    let mut stream = alice.stream.try_clone().unwrap();
    let is_idle = |line: &String| line.contains(" alice, ") && line.ends_with(", idle");
    let began = Instant::now();
    // Few enough for the TLS library, and with less than her time between them.
    for _ in 0..20 {
        let _ = stream.write_all(&alice.record(b""));
        thread::sleep(Duration::from_millis(200));
        if server.log().iter().any(is_idle) {
            return;
        }
    }
    panic!(
        "she is here after {:?}: {:#?}",
        began.elapsed(),
        server.log()
    );
}

#[test]
fn who_sends_nothing_but_empty_records_is_gone_soon() {
    let server = Server::start(&["--tls"]);
    let mut bob = server.joined("bob");
    let mut alice = TlsClient::join(&server, "alice").into_sealer();
    bob.settle();
    eventually("she is gone", || {
        let record = alice.record(b"");
        alice.stream.write_all(&record).is_err()
    });
    bob.next_is("-- alice left");
}

#[test]
fn a_byte_now_and_then_keeps_from_being_idle() {
    let server = Server::start(&["--tls", "--idle-timeout", "3s"]);
    let mut alice = TlsClient::join(&server, "alice");
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(4) {
        alice.send(b"x");
        thread::sleep(Duration::from_millis(100));
    }
    alice.send(b"\n/version\n");
    alice.expect(crate::kit::VERSION);
}

#[test]
fn a_line_of_large_records_costs_no_more_than_in_plain() {
    // 40 records of 16 KiB, each of which comes in several reads. Twice that much would wait for
    // over a minute.
    let server = Server::start(&["--tls", "--rate", "164KiB", "--max-line", "64KiB"]);
    let mut bob = server.joined("bob");
    let mut alice = TlsClient::join(&server, "alice");
    bob.settle();
    let line = [b'x'; 16 << 10];
    let mut bytes = Vec::new();
    for _ in 0..39 {
        let mut line = line;
        line[line.len() - 1] = b'\n';
        bytes.extend(alice.seal(&line));
    }
    let began = Instant::now();
    alice.stream.write_all(&bytes).unwrap();
    for _ in 0..39 {
        bob.read_line();
    }
    // All of it may come at once.
    let passed = began.elapsed();
    assert!(passed < Duration::from_millis(1900), "{passed:?}");
}

#[test]
fn keys_that_are_updated_under_a_flood_lose_nothing() {
    const LINES: usize = 20_000;
    let server = Server::start(&["--tls", "--rate", "0"]);
    let bob = server.joined("bob");
    let mut alice = TlsClient::join(&server, "alice");
    let mut updates = Vec::new();
    for _ in 0..2_000 {
        updates.push([alice.seal_key_update(), alice.seal(b"\n")].concat());
    }
    let mut stream = alice.stream.try_clone().unwrap();
    let paste = text((0..LINES).map(|number| format!("{number:0>400}")));
    thread::scope(|scope| {
        scope.spawn(|| bob.send_bytes(paste.as_bytes()));
        scope.spawn(move || {
            for update in updates {
                stream.write_all(&update).unwrap();
            }
        });
        let last = format!("<bob> {:0>400}", LINES - 1);
        let before = alice.expect(&last);
        let lines = before.iter().filter(|line| line.starts_with("<bob> 0"));
        for (number, line) in lines.enumerate() {
            assert_eq!(*line, format!("<bob> {number:0>400}"));
        }
    });
}

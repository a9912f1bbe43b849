//! P2: memory is bounded by the configuration, whatever the clients do.

mod churn;
mod gluttons;
mod silence;

use std::thread;

use crate::kit::{Client, MIB, NARROW, Server, crowd_turn, paste};

#[test]
fn a_stalled_client_costs_the_same_however_many_lines_wait_for_it() {
    const LINES: u64 = 80_000;
    let Some(_turn) = crowd_turn() else { return };
    let server = Server::start(&["--rate", "0", "--max-backlog", "64MiB", "--history", "0"]);
    let mut sleepers: Vec<Client> = (0..300)
        .map(|_| server.connect_with_receive_buffer(NARROW))
        .collect();
    for sleeper in &mut sleepers {
        sleeper.read_welcome();
    }
    let [mut sender, mut reader] = server.room(["s", "reader"]);
    let before = server.resident_bytes();
    thread::scope(|scope| {
        scope.spawn(|| reader.lines_until("<s> the end"));
        // Two lines at a time, so that they arrive in many batches.
        for _ in 0..LINES / 2 {
            sender.send_bytes(b"a\na\n");
        }
        sender.send("the end");
    });
    sender.settle();
    let growth = server.resident_bytes().saturating_sub(before);
    // "<s> a\n" is six bytes, of which half a mebibyte waits. A reference per client and line would
    // be 24 million.
    assert!(
        growth < 24 * MIB,
        "{growth} bytes more for {} bytes pending",
        LINES * 6
    );
    let last = sleepers.last_mut().unwrap();
    let a_line = "<s> a".to_owned();
    let waited = last.lines_until("<s> the end");
    assert_eq!(
        waited.iter().filter(|line| **line == a_line).count() as u64,
        LINES
    );
}

#[test]
fn memory_is_bounded_by_the_configuration_whatever_is_sent() {
    let limits = [
        "--rate",
        "0",
        "--max-backlog",
        "1MiB",
        "--patience",
        "200ms",
    ];
    let server = Server::start(&limits);
    let mut sender = server.joined("sender");
    let before = server.resident_bytes();
    let mut sleepers = Vec::new();
    let paste = paste(8000);
    for round in 0..8 {
        // Each round a new one, because each is let go.
        sleepers.push(server.stalled(&format!("sleeper{round}")));
        sender.send_bytes(paste.as_bytes());
        // Who sends does not read what is said, so nobody here has to keep up.
        sender.settle();
    }
    let growth = server.peak_resident_bytes().saturating_sub(before);
    // 64 MB went through; 1 MiB may wait, and a batch or two beside it.
    assert!(growth < 24 * MIB, "memory grew by {growth} bytes");
}

/// What begins with `beginning` and goes on with 32 MiB of `byte` costs no memory, and ends with
/// LF.
fn costs_no_memory(server: &Server, client: &Client, beginning: &[u8], byte: u8) {
    let before = server.peak_resident_bytes();
    client.send_bytes(beginning);
    let piece = vec![byte; MIB as usize];
    for _ in 0..32 {
        client.send_bytes(&piece);
    }
    client.send("");
    // The last of it may still be on its way, and it is no different from the rest.
    let growth = server.peak_resident_bytes() - before;
    assert!(growth < 8 * MIB, "memory grew by {growth} bytes");
}

#[test]
fn an_endless_line_without_lf_costs_no_memory() {
    let server = Server::start(&["--rate", "0"]);
    let [mut talker, mut reader] = server.room(["talker", "reader"]);
    costs_no_memory(&server, &talker, b"", b'x');
    talker.next_is("-- line too long: the limit is 4096 bytes, nothing was sent");
    talker.send("and the next line is fine");
    reader.next_is("<talker> and the next line is fine");
}

#[test]
fn an_endless_telnet_sub_negotiation_costs_no_memory() {
    let server = Server::start(&["--rate", "0"]);
    let mut talker = server.joined("talker");
    costs_no_memory(&server, &talker, b"\xff\xfa\x18", b'x');
    talker.send_bytes(b"\xff\xf0");
    talker.send("");
    talker.settle();
}

#[test]
fn an_endless_line_of_telnet_requests_costs_no_memory() {
    let server = Server::start(&["--rate", "0"]);
    let mut talker = server.joined("talker");
    let before = server.peak_resident_bytes();
    for option in 0..=255 {
        talker.send_bytes(&[0xff, 0xfd, option].repeat(1024));
    }
    talker.send("/version");
    // Behind the answers to all of these, which are no lines.
    talker.lines_until_one(&"the version", |line| line.contains("-- chatd "));
    let growth = server.peak_resident_bytes() - before;
    assert!(growth < 8 * MIB, "memory grew by {growth} bytes");
}

#[test]
fn an_endless_line_without_lf_costs_no_memory_in_raw_mode() {
    let server = Server::start(&["--raw"]);
    let [talker, mut reader] = server.raw_room();
    costs_no_memory(&server, &talker, b"", 0);
    talker.send("and the next line is fine");
    reader.next_is("and the next line is fine");
}

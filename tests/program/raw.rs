//! Section 5: `--raw` turns chatd into a line relay for programs.

use std::thread;
use std::time::{Duration, Instant};

use crate::kit::{Server, text};

fn raw_server(args: &[&str]) -> Server {
    Server::start(&[&["--raw"], args].concat())
}

/// What `speaker` sends reaches `listener` as `expected`, and nothing else does.
fn relays(sent: &[u8], expected: &[u8]) {
    let server = raw_server(&[]);
    let [speaker, mut listener] = server.raw_room();
    speaker.send_bytes(sent);
    speaker.send_bytes(b"the end\n");
    let mut all = expected.to_vec();
    all.extend(b"the end\n");
    let came = listener.read_bytes(all.len());
    assert!(
        came == all,
        "expected {}, got {}",
        all.escape_ascii(),
        came.escape_ascii()
    );
}

#[test]
fn every_line_goes_to_every_other_client_and_not_back_to_its_author() {
    let server = raw_server(&[]);
    let [mut first, mut second, mut third] = server.raw_room();
    first.send("from the first");
    second.next_is("from the first");
    third.next_is("from the first");
    second.send("from the second");
    first.next_is("from the second");
    third.next_is("from the second");
}

#[test]
fn every_byte_but_lf_passes_as_it_is() {
    let all: Vec<u8> = (0..=255)
        .filter(|byte| *byte != b'\n')
        .chain([b'\n'])
        .collect();
    relays(&all, &all);
}

#[test]
fn empty_lines_pass_too() {
    relays(b"\n\n\n", b"\n\n\n");
}

#[test]
fn cr_is_part_of_the_line() {
    relays(
        b"with CR\r\n\r\nand\rinside\n",
        b"with CR\r\n\r\nand\rinside\n",
    );
}

#[test]
fn cr_nul_does_not_end_a_line() {
    relays(b"one\r\0still one\n", b"one\r\0still one\n");
}

#[test]
fn there_is_no_clean_up_and_no_utf_8() {
    let bytes = b"\x1b[2J x\x08\x7f \xff\xfe \xc3( \xe2\x80\xae \xc2\x85\n";
    relays(bytes, bytes);
}

#[test]
fn there_is_no_telnet() {
    let bytes =
        b"\xff\xfb\x01\xff\xfd\x06\xff\xf4 \xff\xff \xff\xfa\x18\x01\xff\xf0\n\xff\xf6\n\xff\xec\n";
    relays(bytes, bytes);
}

#[test]
fn there_are_no_commands() {
    let lines = b"help\n/quit\n/nick bob\n//x\n \x1b[A/who\n\x04\n";
    relays(lines, lines);
}

#[test]
fn a_last_line_without_lf_gets_one() {
    let server = raw_server(&[]);
    let [speaker, mut listener] = server.raw_room();
    speaker.send_bytes(b"whole\nbegun");
    speaker.close_sending();
    listener.next_is("whole");
    listener.next_is("begun");
}

#[test]
fn there_are_no_names_and_no_notices() {
    let server = raw_server(&[]);
    let [speaker, mut listener] = server.raw_room();
    let passer_by = server.connect();
    passer_by.send("I was here");
    listener.next_is("I was here");
    drop(passer_by);
    server.log_line(|line| line.contains("left: "));
    speaker.send("nobody was announced");
    listener.next_is("nobody was announced");
}

#[test]
fn there_is_no_history_and_no_welcome() {
    let server = raw_server(&[]);
    let [speaker, mut listener] = server.raw_room();
    speaker.send("long ago");
    listener.next_is("long ago");
    let mut newcomer = server.connect();
    newcomer.close_sending();
    assert_eq!(newcomer.read_to_any_end(), (vec![], false));
}

#[test]
fn who_is_rejected_is_only_closed() {
    let server = raw_server(&["--max-clients", "2"]);
    let [_first, _second] = server.raw_room();
    let (bytes, _) = server.connect().read_to_any_end();
    assert_eq!(bytes.escape_ascii().to_string(), "");
}

#[test]
fn who_is_idle_is_only_closed() {
    let server = raw_server(&["--idle-timeout", "1s"]);
    assert_eq!(server.connect().read_to_any_end(), (vec![], false));
    server.log_line(|line| line.ends_with("idle"));
}

#[test]
fn at_shutdown_everybody_is_only_closed() {
    let mut server = raw_server(&[]);
    let [mut first, mut second] = server.raw_room();
    server.signal("TERM");
    assert_eq!(first.read_to_any_end(), (vec![], false));
    assert_eq!(second.read_to_any_end(), (vec![], false));
    drop((first, second));
    assert_eq!(server.wait_exit().code(), Some(0));
}

#[test]
fn what_a_client_sent_before_it_closed_its_sending_side_arrives_and_it_reads_to_a_clean_end() {
    let server = raw_server(&[]);
    let [mut speaker, mut listener] = server.raw_room();
    listener.send("for the one who leaves");
    speaker.next_is("for the one who leaves");
    speaker.send("the last word");
    speaker.close_sending();
    assert_eq!(speaker.read_to_any_end(), (vec![], false));
    listener.next_is("the last word");
}

#[test]
fn a_line_over_max_line_is_dropped_with_a_warning_that_says_whose_it_was() {
    let server = raw_server(&[]);
    let [mut speaker, mut listener] = server.raw_room();
    let longest = "x".repeat(64 * 1024);
    speaker.send(&longest);
    speaker.send(&format!("{longest}x"));
    speaker.send("after it");
    assert!(
        listener.read_line() == longest,
        "the longest line that is allowed is changed"
    );
    listener.next_is("after it");
    let address = speaker.address().to_string();
    let warning = server.log_line(|line| line.contains("WARN") && line.contains("--max-line"));
    assert!(warning.ends_with(&format!("of {address}")), "{warning}");
    // Nothing is said to its author either.
    listener.send("to the author");
    speaker.next_is("to the author");
}

#[test]
fn lines_never_interleave_and_their_order_is_total() {
    const LINES: usize = 400;
    let server = raw_server(&[]);
    let [mut first, mut second, senders @ ..] = server.raw_room::<8>();
    let count = senders.len() * LINES;
    let (seen, seen_too) = thread::scope(|scope| {
        for (sender, letter) in senders.iter().zip('a'..) {
            scope.spawn(move || {
                let whole = letter.to_string().repeat(99);
                let text = text((0..LINES).map(|number| format!("{whole}{number}")));
                for piece in text.as_bytes().chunks(1009) {
                    sender.send_bytes(piece);
                }
            });
        }
        let other = scope.spawn(|| second.read_lines(count));
        (first.read_lines(count), other.join().unwrap())
    });
    assert!(seen == seen_too, "two readers saw different orders");
    for letter in ('a'..).take(senders.len()) {
        let whole = letter.to_string().repeat(99);
        let of_one: Vec<&String> = seen
            .iter()
            .filter(|line| line.starts_with(letter))
            .collect();
        let sent: Vec<String> = (0..LINES)
            .map(|number| format!("{whole}{number}"))
            .collect();
        assert!(
            of_one.iter().copied().eq(sent.iter()),
            "lines of {letter}: {of_one:#?}"
        );
    }
}

#[test]
fn a_client_that_stops_reading_is_let_go_and_the_others_read_everything() {
    // More pieces than everything between two clients holds.
    const MOST_PIECES: usize = 4_000;
    let server = raw_server(&["--max-backlog", "1MiB", "--patience", "1s"]);
    let [mut reader, sender, _stalled] = server.raw_room();
    let line = "x".repeat(1000);
    let piece = format!("{line}\n").repeat(64);
    let is_over = || server.log().iter().any(|line| line.ends_with("too slow"));
    for _ in 0..MOST_PIECES {
        // Read before the next one comes, so that the reader is never far behind.
        sender.send_bytes(piece.as_bytes());
        for _ in 0..64 {
            reader.next_is(&line);
        }
        if is_over() {
            return;
        }
    }
    panic!("nobody was let go");
}

#[test]
fn no_limit_on_the_rate_unless_one_is_given_and_then_nothing_is_dropped() {
    const LINES: usize = 400;
    let server = raw_server(&["--rate", "64KiB"]);
    let [sender, mut reader] = server.raw_room();
    let line = "x".repeat(1000);
    let start = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| sender.send_bytes(format!("{line}\n").repeat(LINES).as_bytes()));
        for _ in 0..LINES {
            reader.next_is(&line);
        }
    });
    // 256 KiB may come at once, and the other 134 KiB take two seconds.
    assert!(
        start.elapsed() > Duration::from_millis(1500),
        "not slowed: {:?}",
        start.elapsed()
    );
}

#[test]
fn the_log_names_nobody() {
    let mut server = raw_server(&[]);
    let client = server.connect();
    let address = client.address().to_string();
    client.send("to nobody\nand again");
    drop(client);
    let joined = server.log_line(|line| line.contains("joined: "));
    assert!(joined.ends_with(&format!("joined: {address}")), "{joined}");
    let left = server.log_line(|line| line.contains("left: "));
    assert!(
        left.contains(&format!("left: {address}, 2 lines, 20 bytes, ")),
        "{left}"
    );
    server.signal("TERM");
    server.wait_exit();
}

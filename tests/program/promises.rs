//! Section 1: what chatd promises whatever its clients do to those who only want to talk (P1 and P3; P2 is held by the module on memory, P4 by those on lines and names).

use std::io::{ErrorKind, Write};

use crate::kit::{Client, SLACK, Server, StopOnDrop, TempFile, WAIT, paste, text};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Sends 64 KiB of lines of 256 bytes every 32 ms, which makes 2 MB/s, until told to stop or cut off.
fn flood(sender: &Client, stop: &AtomicBool) {
    let lines = format!("{}\n", "x".repeat(255)).repeat(256);
    while !stop.load(Ordering::Relaxed) && sender.try_send(lines.as_bytes()).is_ok() {
        thread::sleep(Duration::from_millis(32));
    }
}

/// The longest that `client` waits for an answer while `sender` floods, for at least `duration` and until `enough`.
fn longest_wait_in_a_flood(
    sender: &Client,
    client: &mut Client,
    duration: Duration,
    enough: impl Fn() -> bool,
) -> Duration {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| flood(sender, &stop));
        // The flood must end when an assertion fails too, or the scope would wait for it for ever.
        let _guard = StopOnDrop(&stop);
        let start = Instant::now();
        let mut longest = Duration::ZERO;
        while start.elapsed() < duration || !enough() {
            assert!(
                start.elapsed() < duration + WAIT,
                "the flood has not done what was awaited"
            );
            let asked = Instant::now();
            client.settle();
            longest = longest.max(asked.elapsed());
        }
        longest
    })
}

fn was_too_slow(server: &Server, name: &str) -> bool {
    let name = format!(" {name}, ");
    server
        .log()
        .iter()
        .any(|line| line.contains(&name) && line.ends_with("too slow"))
}

#[test]
fn a_client_that_stops_reading_never_delays_the_others() {
    // The backlog and the patience stand to each other and to the default rate as the defaults do: what one sender may
    // send within the patience is less than the backlog. Then even the moment in which the backlog is passed costs
    // nobody anything.
    let server = Server::start(&["--max-backlog", "8MiB", "--patience", "3s"]);
    let _stalled = server.stalled("sleeper");
    let [sender, mut reader] = server.room(["sender", "reader"]);
    let longest = longest_wait_in_a_flood(&sender, &mut reader, Duration::from_secs(2), || {
        was_too_slow(&server, "sleeper")
    });
    assert!(
        longest < Duration::from_millis(1500),
        "somebody waited for {longest:?}"
    );
}

#[test]
fn over_the_backlog_a_client_holds_the_others_up_by_the_patience_at_most() {
    let patience = Duration::from_secs(1);
    let server = Server::start(&["--rate", "0", "--max-backlog", "1MiB", "--patience", "1s"]);
    let _stalled = [server.stalled("sleeper"), server.stalled("dreamer")];
    let [sender, mut reader] = server.room(["sender", "reader"]);
    let longest = longest_wait_in_a_flood(&sender, &mut reader, Duration::ZERO, || {
        was_too_slow(&server, "sleeper") && was_too_slow(&server, "dreamer")
    });
    assert!(
        longest < patience + SLACK,
        "somebody waited for {longest:?}"
    );
}

#[test]
fn a_client_that_sips_is_let_go_as_too_slow() {
    let server = Server::start(&[
        "--rate",
        "0",
        "--max-backlog",
        "1MiB",
        "--patience",
        "500ms",
    ]);
    let mut sipper = server.stalled("sipper");
    let [sender, mut reader] = server.room(["sender", "reader"]);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| flood(&sender, &stop));
        scope.spawn(|| {
            // Never silent for long, and yet far under half of the backlog per patience.
            while !stop.load(Ordering::Relaxed)
                && sipper.try_read_line().is_ok_and(|line| line.is_some())
            {
                thread::sleep(Duration::from_millis(2));
            }
        });
        let _guard = StopOnDrop(&stop);
        reader.lines_until_one(&"the sipper's departure", |line| {
            line == "-- sipper left (too slow)"
        });
    });
}

#[test]
fn a_slow_but_living_reader_of_a_20_mb_paste_gets_every_line() {
    const LINES: usize = 50_000;
    let server = Server::start(&["--rate", "0", "--max-backlog", "1MiB"]);
    let [sender, mut reader] = server.room(["sender", "reader"]);
    let paste = text((0..LINES).map(|number| format!("{number:0>400}")));
    assert!(paste.len() > 20_000_000);
    thread::scope(|scope| {
        scope.spawn(|| sender.send_bytes(paste.as_bytes()));
        for number in 0..LINES {
            reader.next_is(&format!("<sender> {number:0>400}"));
            // Half a mebibyte, then a rest: slower than the sender, and never slow enough to be let go.
            if number % 1300 == 0 {
                thread::sleep(Duration::from_millis(50));
            }
        }
    });
    assert_eq!(reader.settle(), [""; 0]);
}

#[test]
fn whoever_reads_half_of_the_backlog_per_patience_loses_nothing() {
    const LINES: usize = 3000;
    let server = Server::start(&["--rate", "0", "--max-backlog", "1MiB", "--patience", "2s"]);
    let [sender] = server.room(["sender"]);
    let mut reader = server.stalled("reader");
    thread::scope(|scope| {
        scope.spawn(|| {
            let paste = text((0..LINES).map(|number| format!("{number:0>1000}")));
            sender.send_bytes(paste.as_bytes());
        });
        for number in 0..LINES {
            reader.expect(&format!("<sender> {number:0>1000}"));
            // 400 KB a second, where 512 KiB in two would do.
            if number % 40 == 0 {
                thread::sleep(Duration::from_millis(100));
            }
        }
    });
}

/// Has a room wait, for an hour if need be, for one who does not read, then has that one `act`; the room must go on and
/// everybody else must read everything.
fn goes_on_after(act: impl FnOnce(Client)) {
    let server = Server::start(&["--rate", "0", "--max-backlog", "1MiB", "--patience", "1h"]);
    let [sender, mut reader] = server.room(["sender", "reader"]);
    let sleeper = server.stalled("sleeper");
    let paste = paste(PASTE_LINES) + "the end\n";
    thread::scope(|scope| {
        let reading = scope.spawn(|| reader.lines_until("<sender> the end").len());
        let sent = send_until_nothing_is_taken(&sender, paste.as_bytes());
        assert!(sent < paste.len(), "nobody waited for the sleeper");
        let rest = &paste.as_bytes()[sent..];
        scope.spawn(|| sender.send_bytes(rest));
        act(sleeper);
        assert!(reading.join().unwrap() >= PASTE_LINES);
    });
}

/// More than fits into all buffers between two clients.
const PASTE_LINES: usize = 16_000;

/// Sends until nothing more is taken for a second; returns how much was.
fn send_until_nothing_is_taken(sender: &Client, bytes: &[u8]) -> usize {
    sender
        .stream()
        .set_write_timeout(Some(Duration::from_secs(1)))
        .unwrap();
    let mut sent = 0;
    while sent < bytes.len() {
        match sender.stream().write(&bytes[sent..]) {
            Ok(taken) => sent += taken,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => panic!("sending failed: {error}"),
        }
    }
    sender.stream().set_write_timeout(Some(WAIT)).unwrap();
    sent
}

#[test]
fn a_pause_ends_when_the_one_who_is_waited_for_reads_on_and_nothing_is_lost() {
    goes_on_after(|mut sleeper| {
        let lines = sleeper.lines_until("<sender> the end");
        assert_eq!(
            lines.iter().filter(|line| line.ends_with('x')).count(),
            PASTE_LINES
        );
    });
}

#[test]
fn a_pause_ends_when_the_one_who_is_waited_for_is_gone() {
    goes_on_after(Client::reset);
}

#[test]
fn what_is_written_for_one_client_alone_never_pauses_the_room() {
    let motd = TempFile::with(&"a line of the message of the day\n".repeat(1900));
    let server = Server::start(&["--rate", "0", "--patience", "1h", "--motd", motd.path()]);
    let glutton = server.stalled("glutton");
    let [mut reader] = server.room(["reader"]);
    // 64 KiB each, and over 1 MiB in all even when the socket itself has taken a lot.
    glutton.send_bytes("/motd\n".repeat(200).as_bytes());
    reader.expect("-- glutton left (too slow)");
    reader.settle();
}

#[test]
fn every_client_sees_the_same_messages_in_the_same_order_whole_and_once() {
    const NAMES: [&str; 6] = ["anna", "boris", "carla", "dmitri", "elena", "fritz"];
    const LINES: usize = 400;
    let server = Server::start(&[]);
    let senders = server.room(NAMES);
    let [mut first, mut second] = server.room(["first", "second"]);
    let together = Barrier::new(NAMES.len());
    let count = NAMES.len() * LINES;
    let (seen, seen_too) = thread::scope(|scope| {
        for (sender, name) in senders.iter().zip(NAMES) {
            let together = &together;
            scope.spawn(move || {
                let text = text((0..LINES).map(|number| format!("{name} {number:0>60}")));
                together.wait();
                // Pieces of a prime length, so that reads end in the middle of lines.
                for piece in text.as_bytes().chunks(1009) {
                    sender.send_bytes(piece);
                }
            });
        }
        let other = scope.spawn(|| second.read_lines(count));
        (first.read_lines(count), other.join().unwrap())
    });
    assert!(seen == seen_too, "{}", first_difference(&seen, &seen_too));
    for name in NAMES {
        let prefix = format!("<{name}> ");
        let of_one: Vec<&String> = seen
            .iter()
            .filter(|line| line.starts_with(&prefix))
            .collect();
        let sent: Vec<String> = (0..LINES)
            .map(|number| format!("<{name}> {name} {number:0>60}"))
            .collect();
        assert!(
            of_one.iter().copied().eq(sent.iter()),
            "lines of {name}: {of_one:#?}"
        );
    }
}

fn first_difference(left: &[String], right: &[String]) -> String {
    match left
        .iter()
        .zip(right)
        .position(|(left, right)| left != right)
    {
        Some(at) => format!(
            "line {at} is {:?} for one and {:?} for the other",
            left[at], right[at]
        ),
        None => format!(
            "{} lines for one, {} for the other",
            left.len(),
            right.len()
        ),
    }
}

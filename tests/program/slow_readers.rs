//! P1: those who read slowly, a byte at a time or nothing at all.

use std::io::{ErrorKind, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::TRANSPORT;
use crate::kit::{
    Client, Flood, IMPATIENT, MIB, Notice, Program, Server, StopOnDrop, WAIT, crowd_turn,
    grew_by_less_than, narrow_crowd, only_in_plain, only_over_tcp, paste, read_notices, text,
};

/// Lines of 255 bytes, a sixteenth of the backlog in all: a piece of what is said.
const PIECE: usize = 256;

/// How many pieces are more than everything between two clients holds.
const MOST_PIECES: usize = 4_000;

/// Says one piece after the other until `reader` has read that so many people are let go. It reads
/// each piece before the next one comes, and so is never far behind, however slow this machine is.
fn are_let_go(people: usize, sender: &Client, reader: &mut Client) {
    let lines: Vec<String> = (0..PIECE).map(|number| format!("{number:0>255}")).collect();
    let piece = text(lines.clone());
    let mut told = 0;
    for _ in 0..MOST_PIECES {
        sender.send_bytes(piece.as_bytes());
        let mut lines = lines.iter();
        while let Some(wanted) = lines.as_slice().first() {
            let line = reader.read_line();
            if let Some(notice) = Notice::of(&line, " left (too slow)") {
                told += notice.people();
            } else {
                assert_eq!(line, format!("<sender> {wanted}"));
                lines.next();
            }
        }
        if told >= people {
            assert_eq!(told, people, "people who were too slow");
            return;
        }
    }
    panic!("only {told} of {people} people were let go");
}

#[test]
fn those_who_stop_reading_are_let_go_and_the_others_read_everything() {
    const MANY: usize = 300;
    let Some(_turn) = crowd_turn() else { return };
    let server = Server::start(&IMPATIENT);
    let [sender, mut reader] = server.room(["sender", "reader"]);
    let _stalled = narrow_crowd(&server, MANY);
    read_notices(&mut reader, " joined", MANY, |_| {});
    let before = server.resident_bytes();
    are_let_go(MANY, &sender, &mut reader);
    let peak = server.peak_resident_bytes();
    // 1 MiB may wait for all of them together, and a batch or two beside it.
    let most = 16 * MIB + MANY as u64 * TRANSPORT.held_per_client();
    grew_by_less_than(most, before, peak, &"300 clients do not read");
}

#[test]
fn those_who_sip_are_let_go_and_the_others_read_everything() {
    const SIPPERS: usize = 20;
    let server = Server::start(&IMPATIENT);
    let [sender, mut reader] = server.room(["sender", "reader"]);
    let sippers = narrow_crowd(&server, SIPPERS);
    read_notices(&mut reader, " joined", SIPPERS, |_| {});
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let _guard = StopOnDrop(&stop);
        scope.spawn(|| {
            // A byte a second would be no harder for the server.
            while !stop.load(Ordering::Relaxed) {
                for sipper in &sippers {
                    let _ = sipper.stream().read(&mut [0]);
                }
                thread::sleep(Duration::from_millis(20));
            }
        });
        are_let_go(SIPPERS, &sender, &mut reader);
    });
}

/// Lets a client that does not read be let go under a flood, and returns it.
fn let_go(server: &Server) -> Client {
    let sleeper = server.stalled("sleeper");
    let [sender, mut reader] = server.room(["sender", "reader"]);
    Flood::of(255).during(&sender, || reader.expect("-- sleeper left (too slow)"));
    sleeper
}

#[test]
fn who_is_let_go_sees_a_reset_and_the_kernel_forgets_what_was_unsent() {
    if only_over_tcp("what is in a Unix socket is the reader's") {
        return;
    }
    let server = Server::start(&IMPATIENT);
    let mut sleeper = let_go(&server);
    // A close would come behind all that the kernel has still to send.
    let (read, was_reset) = sleeper.read_to_any_end();
    assert!(was_reset, "closed after {} bytes", read.len());
}

#[test]
fn debug_logs_pressure_and_who_was_how_far_behind_when_it_began() {
    let server = Server::start(&[&IMPATIENT[..], &["-v"]].concat());
    let _sleeper = let_go(&server);
    server.log_line(|line| line.ends_with("pressure: over"));
    let log = server.log();
    let mut log = log
        .iter()
        .skip_while(|line| !line.ends_with("pressure: a slow reader is waited for"))
        .take_while(|line| !line.ends_with("pressure: over"));
    assert!(log.next().is_some(), "it began");
    // Another may be as far behind for a moment, on a machine that is busy.
    let mut behind = log.filter_map(|line| {
        let (_, behind) = line.split_once("client 1 is ")?;
        behind.strip_suffix(" KiB behind")?.parse::<u64>().ok()
    });
    let kib = behind.next().expect("a line of the sleeper");
    // More than half of the backlog, and less than what the log may hold.
    assert!((512..2048).contains(&kib), "{kib} KiB");
    assert_eq!(behind.next(), None, "another line of the sleeper");
}

#[test]
fn a_stopped_nc_is_let_go_and_the_others_read_everything() {
    if only_in_plain("nc does not speak TLS") {
        return;
    }
    let server = Server::start(&IMPATIENT);
    let [sender, mut reader] = server.room(["sender", "reader"]);
    let Some(mut nc) = Program::start("nc", &server) else {
        return;
    };
    nc.join("carl");
    reader.expect("<carl> it is me");
    nc.stop();
    are_let_go(1, &sender, &mut reader);
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
            // Half a mebibyte, then a rest: slower than the sender, and never slow enough to be let
            // go.
            if number % 1300 == 0 {
                thread::sleep(Duration::from_millis(50));
            }
        }
    });
    assert_eq!(reader.settle(), [""; 0]);
}

/// Has a room wait, for an hour if need be, for one who does not read, then has that one `act`; the
/// room must go on and everybody else must read everything.
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
const PASTE_LINES: usize = 8_000;

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
fn a_stopped_nc_that_goes_on_under_the_backlog_has_lost_nothing() {
    const LINES: usize = 16_000;
    if only_in_plain("nc does not speak TLS") {
        return;
    }
    let server = Server::start(&["--rate", "0", "--history", "0"]);
    let [mut sender] = server.room(["sender"]);
    let Some(mut nc) = Program::start("nc", &server) else {
        return;
    };
    nc.join("carl");
    sender.expect("<carl> it is me");
    nc.stop();
    // 4 MB of the 16 MiB that may wait, and far more than the kernel keeps.
    for number in 0..LINES {
        sender.send(&format!("{number:0>250}"));
    }
    sender.settle();
    nc.go_on();
    for number in 0..LINES {
        assert_eq!(nc.next_line(), format!("<sender> {number:0>250}"));
    }
    nc.say("I have read it all");
    sender.expect("<carl> I have read it all");
}

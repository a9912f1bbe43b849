//! P1: those who read slowly, a byte at a time or nothing at all.

use std::io::{ErrorKind, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::kit::{
    Client, Flood, Follower, MIB, Program, SLACK, Server, StopOnDrop, WAIT, crowd_turn,
    grew_by_less_than, narrow_crowd, paste, read_notices, text,
};

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

/// Lets a client that does not read be let go under a flood, and returns it.
fn let_go(server: &Server) -> Client {
    let sleeper = server.stalled("sleeper");
    let [sender, mut reader] = server.room(["sender", "reader"]);
    Flood::of(255).during(&sender, || reader.expect("-- sleeper left (too slow)"));
    sleeper
}

#[test]
fn who_is_let_go_sees_a_reset_and_the_kernel_forgets_what_was_unsent() {
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

/// Little backlog and little patience, so that the end comes soon.
const IMPATIENT: [&str; 8] = [
    "--rate",
    "0",
    "--max-backlog",
    "1MiB",
    "--patience",
    "1s",
    "--history",
    "0",
];

/// So many clients stop reading under a flood. They are let go, and a reader reads all of it.
fn are_let_go(count: usize) {
    let _turn = crowd_turn();
    let server = Server::start(&IMPATIENT);
    let [sender, mut reader] = server.room(["sender", "reader"]);
    let _stalled = narrow_crowd(&server, count);
    read_notices(&mut reader, " joined", count, |_| {});
    let before = server.resident_bytes();
    let mut follower = Follower::default();
    Flood::of(255).during(&sender, || {
        read_notices(&mut reader, " left (too slow)", count, |line| {
            assert!(follower.follows(line), "{line:?} is not of the flood");
        });
    });
    let peak = server.peak_resident_bytes();
    // 1 MiB may wait for all of them together, and a batch or two beside it.
    grew_by_less_than(
        16 * MIB,
        before,
        peak,
        &format!("{count} clients do not read"),
    );
}

#[test]
fn one_client_that_stops_reading_is_let_go_and_the_others_read_everything() {
    are_let_go(1);
}

#[test]
fn fifty_clients_that_stop_reading_are_let_go_and_the_others_read_everything() {
    are_let_go(50);
}

#[test]
fn three_hundred_clients_that_stop_reading_are_let_go_and_the_others_read_everything() {
    are_let_go(300);
}

#[test]
fn a_stopped_nc_is_let_go_and_the_others_read_everything() {
    let server = Server::start(&IMPATIENT);
    let [sender, mut reader] = server.room(["sender", "reader"]);
    let Some(mut nc) = Program::start("nc", &server) else {
        return;
    };
    nc.join("carl");
    reader.expect("<carl> it is me");
    nc.stop();
    let mut follower = Follower::default();
    Flood::of(255).during(&sender, || {
        read_notices(&mut reader, " left (too slow)", 1, |line| {
            assert!(follower.follows(line), "{line:?} is not of the flood");
        });
    });
}

#[test]
fn a_stopped_nc_that_goes_on_under_the_backlog_has_lost_nothing() {
    const LINES: usize = 16_000;
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

/// Lets each of `sippers` read a byte every 20 ms while `sender` floods, until `reader` has read
/// that they were let go. Returns the longest time for which the reader had nothing to read.
///
/// A byte a second would be gone through too slowly for a test, and is no harder for the server.
fn longest_silence(sippers: &[Client], sender: &Client, reader: &mut Client) -> Duration {
    let stop = AtomicBool::new(false);
    let mut follower = Follower::default();
    let mut longest = Duration::ZERO;
    thread::scope(|scope| {
        let _guard = StopOnDrop(&stop);
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                for sipper in sippers {
                    // Those who were let go cannot read any more.
                    let _ = sipper.stream().read(&mut [0]);
                }
                thread::sleep(Duration::from_millis(20));
            }
        });
        Flood::of(255).during(sender, || {
            let mut heard = Instant::now();
            read_notices(reader, " left (too slow)", sippers.len(), |line| {
                assert!(follower.follows(line), "{line:?} is not of the flood");
                longest = longest.max(heard.elapsed());
                heard = Instant::now();
            });
        });
    });
    longest
}

/// Clients who have joined and read a little of their welcome.
fn sippers(server: &Server, count: usize, reader: &mut Client) -> Vec<Client> {
    let sippers = narrow_crowd(server, count);
    read_notices(reader, " joined", count, |_| {});
    sippers
}

#[test]
fn those_who_sip_hold_the_others_up_by_the_patience_at_a_stretch_and_are_let_go() {
    const PATIENCE: Duration = Duration::from_secs(1);
    let limits = ["--rate", "0", "--max-backlog", "1MiB", "--patience", "1s"];
    let server = Server::start(&limits);
    let [sender, mut reader] = server.room(["sender", "reader"]);
    let sippers = sippers(&server, 20, &mut reader);
    let longest = longest_silence(&sippers, &sender, &mut reader);
    assert!(
        longest < PATIENCE + SLACK,
        "the flood stood still for {longest:?}"
    );
}

#[test]
fn with_the_default_rate_and_one_sender_one_who_sips_slows_nobody() {
    // Half of the default backlog and patience, so that the test takes half the time. What one
    // sender may send within the patience is less than the backlog, as it is by default.
    let server = Server::start(&["--max-backlog", "8MiB", "--patience", "3s"]);
    let [sender, mut reader] = server.room(["sender", "reader"]);
    let sippers = sippers(&server, 1, &mut reader);
    let longest = longest_silence(&sippers, &sender, &mut reader);
    assert!(
        longest < Duration::from_millis(2500),
        "the flood stood still for {longest:?}"
    );
}

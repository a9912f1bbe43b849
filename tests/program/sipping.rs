//! Clients that read a byte now and then, for ever (P1).

use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::kit::{Client, Flood, Follower, SLACK, Server, StopOnDrop, narrow_crowd, read_notices};

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

//! Clients that stop reading (P1, P2).

use crate::kit::{
    Flood, Follower, MIB, Program, Server, crowd_turn, grew_by_less_than, narrow_crowd,
    read_notices,
};

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

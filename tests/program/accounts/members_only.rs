//! `--members-only`.

use crate::kit::{DataDir, TempFile, answers, password_of};

const MEMBERS_ONLY: &str = "-- members only: /login NAME";

#[test]
fn a_newcomer_reads_the_motd_and_members_only_and_nothing_of_the_room() {
    let (directory, motd) = (DataDir::new(), TempFile::with("be kind\n"));
    let args = ["--register", "--members-only", "--motd", motd.path()];
    let server = directory.server(&args);
    let mut alice = server.registered("alice");
    alice.send("a secret of the room");
    alice.settle();
    let mut stranger = server.connect();
    assert_eq!(stranger.read_lines(2), ["-- be kind", MEMBERS_ONLY]);
    alice.send("another");
    alice.settle();
    // Anything but what lets them in is answered with that line again.
    for line in [
        "hello",
        "/who",
        "/whois alice",
        "/msg alice psst",
        "/nick bob",
        "/history",
    ] {
        stranger.send(line);
        stranger.next_is(MEMBERS_ONLY);
    }
    stranger.send("/search room\n/motd\n/quit");
    assert_eq!(stranger.expect_eof(), [MEMBERS_ONLY; 2]);
    assert_eq!(alice.settle(), [""; 0]);
    assert_eq!(
        answers(&mut alice, "/who"),
        ["-- 1 here:", "-- alice (you)"]
    );
    let log = server.log();
    assert_eq!(
        log.iter().filter(|line| line.contains("joined: ")).count(),
        1,
        "{log:?}"
    );
}

#[test]
fn after_the_login_follow_history_and_the_welcome_and_the_room_reads_that_they_joined() {
    let directory = DataDir::new();
    let server = directory.server(&["--register", "--members-only"]);
    let mut alice = server.registered("alice");
    alice.send("it is me");
    alice.settle();
    let bob = server.registered("bob");
    bob.send("it is me");
    alice.expect("<bob> it is me");
    bob.send("/quit");
    alice.expect("-- bob left");
    alice.send("hello");
    alice.settle();
    let mut bob = server.connect();
    bob.send(&format!("/login bob\n{}", password_of("bob")));
    let read = bob.lines_until("-- here: alice");
    let (welcome, missed) = (&read[read.len() - 1], &read[read.len() - 3..]);
    assert_eq!(welcome, "-- welcome to chatd, you are bob", "{read:?}");
    assert_eq!(
        missed[0], "-- 1 line since you were here, times in UTC:",
        "{read:?}"
    );
    assert!(missed[1].ends_with("Z <alice> hello"), "{read:?}");
    alice.next_is("-- bob joined");
}

#[test]
fn help_is_for_who_waits_too() {
    let directory = DataDir::new();
    let server = directory.server(&["--members-only"]);
    let mut stranger = server.connect();
    stranger.expect(MEMBERS_ONLY);
    stranger.send("/help login");
    let help = stranger.read_line();
    assert!(help.starts_with("-- /login [NAME]  "), "{help}");
}

#[test]
fn at_most_40_wait_from_one_address() {
    let directory = DataDir::new();
    let server = directory.server(&["--members-only"]);
    let mut waiting = Vec::new();
    for _ in 0..40 {
        let mut stranger = server.connect();
        stranger.expect(MEMBERS_ONLY);
        waiting.push(stranger);
    }
    let read = server.connect().expect_eof();
    assert_eq!(read, ["-- too many wait at your address, try again later"]);
    waiting.pop().expect("somebody").send("/quit\n");
    waiting[0].send("hello");
    waiting[0].next_is(MEMBERS_ONLY);
}

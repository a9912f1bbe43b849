//! `--members-only`.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use crate::kit::{
    DataDir, PROMPT, Server, TempFile, WAIT, answers, answers_each, only_in_plain, only_over_tcp,
    password_of, texts_of_history,
};

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
    // Nobody else has a name that could be asked for.
    let mut waiting = server.connect();
    waiting.expect(MEMBERS_ONLY);
    for name in ["guest2", "guest3"] {
        let whois = format!("-- {name} is not here");
        let msg = format!("-- {name} is not here, nothing was sent");
        answers_each(
            &mut alice,
            &[
                (&format!("/whois {name}"), &[&whois]),
                (&format!("/msg {name} psst"), &[&msg]),
            ],
        );
    }
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
    let (welcome, missed) = (&read[read.len() - 1], &read[read.len() - 4..]);
    assert_eq!(welcome, "-- welcome to chatd, you are bob", "{read:?}");
    assert_eq!(
        missed[0], "-- 1 line since you were here, times in UTC:",
        "{read:?}"
    );
    assert!(missed[1].ends_with("Z <alice> hello"), "{read:?}");
    assert_eq!(
        missed[2], "-- what is said here is kept for 30d",
        "{read:?}"
    );
    alice.next_is("-- bob joined");
}

#[test]
fn who_was_never_here_reads_the_last_lines_of_the_history() {
    let directory = DataDir::new();
    let server = directory.server(&["--register", "--members-only", "--history", "2"]);
    let mut alice = server.registered("alice");
    alice.send("one\ntwo\nthree");
    alice.settle();
    let mut bob = server.connect();
    let password = password_of("bob");
    bob.send(&format!("/register bob\n{password}\n{password}"));
    let read = bob.lines_until("-- here: alice");
    assert!(
        read.contains(&"-- the last 2 lines, times in UTC:".to_owned()),
        "{read:?}"
    );
    assert_eq!(texts_of_history(&read), ["<alice> two", "<alice> three"]);
    assert_eq!(
        read.last().map(String::as_str),
        Some("-- welcome to chatd, you are bob")
    );
    alice.next_is("-- bob joined");
}

#[test]
fn who_waits_is_logged_at_debug_only_and_why_they_were_not_let_in_too() {
    let directory = DataDir::new();
    for (args, is_debug) in [
        (&["--members-only"][..], false),
        (&["--members-only", "-v"], true),
    ] {
        let mut server = directory.server(args);
        let mut stranger = server.connect();
        stranger.expect(MEMBERS_ONLY);
        stranger.send("/quit");
        stranger.expect_eof();
        server.signal("TERM");
        server.wait_exit();
        let log = server.log();
        let is_there = |what: &str| log.iter().any(|line| line.contains(what));
        assert_eq!(is_there("waits to be let in: "), is_debug, "{log:?}");
        assert_eq!(is_there("was not let in: "), is_debug, "{log:?}");
        assert!(!is_there("joined: ") && !is_there("left: "), "{log:?}");
    }
}

#[test]
fn who_has_not_come_in_120_s_after_connecting_is_closed() {
    if only_in_plain("it takes two minutes") {
        return;
    }
    let (directory, file) = (DataDir::new(), TempFile::with("open sesame\n"));
    let members = directory.server(&["--register", "--members-only", "-v"]);
    let everybody = Server::start(&["--password-file", file.path(), "-v"]);
    let mut alice = members.registered("alice");
    let start = Instant::now();
    let late = [
        (&members, members.connect(), vec![MEMBERS_ONLY, PROMPT]),
        (&everybody, everybody.connect(), vec![PROMPT]),
    ];
    // Whatever they are about.
    late[0].1.send("/login alice");
    for (server, client, mut expected) in late {
        let patience = Duration::from_secs(120) + WAIT;
        let stream = client.stream();
        stream.set_read_timeout(Some(patience)).expect("a timeout");
        let mut client = client;
        let read = client.expect_eof();
        let waited = start.elapsed();
        assert!(waited >= Duration::from_secs(120), "{waited:?}");
        expected.push("-- no login for 2m");
        assert_eq!(read, expected);
        server.log_line(|line| line.contains("was not let in: ") && line.ends_with(", no login"));
    }
    // Who came in stays.
    alice.settle();
}

#[test]
fn who_waits_and_searches_is_answered_with_that_line_alone() {
    for args in [&["--members-only"][..], &["--members-only", "--keep", "0s"]] {
        let directory = DataDir::new();
        let server = directory.server(args);
        let mut stranger = server.connect();
        stranger.expect(MEMBERS_ONLY);
        stranger.send("/search one\n/search two\n/quit");
        assert_eq!(stranger.expect_eof(), [MEMBERS_ONLY; 2], "{args:?}");
    }
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
    if !only_over_tcp("there is one address") {
        let mut elsewhere = server.connect_from(Ipv4Addr::new(127, 0, 0, 2));
        elsewhere.expect(MEMBERS_ONLY);
    }
    // Until one of them goes.
    let mut one = waiting.pop().expect("somebody");
    one.send("/quit");
    one.expect_eof();
    server.connect().expect(MEMBERS_ONLY);
    waiting[0].send("hello");
    waiting[0].next_is(MEMBERS_ONLY);
}

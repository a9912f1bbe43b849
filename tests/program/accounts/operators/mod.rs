//! What operators do.

use std::net::Ipv4Addr;

use crate::kit::{Client, DataDir, Rank, Server, answers, only_in_plain};

/// A server with an operator, olga, who is here.
fn with_operator(args: &[&str]) -> (DataDir, Server, Client) {
    let directory = DataDir::new();
    let (server, olga) = with_operator_in(&directory, args);
    (directory, server, olga)
}

fn with_operator_in(directory: &DataDir, args: &[&str]) -> (Server, Client) {
    let password = directory.make_account("olga", Rank::Operator);
    let server = directory.server(args);
    let olga = server.logged_in("olga", &password);
    olga.send("it is me");
    (server, olga)
}

#[test]
fn everybody_else_reads_that_only_operators_can_do_that() {
    let directory = DataDir::new();
    let server = directory.server(&["--register"]);
    let [_bob] = server.room(["bob"]);
    let mut alice = server.registered("alice");
    alice.settle();
    for command in [
        "/kick bob",
        "/ban bob",
        "/unban bob",
        "/bans",
        "/mute bob",
        "/unmute bob",
        "/erase bob",
    ] {
        let expected = ["-- only operators can do that"];
        assert_eq!(answers(&mut alice, command), expected, "after {command}");
    }
}

#[test]
fn an_operator_is_shown_with_a_mark() {
    let (_directory, server, _olga) = with_operator(&[]);
    let mut alice = server.joined("alice");
    let who = answers(&mut alice, "/who");
    assert!(who.iter().any(|line| line.contains("@olga")), "{who:?}");
    let whois = answers(&mut alice, "/whois olga");
    assert!(whois[0].starts_with("-- olga, operator"), "{whois:?}");
}

#[test]
fn a_kick_ends_a_connection_with_a_line_of_its_own_for_the_room_and_for_who_is_kicked() {
    let (_directory, server, mut olga) = with_operator(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    olga.send("/kick bob be \"nice\"");
    alice.expect("-- olga kicked bob: \"be 'nice'\"");
    let read = bob.expect_eof();
    assert_eq!(
        read.last().map(String::as_str),
        Some("-- you were kicked by olga: \"be 'nice'\"")
    );
    server.log_line(|line| line.contains("left: ") && line.ends_with(", kicked"));
    let log = server.log_lines(1, |line| line.contains("olga kicked bob"));
    assert!(!log.iter().any(|line| line.contains("nice")), "{log:?}");
    olga.settle();
    assert_eq!(
        answers(&mut olga, "/kick olga"),
        ["-- operators cannot be kicked"]
    );
}

#[test]
fn who_is_banned_is_put_out_and_waits_as_a_stranger_when_they_come_again() {
    if only_in_plain("others have one address") {
        return;
    }
    let (directory, server, olga) = with_operator(&["--register"]);
    let [mut alice] = server.room(["alice"]);
    let address = Ipv4Addr::new(127, 0, 0, 66);
    let mut bob = server.connect_from(address);
    bob.send("/nick bob\nit is me");
    alice.expect("<bob> it is me");
    olga.send("/ban bob 1h spam");
    alice.expect("-- olga banned bob for 1h: \"spam\"");
    let read = bob.expect_eof();
    assert_eq!(
        read.last().map(String::as_str),
        Some("-- you were banned by olga for 1h: \"spam\"")
    );
    let mut again = server.connect_from(address);
    let line = again.read_line();
    let is_banned = line.starts_with("-- 127.0.0.66 is banned until ");
    assert!(
        is_banned && line.ends_with("Z: \"spam\"; /login NAME"),
        "{line}"
    );
    again.send("hello\n/register bob\nhunter22\nhunter22\nhello");
    assert!(
        !again
            .expect_eof()
            .iter()
            .any(|line| line.contains("welcome"))
    );
    // It lasts through a restart.
    drop(server);
    let server = directory.server(&[]);
    let line = server.connect_from(address).read_line();
    assert!(line.starts_with("-- 127.0.0.66 is banned until "), "{line}");
}

#[test]
fn what_the_muted_say_is_refused() {
    let (_directory, server, mut olga) = with_operator(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    olga.send("/mute bob");
    alice.expect("-- olga muted bob");
    bob.expect("-- olga muted bob");
    let muted = "-- you are muted, nothing was sent";
    for line in [
        "hello",
        "/me waves",
        "/msg alice psst",
        "/nick rob",
        "/away lunch",
    ] {
        assert_eq!(answers(&mut bob, line), [muted], "after {line}");
    }
    bob.send("/msg olga please");
    olga.expect("[bob -> you] please");
    olga.send("/unmute bob");
    bob.expect("-- olga unmuted bob");
    bob.send("thanks");
    let before = alice.lines_until("<bob> thanks");
    assert_eq!(before, ["-- olga unmuted bob"]);
}

#[test]
fn erase_takes_the_last_lines_said_under_a_name_out_of_history_and_database() {
    let (directory, server, mut olga) = with_operator(&[]);
    let [mut alice, bob] = server.room(["alice", "bob"]);
    bob.send("one\ntwo\nthree");
    alice.expect("<bob> three");
    olga.expect("<bob> three");
    assert_eq!(
        answers(&mut olga, "/erase bob 2"),
        ["-- 2 lines of bob erased from the history"]
    );
    let history = answers(&mut alice, "/history");
    assert!(
        history.iter().any(|line| line.ends_with("<bob> one")),
        "{history:?}"
    );
    assert!(
        !history.iter().any(|line| line.contains("<bob> t")),
        "{history:?}"
    );
    drop(server);
    let server = directory.server(&[]);
    let history = answers(&mut server.welcomed(), "/history");
    assert!(
        !history.iter().any(|line| line.contains("<bob> t")),
        "{history:?}"
    );
}

#[test]
fn a_banned_account_reads_until_when_and_why_at_its_login_and_is_closed() {
    if only_in_plain("others have one address") {
        return;
    }
    let directory = DataDir::new();
    // Before there is a server, which would hear of it only a little later.
    let password = directory.make_account("bob", Rank::Member);
    let (server, olga) = with_operator_in(&directory, &[]);
    let [mut alice] = server.room(["alice"]);
    olga.send("/ban bob 1h spam");
    alice.expect("-- olga banned bob for 1h: \"spam\"");
    let mut bob = server.connect_from(Ipv4Addr::new(127, 0, 0, 77));
    bob.send(&format!("/login bob\n{password}\nhello"));
    let read = bob.expect_eof();
    let last = read.last().expect("a reason");
    assert!(last.starts_with("-- bob is banned until "), "{read:?}");
    assert!(last.ends_with("Z: \"spam\""), "{read:?}");
    let read = alice.settle();
    assert!(!read.iter().any(|line| line.contains("hello")), "{read:?}");
}

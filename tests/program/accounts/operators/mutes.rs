//! `/mute`, `/unmute`.

use crate::TRANSPORT;
use crate::kit::{Transport, answers, answers_each};

use super::{restarted, with_operator};

const MUTED: &str = "-- you are muted, nothing was sent";

/// What an operator is answered who mutes bob, a guest: no ban is about who comes by a Unix socket.
fn of_connection() -> &'static str {
    match TRANSPORT {
        Transport::Unix => "-- only this connection of bob is muted",
        _ => "-- only this connection of bob is muted, /ban keeps a guest out",
    }
}

#[test]
fn what_the_muted_say_do_write_privately_call_themselves_or_give_as_a_text_is_refused() {
    let (_directory, server, mut olga) = with_operator(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    alice.send("/msg bob hi");
    bob.expect("[alice -> you] hi");
    olga.settle();
    olga.send("/mute bob");
    olga.next_is("-- olga muted bob");
    olga.next_is(of_connection());
    alice.expect("-- olga muted bob");
    bob.expect("-- olga muted bob");
    for line in [
        "hello",
        "//hello",
        "/me waves",
        "/msg alice psst",
        "/reply psst",
        "/nick rob",
        "/away lunch",
    ] {
        assert_eq!(answers(&mut bob, line), [MUTED], "after {line}");
    }
    bob.send("/msg olga please");
    olga.expect("[bob -> you] please");
    bob.expect("[you -> olga] please");
    // What gives no text to others is as before.
    answers_each(
        &mut bob,
        &[
            ("/away", &["-- you are away"]),
            ("/back", &["-- you are back"]),
        ],
    );
    olga.send("/unmute bob");
    bob.expect("-- olga unmuted bob");
    bob.send("thanks");
    let before = alice.lines_until("<bob> thanks");
    assert_eq!(before, ["-- olga unmuted bob"]);
}

#[test]
fn the_text_that_the_muted_leave_with_is_refused_and_they_leave_without_it() {
    let (_directory, server, olga) = with_operator(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    olga.send("/mute bob");
    bob.expect("-- olga muted bob");
    bob.send("/quit you will hear of me");
    assert_eq!(bob.expect_eof(), [MUTED]);
    assert_eq!(alice.lines_until("-- bob left"), ["-- olga muted bob"]);
}

#[test]
fn a_mute_of_a_guest_is_of_that_connection() {
    let (_directory, server, mut olga) = with_operator(&[]);
    let [mut alice, bob] = server.room(["alice", "bob"]);
    olga.settle();
    answers_each(
        &mut olga,
        &[
            ("/mute bob", &["-- olga muted bob", of_connection()]),
            ("/mute bob", &["-- bob is muted already"]),
        ],
    );
    drop(bob);
    alice.expect("-- bob left");
    server.joined("bob").send("here again");
    alice.expect("<bob> here again");
}

#[test]
fn a_mute_of_an_account_lasts_until_unmute_or_the_servers_end() {
    let (directory, server, mut olga) = with_operator(&["--register"]);
    let mut alice = server.joined("alice");
    let mut bob = server.registered("bob");
    bob.send("it is me");
    bob.settle();
    olga.settle();
    let muted = &["-- olga muted bob", "-- bob is muted until /unmute bob"];
    answers_each(&mut olga, &[("/mute bob", muted)]);
    bob.send("/quit");
    bob.expect_eof();
    let password = crate::kit::password_of("bob");
    let mut bob = server.logged_in("bob", &password);
    assert_eq!(answers(&mut bob, "hello"), [MUTED]);
    olga.send("/unmute bob");
    bob.expect("-- olga unmuted bob");
    bob.send("thanks");
    alice.expect("<bob> thanks");
    // Who is not here can be muted too.
    bob.send("/quit");
    bob.expect_eof();
    olga.settle();
    answers_each(&mut olga, &[("/mute bob", muted)]);
    let server = restarted(&directory, server);
    let mut alice = server.joined("alice");
    server.logged_in("bob", &password).send("at last");
    alice.expect("<bob> at last");
}

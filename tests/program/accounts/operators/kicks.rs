//! `/kick`.

use crate::kit::{VERSION, answers};

use super::with_operator;

#[test]
fn a_kick_ends_a_connection_with_a_line_of_its_own_for_the_room_and_for_who_is_kicked() {
    let (_directory, server, mut olga) = with_operator(&[]);
    let [mut alice, mut bob, mut carol] = server.room(["alice", "bob", "carol"]);
    olga.settle();
    olga.send("/kick bob be \"nice\"");
    alice.expect("-- olga kicked bob: \"be 'nice'\"");
    let read = bob.expect_eof();
    assert_eq!(
        read.last().map(String::as_str),
        Some("-- you were kicked by olga: \"be 'nice'\"")
    );
    server.log_line(|line| line.contains("left: ") && line.ends_with(", kicked"));
    olga.send("/kick CAROL");
    let read = carol.expect_eof();
    assert_eq!(
        read.last().map(String::as_str),
        Some("-- you were kicked by olga")
    );
    // In place of `left`.
    assert_eq!(alice.lines_until("-- olga kicked carol").len(), 0);
    let read = server.joined("dave").settle();
    assert_eq!(alice.lines_until("<dave> it is me"), ["-- dave joined"]);
    assert!(read.is_empty(), "{read:?}");
    // The operator reads it too.
    let read = answers(&mut olga, "/who dave");
    assert_eq!(read[0], "-- olga kicked bob: \"be 'nice'\"", "{read:?}");
}

#[test]
fn of_who_is_kicked_no_more_lines_are_taken() {
    let (_directory, server, olga) = with_operator(&["--rate", "0"]);
    let [mut alice, bob] = server.room(["alice", "bob"]);
    let flood = "and another thing\n".repeat(20_000);
    std::thread::scope(|scope| {
        // It is cut off.
        scope.spawn(|| bob.try_send(flood.as_bytes()));
        alice.expect("<bob> and another thing");
        olga.send("/kick bob enough");
        alice.expect("-- olga kicked bob: \"enough\"");
        alice.send("/version");
        let lines = alice.lines_until(VERSION);
        assert!(lines.is_empty(), "{lines:?}");
    });
    let read = alice.settle();
    assert!(read.is_empty(), "{read:?}");
    server.log_line(|line| line.contains(" bob, ") && line.ends_with(", kicked"));
}

#[test]
fn who_was_kicked_may_come_again() {
    let (_directory, server, olga) = with_operator(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    olga.send("/kick bob");
    bob.expect_eof();
    let bob = server.joined("bob");
    bob.send("sorry");
    alice.expect("<bob> sorry");
}

#[test]
fn the_text_of_a_kick_is_cut_at_200_characters() {
    let (_directory, server, olga) = with_operator(&[]);
    let [mut alice, _bob] = server.room(["alice", "bob"]);
    olga.send(&format!("/kick bob {}", "é".repeat(300)));
    let (_, line) = alice.lines_until_one(&"the kick", |line| line.starts_with("-- olga kicked"));
    let text = line.strip_prefix("-- olga kicked bob: \"").expect("a text");
    let letters = text.chars().filter(|letter| *letter == 'é').count();
    assert!((190..=200).contains(&letters), "{letters} of {line:?}");
}

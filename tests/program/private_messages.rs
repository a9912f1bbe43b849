//! Section 4: private messages, and to whom `/reply` goes.

use crate::kit::{FIRST_WORDS, Server, alice_and_bob, answers, answers_each, only};

#[test]
fn a_private_message_is_read_by_the_two_it_concerns_and_nobody_else() {
    let server = Server::start(&[]);
    let [mut alice, mut bob, mut carol] = server.room(["alice", "bob", "carol"]);
    answers_each(
        &mut alice,
        &[
            ("/msg bob psst", &["[you -> bob] psst"]),
            ("/tell bob and this too", &["[you -> bob] and this too"]),
        ],
    );
    assert_eq!(
        bob.settle(),
        ["[alice -> you] psst", "[alice -> you] and this too"]
    );
    assert_eq!(carol.settle(), [""; 0]);
}

#[test]
fn a_name_is_found_however_it_is_written_if_it_is_the_same_name() {
    let (_server, mut alice, mut bob) = alice_and_bob(&[]);
    let longest = "Wilhelmine-von-Hohenfels";
    for (name, called) in [
        ("bob", "BOB"),
        // Alike in upper case only.
        ("bob", "B0B"),
        // As long as a name can be.
        (longest, longest),
    ] {
        answers(&mut bob, &format!("/nick {name}"));
        alice.settle();
        let sent = [format!("[you -> {name}] psst")];
        assert_eq!(answers(&mut alice, &format!("/msg {called} psst")), sent);
        assert_eq!(bob.settle(), ["[alice -> you] psst"]);
    }
}

#[test]
fn a_name_in_another_case_is_found_before_one_that_looks_alike() {
    let server = Server::start(&[]);
    let [mut alice, _ian, _lan] = server.room(["alice", "ian", "lan"]);
    for (called, found) in [("Ian", "ian"), ("IAN", "ian"), ("Lan", "lan")] {
        let sent = [format!("[you -> {found}] psst")];
        assert_eq!(answers(&mut alice, &format!("/msg {called} psst")), sent);
    }
}

#[test]
fn a_private_message_finds_somebody_who_has_not_been_announced_yet_or_has() {
    let server = Server::start(&[]);
    let [mut alice] = server.room(["alice"]);
    let mut bob = server.join("bob");
    alice.send("/msg bob psst");
    alice.expect("[you -> bob] psst");
    bob.expect("[alice -> you] psst");
}

#[test]
fn reply_goes_to_whoever_last_sent_one() {
    let server = Server::start(&[]);
    let [mut alice, mut bob, mut carol] = server.room(["alice", "bob", "carol"]);
    answers(&mut alice, "/msg carol first");
    answers(&mut bob, "/msg carol second");
    carol.settle();
    answers_each(
        &mut carol,
        &[
            ("/reply to the second", &["[you -> bob] to the second"]),
            ("/r again", &["[you -> bob] again"]),
        ],
    );
    assert_eq!(
        bob.settle(),
        ["[carol -> you] to the second", "[carol -> you] again"]
    );
    assert_eq!(alice.settle(), [""; 0]);
}

#[test]
fn a_message_of_ones_own_does_not_change_to_whom_reply_goes() {
    let server = Server::start(&[]);
    let [mut alice, mut bob, _carol] = server.room(["alice", "bob", "carol"]);
    answers(&mut bob, "/msg alice hi");
    answers(&mut alice, "/msg carol hi");
    assert_eq!(answers(&mut alice, "/r hello"), ["[you -> bob] hello"]);
}

#[test]
fn reply_before_anybody_has_written_says_so() {
    let server = Server::start(&[]);
    let [mut alice] = server.room(["alice"]);
    assert_eq!(
        answers(&mut alice, "/reply hi"),
        ["-- nobody has written to you yet"]
    );
}

#[test]
fn reply_goes_to_that_connection_whatever_its_name_is_now() {
    let server = Server::start(&[]);
    let [mut alice, mut bob, mut carol] = server.room(["alice", "bob", "carol"]);
    answers(&mut alice, "/msg bob psst");
    answers(&mut alice, "/nick anna");
    // Somebody else takes the name under which the message came.
    answers(&mut carol, "/nick alice");
    bob.settle();
    assert_eq!(answers(&mut bob, "/reply yes?"), ["[you -> anna] yes?"]);
    assert_eq!(alice.settle().last().expect("lines"), "[bob -> you] yes?");
    assert!(!carol.settle().iter().any(|line| line.contains("yes?")));
}

#[test]
fn a_reply_to_a_connection_that_is_gone_is_not_sent_to_the_next_one_of_that_name() {
    let server = Server::start(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    answers(&mut alice, "/msg bob psst");
    answers(&mut alice, "/nick anna");
    alice.send("/quit");
    alice.expect_eof();
    let [mut alice, mut anna] = ["alice", "anna"].map(|name| server.joined(name));
    bob.settle();
    // Under the name that it had last.
    assert_eq!(
        answers(&mut bob, "/reply yes?"),
        ["-- anna has left, nothing was sent"]
    );
    assert_eq!(anna.settle(), [""; 0]);
    alice.expect(&format!("<anna> {FIRST_WORDS}"));
    assert_eq!(alice.settle(), [""; 0]);
}

#[test]
fn a_private_message_is_refused_where_over_512_kib_wait_for_whoever_is_to_read_it() {
    let server = Server::start(&[]);
    let mut alice = server.joined("alice");
    let mut bob = server.stalled("bob");
    let text = "x".repeat(4000);
    let refusal = "-- bob is too far behind, nothing was sent";
    alice.settle();
    // Far more than the sockets and 512 KiB hold.
    let sent = (0..10_000)
        .take_while(|_| {
            let answer = only(answers(&mut alice, &format!("/msg bob {text}")));
            assert!(
                answer == refusal || answer.starts_with("[you -> bob]"),
                "{answer:.99?}"
            );
            answer != refusal
        })
        .count();
    assert!(sent * text.len() >= 512 << 10, "only {sent} were sent");
    // He has been refused nothing else, and reads all that she was told he would.
    alice.send("and to everybody");
    let private = bob.lines_until("<alice> and to everybody");
    let read = private
        .iter()
        .filter(|line| line.starts_with("[alice -> you] x"));
    assert_eq!(read.count(), sent);
    bob.send("/reply I am back");
    alice.expect("[bob -> you] I am back");
    assert_eq!(answers(&mut alice, "/msg bob hi"), ["[you -> bob] hi"]);
}

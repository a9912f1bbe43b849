//! What is kept, what the welcome says of it, and what is seen again after a restart.

use std::fs;

use crate::kit::{answers, texts_of_history};

use crate::kit::DataDir;

#[test]
fn what_is_said_and_done_is_kept_and_not_private_messages_and_not_notices() {
    let directory = DataDir::new();
    let server = directory.server(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    alice.send("/msg bob psst\n/reply pssst\n/away for tea\n/me waves\n//help me\n/nick ann\nbye");
    alice.settle();
    bob.expect("<ann> bye");
    directory.keeps("<ann> bye");
    assert_eq!(
        directory.log(&[]),
        [
            "<alice> it is me",
            "<bob> it is me",
            "* alice waves",
            "<alice> /help me",
            "<ann> bye"
        ]
    );
}

#[test]
fn the_welcome_says_for_how_long_behind_the_history() {
    let directory = DataDir::new();
    let server = directory.server(&["--keep", "30d"]);
    server.joined("alice");
    let welcome = server.connect().read_welcome();
    let texts = [
        "it is me",
        "what is said here is kept for 30d",
        "welcome to chatd",
    ];
    let places = texts.map(|text| welcome.iter().position(|line| line.contains(text)));
    assert!(places[0].is_some() && places.is_sorted(), "{welcome:?}");
}

#[test]
fn with_keep_0s_nothing_is_written_at_all() {
    let directory = DataDir::new();
    let server = directory.server(&["--keep", "0s"]);
    let mut alice = server.joined("alice");
    let welcome = server.connect().read_welcome();
    assert!(
        !welcome.iter().any(|line| line.contains("is kept")),
        "{welcome:?}"
    );
    let answer = answers(&mut alice, "/search me");
    assert_eq!(
        answer,
        ["-- what is said here is not kept, there is nothing to search"]
    );
    let mut server = server;
    server.signal("TERM");
    assert_eq!(server.wait_exit().code(), Some(0));
    for file in fs::read_dir(directory.path()).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        let is_there = bytes.windows(8).any(|window| window == b"it is me");
        assert!(!is_there);
    }
}

#[test]
fn history_and_what_newcomers_read_are_there_after_a_restart() {
    let directory = DataDir::new();
    let mut server = directory.server(&[]);
    let alice = server.joined("alice");
    alice.send("/me waves\n/nick שרה\nשלום\nhello");
    let mut alice = alice;
    alice.settle();
    server.signal("TERM");
    assert_eq!(server.wait_exit().code(), Some(0));
    let server = directory.server(&[]);
    let mut bob = server.connect();
    let welcome = bob.read_welcome();
    let expected = [
        "<alice> it is me",
        "* alice waves",
        "<\u{200e}שרה\u{200e}> שלום",
        "<\u{200e}שרה\u{200e}> hello",
    ];
    assert_eq!(texts_of_history(&welcome), expected);
    let history = answers(&mut bob, "/history 2");
    assert_eq!(texts_of_history(&history), expected[2..]);
}

#[test]
fn memory_is_filled_with_10_000_lines_at_most() {
    let directory = DataDir::with_lines(10_050);
    let server = directory.server(&[]);
    let mut alice = server.joined("alice");
    let history = answers(&mut alice, "/history 20000");
    let texts = texts_of_history(&history);
    assert_eq!(texts.len(), 10_000);
    assert_eq!((texts[0], texts[9_999]), ("<bob> x52", "<alice> it is me"));
}

//! `/erase`.

use std::fs;

use crate::kit::{DataDir, answers, eventually, texts_of_history};

use super::{restarted, with_operator};

/// Whether a word is in any of the files.
fn is_anywhere(directory: &DataDir, word: &str) -> bool {
    let files = fs::read_dir(directory.path()).unwrap();
    files.into_iter().any(|file| {
        // One may be gone meanwhile.
        let bytes = fs::read(file.unwrap().path()).unwrap_or_default();
        memchr::memmem::find(&bytes, word.as_bytes()).is_some()
    })
}

#[test]
fn erase_takes_the_last_line_or_the_last_n_said_under_a_name_out_of_history_and_database() {
    let (directory, server, mut olga) = with_operator(&[]);
    let [mut alice, bob] = server.room(["alice", "bob"]);
    bob.send("one\ntwo\n/me waves\nfour");
    alice.expect("<bob> four");
    olga.expect("<bob> four");
    assert_eq!(
        answers(&mut olga, "/erase bob"),
        ["-- 1 line of bob erased from the history"]
    );
    assert_eq!(
        answers(&mut olga, "/erase bob 2"),
        ["-- 2 lines of bob erased from the history"]
    );
    let left = [
        "<olga> it is me",
        "<alice> it is me",
        "<bob> it is me",
        "<bob> one",
    ];
    let history = answers(&mut alice, "/history");
    assert_eq!(texts_of_history(&history), left);
    let welcome = server.connect().read_welcome();
    assert_eq!(texts_of_history(&welcome), left);
    let server = restarted(&directory, server);
    let history = answers(&mut server.welcomed(), "/history");
    assert_eq!(texts_of_history(&history), left);
}

#[test]
fn what_was_said_under_that_very_name_is_erased_and_nothing_else() {
    let (_directory, server, mut olga) = with_operator(&[]);
    let [mut alice, bob] = server.room(["alice", "bob"]);
    bob.send("as bob\n/nick Bob\nas Bob\n/nick robert\nas robert");
    alice.expect("<robert> as robert");
    olga.expect("<robert> as robert");
    let answer = answers(&mut olga, "/erase Bob 9");
    let told = "-- 1 line of Bob erased from the history, and up to 8 more from the database";
    assert_eq!(answer, [told]);
    let history = answers(&mut alice, "/history");
    let left = ["<bob> it is me", "<bob> as bob", "<robert> as robert"];
    assert_eq!(texts_of_history(&history)[2..], left);
}

#[test]
fn what_is_erased_is_in_no_file_and_no_search_soon_after() {
    let (directory, server, mut olga) = with_operator(&["--overwriting", "200ms"]);
    let [mut alice, bob] = server.room(["alice", "bob"]);
    bob.send("an unspeakable word");
    alice.expect("<bob> an unspeakable word");
    olga.expect("<bob> an unspeakable word");
    eventually("it is written", || is_anywhere(&directory, "unspeakable"));
    answers(&mut olga, "/erase bob");
    eventually("it is gone", || !is_anywhere(&directory, "unspeakable"));
    let found = answers(&mut alice, "/search unspeakable");
    assert!(found[0].starts_with("-- looked back to "), "{found:?}");
}

//! Section 4: `/ignore` and `/unignore`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::kit::{FIRST_WORDS, Server, answers, answers_each, crowd, crowd_turn, texts_of_history};

/// How many lines bob says at most while he is ignored now and then.
const MOST_NUMBERS: u32 = 200_000;

const HIDDEN: &str = "-- you ignore bob now";
const SHOWN: &str = "-- you no longer ignore bob";

#[test]
fn ignore_hides_what_someone_says_does_and_sends_and_the_ignored_one_is_not_told() {
    let server = Server::start(&[]);
    let [mut alice, mut bob, mut carol] = server.room(["alice", "bob", "carol"]);
    assert_eq!(
        answers(&mut alice, "/ignore bob"),
        ["-- you ignore bob now"]
    );
    answers_each(
        &mut bob,
        &[
            ("can you hear me?", &[]),
            ("/me shouts", &["* bob shouts"]),
            ("/msg alice psst", &["[you -> alice] psst"]),
        ],
    );
    assert_eq!(alice.settle(), [""; 0]);
    assert_eq!(carol.settle(), ["<bob> can you hear me?", "* bob shouts"]);
}

#[test]
fn a_message_that_was_hidden_does_not_change_to_whom_reply_goes() {
    let server = Server::start(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    answers(&mut alice, "/ignore bob");
    answers(&mut bob, "/msg alice psst");
    assert_eq!(
        answers(&mut alice, "/reply hi"),
        ["-- nobody has written to you yet"]
    );
}

#[test]
fn unignore_shows_it_again() {
    let server = Server::start(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    answers(&mut alice, "/ignore bob");
    answers(&mut bob, "hidden");
    assert_eq!(
        answers(&mut alice, "/unignore bob"),
        ["-- you no longer ignore bob"]
    );
    answers(&mut bob, "shown");
    assert_eq!(alice.settle(), ["<bob> shown"]);
}

/// What alice reads who ignores bob and takes it back again and again, while he says one number
/// after the other.
fn toggle_while_bob_talks(server: &Server, toggles: usize) -> Vec<String> {
    let [mut alice, bob] = server.room(["alice", "bob"]);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            // The end is for a test that fails, so that nobody talks for ever.
            let numbers = (0..MOST_NUMBERS).take_while(|_| !is_over.load(Ordering::Relaxed));
            numbers.for_each(|number| bob.send(&number.to_string()));
        });
        let mut seen = Vec::new();
        for _ in 0..toggles {
            for (command, answer) in [("/ignore bob", HIDDEN), ("/unignore bob", SHOWN)] {
                alice.send(command);
                seen.extend(alice.lines_until(answer));
                seen.push(answer.to_owned());
            }
        }
        is_over.store(true, Ordering::Relaxed);
        seen
    })
}

#[test]
fn ignore_hides_what_comes_between_its_answer_and_that_to_unignore_and_nothing_else() {
    let server = Server::start(&["--rate", "0"]);
    let (mut is_hidden, mut last) = (false, None);
    for line in toggle_while_bob_talks(&server, 200) {
        if line == HIDDEN || line == SHOWN {
            // Numbers are missing behind this, or may be from here on.
            (is_hidden, last) = (line == HIDDEN, last.filter(|_| line == HIDDEN));
            continue;
        }
        assert!(!is_hidden, "{line:?} was read after {HIDDEN:?}");
        let number: u64 = line.trim_start_matches("<bob> ").parse().expect("a number");
        assert!(
            last.is_none_or(|last| last + 1 == number),
            "{line:?} was read after number {last:?}"
        );
        last = Some(number);
    }
}

#[test]
fn ignore_hides_in_history_too() {
    let server = Server::start(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    answers(&mut bob, "before");
    answers(&mut alice, "/ignore bob");
    answers(&mut bob, "after");
    answers(&mut bob, "/me shouts");
    answers(&mut alice, "mine");
    let mine = [format!("<alice> {FIRST_WORDS}"), "<alice> mine".to_owned()];
    assert_eq!(texts_of_history(&answers(&mut alice, "/history")), mine);
    assert_eq!(texts_of_history(&answers(&mut alice, "/history 2")), mine);
}

#[test]
fn ignore_lasts_through_renames() {
    let server = Server::start(&[]);
    let [mut alice, mut bob, mut carol] = server.room(["alice", "bob", "carol"]);
    answers(&mut alice, "/ignore bob");
    answers(&mut bob, "/nick robert");
    answers(&mut alice, "/nick anna");
    // Somebody else takes the name that was ignored.
    answers(&mut carol, "/nick bob");
    answers(&mut bob, "hidden");
    answers(&mut carol, "shown");
    assert_eq!(alice.settle(), ["-- carol is now bob", "<bob> shown"]);
    assert_eq!(answers(&mut alice, "/ignore"), ["-- you ignore: robert"]);
}

#[test]
fn the_rename_of_someone_ignored_is_told_as_every_rename_is() {
    let server = Server::start(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    answers(&mut alice, "/ignore bob");
    answers(&mut bob, "/nick robert");
    assert_eq!(alice.settle(), ["-- bob is now robert"]);
}

#[test]
fn ignore_ends_when_the_ignored_one_leaves() {
    let server = Server::start(&[]);
    let [mut alice, bob] = server.room(["alice", "bob"]);
    answers(&mut alice, "/ignore bob");
    drop(bob);
    alice.expect("-- bob left");
    let _bob = server.joined("bob");
    assert_eq!(
        alice.settle(),
        ["-- bob joined".to_owned(), format!("<bob> {FIRST_WORDS}")]
    );
    assert_eq!(answers(&mut alice, "/ignore"), ["-- you ignore nobody"]);
}

#[test]
fn ignore_alone_lists_whom_you_ignore() {
    let server = Server::start(&[]);
    let [mut alice, _bob, _carol] = server.room(["alice", "bob", "carol"]);
    answers_each(
        &mut alice,
        &[
            ("/ignore", &["-- you ignore nobody"]),
            ("/ignore bob", &["-- you ignore bob now"]),
            ("/ignore", &["-- you ignore: bob"]),
            ("/ignore carol", &["-- you ignore carol now"]),
            ("/ignore", &["-- you ignore: bob, carol"]),
        ],
    );
}

#[test]
fn nobody_can_ignore_themselves() {
    let server = Server::start(&[]);
    let [mut alice] = server.room(["alice"]);
    assert_eq!(
        answers(&mut alice, "/ignore alice"),
        ["-- you cannot ignore yourself"]
    );
}

#[test]
fn taking_back_what_was_never_ignored_is_answered_with_one_line() {
    let server = Server::start(&[]);
    let [mut alice, _bob] = server.room(["alice", "bob"]);
    for line in ["/unignore bob", "/unignore nobody"] {
        let answer = answers(&mut alice, line);
        assert!(
            answer.len() == 1 && answer[0].starts_with("-- "),
            "after {line}: {answer:?}"
        );
    }
}

#[test]
fn at_most_100_are_ignored_and_those_who_left_do_not_count() {
    let Some(_turn) = crowd_turn() else { return };
    let server = Server::start(&[]);
    let [mut alice] = server.room(["alice"]);
    let mut others = crowd(&server, "x", 101);
    alice.settle();
    for number in 0..100 {
        let hidden = format!("-- you ignore x{number} now");
        assert_eq!(answers(&mut alice, &format!("/ignore x{number}")), [hidden]);
    }
    answers_each(
        &mut alice,
        &[
            ("/ignore x7", &["-- you ignore x7 now"]),
            ("/ignore x100", &["-- you ignore as many as you may"]),
        ],
    );
    drop(others.remove(50));
    alice.expect("-- x50 left");
    answers_each(&mut alice, &[("/ignore x100", &["-- you ignore x100 now"])]);
}

//! What the property tests and the fuzzers have found, as short as it could be made.

use crate::broadcaster::play;
use crate::broadcaster::script::{Addressee, Ask, Kind, Op, Way};

/// So many clients, who have been announced to each other and have read that.
fn after_joining(count: usize, operations: impl IntoIterator<Item = Op>) {
    let joins = (0..count).map(|_| Op::Join(usize::MAX, Kind::Netcat));
    play(joins.chain([Op::Wait(1_000)]).chain(operations));
}

/// With its next `/ignore`, the server forgot who had left, and then showed what they had said
/// before and was not sent yet.
#[test]
fn what_an_ignored_person_said_stays_hidden_after_they_have_left() {
    after_joining(
        3,
        [
            Op::Ask(0, Ask::Ignore(Addressee::Here(2))),
            Op::Say(1, 1, 0),
            Op::Leave(1, Way::Quit),
            Op::Ask(0, Ask::Ignore(Addressee::Here(2))),
            Op::Flush,
        ],
    );
}

/// What was ignored depended on what had been sent: commands count from their place in the order of
/// events on.
#[test]
fn ignore_hides_what_is_said_after_it_and_unignore_shows_what_is_said_after_that() {
    after_joining(
        2,
        [
            Op::Say(1, 1, 0),
            Op::Ask(0, Ask::Ignore(Addressee::Here(2))),
            Op::Say(1, 1, 0),
            Op::Ask(0, Ask::Unignore(Addressee::Here(2))),
            Op::Say(1, 1, 0),
            Op::Flush,
        ],
    );
}

/// A client that had taken exactly the first of three lines read the second in LF as well.
#[test]
fn a_client_that_has_read_whole_lines_gets_crlf_from_the_very_next_one() {
    let first_line = "<guest3> 1\n".len();
    after_joining(
        2,
        [
            Op::Room(0, first_line),
            Op::Say(1, 3, 0),
            Op::Flush,
            Op::WantCrlf(0),
        ],
    );
}

/// Within a line it would have read one CR LF too early.
#[test]
fn a_client_that_has_read_half_a_line_gets_crlf_from_the_next_one() {
    for half in 1.."<guest3> 1\n<guest3> 2\n<guest3> 3\n".len() {
        after_joining(
            2,
            [
                Op::Room(0, half),
                Op::Say(1, 3, 0),
                Op::Flush,
                Op::WantCrlf(0),
            ],
        );
    }
}

/// The welcome waits for the client's first bytes. If these are telnet commands, a terminal without
/// the CR would show it as stairs.
#[test]
fn a_telnet_that_speaks_first_gets_its_welcome_in_crlf() {
    play([
        Op::Join(usize::MAX, Kind::Netcat),
        Op::WantCrlf(0),
        Op::Option(0),
        Op::Flush,
    ]);
}

/// Answers were made in LF when they were written, whatever the client had asked for until it took
/// them.
#[test]
fn answers_that_wait_get_crlf_but_for_a_line_that_was_begun() {
    let answer = "-- to leave: /quit\n".len();
    for taken in 0..2 * answer {
        let operations = [
            Op::Room(0, taken),
            Op::Interrupt(0),
            Op::Option(0),
            Op::Interrupt(0),
            Op::Flush,
            Op::WantCrlf(0),
        ];
        after_joining(1, operations);
    }
}

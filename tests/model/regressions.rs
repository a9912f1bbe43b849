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

/// Whether a client had begun a line made a difference once: CR LF counts from its place in the
/// order of events on, like commands.
#[test]
fn a_client_gets_crlf_from_the_lines_on_that_come_after_its_first_cr_however_far_it_has_read() {
    for taken in 0.."<guest3> 1\n<guest3> 2\n<guest3> 3\n-- to leave: /quit\n".len() {
        after_joining(
            2,
            [
                Op::Room(0, taken),
                Op::Say(1, 3, 0),
                Op::Interrupt(0),
                Op::Option(0),
                Op::Flush,
                Op::WantCrlf(0),
                Op::Interrupt(0),
                Op::Say(1, 3, 0),
                Op::Flush,
            ],
        );
    }
}

/// The welcome waits for the client's first bytes. If these are telnet commands, a terminal without
/// the CR would show it as stairs.
#[test]
fn a_client_that_joins_with_crlf_gets_its_welcome_in_crlf() {
    play([
        Op::Join(usize::MAX, Kind::Telnet),
        Op::WantCrlf(0),
        Op::Option(0),
        Op::Flush,
    ]);
}

//! Section 2: a client has left when the event that ends it is taken.

use super::*;

#[test]
fn of_a_client_that_was_ended_by_an_event_everything_that_it_still_sends_is_dropped() {
    let mut stage = Stage::new(Policy::Open);
    stage.member(1, "alice");
    stage.joined(2);
    stage.send(1, "/kick guest2");
    stage.forget_read();
    stage.send(2, "hello");
    stage.send(2, "/me waves");
    stage.send(2, "/nick cy");
    stage.log_in(2, "bob");
    stage.handle(Event::WantsCrlf(ClientId(2)));
    assert_eq!(stage.inquire(2, None), None);
    stage.reads(1, "");
    stage.reads(2, "");
    stage.has_ended(2);
    stage.leave(2, Ending::Closed);
    stage.wait(SECOND);
    stage.reads(1, "");
}

#[test]
fn a_thread_whose_client_stays_silent_is_told_a_second_after_everything_was_written() {
    let mut stage = Stage::new(Policy::Open);
    stage.member(1, "alice");
    for (client, leaves) in [(2, false), (3, true)] {
        stage.joined(client);
        stage.send(1, &format!("/kick guest{client}"));
        stage.has_ended(client);
        stage.wait(SECOND / 2);
        if leaves {
            stage.leave(client, Ending::Closed);
        }
        stage.has_ended(client);
        stage.wait(SECOND);
        let end = if leaves {
            End::Finished
        } else {
            End::ReadingEnded
        };
        assert_eq!(stage.wires[&client].end(), Some(end), "leaves: {leaves}");
    }
}

#[test]
fn what_was_pending_for_a_client_that_was_ended_is_written_for_at_most_2_s() {
    let mut stage = Stage::new(Policy::Open);
    stage.member(1, "alice");
    for (client, room) in [(2, usize::MAX), (3, 0)] {
        stage.joined(client);
        stage.wires[&client].set_room(0);
        stage.send(1, &format!("/kick guest{client}"));
        stage.wait(2 * SECOND - SECOND / 4);
        assert_eq!(stage.wires[&client].end(), None);
        stage.wires[&client].set_room(room);
        stage.broadcaster.resume(&[ClientId(client)]);
        stage.wait(SECOND / 2);
        let (text, end) = match room {
            0 => ("", End::HungUp),
            _ => ("-- you were kicked by alice\n", End::Finished),
        };
        assert_eq!(stage.wires[&client].end(), Some(end));
        stage.reads(client, text);
    }
}

#[test]
fn at_the_shutdown_who_waits_to_be_let_in_reads_of_it_too() {
    // The goodbye is said by `run`, which ends when everybody has left.
    let mut stage = Stage::new(Policy::MembersOnly);
    stage.member(1, "alice");
    stage.take_changes();
    stage.join(2);
    stage.forget_read();
    stage.broadcaster.say_goodbye();
    stage.reads(1, "-- chatd is shutting down\n");
    stage.reads(2, "-- chatd is shutting down\n");
    let kept = Change::WasHere(name("alice"), stage.clock.time, Presence::HasLeft);
    assert_eq!(stage.take_changes(), [kept]);
}

//! P3: lines are atomic and totally ordered, and nothing follows its author's departure.

use std::sync::Barrier;
use std::thread;

use crate::kit::{Server, text};

#[test]
fn every_client_sees_the_same_messages_in_the_same_order_whole_and_once() {
    const NAMES: [&str; 6] = ["anna", "boris", "carla", "dmitri", "elena", "fritz"];
    const LINES: usize = 400;
    let server = Server::start(&[]);
    let senders = server.room(NAMES);
    let [mut first, mut second] = server.room(["first", "second"]);
    let together = Barrier::new(NAMES.len());
    let count = NAMES.len() * LINES;
    let (seen, seen_too) = thread::scope(|scope| {
        for (sender, name) in senders.iter().zip(NAMES) {
            let together = &together;
            scope.spawn(move || {
                let text = text((0..LINES).map(|number| format!("{name} {number:0>60}")));
                together.wait();
                // Pieces of a prime length, so that reads end in the middle of lines.
                for piece in text.as_bytes().chunks(1009) {
                    sender.send_bytes(piece);
                }
            });
        }
        let other = scope.spawn(|| second.read_lines(count));
        (first.read_lines(count), other.join().unwrap())
    });
    assert!(seen == seen_too, "{}", first_difference(&seen, &seen_too));
    for name in NAMES {
        let prefix = format!("<{name}> ");
        let of_one: Vec<&String> = seen
            .iter()
            .filter(|line| line.starts_with(&prefix))
            .collect();
        let sent: Vec<String> = (0..LINES)
            .map(|number| format!("<{name}> {name} {number:0>60}"))
            .collect();
        assert!(
            of_one.iter().copied().eq(sent.iter()),
            "lines of {name}: {of_one:#?}"
        );
    }
}

fn first_difference(left: &[String], right: &[String]) -> String {
    match left
        .iter()
        .zip(right)
        .position(|(left, right)| left != right)
    {
        Some(at) => format!(
            "line {at} is {:?} for one and {:?} for the other",
            left[at], right[at]
        ),
        None => format!(
            "{} lines for one, {} for the other",
            left.len(),
            right.len()
        ),
    }
}

#[test]
fn no_line_follows_its_authors_departure() {
    let server = Server::start(&["--rate", "0"]);
    let [mut bob] = server.room(["bob"]);
    let paste = "a line of the paste\n".repeat(10_000);
    for _ in 0..5 {
        let alice = server.joined("alice");
        bob.settle();
        alice.send_bytes(paste.as_bytes());
        alice.reset();
        let (lines, _) = bob.lines_until_one(&"her departure", |line| line == "-- alice left");
        assert!(
            lines
                .iter()
                .all(|line| line == "<alice> a line of the paste")
        );
        assert_eq!(bob.settle(), [""; 0]);
    }
}

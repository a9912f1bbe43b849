//! One who floods beside many who chat. The soak bench measures how long their lines take.

use std::thread;

use crate::kit::{Client, Flood, Follower, Server, crowd_turn};

const PEOPLE: usize = 100;
const LINES: usize = 6;

/// Reads what all the others say until it is complete: each line of each of them once, in order.
fn reads_everybody(reader: &mut Client, own: usize) {
    let mut follower = Follower::default();
    let mut heard = vec![0; PEOPLE];
    heard[own] = LINES;
    while heard.iter().any(|lines| *lines < LINES) {
        let line = reader.read_line();
        if follower.follows(&line) {
            continue;
        }
        let said = line
            .strip_prefix("<p")
            .and_then(|line| line.split_once("> "));
        let said = said.and_then(|(author, text)| Some((author.parse().ok()?, text)));
        let Some((author, text)) = said else {
            panic!("an unexpected line: {line:?}");
        };
        let author: usize = author;
        assert_eq!(
            text,
            format!("line {}", heard[author]),
            "of {author}, read by {own}"
        );
        heard[author] += 1;
    }
}

#[test]
fn beside_a_flooder_a_hundred_people_read_all_that_the_others_say() {
    let _turn = crowd_turn();
    let server = Server::start(&["--rate", "32KiB"]);
    let mut people: Vec<Client> = (0..PEOPLE).map(|_| server.connect()).collect();
    for (number, person) in people.iter().enumerate() {
        person.send(&format!("/quiet\n/nick p{number}"));
    }
    for (number, person) in people.iter_mut().enumerate() {
        person.expect(&format!("-- guest{} is now p{number}", number + 1));
    }
    let sender = server.join("sender");
    // On a busy machine others read of the renames, and of nothing else any more.
    for person in &mut people {
        person.settle();
    }
    // He sends as fast as the system takes it, which is far over 100 times what he may.
    Flood::of(255).during(&sender, || {
        thread::scope(|scope| {
            let speakers: Vec<_> = people
                .iter()
                .map(|person| person.stream().try_clone().expect("a socket can be shared"))
                .map(Client::new)
                .collect();
            for (own, person) in people.iter_mut().enumerate() {
                scope.spawn(move || reads_everybody(person, own));
            }
            for line in 0..LINES {
                for speaker in &speakers {
                    speaker.send(&format!("line {line}"));
                }
            }
        });
    });
}

//! Section 4: a client over its `--rate` is slowed, nothing of what it sent is lost, and the flood
//! stays on the flooder's side.
//!
//! Of the waits only one side can be tested: how long they last at least. The exception is what may
//! come at once, and there the difference is a wait of seconds.

use std::thread;
use std::time::{Duration, Instant};

use crate::kit::{Client, Flood, Follower, Server, crowd_turn, given_name};

/// The rate of most of these tests, in bytes per second; so is the option.
const RATE: usize = 64 * 1024;

const AT_64_KIB: [&str; 2] = ["--rate", "64KiB"];

/// How many seconds' worth of bytes may come at once.
const BURST: usize = 4;

/// Lines of 1 KiB as others read them, so many times the rate in all.
fn flood(name: &str, seconds: usize) -> Vec<String> {
    let filler = "x".repeat(1024 - format!("<{name}> 0000 \n").len());
    let count = seconds * RATE / 1024;
    (0..count)
        .map(|number| format!("{number:04} {filler}"))
        .collect()
}

#[test]
fn a_client_over_its_rate_is_slowed_never_muted_and_nothing_is_dropped() {
    let server = Server::start(&AT_64_KIB);
    let [alice, mut bob] = server.room(["alice", "bob"]);
    let lines = flood("alice", BURST + 2);
    let began = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| alice.send_bytes((lines.join("\n") + "\n").as_bytes()));
        for line in &lines {
            bob.next_is(&format!("<alice> {line}"));
        }
    });
    // Two seconds' worth is too much; what was in one read is passed on before the wait for it.
    let passed = began.elapsed();
    assert!(
        passed >= Duration::from_secs(1),
        "all was there after {passed:?}"
    );
    alice.send("and I may still speak");
    bob.next_is("<alice> and I may still speak");
}

#[test]
fn the_flood_stays_on_the_flooders_side() {
    let server = Server::start(&AT_64_KIB);
    let [alice, bob, mut carol] = server.room(["alice", "bob", "carol"]);
    let lines = flood("alice", BURST + 10);
    let before_bob = thread::scope(|scope| {
        scope.spawn(|| alice.send_bytes((lines.join("\n") + "\n").as_bytes()));
        carol.expect(&format!("<alice> {}", lines[0]));
        bob.send("me too");
        carol.lines_until("<bob> me too").len()
    });
    // Alice has ten seconds to wait, and bob has nothing to wait for.
    assert!(
        before_bob + 1 < lines.len(),
        "bob was heard after all of it"
    );
}

/// Lets `author` send lines one at a time, each when `reader` has read the one before; how long
/// that took.
fn one_by_one(author: &Client, name: &str, reader: &mut Client, count: usize) -> Duration {
    let began = Instant::now();
    for number in 0..count {
        author.send(&number.to_string());
        reader.expect(&format!("<{name}> {number}"));
    }
    began.elapsed()
}

/// Somebody who has been announced at no cost, and somebody who reads.
fn speaker_and_reader(server: &Server) -> (Client, String, Client) {
    let mut reader = server.connect();
    given_name(&mut reader);
    let mut speaker = server.connect();
    let name = given_name(&mut speaker);
    (speaker, name, reader)
}

#[test]
fn a_line_costs_80_beside_its_bytes() {
    let server = Server::start(&["--rate", "1KiB"]);
    let (speaker, name, mut reader) = speaker_and_reader(&server);
    // These cost 6,550, of which 4,096 may come at once. Their bytes alone may, and with 64 beside
    // them it would be 1.3 s.
    let passed = one_by_one(&speaker, &name, &mut reader, 80);
    assert!(
        passed >= Duration::from_secs(2),
        "80 lines took only {passed:?}"
    );
}

#[test]
fn a_line_costs_its_bytes_after_clean_up() {
    let server = Server::start(&["--rate", "1KiB"]);
    let (speaker, name, mut reader) = speaker_and_reader(&server);
    // Each byte becomes three in the reader's line, so this is over 6 KiB, two more than may come
    // at once.
    let line = "\u{1}".repeat(1000);
    let began = Instant::now();
    for _ in 0..2 {
        speaker.send(&line);
        reader.expect(&format!("<{name}> {}", "\u{fffd}".repeat(1000)));
    }
    speaker.send("done");
    reader.expect(&format!("<{name}> done"));
    let passed = began.elapsed();
    assert!(
        passed >= Duration::from_millis(1500),
        "3 lines took only {passed:?}"
    );
}

#[test]
fn any_other_command_costs_1_kib() {
    let server = Server::start(&["--rate", "2KiB"]);
    let mut client = server.welcomed();
    let began = Instant::now();
    // Eight may come at once, and four more take two seconds.
    for _ in 0..12 {
        client.settle();
    }
    let passed = began.elapsed();
    assert!(
        passed >= Duration::from_secs(1),
        "12 commands took only {passed:?}"
    );
}

#[test]
fn bytes_that_make_no_line_cost_their_number() {
    // Empty lines, telnet commands that nobody answers, and what is taken back.
    for bytes in [&b"\r\n"[..], b"\xff\xf1", b"x\x08"] {
        let server = Server::start(&["--rate", "2KiB"]);
        let (speaker, name, mut reader) = speaker_and_reader(&server);
        let began = Instant::now();
        // Of these 12,000 bytes 8 KiB may come at once, and the others take almost two seconds.
        for _ in 0..4 {
            speaker.send_bytes(&bytes.repeat(1500));
        }
        speaker.send_bytes(b"\ndone\n");
        reader.expect(&format!("<{name}> done"));
        let passed = began.elapsed();
        assert!(
            passed >= Duration::from_secs(1),
            "{} took only {passed:?}",
            bytes.escape_ascii()
        );
    }
}

#[test]
fn four_times_the_rate_may_come_at_once() {
    // At this rate a line is worth a second. If they could not come at once, the last would come
    // after three. No machine promises a second, so it is tried again.
    let are_quick = (0..20).any(|_| {
        let server = Server::start(&["--rate", "81"]);
        let (speaker, name, mut reader) = speaker_and_reader(&server);
        one_by_one(&speaker, &name, &mut reader, 4) < Duration::from_millis(2500)
    });
    assert!(are_quick, "four lines never came at once");
}

const PEOPLE: usize = 100;

const LINES_OF_EACH: usize = 6;

/// Reads what all the others say until it is complete: each line of each of them once, in order.
fn reads_everybody(reader: &mut Client, own: usize) {
    let mut follower = Follower::default();
    let mut heard = vec![0; PEOPLE];
    heard[own] = LINES_OF_EACH;
    while heard.iter().any(|lines| *lines < LINES_OF_EACH) {
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
    let Some(_turn) = crowd_turn() else { return };
    let server = Server::start(&["--rate", "32KiB"]);
    let mut people: Vec<Client> = (0..PEOPLE).map(|_| server.connect()).collect();
    for (number, person) in people.iter().enumerate() {
        person.send(&format!("/quiet\n/nick p{number}"));
    }
    for (number, person) in people.iter_mut().enumerate() {
        person.read_renaming(&format!("p{number}"));
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
                .map(|person| {
                    let stream = person.stream().try_clone();
                    Client::behind(person.address(), stream.expect("a socket can be shared"))
                })
                .collect();
            for (own, person) in people.iter_mut().enumerate() {
                scope.spawn(move || reads_everybody(person, own));
            }
            for line in 0..LINES_OF_EACH {
                for speaker in &speakers {
                    speaker.send(&format!("line {line}"));
                }
            }
        });
    });
}

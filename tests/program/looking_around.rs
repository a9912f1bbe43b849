//! Section 4: the commands that tell something: who is here, what was said, and about the server.

use std::time::Instant;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::kit::{
    Client, FIRST_WORDS, Server, TempFile, VERSION, answers, answers_each, crowd, crowd_turn,
    eventually, only, texts_of_history, without_numbers,
};

/// The answer to a line, its numbers replaced by `#`.
fn shape(client: &mut Client, line: &str) -> Vec<String> {
    let answer = answers(client, line);
    answer.iter().map(|line| without_numbers(line)).collect()
}

#[test]
fn who_tells_who_is_here_of_how_many_and_who_is_away() {
    let server = Server::start(&[]);
    let [mut alice, mut bob, mut carol] = server.room(["alice", "bob", "carol"]);
    answers(&mut bob, "/away");
    answers(&mut carol, "/away lunch");
    let told = ["-- 3 here:", "-- alice (you), bob (away), carol (away)"];
    assert_eq!(answers(&mut alice, "/who"), told);
    answers(&mut bob, "/back");
    assert_eq!(
        answers(&mut alice, "/who")[1],
        "-- alice (you), bob, carol (away)"
    );
}

#[test]
fn who_tells_a_newcomer_of_themselves() {
    let server = Server::start(&[]);
    let [_alice] = server.room(["alice"]);
    assert_eq!(
        answers(&mut server.welcomed(), "/who"),
        ["-- 2 here:", "-- alice, guest2 (you)"]
    );
}

#[test]
fn who_with_a_text_tells_of_those_whose_names_begin_with_it() {
    let server = Server::start(&[]);
    let ivan = "\u{418}\u{432}\u{430}\u{43d}";
    let [mut alice, _alfred, _bob, _ivan] = server.room(["alice", "Alfred", "bob", ivan]);
    let found = format!("-- {ivan}");
    answers_each(
        &mut alice,
        &[
            (
                "/who al",
                &["-- 2 of 4 here begin with \"al\"", "-- alice (you), Alfred"],
            ),
            (
                "/who ALF",
                &["-- 1 of 4 here begin with \"ALF\"", "-- Alfred"],
            ),
            (
                "/who \u{438}\u{412}",
                &["-- 1 of 4 here begin with \"\u{438}\u{412}\"", &found],
            ),
            ("/who bobby", &["-- 0 of 4 here begin with \"bobby\""]),
            ("/who lice", &["-- 0 of 4 here begin with \"lice\""]),
        ],
    );
}

#[test]
fn who_lists_several_names_a_line_at_most_200_and_then_how_many_more() {
    let Some(_turn) = crowd_turn() else { return };
    let server = Server::start(&[]);
    let mut people = crowd(&server, "somebody-", 203);
    let last = people.last_mut().expect("somebody");
    last.settle();
    let mut answer = answers(last, "/who");
    assert_eq!(answer.remove(0), "-- 203 here:");
    assert_eq!(answer.pop().as_deref(), Some("-- and 3 more"));
    assert!(answer.iter().all(|line| line.len() <= 78), "{answer:#?}");
    let full = answer.len() - 1;
    // Another name would not have fitted.
    let is_full = |line: &String| line.len() + " somebody-100,".len() > 78;
    assert!(answer[..full].iter().all(is_full), "{answer:#?}");
    let lines: Vec<&str> = answer.iter().map(|line| &line[3..]).collect();
    let names: Vec<String> = (0..200)
        .map(|number| format!("somebody-{number}"))
        .collect();
    assert_eq!(lines.join(" "), names.join(", "));
}

/// For how many seconds `name` has been idle, as `/whois` tells it.
fn idle_for(client: &mut Client, name: &str) -> u64 {
    let line = only(answers(client, &format!("/whois {name}")));
    let seconds = line
        .split_once(" idle for ")
        .and_then(|(_, rest)| rest.strip_suffix('s')?.parse().ok());
    seconds.unwrap_or_else(|| panic!("no seconds in {line:?}"))
}

#[test]
fn one_who_sends_nothing_grows_idle_and_one_who_speaks_or_asks_is_idle_no_more() {
    let server = Server::start(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    for line in ["I am back", "/time"] {
        eventually("bob has been idle for two seconds", || {
            idle_for(&mut alice, "bob") >= 2
        });
        let sent = Instant::now();
        answers(&mut bob, line);
        alice.settle();
        let idle = idle_for(&mut alice, "bob");
        assert!(
            idle <= sent.elapsed().as_secs(),
            "idle for {idle} s just after {line:?}"
        );
    }
}

#[test]
fn whois_tells_when_they_joined_how_long_they_have_been_idle_and_their_away_text() {
    let server = Server::start(&[]);
    let before = Timestamp::now();
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    let after = Timestamp::now();
    let answer = only(answers(&mut alice, "/whois bob"));
    assert_eq!(
        without_numbers(&answer),
        "-- bob joined at #:#Z (#s ago), idle for #s"
    );
    let possible = [before, after].map(|time| time.strftime(" at %H:%MZ ").to_string());
    assert!(
        possible.iter().any(|time| answer.contains(time)),
        "{answer:?}, not {possible:?}"
    );

    answers(&mut bob, "/away");
    let away = ["-- bob joined at #:#Z (#s ago), idle for #s, away"];
    assert_eq!(shape(&mut alice, "/whois bob"), away);
    answers(&mut bob, "/away lunch \"with\" carol");
    let why = ["-- bob joined at #:#Z (#s ago), idle for #s, away: \"lunch 'with' carol\""];
    assert_eq!(shape(&mut alice, "/whois bob"), why);
}

#[test]
fn history_shows_the_last_lines_again() {
    let server = Server::start(&[]);
    let [mut alice] = server.room(["alice"]);
    for text in ["one", "two", "three", "/me waves"] {
        answers(&mut alice, text);
    }
    let all = [
        &format!("<alice> {FIRST_WORDS}"),
        "<alice> one",
        "<alice> two",
        "<alice> three",
        "* alice waves",
    ];
    for (command, count) in [
        ("/history 1", 1),
        ("/history 2", 2),
        ("/history", 5),
        ("/history 1000", 5),
    ] {
        let answer = answers(&mut alice, command);
        assert_eq!(
            texts_of_history(&answer),
            all[5 - count..],
            "after {command}"
        );
        assert!(
            answer.iter().all(|line| line.starts_with("-- ")),
            "{answer:?}"
        );
    }
}

#[test]
fn history_alone_shows_as_many_lines_as_newcomers_read_and_with_a_number_as_far_as_memory_goes() {
    let server = Server::start(&["--history", "2"]);
    let mut alice = server.joined("alice");
    for text in ["one", "two", "three"] {
        answers(&mut alice, text);
    }
    for (command, count) in [("/history", 2), ("/history 3", 3), ("/history 9", 4)] {
        let answer = answers(&mut alice, command);
        assert_eq!(
            answer[0],
            format!("-- the last {count} lines, times in UTC:")
        );
        assert_eq!(texts_of_history(&answer).len(), count, "{answer:?}");
    }
}

#[test]
fn memory_goes_as_far_as_10_000_lines_and_256_kib_the_newest() {
    // Of the second kind fewer are 256 KiB, with the name before them.
    let long = "x".repeat(993);
    for (line, most) in [("", 10_000), (&long[..], 256 * 1024 / 1006)] {
        let server = Server::start(&[]);
        let mut alice = server.joined("alice");
        let lines = (0..most + 5).map(|number| format!("{number:05}{line}\n"));
        alice.send_bytes(lines.collect::<String>().as_bytes());
        let answer = answers(&mut alice, "/history 99999");
        let texts = texts_of_history(&answer);
        assert_eq!(texts.len(), most);
        assert_eq!(
            answer[0],
            format!("-- the last {most} lines, times in UTC:")
        );
        assert_eq!(texts[0], format!("<alice> 00005{line}"));
    }
}

#[test]
fn history_says_so_where_there_is_none() {
    let server = Server::start(&[]);
    assert_eq!(
        answers(&mut server.welcomed(), "/history"),
        ["-- nothing has been said yet"]
    );
    let server = Server::start(&["--history", "0"]);
    assert_eq!(
        answers(&mut server.welcomed(), "/history"),
        ["-- no history is kept"]
    );
}

#[test]
fn motd_shows_the_message_of_the_day_again() {
    let file = TempFile::with("Room 7\nBe kind\n");
    let server = Server::start(&["--motd", file.path()]);
    assert_eq!(
        answers(&mut server.welcomed(), "/motd"),
        ["-- Room 7", "-- Be kind"]
    );
    let server = Server::start(&[]);
    assert_eq!(
        answers(&mut server.welcomed(), "/motd"),
        ["-- no message of the day"]
    );
}

#[test]
fn time_tells_the_time_in_utc() {
    let server = Server::start(&[]);
    let mut alice = server.welcomed();
    let before = Timestamp::now();
    let answer = only(answers(&mut alice, "/time"));
    let after = Timestamp::now();
    let text = answer
        .strip_prefix("-- ")
        .and_then(|rest| rest.strip_suffix(" UTC"));
    let told = DateTime::strptime("%Y-%m-%d %H:%M:%S", text.expect("a time in UTC"));
    let told = told
        .and_then(|time| time.to_zoned(TimeZone::UTC))
        .expect("a time")
        .timestamp();
    assert!(
        before.as_second() <= told.as_second() && told <= after,
        "{answer:?} is not between {before} and {after}"
    );
}

#[test]
fn uptime_and_version_tell_what_they_say() {
    let server = Server::start(&[]);
    let [mut alice, _bob] = server.room(["alice", "bob"]);
    let uptime = only(answers(&mut alice, "/uptime"));
    assert_eq!(without_numbers(&uptime), "-- up #s, # here");
    assert!(uptime.ends_with(", 2 here"), "{uptime:?}");
    alice.send("/version");
    alice.next_is(VERSION);
}

#[test]
fn what_the_commands_tell_is_read_by_nobody_else() {
    let server = Server::start(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    for command in [
        "/help",
        "/who",
        "/whois bob",
        "/history",
        "/motd",
        "/time",
        "/uptime",
        "/ignore",
        "/quiet",
    ] {
        assert!(
            !answers(&mut alice, command).is_empty(),
            "no answer to {command}"
        );
    }
    assert_eq!(bob.settle(), [""; 0]);
}

//! Section 4: the commands that tell something: who is here, what was said, and about the server.

use std::time::Instant;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::kit::{
    Client, FIRST_WORDS, Server, TempFile, VERSION, answers, crowd, crowd_turn, eventually, only,
    texts_of_history, without_numbers,
};

/// The answer to a line, its numbers replaced by `#`.
fn shape(client: &mut Client, line: &str) -> Vec<String> {
    let answer = answers(client, line);
    answer.iter().map(|line| without_numbers(line)).collect()
}

#[test]
fn who_tells_who_is_here_how_long_each_has_been_quiet_and_who_is_away() {
    let server = Server::start(&[]);
    let [mut alice, mut bob, mut carol] = server.room(["alice", "bob", "carol"]);
    answers(&mut bob, "/away");
    answers(&mut carol, "/away lunch");
    for command in ["/who", "/names"] {
        let mut lines = answers(&mut alice, command);
        assert_eq!(lines.remove(0), "-- 3 here:");
        let people: Vec<String> = lines.iter().map(|line| without_numbers(line)).collect();
        assert_eq!(people[0], "-- alice (you), quiet for #s");
        assert_eq!(people[1], "-- bob, quiet for #s, away");
        assert!(
            people[2].starts_with("-- carol, quiet for #s, away"),
            "{people:?}"
        );
        assert_eq!(people.len(), 3, "{people:?}");
    }
}

#[test]
fn who_with_a_text_tells_of_those_whose_names_begin_with_it() {
    let server = Server::start(&[]);
    let [mut alice, _alfred, _bob] = server.room(["alice", "alfred", "bob"]);
    let people = shape(&mut alice, "/who al");
    let of = |name: &str| {
        people
            .iter()
            .filter(|line| line.starts_with(&format!("-- {name}")))
            .count()
    };
    assert_eq!(
        (of("alice"), of("alfred"), of("bob")),
        (1, 1, 0),
        "{people:?}"
    );
    assert_eq!(
        answers(&mut alice, "/who lice"),
        ["-- nobody here by that name"]
    );
}

#[test]
fn who_tells_of_at_most_100_people_and_then_how_many_more() {
    let Some(_turn) = crowd_turn() else { return };
    let server = Server::start(&[]);
    let mut people = crowd(&server, "p", 103);
    let last = people.last_mut().expect("somebody");
    last.settle();
    let answer = answers(last, "/who");
    let listed = answer
        .iter()
        .filter(|line| line.contains(", quiet for "))
        .count();
    assert_eq!((listed, answer.len()), (100, 102), "{answer:?}");
    assert_eq!(answer[0], "-- 103 here:");
    assert_eq!(answer[101], "-- and 3 more");
}

/// For how many seconds `name` has been quiet, as `/who` tells it.
fn quiet_for(client: &mut Client, name: &str) -> u64 {
    let lines = answers(client, "/who");
    let seconds = lines.iter().find_map(|line| {
        let rest = line.strip_prefix(&format!("-- {name}, quiet for "))?;
        rest.strip_suffix('s')?.parse().ok()
    });
    seconds.unwrap_or_else(|| panic!("no seconds for {name} in {lines:?}"))
}

#[test]
fn one_who_says_nothing_grows_quiet_and_one_who_speaks_is_quiet_no_more() {
    let server = Server::start(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    eventually("bob has been quiet for two seconds", || {
        quiet_for(&mut alice, "bob") >= 2
    });
    let spoke = Instant::now();
    answers(&mut bob, "I am back");
    alice.expect("<bob> I am back");
    let quiet = quiet_for(&mut alice, "bob");
    assert!(
        quiet <= spoke.elapsed().as_secs(),
        "quiet for {quiet} s after speaking just now"
    );
}

#[test]
fn whois_tells_when_they_joined_how_long_they_have_been_quiet_and_their_away_text() {
    let server = Server::start(&[]);
    let before = Timestamp::now();
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    let after = Timestamp::now();
    let answer = only(answers(&mut alice, "/whois bob"));
    assert_eq!(
        without_numbers(&answer),
        "-- bob joined at #:#Z (#s ago), quiet for #s"
    );
    let possible = [before, after].map(|time| time.strftime(" at %H:%MZ ").to_string());
    assert!(
        possible.iter().any(|time| answer.contains(time)),
        "{answer:?}, not {possible:?}"
    );

    answers(&mut bob, "/away");
    let away = ["-- bob joined at #:#Z (#s ago), quiet for #s, away"];
    assert_eq!(shape(&mut alice, "/whois bob"), away);
    answers(&mut bob, "/away lunch \"with\" carol");
    let why = ["-- bob joined at #:#Z (#s ago), quiet for #s, away: \"lunch 'with' carol\""];
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

//! `/search`.

use crate::kit::{Client, DataDir, Server, answers, eventually, texts_of_history};

/// What a search is answered, as soon as it may be one, without the line that says how far it went.
fn search(client: &mut Client, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    eventually("a search is admitted", || {
        found = answers(client, &format!("/search {text}"));
        !found[0].starts_with("-- one search a second")
    });
    let last = found.pop().unwrap();
    assert!(last.starts_with("-- looked back to 2"), "{last}");
    let said = found.iter().map(|line| {
        let (_, said) = line.split_once("Z ").expect("a time");
        said.to_owned()
    });
    said.collect()
}

#[test]
fn search_shows_the_last_20_lines_that_contain_text_in_any_case() {
    let directory = DataDir::new();
    let server = directory.server(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    for number in 0..25 {
        alice.send(&format!("Line {number} of the day"));
        alice.send(&format!("another {number}"));
    }
    alice.send("/me draws a LINE\nGrüße aus der Straße\nПривет");
    alice.settle();
    bob.send("something else");
    bob.settle();
    directory.keeps("<bob> something else");
    let found = search(&mut bob, "line");
    assert_eq!(found.len(), 20, "{found:?}");
    assert_eq!(found[0], "<alice> Line 6 of the day");
    assert_eq!(found[18], "<alice> Line 24 of the day");
    assert_eq!(found[19], "* alice draws a LINE");
    assert_eq!(
        search(&mut bob, "STRASSE"),
        ["<alice> Grüße aus der Straße"]
    );
    assert_eq!(search(&mut bob, "пРИВЕТ"), ["<alice> Привет"]);
    assert!(search(&mut bob, "nobody said this").is_empty());
}

#[test]
fn search_looks_past_what_was_erased_and_says_how_far() {
    let directory = DataDir::with_lines(30);
    let erased = "INSERT INTO lines WITH RECURSIVE numbers(n) AS
        (VALUES(31) UNION ALL SELECT n + 1 FROM numbers WHERE n < 20000)
        SELECT n, unixepoch() * 1000, zeroblob(3), 0, 0, zeroblob(5) FROM numbers";
    directory.database().execute_batch(erased).unwrap();
    let server = directory.server(&[]);
    let mut alice = server.joined("alice");
    assert_eq!(search(&mut alice, "x7"), ["<bob> x7"]);
    assert_eq!(search(&mut alice, "x31"), [""; 0]);
    // Newcomers read what was said before that.
    let welcome = server.connect().read_welcome();
    assert!(
        texts_of_history(&welcome).contains(&"<bob> x30"),
        "{welcome:?}"
    );
}

#[test]
fn search_shows_no_more_than_256_kib_of_long_lines() {
    let directory = DataDir::with_lines(1);
    let long = "INSERT INTO lines WITH RECURSIVE numbers(n) AS
        (VALUES(2) UNION ALL SELECT n + 1 FROM numbers WHERE n < 30)
        SELECT n, unixepoch() * 1000, 'bob', 0, 0, n || printf('%.60000c', 'y') FROM numbers";
    directory.database().execute_batch(long).unwrap();
    let server = directory.server(&[]);
    let mut alice = server.joined("alice");
    let found = search(&mut alice, "yy");
    let begins = |line: &String| line.chars().take(9).collect::<String>();
    let begins = found.iter().map(begins).collect::<Vec<_>>();
    assert_eq!(begins, ["<bob> 27y", "<bob> 28y", "<bob> 29y", "<bob> 30y"]);
}

#[test]
fn search_is_for_a_client_once_a_second() {
    let directory = DataDir::new();
    let server = directory.server(&[]);
    let mut alice = server.joined("alice");
    directory.keeps("<alice> it is me");
    alice.send("/search it\n/search it\n/version");
    let lines = alice.lines_until_one(&"the second answer", |line| line.contains("a second"));
    assert_eq!(lines.1, "-- one search a second, try again in a moment");
    assert_eq!(lines.0.len(), 2, "{lines:?}");
}

#[test]
fn search_leaves_out_whoever_is_ignored_under_that_name() {
    let directory = DataDir::new();
    let server = directory.server(&[]);
    let [mut alice, bob] = server.room(["alice", "bob"]);
    bob.send("as bob\n/nick robert\nas robert");
    alice.expect("<robert> as robert");
    answers(&mut alice, "/ignore robert");
    directory.keeps("<robert> as robert");
    assert_eq!(search(&mut alice, "as "), ["<bob> as bob"]);
}

#[test]
fn what_follows_a_search_is_taken_behind_its_answer() {
    let directory = DataDir::new();
    let server = directory.server(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    directory.keeps("<bob> it is me");
    alice.send("/search it is\nsaid behind it\n/search\n/version");
    let (answer, _) = alice.lines_until_one(&"the usage", |line| line == "-- usage: /search TEXT");
    assert_eq!(answer.len(), 3, "{answer:?}");
    bob.next_is("<alice> said behind it");
}

#[cfg(feature = "tls")]
#[test]
fn search_is_the_same_over_tls() {
    let directory = DataDir::new();
    let server = directory.server(&["--tls"]);
    let [mut alice, bob] = server.room(["alice", "bob"]);
    bob.send("over TLS");
    alice.expect("<bob> over TLS");
    directory.keeps("<bob> over TLS");
    assert_eq!(search(&mut alice, "tls"), ["<bob> over TLS"]);
}

#[test]
fn where_nothing_is_kept_there_is_nothing_to_search() {
    let server = Server::start(&[]);
    let mut alice = server.joined("alice");
    let expected = ["-- what is said here is not kept, there is nothing to search"];
    assert_eq!(answers(&mut alice, "/search it"), expected);
    let help = answers(&mut alice, "/help search");
    let expected = ["-- no such command, /help lists them: \"search\""];
    assert_eq!(help, expected);
}

#[test]
fn at_most_two_search_at_a_time_and_the_others_wait_for_it() {
    let directory = DataDir::new();
    let server = directory.server(&[]);
    server.joined("alice");
    directory.keeps("<alice> it is me");
    let mut crowd = server.crowd(10);
    for client in &crowd {
        client.send("/search it is");
    }
    for client in &mut crowd {
        client.lines_until_one(&"an answer", |line| line.starts_with("-- looked back"));
    }
}

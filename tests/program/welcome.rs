//! Section 4: what a newcomer reads, in this order.

use jiff::Timestamp;

use crate::kit::{
    Client, FIRST_WORDS, Server, TempFile, answers, crowd, given_name, stamp_and_text,
    texts_of_history,
};

const HINT: &str = "-- /nick NAME picks a name, /help lists the commands";

/// Everything that a newcomer reads, the hint at the end included.
fn whole_welcome(server: &Server) -> Vec<String> {
    let mut client = server.connect();
    let mut lines = client.lines_until(HINT);
    lines.push(HINT.to_owned());
    lines
}

fn server_with_motd(motd: &str) -> (Server, TempFile) {
    let file = TempFile::with(motd);
    (Server::start(&["--motd", file.path()]), file)
}

#[test]
fn a_newcomer_reads_the_motd_the_history_the_welcome_who_is_here_and_the_hint_in_this_order() {
    let (server, _file) = server_with_motd("Room 7\nBe kind\n");
    let [mut alice] = server.room(["alice"]);
    answers(&mut alice, "hello");
    answers(&mut alice, "how are you?");
    let welcome = whole_welcome(&server);
    let without_times: Vec<&str> = welcome
        .iter()
        .enumerate()
        .map(|(number, line)| match number {
            3..=5 => stamp_and_text(line).1,
            _ => line,
        })
        .collect();
    assert_eq!(
        without_times,
        [
            "-- Room 7",
            "-- Be kind",
            "-- the last 3 lines, times in UTC:",
            &format!("<alice> {FIRST_WORDS}"),
            "<alice> hello",
            "<alice> how are you?",
            "-- welcome to chatd, you are guest2",
            "-- here: alice",
            HINT,
        ]
    );
}

#[test]
fn a_history_of_one_line_is_called_the_last_line() {
    let server = Server::start(&[]);
    let _alice = server.joined("alice");
    let welcome = whole_welcome(&server);
    assert_eq!(welcome[0], "-- the last line, times in UTC:");
    assert_eq!(
        texts_of_history(&welcome),
        [format!("<alice> {FIRST_WORDS}")]
    );
}

#[test]
fn the_first_newcomer_reads_that_nobody_else_is_here_and_no_history() {
    let server = Server::start(&[]);
    assert_eq!(
        whole_welcome(&server),
        [
            "-- welcome to chatd, you are guest1",
            "-- nobody else is here",
            HINT
        ]
    );
}

#[test]
fn each_line_of_the_motd_stands_behind_two_dashes() {
    let (server, _file) = server_with_motd("first\r\n\n  indented\nno end");
    let motd: Vec<String> = whole_welcome(&server).into_iter().take(4).collect();
    assert_eq!(motd, ["-- first", "-- ", "--   indented", "-- no end"]);
}

#[test]
fn the_motd_cannot_send_control_sequences_either() {
    let (server, _file) = server_with_motd("a\u{1b}[2Jb\u{85}c\u{202e}d\te");
    assert_eq!(
        whole_welcome(&server)[0],
        "-- a\u{fffd}[2Jb\u{fffd}c\u{fffd}d\te"
    );
}

/// Lets so many people join and returns the names that the next one reads of.
fn names_read_after(count: usize) -> (Vec<String>, String, Vec<Client>) {
    let server = Server::start(&[]);
    let members = crowd(&server, "member-", count);
    let names = (0..count)
        .map(|number| format!("member-{number}"))
        .collect();
    let welcome = whole_welcome(&server);
    let line = welcome
        .into_iter()
        .find(|line| line.starts_with("-- here: "));
    (names, line.expect("a list of who is here"), members)
}

#[test]
fn the_newcomer_reads_at_most_twenty_names_and_then_how_many_more() {
    let (mut names, line, _members) = names_read_after(23);
    let (shown, more) = line
        .trim_start_matches("-- here: ")
        .split_once(" and ")
        .unwrap_or_else(|| panic!("nothing about more names in {line:?}"));
    assert_eq!(more, "3 more");
    let shown: Vec<&str> = shown.split(", ").collect();
    assert_eq!(shown.len(), 20, "{line:?}");
    names.retain(|name| !shown.contains(&name.as_str()));
    assert_eq!(names.len(), 3, "twenty different members, not {line:?}");
}

#[test]
fn twenty_names_are_all_there_are_to_read() {
    let (names, line, _members) = names_read_after(20);
    assert_eq!(line, format!("-- here: {}", names.join(", ")));
}

#[test]
fn history_is_what_was_said_and_done_under_the_names_of_that_time() {
    let server = Server::start(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    answers(&mut alice, "/me waves");
    answers(&mut alice, "/nick carol");
    answers(&mut alice, "I am carol now");
    answers(&mut bob, "/msg carol this is private");
    answers(&mut bob, "/away at lunch");
    bob.send("/quit so long");
    bob.expect_eof();
    alice.expect("-- bob left: \"so long\"");
    assert_eq!(
        texts_of_history(&whole_welcome(&server)),
        [
            format!("<alice> {FIRST_WORDS}"),
            format!("<bob> {FIRST_WORDS}"),
            "* alice waves".to_owned(),
            "<carol> I am carol now".to_owned(),
        ]
    );
}

#[test]
fn the_times_of_the_history_are_in_utc() {
    let mut command = Server::command();
    // Nearly six hours off, and not by whole hours.
    command
        .env("TZ", "Asia/Kathmandu")
        .args(["--port", "0", "--bind", "127.0.0.1"]);
    let server = Server::launch(command);
    let before = Timestamp::now();
    let _alice = server.joined("alice");
    let after = Timestamp::now();
    let welcome = whole_welcome(&server);
    let line = welcome.iter().find(|line| line.ends_with(FIRST_WORDS));
    let (stamp, _) = stamp_and_text(line.expect("a line of history"));
    let possible = [before, after].map(|time| time.strftime("%H:%M").to_string());
    // The date stands before the time if midnight has passed meanwhile.
    assert!(
        possible.iter().any(|time| stamp.ends_with(time)),
        "{stamp:?} is none of {possible:?}"
    );
}

/// A room where one person has said so many lines of so many bytes, and the history that a newcomer
/// reads.
fn history_of(lines: usize, bytes: usize, args: &[&str]) -> Vec<String> {
    let server = Server::start(args);
    let mut alice = server.join("alice");
    for number in 0..lines {
        alice.send(&format!("{number:0bytes$}"));
    }
    alice.settle();
    whole_welcome(&server)
}

#[test]
fn as_many_lines_are_replayed_as_history_says() {
    let welcome = history_of(7, 1, &["--history", "5"]);
    assert!(
        welcome.contains(&"-- the last 5 lines, times in UTC:".to_owned()),
        "{welcome:?}"
    );
    assert_eq!(
        texts_of_history(&welcome),
        [
            "<alice> 2",
            "<alice> 3",
            "<alice> 4",
            "<alice> 5",
            "<alice> 6"
        ]
    );
}

#[test]
fn twenty_lines_are_replayed_where_nothing_else_is_said() {
    let welcome = history_of(25, 1, &[]);
    let texts = texts_of_history(&welcome);
    assert_eq!((texts.len(), texts[0]), (20, "<alice> 5"));
}

#[test]
fn a_history_of_0_turns_it_off() {
    let welcome = history_of(3, 1, &["--history", "0"]);
    assert_eq!(
        welcome,
        [
            "-- welcome to chatd, you are guest2",
            "-- here: alice",
            HINT
        ]
    );
}

#[test]
fn the_history_is_bounded_by_256_kib_too() {
    let welcome = history_of(100, 4000, &["--history", "10000"]);
    let texts = texts_of_history(&welcome);
    let bytes: usize = texts.iter().map(|text| text.len()).sum();
    assert!(
        (128 << 10..=256 << 10).contains(&bytes),
        "{} lines, {bytes} bytes",
        texts.len()
    );
    let title = format!("-- the last {} lines, times in UTC:", texts.len());
    assert!(welcome.contains(&title), "no {title:?}");
    assert!(texts.last().expect("a last line").ends_with("099"));
}

#[test]
fn guests_are_numbered_and_a_number_is_never_used_again() {
    let server = Server::start(&[]);
    for number in 1..=3 {
        let mut guest = server.connect();
        assert_eq!(given_name(&mut guest), format!("guest{number}"));
        guest.send("/quit");
        guest.expect_eof();
    }
}

#[test]
fn motd_is_read_at_start() {
    let motd = TempFile::with("as it was\n");
    let server = Server::start(&["--motd", motd.path()]);
    drop(motd);
    server.connect().next_is("-- as it was");
}

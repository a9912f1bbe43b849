//! The owner of an account comes by another connection.

use crate::kit::{DataDir, password_of};

#[test]
fn who_logs_in_while_the_account_is_here_ends_the_other_connection() {
    let directory = DataDir::new();
    let server = directory.server(&["--register"]);
    let mut first = server.registered("alice");
    first.send("it is me");
    first.settle();
    let [mut watcher] = server.room(["watcher"]);
    let second = server.logged_in("alice", &password_of("alice"));
    let read = first.expect_eof();
    assert_eq!(
        read.last().map(String::as_str),
        Some("-- you logged in elsewhere"),
        "{read:?}"
    );
    second.send("it is me again");
    // An ordinary departure.
    let before = watcher.lines_until("<alice> it is me again");
    assert!(
        before.iter().any(|line| line == "-- alice left"),
        "{before:?}"
    );
    server.log_line(|line| line.contains("left: ") && line.ends_with(", replaced"));
}

#[test]
fn a_second_login_that_would_end_another_within_10_s_is_refused() {
    let directory = DataDir::new();
    let server = directory.server(&["--register"]);
    let _first = server.registered("alice");
    let mut second = server.logged_in("alice", &password_of("alice"));
    let mut third = server.connect();
    third.send(&format!("/login alice\n{}\nhello", password_of("alice")));
    let read = third.expect_eof();
    let told = "-- alice has just logged in, try again in a few seconds";
    assert_eq!(read.last().map(String::as_str), Some(told), "{read:?}");
    let read = second.settle();
    assert!(!read.iter().any(|line| line.contains("hello")), "{read:?}");
}

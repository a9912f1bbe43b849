//! The owner of an account comes by another connection.

use std::thread;
use std::time::{Duration, Instant};

use crate::kit::{
    DataDir, SLACK, Server, WAIT, eventually, only_in_plain, password_of, run_to_end,
    texts_of_history,
};

#[test]
fn who_logs_in_while_the_account_is_here_ends_the_other_connection() {
    let directory = DataDir::new();
    let server = directory.server(&["--register"]);
    let mut first = server.member("alice");
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

#[test]
fn who_logs_in_again_on_a_server_for_members_leaves_and_arrives() {
    let directory = DataDir::new();
    let server = directory.server(&["--register", "--members-only"]);
    let mut watcher = server.member("watcher");
    let _first = server.member("alice");
    watcher.expect("<alice> it is me");
    let mut second = server.connect();
    second.send(&format!("/login alice\n{}", password_of("alice")));
    second.expect("-- welcome to chatd, you are alice");
    watcher.next_is("-- alice left");
    watcher.next_is("-- alice joined");
}

#[test]
fn after_10_s_another_login_may_end_the_connection() {
    if only_in_plain("it takes a while, and is the same there") {
        return;
    }
    let directory = DataDir::new();
    let server = directory.server(&["--register"]);
    let mut first = server.registered("alice");
    let start = Instant::now();
    let mut second = server.logged_in("alice", &password_of("alice"));
    first.expect_eof();
    thread::sleep(Duration::from_secs(9));
    let is_in = |line: &str| line.ends_with(" is now alice");
    let is_refused = |line: &str| line.starts_with("-- alice has just logged in");
    loop {
        let mut third = server.connect();
        third.send(&format!("/login alice\n{}", password_of("alice")));
        let verdict = third.lines_until_one(&"a verdict", |line| is_in(line) || is_refused(line));
        if is_in(&verdict.1) {
            break;
        }
        let waited = start.elapsed();
        assert!(waited < Duration::from_secs(10) + WAIT, "{waited:?}");
    }
    let waited = start.elapsed();
    assert!(waited >= Duration::from_secs(10), "{waited:?}");
    second.expect("-- you logged in elsewhere");
}

#[test]
fn who_takes_over_reads_what_was_said_since_the_last_byte_of_the_other_connection() {
    let directory = DataDir::new();
    let server = directory.server(&["--register"]);
    let [mut bob] = server.room(["bob"]);
    let mut asleep = server.registered("alice");
    bob.send("before");
    asleep.expect("<bob> before");
    asleep.send("good night");
    bob.expect("<alice> good night");
    bob.send("and you");
    asleep.expect("<bob> and you");
    let mut alice = server.connect();
    alice.send(&format!("/login alice\n{}", password_of("alice")));
    alice.read_renaming("alice");
    let read = alice.settle();
    assert_eq!(read[0], "-- 1 line since you were here, times in UTC:");
    assert_eq!(texts_of_history(&read), ["<bob> and you"]);
}

#[test]
fn an_account_that_is_removed_or_given_a_password_loses_its_connection_within_2_s() {
    let directory = DataDir::new();
    let server = directory.server(&["--register"]);
    let [mut watcher] = server.room(["watcher"]);
    for (task, name, told) in [
        ("remove", "alice", "-- your account was removed"),
        ("password", "bob", "-- your password was changed"),
    ] {
        let mut owner = server.member(name);
        // The keeper writes it: until then the command line does not know of the account.
        let do_it = || {
            let mut command = Server::command_after("echo 'another secret' |");
            command.args(["user", task, name, "--data", directory.path()]);
            run_to_end(command).status.success()
        };
        eventually("it is done", do_it);
        let start = Instant::now();
        let read = owner.expect_eof();
        let passed = start.elapsed();
        assert_eq!(read.last().map(String::as_str), Some(told), "{read:?}");
        assert!(passed < Duration::from_secs(2) + SLACK, "{passed:?}");
        watcher.expect(&format!("-- {name} left"));
        let left = format!(" {name}, ");
        server.log_line(|line| line.contains(&left) && line.ends_with(", closed"));
    }
    server.logged_in("bob", "another secret");
    // Nobody owns the other name any more.
    server.join("alice");
}

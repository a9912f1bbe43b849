//! What `/login`, `/register` and `/password` do where there are no accounts.

#[cfg(not(feature = "data"))]
use crate::kit::are_unknown;
use crate::kit::{Client, Server, answers, crowd};

const ANSWER: &str = "-- this server has no accounts";

/// Ways to write the three commands.
const COMMANDS: [&str; 8] = [
    "/login",
    "/password",
    "/register",
    "/LogIn alice",
    " \t/login alice hunter2",
    "\x1b[A/register alice hunter2 hunter2",
    "\u{200b}/password hunter2",
    "x\x7f/login\u{a0}alice",
];

/// What `watcher` reads of what somebody says, until somebody else has left.
fn said_until_left(watcher: &mut Client, name: &str) -> Vec<String> {
    let mut said = watcher.lines_until(&format!("-- {name} left"));
    said.retain(|line| line.starts_with('<'));
    said
}

#[cfg(not(feature = "data"))]
#[test]
fn without_the_feature_the_options_are_unknown() {
    are_unknown(&[
        "--data",
        "--members-only",
        "--register",
        "--password-file",
        "--keep",
        "--keep-size",
        "--insecure-passwords",
    ]);
}

#[test]
fn login_register_and_password_are_answered_that_there_are_no_accounts_and_the_connection_is_closed()
 {
    let server = Server::start(&[]);
    let [mut watcher] = server.room(["watcher"]);
    let mut leavers = crowd(&server, "leaver-", COMMANDS.len());
    watcher.settle();
    for (number, (client, command)) in leavers.iter_mut().zip(COMMANDS).enumerate() {
        // What follows is in the same packet, so it is there before the answer is read.
        let end = ["\n", "\r\n", "\r\0"][number % 3];
        client.send(&format!("{command}{end}hunter2{end}hello everybody"));
        let answer = client.expect_eof().pop();
        let answer = answer.as_deref().map(str::trim_end);
        assert_eq!(answer, Some(ANSWER), "after {command:?}");
    }
    server.log_lines(COMMANDS.len(), |line| {
        line.contains("leaver-") && line.ends_with(", closed")
    });
    let mut said = watcher.settle();
    said.retain(|line| line.starts_with('<'));
    assert_eq!(said, [""; 0]);
    let log = server.log();
    assert!(!log.iter().any(|line| line.contains("hunter2")), "{log:?}");
}

#[test]
fn what_follows_a_command_about_passwords_in_another_packet_is_not_said_either() {
    let server = Server::start(&[]);
    let [mut watcher, mut alice] = server.room(["watcher", "alice"]);
    alice.send("/login alice");
    alice.expect(ANSWER);
    // The server reads and discards until the client closes too, or is done already.
    let _ = alice.try_send(b"hunter2\n");
    alice.close_sending();
    alice.expect_eof();
    assert_eq!(said_until_left(&mut watcher, "alice"), [""; 0]);
    assert_eq!(watcher.settle(), [""; 0]);
}

#[test]
fn what_follows_a_command_about_passwords_that_is_too_long_is_not_said_either() {
    let server = Server::start(&["--max-line", "20B"]);
    let [mut watcher, mut alice] = server.room(["watcher", "alice"]);
    alice.send("/login alice hunter2 hunter2\nhunter2");
    let read = alice.expect_eof();
    let told = "-- line too long: the limit is 20 bytes, nothing was sent";
    assert_eq!(read.last().map(String::as_str), Some(told), "{read:?}");
    assert_eq!(said_until_left(&mut watcher, "alice"), [""; 0]);
}

#[test]
fn a_newcomer_whose_first_line_asks_for_a_password_is_never_mentioned() {
    let server = Server::start(&[]);
    let [mut watcher] = server.room(["watcher"]);
    let mut bot = server.connect();
    bot.send("/login bot\nhunter2\nhello everybody");
    let read = bot.expect_eof();
    assert_eq!(read.last().map(String::as_str), Some(ANSWER), "{read:?}");
    server.log_line(|line| line.contains("left: ") && line.ends_with("closed"));
    assert_eq!(watcher.settle(), [""; 0]);
}

#[test]
fn what_is_before_a_command_about_passwords_is_said() {
    let server = Server::start(&[]);
    let [mut watcher, alice] = server.room(["watcher", "alice"]);
    alice.send("one\ntwo\n/password\nhunter2");
    let said = said_until_left(&mut watcher, "alice");
    assert_eq!(said, ["<alice> one", "<alice> two"]);
}

#[test]
fn where_there_are_no_accounts_help_does_not_list_the_commands_about_passwords() {
    let server = Server::start(&[]);
    let mut client = server.welcomed();
    let help = answers(&mut client, "/help");
    for command in ["login", "password", "register"] {
        assert!(!help.iter().any(|line| line.contains(command)), "{help:?}");
        assert_eq!(
            answers(&mut client, &format!("/help {command}")),
            [format!(
                "-- no such command, /help lists them: \"{command}\""
            )]
        );
    }
}

#[test]
fn where_there_are_no_accounts_login_alone_is_said_and_nothing_is_answered() {
    let server = Server::start(&[]);
    let [mut watcher, mut alice] = server.room(["watcher", "alice"]);
    for text in ["login", "login alice", "LOGIN"] {
        assert_eq!(answers(&mut alice, text), [""; 0]);
        assert_eq!(watcher.settle(), [format!("<alice> {text}")]);
    }
}

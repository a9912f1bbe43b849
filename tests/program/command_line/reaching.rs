//! What changes at the command line reaches the server that runs within 2 s.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use crate::kit::DataDir;
use crate::kit::{Client, SLACK, Server, answers, eventually};

use super::done;

/// Within which time the server has heard of it.
const SOON: Duration = Duration::from_secs(2);

const REGISTERED: &str = "-- alice is registered: /login alice";

/// The first line that somebody reads who comes now.
fn first_line(server: &Server) -> String {
    server.connect().read_line()
}

/// Asks for a name until the answer is this one.
fn asks_until_answered(client: &mut Client, name: &str, answer: &str) {
    eventually(answer, || {
        answers(client, &format!("/nick {name}")).contains(&answer.to_owned())
    });
}

#[test]
fn who_has_a_name_becomes_a_guest_when_the_account_is_made_and_may_have_it_again_when_it_is_removed()
 {
    let directory = DataDir::new();
    let server = directory.server(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    done(&directory, &["user", "add", "Alice"]);
    let start = Instant::now();
    alice.expect("-- alice is now guest1");
    bob.expect("-- alice is now guest1");
    assert!(start.elapsed() < SOON + SLACK, "{:?}", start.elapsed());
    let refused = "-- Alice is registered: /login Alice";
    assert_eq!(answers(&mut bob, "/nick al1ce"), [refused]);
    done(&directory, &["user", "remove", "Alice"]);
    let start = Instant::now();
    asks_until_answered(&mut bob, "al1ce", "-- bob is now al1ce");
    assert!(start.elapsed() < SOON + SLACK, "{:?}", start.elapsed());
}

#[test]
fn an_account_that_was_made_while_the_server_did_not_run_is_known_from_the_start() {
    let directory = DataDir::new();
    done(&directory, &["user", "add", "alice"]);
    let server = directory.server(&[]);
    let mut client = server.welcomed();
    assert_eq!(answers(&mut client, "/nick alice"), [REGISTERED]);
}

#[test]
fn an_account_that_becomes_an_operators_is_shown_as_one() {
    let directory = DataDir::new();
    done(&directory, &["user", "add", "alice"]);
    let server = directory.server(&[]);
    let mut bob = server.joined("bob");
    let whois = "/whois alice";
    let absent = "-- alice, registered, has not been here yet";
    assert_eq!(answers(&mut bob, whois), [absent]);
    done(&directory, &["user", "op", "alice"]);
    let operator = "-- alice, operator, has not been here yet";
    eventually(operator, || answers(&mut bob, whois) == [operator]);
    done(&directory, &["user", "deop", "alice"]);
    eventually(absent, || answers(&mut bob, whois) == [absent]);
}

#[test]
fn who_is_here_becomes_an_operator_and_is_one_no_longer_within_2_s() {
    let directory = DataDir::new();
    let server = directory.server(&["--register"]);
    let mut alice = server.registered("alice");
    let refused = ["-- only operators can do that"];
    assert_eq!(answers(&mut alice, "/bans"), refused);
    for (task, answer) in [("op", ["-- nobody is banned"]), ("deop", refused)] {
        // The account that was just registered is written by and by.
        eventually("the account is there", || {
            done(&directory, &["user", "list"]).starts_with("alice")
        });
        done(&directory, &["user", task, "alice"]);
        let start = Instant::now();
        eventually(task, || answers(&mut alice, "/bans") == answer);
        assert!(start.elapsed() < SOON + SLACK, "{:?}", start.elapsed());
    }
}

#[test]
fn a_banned_address_is_members_only_until_the_ban_is_removed() {
    let directory = DataDir::new();
    let server = directory.server(&[]);
    let mut bob = server.joined("bob");
    let mut other = server.connect_from(Ipv4Addr::new(127, 0, 0, 2));
    other.read_welcome();
    done(&directory, &["ban", "add", "127.0.0.1"]);
    bob.expect("-- you were banned by chatd");
    other.expect("-- chatd banned bob");
    let banned = "-- 127.0.0.1 is banned; /login NAME";
    assert_eq!(first_line(&server), banned);
    done(&directory, &["ban", "remove", "127.0.0.1"]);
    eventually("newcomers are let in", || first_line(&server) != banned);
    server.joined("bob");
}

#[test]
fn a_ban_of_a_server_that_did_not_run_is_known_from_the_start_and_ends_by_itself() {
    let directory = DataDir::new();
    drop(directory.server(&[]));
    done(&directory, &["ban", "add", "127.0.0.0/8", "--for", "3s"]);
    let server = directory.server(&[]);
    let line = first_line(&server);
    let is_banned = |line: &str| line.starts_with("-- 127.0.0.0/8 is banned until ");
    // Unless the machine is very slow.
    assert!(is_banned(&line) || line.contains("is kept for"), "{line}");
    eventually("it is over", || !is_banned(&first_line(&server)));
}

#[test]
fn a_directory_that_was_removed_and_made_anew_has_the_accounts_and_bans_that_the_server_knows() {
    let directory = DataDir::new();
    done(&directory, &["user", "add", "alice", "--op"]);
    done(&directory, &["ban", "add", "192.0.2.1"]);
    let server = directory.server(&[]);
    directory.remove();
    let mut bob = server.joined("bob");
    server.log_line(|line| line.contains("cannot be kept now: "));
    std::fs::create_dir(directory.path()).unwrap();
    server.log_line(|line| line.ends_with("what is said is kept again"));
    eventually("they are written", || {
        done(&directory, &["user", "list"]) == "alice, operator, not here yet\n"
            && done(&directory, &["ban", "list"]) == "192.0.2.1 by chatd\n"
    });
    assert_eq!(answers(&mut bob, "/nick alice"), [REGISTERED]);
}

#[test]
fn what_others_change_while_people_talk_as_fast_as_they_can_reaches_it_all_the_same() {
    let directory = DataDir::new();
    let server = directory.server(&["--rate", "0"]);
    let [mut alice, flooder] = server.room(["alice", "flooder"]);
    done(&directory, &["user", "add", "alice"]);
    let lines = "x\n".repeat(1_000);
    eventually("alice is a guest", || {
        flooder.send_bytes(lines.as_bytes());
        let said = alice.settle();
        said.contains(&"-- alice is now guest1".to_owned())
    });
}

//! Many wrong passwords, names, new accounts, strangers and logins: what they cost, and whom they do
//! not concern.

use std::net::Ipv4Addr;

use crate::kit::{Chat, DataDir, PROMPT, Rank, answers, crowd_turn, only_in_plain, password_of};

const ATTACKERS: usize = 50;

const WRONG: &str = "-- wrong name or password";
const BUSY: &str = "-- busy, try again in a few seconds";
const REFUSED: &str = "-- too many wrong passwords, try again in ";
const NO_MORE: &str = "-- too many new accounts, try again in ";

/// Why a connection was closed. Notices of others may follow.
fn reason(read: &[String]) -> &str {
    let is_reason = |line: &&String| {
        let line = line.as_str();
        [WRONG, BUSY].contains(&line) || line.starts_with(REFUSED) || line.starts_with(NO_MORE)
    };
    let reason = read.iter().rfind(is_reason);
    reason.unwrap_or_else(|| panic!("no reason in {read:?}"))
}

/// One of many addresses.
fn address(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 1, number)
}

#[test]
fn wrong_passwords_from_one_address_delay_neither_the_chat_nor_an_owner_elsewhere() {
    if only_in_plain("others have one address") {
        return;
    }
    let directory = DataDir::new();
    let server = directory.server(&["--register"]);
    server.registered("alice").send("/quit");
    server.log_line(|line| line.contains("left: ") && line.contains(" alice, "));
    let mut chat = Chat::start(&server);
    let address = Ipv4Addr::new(127, 0, 0, 66);
    let mut attackers = Vec::new();
    for _ in 0..ATTACKERS {
        let client = server.connect_from(address);
        client.send("/login alice\nwrong\nwrong\nwrong");
        attackers.push(client);
    }
    chat.goes_on(100);
    // Nobody is kept out by wrong passwords from other addresses.
    let mut alice = server.logged_in("alice", &password_of("alice"));
    for attacker in &mut attackers {
        reason(&attacker.expect_eof());
    }
    // 36 more owe more than 5 minutes, however slowly the others were computed.
    let is_refused = |_| {
        let mut guesser = server.connect_from(address);
        guesser.send("/login nobody\nwrong\nwrong\nwrong");
        reason(&guesser.expect_eof()).starts_with(REFUSED)
    };
    assert!((0..12).any(is_refused), "nobody was refused");
    let told = |line: &str| line.contains("too many wrong passwords: 127.0.0.66");
    assert_eq!(server.log_lines(1, told).len(), 1, "the log says it once");
    // The right one is refused there too, unchecked.
    let mut owner = server.connect_from(address);
    owner.send(&format!("/login alice\n{}\nhello", password_of("alice")));
    let read = owner.expect_eof();
    assert!(read.iter().any(|line| line == PROMPT), "{read:?}");
    assert!(reason(&read).starts_with(REFUSED), "{read:?}");
    let read = alice.settle();
    assert!(!read.iter().any(|line| line.contains("hello")), "{read:?}");
}

#[test]
fn nobody_is_kept_out_by_wrong_passwords_from_many_other_addresses() {
    if only_in_plain("others have addresses of their own") {
        return;
    }
    let directory = DataDir::new();
    let password = directory.make_account("alice", Rank::Member);
    let server = directory.server(&[]);
    let mut chat = Chat::start(&server);
    let guess = |number| {
        let guesser = server.connect_from(address(number));
        guesser.send("/login alice\nwrong\nwrong\nwrong");
        guesser
    };
    let mut guessers: Vec<_> = (1..=12).map(guess).collect();
    chat.goes_on(20);
    server.logged_in("alice", &password);
    for guesser in &mut guessers {
        let read = guesser.expect_eof();
        assert!([WRONG, BUSY].contains(&reason(&read)), "{read:?}");
    }
}

#[test]
fn names_without_an_account_owe_the_same() {
    if only_in_plain("others have one address") {
        return;
    }
    let directory = DataDir::new();
    let password = directory.make_account("alice", Rank::Member);
    let server = directory.server(&[]);
    let mut chat = Chat::start(&server);
    // More than 5 minutes, at 10 s each.
    let mut told = 0;
    for number in 0..33 {
        let mut guesser = server.connect_from(address(1));
        guesser.send(&format!("/login name{number}\nsecret\n\n/quit"));
        let read = guesser.expect_eof();
        told += usize::from(read.iter().any(|line| line.starts_with(REFUSED)));
    }
    assert!(told > 0, "33 names were tried");
    chat.goes_on(1);
    server.logged_in("alice", &password);
}

#[test]
fn at_most_30_accounts_are_made_in_10_minutes_from_all_addresses() {
    if only_in_plain("others have addresses of their own") {
        return;
    }
    let directory = DataDir::new();
    let server = directory.server(&["--register"]);
    for number in 0..30 {
        let mut client = server.connect_from(address(number / 3));
        client.register(&format!("person{number}"));
        client.send("/quit");
        client.expect_eof();
    }
    let mut client = server.connect_from(address(10));
    client.send("/register alice\nhunter22\nhunter22\nhello");
    let read = client.expect_eof();
    assert!(reason(&read).starts_with(NO_MORE), "{read:?}");
    // Who has one is let in.
    server.logged_in("person29", &password_of("person29"));
}

#[test]
fn members_come_in_while_strangers_wait() {
    if only_in_plain("strangers have addresses of their own") {
        return;
    }
    let Some(_turn) = crowd_turn() else {
        return;
    };
    let directory = DataDir::new();
    let passwords = ["alice", "bob"].map(|name| directory.make_account(name, Rank::Member));
    let server = directory.server(&["--members-only"]);
    let connect = |number: u8| server.connect_from(address(1 + number / 40));
    let mut strangers: Vec<_> = (0..80).map(connect).collect();
    for stranger in &mut strangers {
        stranger.expect("-- members only: /login NAME");
    }
    for number in [1, 2] {
        let read = server.connect_from(address(number)).expect_eof();
        assert_eq!(read, ["-- too many wait at your address, try again later"]);
    }
    let mut alice = server.logged_in("alice", &passwords[0]);
    let bob = server.logged_in("bob", &passwords[1]);
    bob.send("hello");
    alice.expect("<bob> hello");
    for stranger in &mut strangers {
        stranger.send("/quit");
        assert_eq!(stranger.expect_eof(), [""; 0], "nothing of the room");
    }
}

#[test]
fn owners_who_come_by_another_connection_are_here_once() {
    let directory = DataDir::new();
    let names = ["alice", "bob", "carol", "dave", "emma"];
    let passwords = names.map(|name| directory.make_account(name, Rank::Member));
    let server = directory.server(&[]);
    let [mut watcher] = server.room(["watcher"]);
    let accounts = || names.iter().zip(&passwords);
    let log_in = |(name, password): (&&str, &String)| server.logged_in(name, password);
    let mut first: Vec<_> = accounts().map(log_in).collect();
    let second: Vec<_> = accounts().map(log_in).collect();
    for (client, (name, _)) in second.iter().zip(accounts()) {
        client.send("it is me");
        watcher.expect(&format!("<{name}> it is me"));
    }
    for client in &mut first {
        let read = client.expect_eof();
        let last = read.last().map(String::as_str);
        assert_eq!(last, Some("-- you logged in elsewhere"), "{read:?}");
    }
    let mut here = answers(&mut watcher, "/who");
    assert_eq!(here.remove(0), "-- 6 here:", "{here:?}");
    for name in names {
        assert_eq!(here.concat().matches(name).count(), 1, "{name} in {here:?}");
    }
}

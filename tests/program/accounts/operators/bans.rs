//! `/ban`, `/unban`, `/bans`.

use std::net::Ipv4Addr;

use crate::kit::{
    Client, DataDir, Rank, Server, answers, answers_each, eventually, given_name, only, password_of,
};

use super::{has_left, quiet, restarted, with_operator, with_operator_in};

/// An address of this machine from which nobody else comes.
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 66);

/// A guest who comes from there, and of whom everybody has heard.
fn guest_from(server: &Server, address: Ipv4Addr, name: &str) -> Client {
    let mut guest = server.connect_from(address);
    guest.send(&format!("/nick {name}\nit is me"));
    guest.read_welcome();
    guest.settle();
    guest
}

/// A line with the moment until which somebody is banned, and that moment for itself.
fn split_until(line: &str) -> (String, String) {
    let (before, rest) = line.split_once(" until ").expect("an end");
    let (until, after) = rest.split_at("2026-11-21 15:04Z".len());
    (format!("{before}{after}"), until.to_owned())
}

/// What a newcomer from there reads last who is not let in.
fn is_turned_back(server: &Server, address: Ipv4Addr, line: &str) {
    let mut newcomer = server.connect_from(address);
    newcomer.expect(line);
    newcomer.send("hello?\n/who\n/history\n/nick rob\n/me waves");
    for _ in 0..5 {
        newcomer.next_is(line);
    }
}

#[test]
fn who_is_banned_is_put_out_and_waits_as_a_stranger_when_they_come_again() {
    let (directory, server, mut olga) = with_operator(&["--register"]);
    let mut alice = quiet(&server, "alice");
    let mut bob = guest_from(&server, ELSEWHERE, "bob");
    alice.expect("<bob> it is me");
    olga.settle();
    let banned = "-- olga banned bob for 1h: \"be 'nice'\"";
    answers_each(
        &mut olga,
        &[(
            "/ban bob 1h be \"nice\"",
            &["-- banned for 1h: 127.0.0.66", banned],
        )],
    );
    alice.next_is(banned);
    let read = bob.expect_eof();
    assert_eq!(
        read.last().map(String::as_str),
        Some("-- you were banned by olga for 1h: \"be 'nice'\"")
    );
    server.log_line(|line| line.contains(" bob, ") && line.ends_with(", banned"));
    let mut again = server.connect_from(ELSEWHERE);
    let line = again.read_line();
    let (line_without, until) = split_until(&line);
    assert_eq!(
        line_without,
        "-- 127.0.0.66 is banned: \"be 'nice'\"; /login NAME"
    );
    assert!(until.ends_with('Z') && until.starts_with("20"), "{line}");
    is_turned_back(&server, ELSEWHERE, &line);
    // Without `/register`: the reason again, and the end.
    again.send("/register bob\nhunter22\nhunter22\nhello");
    let read = again.expect_eof();
    assert_eq!(read.last(), Some(&line), "{read:?}");
    let read = alice.settle();
    assert!(read.is_empty(), "nobody is told of them: {read:?}");
    // It lasts through a restart.
    let server = restarted(&directory, server);
    assert_eq!(server.connect_from(ELSEWHERE).read_line(), line);
}

#[test]
fn without_a_duration_a_ban_is_for_ever_and_the_next_word_is_text_if_it_is_none() {
    let (_directory, server, mut olga) = with_operator(&[]);
    let mut bob = guest_from(&server, ELSEWHERE, "bob");
    olga.settle();
    olga.send("/ban bob two 2h");
    let read = bob.expect_eof();
    let told = "-- you were banned by olga: \"two 2h\"";
    assert_eq!(read.last().map(String::as_str), Some(told));
    let line = "-- 127.0.0.66 is banned: \"two 2h\"; /login NAME";
    is_turned_back(&server, ELSEWHERE, line);
    let list = ["-- 127.0.0.66 (bob) by olga: \"two 2h\""];
    olga.expect("-- olga banned bob: \"two 2h\"");
    assert_eq!(answers(&mut olga, "/bans"), list);
}

#[test]
fn the_operator_reads_that_a_ban_is_for_ever_also_where_the_next_word_looks_like_a_duration() {
    let (_directory, _server, mut olga) = with_operator(&[]);
    let answer = ["-- banned for ever: 192.0.2.1"];
    for word in ["", "0s", "1H", "1h30m", "99999999999999d"] {
        let ban = format!("/ban 192.0.2.1 {word}");
        assert_eq!(answers(&mut olga, &ban), answer, "after {ban}");
    }
    let listed = answers(&mut olga, "/ban 192.0.2.1 1h30m\n/bans");
    let list = ["-- 192.0.2.1 by olga: \"1h30m\""];
    assert_eq!(listed, [&answer[..], &list].concat());
}

#[test]
fn by_name_the_account_and_the_address_are_banned_of_who_is_here() {
    let directory = DataDir::new();
    // Before there is a server, which would hear of it only a little later.
    let password = directory.make_account("bob", Rank::Member);
    let (server, mut olga) = with_operator_in(&directory, &["-v"]);
    let mut bob = server.connect_from(ELSEWHERE);
    bob.send(&format!("/login bob\n{password}\nit is me"));
    bob.settle();
    olga.settle();
    let banned = &[
        "-- banned for 1h: bob, 127.0.0.66",
        "-- olga banned bob for 1h",
    ];
    answers_each(&mut olga, &[("/ban bob 1h", banned)]);
    bob.expect_eof();
    let mut newcomer = server.connect_from(ELSEWHERE);
    let (line, _) = split_until(&newcomer.read_line());
    assert_eq!(line, "-- 127.0.0.66 is banned; /login NAME");
    // The account from there, and from elsewhere.
    for mut client in [newcomer, server.welcomed()] {
        client.send(&format!("/login bob\n{password}\nhello"));
        let read = client.expect_eof();
        let (line, _) = split_until(read.last().expect("a reason"));
        assert_eq!(line, "-- bob is banned", "{read:?}");
    }
    let read = olga.settle();
    assert!(!read.iter().any(|line| line.contains("hello")), "{read:?}");
    let is_refusal = |line: &str| line.contains("was not let in: 127.0.0.66:");
    let refusal = server.log_line(is_refusal);
    assert!(refusal.ends_with(", no login"), "{refusal}");
}

#[test]
fn a_banned_account_reads_until_when_and_why_at_its_login_and_is_closed() {
    let directory = DataDir::new();
    let password = directory.make_account("bob", Rank::Member);
    let (server, mut olga) = with_operator_in(&directory, &[]);
    let mut alice = quiet(&server, "alice");
    olga.settle();
    // Who is not here, and was not in the last hour.
    let banned = "-- olga banned bob for 1h: \"spam\"";
    let answer = &["-- banned for 1h: bob", banned];
    answers_each(&mut olga, &[("/ban bob 1h spam", answer)]);
    alice.next_is(banned);
    let mut bob = server.connect_from(ELSEWHERE);
    bob.send(&format!("/login bob\n{password}\nhello"));
    let read = bob.expect_eof();
    let (line, _) = split_until(read.last().expect("a reason"));
    assert_eq!(line, "-- bob is banned: \"spam\"", "{read:?}");
    let read = alice.settle();
    assert!(!read.iter().any(|line| line.contains("hello")), "{read:?}");
}

#[test]
fn who_left_within_the_last_hour_is_banned_by_name_too() {
    let (_directory, server, mut olga) = with_operator(&[]);
    drop(guest_from(&server, ELSEWHERE, "bob"));
    has_left(&server, "bob");
    olga.settle();
    let answer = &["-- banned for ever: 127.0.0.66", "-- olga banned bob"];
    answers_each(&mut olga, &[("/ban bob", answer)]);
    is_turned_back(&server, ELSEWHERE, "-- 127.0.0.66 is banned; /login NAME");
}

#[test]
fn a_ban_of_a_network_puts_out_who_comes_from_there_as_a_guest_in_one_line() {
    let (_directory, server, mut olga) = with_operator(&["--register"]);
    let mut alice = quiet(&server, "alice");
    let mut carol = server.connect_from(Ipv4Addr::new(127, 0, 7, 99));
    carol.register("carol");
    carol.send("/quiet");
    let names = ["ann", "ben", "cat", "dan", "eve", "fay"];
    let mut guests = (1..)
        .zip(names)
        .map(|(host, name)| guest_from(&server, Ipv4Addr::new(127, 0, 7, host), name))
        .collect::<Vec<_>>();
    for client in [&mut olga, &mut alice, &mut carol] {
        client.settle();
    }
    olga.send("/ban 127.0.7.5/24 10m bye");
    let notice = "-- olga banned ann, ben, cat, dan, eve and 1 more for 10m: \"bye\"";
    olga.next_is("-- banned for 10m: 127.0.7.0/24");
    for client in [&mut olga, &mut alice, &mut carol] {
        client.next_is(notice);
    }
    for guest in &mut guests {
        let read = guest.expect_eof();
        let told = "-- you were banned by olga for 10m: \"bye\"";
        assert_eq!(read.last().map(String::as_str), Some(told));
    }
    // Who is logged in is left alone, and comes in again by logging in.
    carol.send("I am still here");
    alice.next_is("<carol> I am still here");
    carol.send("/quit");
    carol.expect_eof();
    let mut carol = server.connect_from(Ipv4Addr::new(127, 0, 7, 1));
    let (line, _) = split_until(&carol.read_line());
    assert_eq!(line, "-- 127.0.7.0/24 is banned: \"bye\"; /login NAME");
    let password = password_of("carol");
    carol.send(&format!("/login carol\n{password}\nhere again"));
    alice.next_is("<carol> here again");
}

#[test]
fn a_ban_puts_out_who_was_not_announced_and_does_not_mention_them() {
    let (_directory, server, olga) = with_operator(&[]);
    let mut alice = server.joined("alice");
    let mut silent = server.connect_from(ELSEWHERE);
    let name = given_name(&mut silent);
    olga.send("/ban 127.0.0.66");
    let read = silent.expect_eof();
    let told = "-- you were banned by olga";
    assert_eq!(read.last().map(String::as_str), Some(told));
    // Unless the machine is so slow that they were announced meanwhile.
    let read = alice.settle();
    let is_known = read.contains(&format!("-- {name} joined"));
    let is_told = read.contains(&format!("-- olga banned {name}"));
    assert_eq!(is_known, is_told, "{read:?}");
}

#[test]
fn by_name_nobody_else_who_is_here_as_a_guest_is_put_out() {
    let (_directory, server, mut olga) = with_operator(&["--register"]);
    let mut bob = guest_from(&server, ELSEWHERE, "bob");
    let mut carol = guest_from(&server, ELSEWHERE, "carol");
    // Who is logged in is left alone anyway.
    let mut dave = server.connect_from(ELSEWHERE);
    dave.register("dave");
    dave.settle();
    olga.settle();
    let end = "nobody was banned: /ban 127.0.0.66 bans them all";
    let answer = format!("-- 1 other is at 127.0.0.66, {end}");
    answers_each(&mut olga, &[("/ban bob 1h spam", &[&answer])]);
    let mut eve = guest_from(&server, ELSEWHERE, "eve");
    olga.expect("<eve> it is me");
    let answer = format!("-- 2 others are at 127.0.0.66, {end}");
    answers_each(&mut olga, &[("/ban bob", &[&answer])]);
    let answer = format!("-- 3 others are at 127.0.0.66, {end}");
    answers_each(&mut olga, &[("/ban dave", &[&answer])]);
    for guest in [&mut bob, &mut carol, &mut eve, &mut dave] {
        let read = guest.settle();
        assert!(!read.iter().any(|line| line.contains("banned")), "{read:?}");
    }
    let banned = &[
        "-- banned for ever: 127.0.0.66",
        "-- olga banned bob, carol, eve",
    ];
    answers_each(&mut olga, &[("/ban 127.0.0.66", banned)]);
    for guest in [&mut bob, &mut carol, &mut eve] {
        guest.expect_eof();
    }
    dave.send("alone now");
    olga.expect("<dave> alone now");
}

#[test]
fn unban_lets_them_in_again_and_bans_lists_who_is_kept_out() {
    let (_directory, server, mut olga) = with_operator(&["--register"]);
    let mut bob = server.connect_from(ELSEWHERE);
    bob.register("bob");
    bob.settle();
    olga.settle();
    assert_eq!(answers(&mut olga, "/bans"), ["-- nobody is banned"]);
    olga.send("/ban bob 1h be \"nice\"\n/ban 192.0.2.77/24\n/ban 2001:db8::1 spam");
    bob.expect_eof();
    olga.settle();
    let list = answers(&mut olga, "/bans");
    let listed = list.iter().map(|line| {
        let is_for_ever = !line.contains(" until ");
        if is_for_ever {
            line.clone()
        } else {
            split_until(line).0
        }
    });
    let expected = [
        "-- bob by olga: \"be 'nice'\"",
        "-- 127.0.0.66 (bob) by olga: \"be 'nice'\"",
        "-- 192.0.2.0/24 by olga",
        "-- 2001:db8::/64 by olga: \"spam\"",
    ];
    assert_eq!(listed.collect::<Vec<_>>(), expected);
    answers_each(
        &mut olga,
        &[
            ("/unban BOB", &["-- no longer banned: bob, 127.0.0.66"]),
            (
                "/unban 192.0.2.0/24",
                &["-- no longer banned: 192.0.2.0/24"],
            ),
            (
                "/unban 2001:db8::7",
                &["-- no longer banned: 2001:db8::/64"],
            ),
            ("/unban bob", &["-- no such ban, /bans lists them"]),
            ("/bans", &["-- nobody is banned"]),
        ],
    );
    let bob = server.connect_from(ELSEWHERE);
    let password = password_of("bob");
    bob.send(&format!("/login bob\n{password}\nback"));
    olga.expect("<bob> back");
}

#[test]
fn a_ban_ends_by_itself_when_its_time_is_over() {
    let (_directory, server, mut olga) = with_operator(&[]);
    olga.settle();
    let answer = ["-- banned for 2s: 127.0.0.66"];
    assert_eq!(answers(&mut olga, "/ban 127.0.0.66 2s"), answer);
    let first_line = || server.connect_from(ELSEWHERE).read_line();
    eventually("it is over", || !first_line().contains(" is banned "));
    assert_eq!(answers(&mut olga, "/bans"), ["-- nobody is banned"]);
}

#[test]
fn who_waits_at_a_banned_address_may_ask_for_help_log_in_and_quit() {
    let (_directory, server, mut olga) = with_operator(&["--register"]);
    let mut alice = server.registered("alice");
    alice.send("it is me");
    alice.settle();
    olga.settle();
    olga.send("/ban 127.0.0.66");
    olga.settle();
    let line = "-- 127.0.0.66 is banned; /login NAME";
    let mut waiting = server.connect_from(ELSEWHERE);
    waiting.next_is(line);
    waiting.send("/help quit\n/who");
    let help = only(waiting.lines_until(line));
    assert!(help.starts_with("-- /quit [TEXT]"), "{help}");
    // Nobody finds them, and nobody is told of them.
    assert_eq!(
        answers(&mut olga, "/who"),
        ["-- 2 here:", "-- @olga (you), alice"]
    );
    waiting.send("/quit");
    assert!(waiting.expect_eof().is_empty());
    let mut waiting = server.connect_from(ELSEWHERE);
    waiting.next_is(line);
    let password = password_of("alice");
    waiting.send(&format!("/login alice\n{password}"));
    let (before, _) =
        waiting.lines_until_one(&"the welcome", |line| line.ends_with("you are alice"));
    assert!(
        before.iter().all(|line| !line.contains("left")),
        "{before:?}"
    );
    alice.expect("-- you logged in elsewhere");
}

#[test]
fn who_waits_at_a_banned_address_is_treated_without_register_in_the_help_too() {
    let (_directory, server, mut olga) = with_operator(&["--register"]);
    let no_such = "-- no such command, /help lists them: \"register\"";
    let is_there = |help: &[String]| help.iter().any(|line| line.starts_with("-- /register"));
    assert!(is_there(&answers(&mut olga, "/help")), "it is for others");
    answers(&mut olga, "/ban 127.0.0.66");
    let line = "-- 127.0.0.66 is banned; /login NAME";
    let mut waiting = server.connect_from(ELSEWHERE);
    waiting.next_is(line);
    waiting.send("/help\n/help register\n/who");
    let help = waiting.lines_until(line);
    assert!(
        help.iter().any(|line| line.starts_with("-- /login")),
        "{help:?}"
    );
    assert!(!is_there(&help), "{help:?}");
    assert_eq!(help.last().map(String::as_str), Some(no_such));
}

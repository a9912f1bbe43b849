//! What operators do.
//!
//! | topic | file |
//! | --- | --- |
//! | who is an operator, what others see of that, and the log | here |
//! | `/kick` | `kicks` |
//! | `/ban`, `/unban`, `/bans` | `bans` |
//! | `/mute`, `/unmute` | `mutes` |
//! | `/erase` | `erasing` |

mod bans;
mod erasing;
mod kicks;
mod mutes;

use crate::kit::{
    Client, DataDir, Rank, Server, answers, answers_each, only, only_over_tcp, without_numbers,
};

/// A server with an operator, olga, who is here.
fn with_operator(args: &[&str]) -> (DataDir, Server, Client) {
    let directory = DataDir::new();
    let (server, olga) = with_operator_in(&directory, args);
    (directory, server, olga)
}

fn with_operator_in(directory: &DataDir, args: &[&str]) -> (Server, Client) {
    let password = directory.make_account("olga", Rank::Operator);
    let server = directory.server(args);
    let mut olga = server.logged_in("olga", &password);
    // What she reads of others is what they say, and what operators do.
    olga.send("it is me\n/quiet");
    olga.settle();
    (server, olga)
}

/// Somebody of whom everybody has heard, and who reads nothing of who comes and goes.
fn quiet(server: &Server, name: &str) -> Client {
    let mut client = server.joined(name);
    client.send("/quiet");
    client.settle();
    client
}

/// Ends the server, which writes everything, and starts another.
fn restarted(directory: &DataDir, mut server: Server) -> Server {
    server.signal("TERM");
    assert_eq!(server.wait_exit().code(), Some(0));
    directory.server(&[])
}

/// Waits until somebody has left.
fn has_left(server: &Server, name: &str) {
    let name = format!(" {name}, ");
    server.log_line(|line| line.contains("left: ") && line.contains(&name));
}

#[test]
fn everybody_else_reads_that_only_operators_can_do_that() {
    let directory = DataDir::new();
    let server = directory.server(&["--register"]);
    let [_bob] = server.room(["bob"]);
    let mut alice = server.registered("alice");
    alice.settle();
    for command in [
        "/kick bob",
        "/ban bob",
        "/unban bob",
        "/bans",
        "/mute bob",
        "/unmute bob",
        "/erase bob",
    ] {
        let expected = ["-- only operators can do that"];
        assert_eq!(answers(&mut alice, command), expected, "after {command}");
    }
}

#[test]
fn an_operator_is_shown_with_a_mark() {
    let (_directory, server, _olga) = with_operator(&[]);
    let mut alice = server.joined("alice");
    let who = answers(&mut alice, "/who");
    assert_eq!(who, ["-- 2 here:", "-- @olga, alice (you)"]);
    let whois = answers(&mut alice, "/whois olga");
    assert!(whois[0].starts_with("-- olga, operator"), "{whois:?}");
}

#[test]
fn whois_tells_who_is_registered_and_to_operators_also_the_address() {
    if only_over_tcp("the others have no address") {
        return;
    }
    let (_directory, server, mut olga) = with_operator(&["--register"]);
    let mut alice = quiet(&server, "alice");
    let mut bob = server.registered("bob");
    bob.send("it is me");
    bob.settle();
    for client in [&mut alice, &mut olga] {
        client.settle();
    }
    let told = only(answers(&mut alice, "/whois bob"));
    let line = "-- bob, registered, joined at #:#Z (#s ago), idle for #s";
    assert_eq!(without_numbers(&told), line);
    let told = only(answers(&mut olga, "/whois bob"));
    let from = format!(", from {}", bob.address());
    assert!(told.ends_with(&from), "{told:?} and not {from:?}");
    assert_eq!(without_numbers(told.trim_end_matches(&from)), line);
    drop(bob);
    has_left(&server, "bob");
    let told = only(answers(&mut alice, "/whois bob"));
    let line = "-- bob, registered, was last here at #-#-# #:#Z";
    assert_eq!(without_numbers(&told), line);
}

#[test]
fn help_lists_what_operators_can_do_to_them_alone() {
    let (_directory, server, mut olga) = with_operator(&[]);
    let mut alice = server.joined("alice");
    olga.settle();
    for command in [
        "/kick NAME [TEXT]",
        "/ban NAME|ADDRESS[/BITS] [DURATION] [TEXT]",
        "/unban NAME|ADDRESS[/BITS]",
        "/bans",
        "/mute NAME",
        "/unmute NAME",
        "/erase NAME [N]",
    ] {
        let lists = |client: &mut Client| {
            let help = answers(client, "/help");
            let begins = format!("-- {command} ");
            help.iter()
                .any(|line| line.starts_with(&begins) || *line == format!("-- {command}"))
        };
        assert!(lists(&mut olga) && !lists(&mut alice), "{command}");
    }
}

#[test]
fn an_operators_mark_is_given_and_taken_at_the_command_line_only() {
    let (_directory, server, mut olga) = with_operator(&["--register"]);
    let mut bob = server.registered("bob");
    bob.send("it is me");
    for client in [&mut bob, &mut olga] {
        client.settle();
        for command in ["op", "deop", "oper"] {
            let answer = only(answers(client, &format!("/{command} bob")));
            assert!(answer.starts_with("-- no such command"), "{answer}");
        }
    }
    assert_eq!(answers(&mut olga, "/who")[1], "-- @olga (you), bob");
}

#[test]
fn what_operators_use_wrongly_is_answered_with_how_it_goes() {
    let (_directory, server, mut olga) = with_operator(&[]);
    let mut alice = quiet(&server, "alice");
    olga.settle();
    let ban = "-- usage: /ban NAME|ADDRESS[/BITS] [DURATION] [TEXT]";
    answers_each(
        &mut olga,
        &[
            ("/kick", &["-- usage: /kick NAME [TEXT]"]),
            ("/ban", &[ban]),
            ("/unban", &["-- usage: /unban NAME|ADDRESS[/BITS]"]),
            (
                "/unban alice now",
                &["-- usage: /unban NAME|ADDRESS[/BITS]"],
            ),
            ("/bans all", &["-- usage: /bans"]),
            ("/mute", &["-- usage: /mute NAME"]),
            ("/mute alice 1h", &["-- usage: /mute NAME"]),
            ("/unmute", &["-- usage: /unmute NAME"]),
            ("/erase", &["-- usage: /erase NAME [N]"]),
            ("/erase alice 0", &["-- usage: /erase NAME [N]"]),
            ("/erase alice all", &["-- usage: /erase NAME [N]"]),
            ("/kick eve", &["-- eve is not here, nobody was kicked"]),
            ("/ban eve", &["-- eve is not here, nobody was banned"]),
            ("/unban eve", &["-- no such ban, /bans lists them"]),
            ("/unban 192.0.2.1", &["-- no such ban, /bans lists them"]),
            ("/mute eve", &["-- eve is not here"]),
            ("/unmute eve", &["-- eve is not here"]),
            ("/unmute alice", &["-- alice is not muted"]),
            (
                "/erase eve",
                &["-- 0 lines of eve erased from the history, and up to 1 more from the database"],
            ),
        ],
    );
    assert!(alice.settle().is_empty(), "nobody else sees anything");
}

#[test]
fn operators_cannot_be_kicked_banned_or_muted() {
    let directory = DataDir::new();
    directory.make_account("oscar", Rank::Operator);
    let (server, mut olga) = with_operator_in(&directory, &[]);
    let mut alice = quiet(&server, "alice");
    olga.settle();
    answers_each(
        &mut olga,
        &[
            ("/kick olga", &["-- operators cannot be kicked"]),
            ("/ban olga", &["-- operators cannot be banned"]),
            ("/mute olga", &["-- operators cannot be muted"]),
            // Who is not here could be banned and muted too.
            ("/ban oscar 1h", &["-- operators cannot be banned"]),
            ("/mute oscar", &["-- operators cannot be muted"]),
        ],
    );
    assert!(alice.settle().is_empty(), "nobody else sees anything");
}

#[test]
fn each_use_is_a_line_in_the_log_with_who_did_it_and_without_the_text() {
    let (_directory, server, mut olga) = with_operator(&[]);
    let [_alice, _bob, _carol] = server.room(["alice", "bob", "carol"]);
    olga.send("/mute bob\n/unmute bob\n/erase bob 3\n/kick bob secret\n/bans");
    olga.send("/ban 192.0.2.0/24 1h secret\n/unban 192.0.2.0/24");
    olga.settle();
    let is_order = |line: &str| line.contains("operator: ");
    let log = server.log_lines(7, is_order);
    let said = log
        .iter()
        .filter_map(|line| line.split("operator: ").nth(1));
    let expected = [
        "olga muted bob",
        "olga unmuted bob",
        "olga erased 1 line of bob from the history, and up to 2 more from the database",
        "olga kicked bob",
        "olga listed the bans",
        "olga banned 192.0.2.0/24 for 1h",
        "olga unbanned 192.0.2.0/24",
    ];
    assert_eq!(said.collect::<Vec<_>>(), expected);
    assert!(log.iter().all(|line| line.contains("INFO")), "{log:?}");
    let log = server.log();
    assert!(!log.iter().any(|line| line.contains("secret")), "{log:?}");
}

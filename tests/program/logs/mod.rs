//! Section 3: what is logged, and how little.

mod deaf;

use std::io::{Read, pipe};
use std::thread;
use std::time::{Duration, Instant};

use crate::kit::{Client, Server, crowd_turn};

/// So few clients that no machine's limit on open files calls for a warning.
const FEW: &[&str] = &["--max-clients", "20"];

/// The text of a log line, behind the time and the level.
fn message(line: &str) -> &str {
    line.split_once("] ").map_or(line, |(_, message)| message)
}

#[test]
fn the_first_line_is_the_address_listened_on() {
    let server = Server::start(FEW);
    let address = server.address();
    let log = server.log();
    assert_eq!(
        message(&log[0]),
        format!("listening on {address}"),
        "{log:?}"
    );
    assert_eq!(log.len(), 1, "{log:?}");
}

#[test]
fn one_line_when_a_client_joins_renames_itself_and_leaves() {
    let server = Server::start(FEW);
    let mut client = server.welcomed();
    let address = client.address();
    client.send("/nick alice");
    client.expect("-- guest1 is now alice");
    client.send("hello");
    client.send("/quit");
    client.expect_eof();
    drop(client);
    let left = server.log_line(|line| line.contains("left: "));
    let log = server.log();
    assert_eq!(log.len(), 4, "{log:?}");
    assert_eq!(message(&log[1]), format!("joined: {address} guest1"));
    assert_eq!(message(&log[2]), format!("renamed: {address} guest1 alice"));
    let left = message(&left);
    let beginning = format!("left: {address} alice, 3 lines, 24 bytes, ");
    assert!(
        left.starts_with(&beginning) && left.ends_with("s, quit"),
        "{left}"
    );
    assert!(log.iter().all(|line| line.contains("INFO")), "{log:?}");
}

/// What the log says last about a client that left.
fn reason(server: &Server, name: &str) -> String {
    let name = format!(" {name}, ");
    let line = server.log_line(|line| line.contains("left: ") && line.contains(&name));
    line.rsplit_once(", ")
        .expect("a reason comes last")
        .1
        .to_owned()
}

/// How many lines of a kind were left out, if this line says so: `… and 132 more joined`.
fn counted_of(line: &str, kind: &str) -> Option<usize> {
    let (_, rest) = line.split_once("… and ")?;
    rest.strip_suffix(&format!(" more {kind}"))?.parse().ok()
}

#[test]
fn the_log_says_why_each_client_left() {
    let ways: [fn(Client); 4] = [
        |client| client.send("/quit so long"),
        |client| client.send_bytes(b"\x04"),
        drop,
        Client::reset,
    ];
    let server = Server::start(&[]);
    for (leaves, why) in ways.into_iter().zip(["quit", "quit", "closed", "reset"]) {
        let name = format!("leaver-{}", server.log().len());
        leaves(server.join(&name));
        assert_eq!(reason(&server, &name), why);
    }
}

#[test]
fn what_people_say_is_never_logged() {
    const SECRET: &str = "xyzzy";
    for level in ["info", "trace"] {
        let mut command = Server::command();
        command
            .env("RUST_LOG", level)
            .args(["--port", "0", "--bind", "127.0.0.1"]);
        let mut server = Server::launch(command);
        let [mut alice, mut bob] = server.room(["alice", "bob"]);
        for line in [
            "SECRET",
            "/me SECRET",
            "/msg bob SECRET",
            "/reply SECRET",
            "/away SECRET",
            "/SECRET SECRET",
            "/whois SECRET",
            "/ignore SECRET",
            "/nick SECRET!",
            "//SECRET",
            "\x1b[A/msg bob SECRET",
        ] {
            alice.send(&line.replace("SECRET", SECRET));
        }
        alice.send(&SECRET.repeat(2000));
        alice.send_bytes(b"\xff\xfa\x18xyzzy\xff\xf0\xff\xfexyzzy\n");
        alice.send(&format!("/quit {SECRET}"));
        alice.expect_eof();
        bob.expect(&format!("-- alice left: \"{SECRET}\""));
        let mut browser = server.connect();
        browser.send_bytes(format!("GET /{SECRET} HTTP/1.1\r\n\r\n{SECRET}\n").as_bytes());
        browser.expect_eof();
        let speaker = server.join("carol");
        speaker.send(SECRET);
        speaker.reset();
        bob.expect("-- carol left");
        server.signal("TERM");
        bob.expect_eof();
        drop(bob);
        server.wait_exit();
        let log = server.log();
        assert!(!log.concat().contains(SECRET), "{log:#?}");
    }
}

#[test]
fn what_is_relayed_in_raw_mode_is_never_logged() {
    let mut command = Server::command();
    command
        .env("RUST_LOG", "trace")
        .args(["--raw", "--port", "0", "--bind", "127.0.0.1"]);
    let mut server = Server::launch(command);
    let [speaker, mut listener] = server.raw_room();
    speaker.send("xyzzy");
    speaker.send(&"xyzzy".repeat(20_000));
    speaker.send("xyzzy too");
    listener.expect("xyzzy too");
    server.signal("TERM");
    drop((speaker, listener));
    server.wait_exit();
    let log = server.log();
    assert!(!log.concat().contains("xyzzy"), "{log:#?}");
}

/// How many events the lines of a kind stand for, and how many lines these are.
fn counted(server: &Server, kind: &str) -> (usize, usize) {
    let log = server.log();
    let each = log
        .iter()
        .filter(|line| line.contains(&format!("{kind}: ")))
        .count();
    let left_out = log.iter().filter_map(|line| counted_of(line, kind));
    (each + left_out.sum::<usize>(), each)
}

#[test]
fn at_most_20_lines_a_second_of_each_kind_then_one_that_counts_what_was_left_out() {
    const CROWD: usize = 150;
    let Some(_turn) = crowd_turn() else { return };
    let mut server = Server::start(&[]);
    let start = Instant::now();
    server.crowd(CROWD);
    while counted(&server, "left").0 < CROWD {
        // What was left out is counted a second later, or when more of it comes.
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "not all are counted: {:#?}",
            server.log()
        );
        thread::sleep(Duration::from_millis(100));
    }
    let seconds = start.elapsed().as_secs() as usize + 2;
    server.signal("TERM");
    server.wait_exit();
    for kind in ["joined", "left"] {
        let (events, lines) = counted(&server, kind);
        assert_eq!(events, CROWD, "{kind}: {:#?}", server.log());
        assert!(
            lines <= seconds * 20,
            "{lines} lines of {kind} in {seconds} s"
        );
        assert!(lines >= 20, "only {lines} lines of {kind}");
    }
}

#[test]
fn rust_log_overrides_q() {
    let mut command = Server::command();
    command
        .env("RUST_LOG", "info")
        .args(["-q", "--port", "0", "--bind", "127.0.0.1"]);
    let server = Server::launch(command);
    drop(server.welcomed());
    server.log_line(|line| line.contains("left: "));
}

/// Everything that a server with these options logs while a client comes and goes.
fn log_of_a_visit(args: &[&str], rust_log: Option<&str>) -> String {
    let (mut reader, writer) = pipe().unwrap();
    let mut command = Server::command();
    command
        .args(["--port", "0", "--bind", "127.0.0.1"])
        .args(args)
        .stderr(writer);
    if let Some(filter) = rust_log {
        command.env("RUST_LOG", filter);
    }
    let mut server = Server::launch_unheard(command);
    drop(server.welcomed());
    server.signal("TERM");
    assert_eq!(server.wait_exit().code(), Some(0));
    let mut log = String::new();
    reader.read_to_string(&mut log).unwrap();
    log
}

#[test]
fn q_logs_less() {
    assert_eq!(log_of_a_visit(&["-q", FEW[0], FEW[1]], None), "");
}

#[test]
fn v_logs_no_less() {
    let log = log_of_a_visit(&["-v"], None);
    for kind in ["listening on ", "joined: ", "left: "] {
        assert!(log.contains(kind), "{kind} is missing in:\n{log}");
    }
}

#[test]
fn rust_log_overrides_v() {
    assert_eq!(log_of_a_visit(&["-v"], Some("error")), "");
}

#[test]
fn names_and_addresses_are_all_that_a_client_can_put_into_the_log() {
    let mut server = Server::start(&[]);
    let mut alice = server.joined("alice");
    for name in [
        "\x1b[31mred",
        "two words",
        "a\rjoined: forged",
        "<b>",
        "\u{202e}evil",
    ] {
        alice.send(&format!("/nick {name}"));
    }
    alice.settle();
    server.signal("TERM");
    alice.expect_eof();
    drop(alice);
    server.wait_exit();
    let log = server.log().concat();
    assert!(
        !log.contains(char::is_control) && !log.contains("forged"),
        "{log:?}"
    );
}

//! Section 3: what is logged, and how little.

mod deaf;

use std::fs;
use std::io::{BufRead, BufReader, Read, pipe};
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::kit::{Client, Server, TempFile, WAIT, crowd_turn, only_in_plain, paste, skip};

/// So few clients that no machine's limit on open files calls for a warning.
const FEW: &[&str] = &["--max-clients", "20"];

/// The text of a log line, behind the time and the level.
fn message(line: &str) -> &str {
    line.split_once("] ").map_or(line, |(_, message)| message)
}

#[test]
fn the_first_line_is_the_address_listened_on() {
    if only_in_plain("the log has lines about the certificate") {
        return;
    }
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

/// Everything that a server says without a client, in one that was started so.
fn first_lines(args: &[&str]) -> Vec<String> {
    let mut command = Server::command();
    command.args(FEW).args(["--port", "0"]).args(args);
    let mut server = Server::launch(command);
    server.signal("TERM");
    server.wait_exit();
    let log = server.log();
    let before = log.iter().take_while(|line| !line.contains("stopping"));
    let without_port = |line: &String| message(line).replace(&server.port().to_string(), "PORT");
    before.map(without_port).collect()
}

#[test]
fn unless_a_loopback_address_is_listened_on_the_log_says_how_people_join() {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").expect("this machine has a name");
    let join = format!("join with: nc -N {} PORT", name.trim_end());
    let everywhere = ["listening on 0.0.0.0:PORT", &join];
    assert_eq!(first_lines(&["--bind", "0.0.0.0"]), everywhere);
    for (loopback, shown) in [("127.0.0.1", "127.0.0.1"), ("127.9.9.9", "127.9.9.9")] {
        let lines = first_lines(&["--bind", loopback]);
        assert_eq!(lines, [format!("listening on {shown}:PORT")]);
    }
}

#[test]
fn where_one_address_is_listened_on_the_log_says_to_join_there() {
    // Nothing is sent; the kernel only says from which address it would be (TEST-NET-1 of RFC 5737).
    let socket = UdpSocket::bind("0.0.0.0:0").and_then(|socket| {
        socket.connect("192.0.2.1:9")?;
        socket.local_addr()
    });
    let Ok(address) = socket.map(|address| address.ip()) else {
        return skip("this machine has no address but loopback ones");
    };
    let address = address.to_string();
    let lines = [
        format!("listening on {address}:PORT"),
        format!("join with: nc -N {address} PORT"),
    ];
    assert_eq!(first_lines(&["--bind", &address]), lines);
}

#[test]
fn at_the_end_the_log_says_why_it_stops_and_last_that_it_has_stopped() {
    if only_in_plain("the log has lines about the certificate") {
        return;
    }
    for signal in ["TERM", "INT"] {
        let mut server = Server::start(FEW);
        // Somebody who reads everything and does not close delays the end, and not for ever.
        let mut alice = server.joined("alice");
        server.signal(signal);
        alice.expect_eof();
        assert_eq!(server.wait_exit().code(), Some(0));
        let log = server.log();
        let kinds = log
            .iter()
            .map(|line| message(line).split(':').next().unwrap_or_default());
        let kinds: Vec<&str> = kinds.collect();
        let in_order = [&log[0], "joined", "renamed", "stopping", "left", "stopped"];
        assert_eq!(kinds[1..], in_order[1..], "{log:#?}");
        assert_eq!(message(&log[3]), format!("stopping: SIG{signal}"));
        drop(alice);
    }
}

#[test]
fn what_was_left_out_is_told_before_the_last_line() {
    const CROWD: usize = 40;
    let Some(_turn) = crowd_turn() else { return };
    let mut server = Server::start(&[]);
    let _crowd = server.crowd(CROWD);
    server.signal("TERM");
    server.wait_exit();
    let log = server.log();
    assert_eq!(counted(&server, "left").0, CROWD, "{log:#?}");
    let last = log.last().map(|line| message(line));
    assert_eq!(last, Some("stopped"), "{log:#?}");
}

#[test]
fn who_is_turned_away_is_logged_with_the_limit() {
    for (args, limit) in [
        (["--max-clients", "1"], "--max-clients"),
        (["--max-per-ip", "1"], "--max-per-ip"),
        (["--allow", "127.0.0.1"], "--allow"),
    ] {
        let server = Server::start(&args);
        let _first = server.welcomed();
        let source = if limit == "--allow" { 2 } else { 1 };
        let second = server.connect_from(Ipv4Addr::new(127, 0, 0, source));
        let line = server.log_line(|line| line.contains("turned away"));
        let wanted = format!("turned away: {}, by {limit}", second.address());
        assert_eq!(message(&line), wanted);
        assert!(line.contains("INFO"), "{line}");
    }
}

#[test]
fn one_line_when_a_client_joins_renames_itself_and_leaves() {
    if only_in_plain("the log has lines about the certificate") {
        return;
    }
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
    assert_eq!(
        message(&log[2]),
        format!("renamed: {address} guest1 is now alice")
    );
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
    // Those who are lost, too slow, or here at the shutdown have their own topics.
    let ways: [fn(Client); 5] = [
        |client| client.send("/quit so long"),
        |client| client.send_bytes(b"\x04"),
        drop,
        |client| client.close_sending(),
        Client::reset,
    ];
    let server = Server::start(&[]);
    let reasons = ["quit", "quit", "closed", "closed", "reset"];
    for (leaves, why) in ways.into_iter().zip(reasons) {
        let name = format!("leaver-{}", server.log().len());
        leaves(server.join(&name));
        assert_eq!(reason(&server, &name), why);
    }
    let server = Server::start(&["--idle-timeout", "1s"]);
    server.welcomed().expect_eof();
    assert_eq!(reason(&server, "guest1"), "idle");
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
pub fn counted(server: &Server, kind: &str) -> (usize, usize) {
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

/// Everything that a server with these options logs while a client comes and goes, which is first a
/// warning: it may have no more than 60 files open.
fn log_of_a_visit(args: &[&str], rust_log: Option<&str>) -> Vec<String> {
    let (mut reader, writer) = pipe().unwrap();
    let mut command = Server::command_after("ulimit -n 60");
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
    log.lines().map(str::to_owned).collect()
}

#[test]
fn q_logs_less_and_qq_less_again() {
    let log = log_of_a_visit(&["-q"], None);
    assert!(
        matches!(log.as_slice(), [line] if line.contains("WARN")),
        "{log:#?}"
    );
    assert_eq!(log_of_a_visit(&["-qq"], None), [""; 0]);
    assert_eq!(log_of_a_visit(&["-q", "-v", "-q"], None).len(), 1);
}

#[test]
fn qq_logs_errors() {
    let motd = TempFile::with("as it was\n");
    let (reader, writer) = pipe().unwrap();
    let mut command = Server::command();
    command
        .args(["-qq", "--port", "0", "--bind", "127.0.0.1", "--motd"])
        .arg(motd.path())
        .stderr(writer);
    let server = Server::launch_unheard(command);
    server.welcomed();
    fs::remove_file(motd.path()).unwrap();
    server.signal("HUP");
    let (heard, log) = mpsc::channel();
    thread::spawn(move || {
        let mut lines = BufReader::new(reader).lines().map_while(Result::ok);
        lines.all(|line| heard.send(line).is_ok())
    });
    let line = log.recv_timeout(WAIT).expect("a line");
    assert!(line.contains("ERROR") && line.contains("SIGHUP"), "{line}");
}

#[test]
fn v_logs_strangers_pressure_and_clients_that_fall_behind() {
    let args = [
        "-v",
        "--rate",
        "0",
        "--max-backlog",
        "1MiB",
        "--patience",
        "1h",
    ];
    let server = Server::start(&args);
    let mut browser = server.connect();
    let address = browser.address();
    browser.send("GET / HTTP/1.1\r\n\r");
    browser.expect_eof();
    let line = server.log_line(|line| line.contains("stranger"));
    assert!(
        line.ends_with(&format!("DEBUG] a stranger: {address}")),
        "{line}"
    );

    let stalled = server.stalled("sleepy");
    let mut speaker = server.joined("speaker");
    thread::scope(|scope| {
        // It waits until nobody is behind any more.
        scope.spawn(|| speaker.send_bytes(paste(2000).as_bytes()));
        let line = server.log_line(|line| line.contains("behind"));
        assert!(line.contains("DEBUG] client 2 is "), "{line}");
        let (_, behind) = line.split_once(" is ").expect("how far");
        let kib = behind.strip_suffix(" KiB behind");
        let kib = kib.and_then(|kib| kib.parse().ok());
        assert!(
            kib.is_some_and(|kib: u64| (512..2048).contains(&kib)),
            "{line}"
        );
        server.log_line(|line| line.ends_with("DEBUG] pressure: a slow reader is waited for"));
        drop(stalled);
        server.log_line(|line| line.ends_with("DEBUG] pressure: over"));
    });
    speaker.settle();
}

#[test]
fn without_v_strangers_are_not_logged() {
    if only_in_plain("the log has lines about the certificate") {
        return;
    }
    let mut server = Server::start(&["--max-clients", "20"]);
    let mut browser = server.connect();
    browser.send("GET / HTTP/1.1\r\n\r");
    browser.expect_eof();
    server.signal("TERM");
    server.wait_exit();
    let log = server.log();
    assert_eq!(log.len(), 3, "{log:#?}");
}

#[test]
fn rust_log_overrides_v() {
    assert_eq!(log_of_a_visit(&["-v"], Some("error")), [""; 0]);
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

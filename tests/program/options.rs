//! Section 3, the command line: what each option does, and its environment variable too. What each takes is in the module
//! on usage, and options that are about more than one client are in those on promises, endings and rate.

use std::net::{Ipv6Addr, TcpListener, TcpStream};
use std::thread;

use crate::kit::{Client, Server, TempFile, complaint};

#[test]
fn port_0_lets_the_system_choose_one() {
    let (first, second) = (Server::start(&["--port", "0"]), Server::start(&["-p0"]));
    assert!(first.port() > 0 && second.port() > 0 && first.port() != second.port());
}

#[test]
fn the_port_is_the_one_that_was_given() {
    // One that is taken, because its name in the refusal shows which one chatd wanted, and no other test can get it.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let port = taken.local_addr().unwrap().port().to_string();
    for option in ["--port", "-p"] {
        let mut command = Server::command();
        command.args([option, &port, "--bind", "127.0.0.1"]);
        let line = complaint(command, 1);
        assert!(line.contains(&address), "{line}");
    }
}

#[test]
fn bind_listens_on_that_address_alone() {
    let server = Server::start(&["-b", "127.0.0.1"]);
    server.log_line(|line| line.ends_with(&format!("listening on 127.0.0.1:{}", server.port())));
    let elsewhere = TcpStream::connect(("127.0.0.2", server.port()));
    assert!(elsewhere.is_err(), "it listens on 127.0.0.2 too");
}

#[test]
fn bind_takes_ipv6_too() {
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        return eprintln!("skipped: this machine has no IPv6");
    }
    let server = Server::start(&["--bind", "::1"]);
    server.log_line(|line| line.ends_with(&format!("listening on [::1]:{}", server.port())));
    let stream = TcpStream::connect((Ipv6Addr::LOCALHOST, server.port())).unwrap();
    Client::new(stream).read_welcome();
}

#[test]
fn without_bind_it_listens_on_ipv6_and_ipv4() {
    let mut command = Server::command();
    command.args(["--port", "0"]);
    let server = Server::launch(command);
    let has_ipv6 = TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)).is_ok();
    let everywhere = if has_ipv6 { "[::]" } else { "0.0.0.0" };
    let wanted = format!("listening on {everywhere}:{}", server.port());
    server.log_line(|line| line.ends_with(&wanted));
    let client = server.welcomed();
    // A mapped address is shown as the IPv4 address that it is.
    let address = client.address().to_string();
    server.log_line(|line| line.contains(&format!("joined: {address} ")));
    if has_ipv6 {
        let stream = TcpStream::connect((Ipv6Addr::LOCALHOST, server.port())).unwrap();
        Client::new(stream).read_welcome();
    }
}

#[test]
fn a_mapped_ipv4_address_counts_as_that_ipv4_address() {
    let mut command = Server::command();
    command.args(["--port", "0", "--max-per-ip", "1"]);
    let server = Server::launch(command);
    let _first = server.welcomed();
    let told = server.connect().expect_eof();
    assert!(
        matches!(told.as_slice(), [line] if line.starts_with("-- ")),
        "{told:?}"
    );
    if let Ok(stream) = TcpStream::connect((Ipv6Addr::LOCALHOST, server.port())) {
        Client::new(stream).read_welcome();
    }
}

#[test]
fn motd_is_the_text_shown_to_newcomers() {
    let motd = TempFile::with("Be kind.\n\nThe coffee is \x1b[31mhot\r\n");
    let server = Server::start(&["--motd", motd.path()]);
    let mut client = server.connect();
    client.next_is("-- Be kind.");
    // An empty line of it is a line, and its blank behind `--` may be there or not.
    assert_eq!(client.read_line().trim_end(), "--");
    client.next_is("-- The coffee is \u{fffd}[31mhot");
    assert!(client.read_line().starts_with("-- welcome to chatd"));
}

#[test]
fn motd_is_read_at_start() {
    let motd = TempFile::with("as it was\n");
    let server = Server::start(&["--motd", motd.path()]);
    drop(motd);
    server.connect().next_is("-- as it was");
}

#[test]
fn history_lines_are_replayed_to_newcomers() {
    let server = Server::start(&["--history", "2"]);
    let mut alice = server.joined("alice");
    for line in ["one", "two", "three"] {
        alice.send(line);
    }
    alice.settle();
    let replayed = replay(&server);
    assert_eq!(replayed, ["<alice> two", "<alice> three"]);
}

#[test]
fn history_is_20_lines_by_default() {
    let server = Server::start(&[]);
    let mut alice = server.joined("alice");
    for number in 0..30 {
        alice.send(&format!("line {number}"));
    }
    alice.settle();
    let replayed = replay(&server);
    let last: Vec<String> = (10..30)
        .map(|number| format!("<alice> line {number}"))
        .collect();
    assert_eq!(replayed, last);
}

#[test]
fn history_0_turns_it_off() {
    let server = Server::start(&["--history", "0"]);
    let _alice = server.joined("alice");
    assert_eq!(replay(&server), [""; 0]);
}

#[test]
fn history_is_bounded_by_256_kib_too() {
    const LINES: usize = 150;
    let server = Server::start(&["--history", "10000"]);
    let mut alice = server.joined("alice");
    for number in 0..LINES {
        alice.send(&format!("{number} {}", "x".repeat(3990)));
    }
    alice.settle();
    let replayed = replay(&server);
    let bytes: usize = replayed.iter().map(String::len).sum();
    assert!(bytes <= 256 * 1024, "{bytes} bytes are replayed");
    assert!(
        bytes >= 128 * 1024,
        "no more than {bytes} bytes are replayed"
    );
    let last = replayed.last().unwrap();
    assert!(
        last.starts_with(&format!("<alice> {} x", LINES - 1)),
        "the last is not the last"
    );
}

/// The lines of history that a newcomer reads, without the times.
fn replay(server: &Server) -> Vec<String> {
    let welcome = server.connect().read_welcome();
    let lines = welcome
        .iter()
        .skip_while(|line| !line.ends_with("times in UTC:"))
        .skip(1)
        .take_while(|line| !line.starts_with("-- welcome"));
    lines
        .map(|line| line.split_once("Z ").expect("a time in UTC").1.to_owned())
        .collect()
}

#[test]
fn max_line_is_the_longest_line_accepted() {
    let server = Server::start(&["--max-line", "20"]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    alice.send("01234567890123456789");
    bob.next_is("<alice> 01234567890123456789");
    alice.send("01234567890123456789a");
    alice.next_is("-- line too long: the limit is 20 bytes, nothing was sent");
    alice.send("fine again");
    bob.next_is("<alice> fine again");
}

#[test]
fn max_line_is_4_kib_by_default() {
    let server = Server::start(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    let longest = "x".repeat(4096);
    alice.send(&longest);
    bob.next_is(&format!("<alice> {longest}"));
    alice.send(&format!("{longest}x"));
    alice.next_is("-- line too long: the limit is 4096 bytes, nothing was sent");
}

#[test]
fn max_line_of_1_mib_works() {
    let server = Server::start(&["--max-line", "1MiB"]);
    let [alice, mut bob] = server.room(["alice", "bob"]);
    let longest = "x".repeat(1024 * 1024);
    thread::scope(|scope| {
        scope.spawn(|| alice.send(&longest));
        let line = bob.read_line();
        assert!(
            line == format!("<alice> {longest}"),
            "{} bytes came",
            line.len()
        );
    });
}

/// A server that is told by the environment.
fn told(variables: &[(&str, &str)], args: &[&str]) -> Server {
    let mut command = Server::command();
    command.envs(variables.iter().copied()).args(args);
    Server::launch(command)
}

#[test]
fn an_option_overrides_its_environment_variable() {
    let server = told(
        &[
            ("CHATD_PORT", "99999"),
            ("CHATD_BIND", "127.0.0.1"),
            ("CHATD_MAX_LINE", "5"),
        ],
        &["--port", "0", "--max-line", "6"],
    );
    let mut client = server.welcomed();
    client.send("1234567");
    client.next_is("-- line too long: the limit is 6 bytes, nothing was sent");
}

#[test]
fn motd_and_history_read_an_environment_variable() {
    let motd = TempFile::with("from the environment\n");
    let server = told(
        &[
            ("CHATD_PORT", "0"),
            ("CHATD_BIND", "127.0.0.1"),
            ("CHATD_MOTD", motd.path()),
            ("CHATD_HISTORY", "1"),
        ],
        &[],
    );
    server.connect().next_is("-- from the environment");
    let mut alice = server.joined("alice");
    alice.send("the last line");
    alice.settle();
    assert_eq!(replay(&server), ["<alice> the last line"]);
}

#[test]
fn raw_reads_an_environment_variable() {
    for yes in ["true", "1"] {
        let server = told(
            &[
                ("CHATD_PORT", "0"),
                ("CHATD_BIND", "127.0.0.1"),
                ("CHATD_RAW", yes),
            ],
            &[],
        );
        let [speaker, mut listener] = server.raw_room();
        speaker.send("/who");
        listener.next_is("/who");
    }
    let server = told(
        &[
            ("CHATD_PORT", "0"),
            ("CHATD_BIND", "127.0.0.1"),
            ("CHATD_RAW", "false"),
        ],
        &[],
    );
    server.welcomed();
}

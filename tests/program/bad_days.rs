//! What goes wrong around chatd, and how little comes of it.

use std::net::TcpListener;
use std::process::Command;
use std::thread;
use std::time::Duration;

use rustix::process::Resource;

use crate::kit::{Client, Server, complaint, crowd_turn, eventually, paste, run_to_end};

/// Runs a command that cannot start, and returns the one line that it says before it ends with status 1.
fn regret(mut command: Command) -> String {
    // Whoever has this set wants backtraces of panics, and there must be none to show.
    command.env("RUST_BACKTRACE", "1");
    complaint(command, 1)
}

fn command(args: &[&str]) -> Command {
    let mut command = Server::command();
    command.args(args);
    command
}

#[test]
fn a_port_that_is_taken_is_one_line_with_the_address_and_the_systems_reason() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let port = address.port().to_string();
    let line = regret(command(&["--bind", "127.0.0.1", "--port", &port]));
    assert!(line.contains(&address.to_string()), "{line}");
    assert!(line.contains("Address already in use"), "{line}");
}

#[test]
fn an_address_that_is_not_ours_is_one_line_with_the_address_and_the_systems_reason() {
    // TEST-NET-1 of RFC 5737 is nobody's.
    let line = regret(command(&["--bind", "192.0.2.1", "--port", "0"]));
    assert!(line.contains("192.0.2.1"), "{line}");
    assert!(line.contains("Cannot assign requested address"), "{line}");
}

#[test]
fn a_motd_that_is_missing_is_one_line_with_its_name_and_the_systems_reason() {
    let line = regret(command(&["--motd", "/no/such/file"]));
    assert!(line.contains("/no/such/file"), "{line}");
    assert!(line.contains("No such file or directory"), "{line}");
}

#[test]
fn a_motd_that_is_a_directory_is_one_line_with_its_name_and_the_systems_reason() {
    let line = regret(command(&["--motd", "/"]));
    assert!(
        line.contains(" /") && line.contains("Is a directory"),
        "{line}"
    );
}

#[test]
fn a_usage_error_that_cannot_be_written_has_its_exit_status_all_the_same() {
    let mut command = Server::command_after("exec 2>/dev/full");
    command.arg("--port=none");
    assert_eq!(run_to_end(command).status.code(), Some(2));
}

#[test]
fn a_failure_to_start_that_cannot_be_written_has_its_exit_status_all_the_same() {
    let mut command = Server::command_after("exec 2>/dev/full");
    command.args(["--motd", "/no/such/file"]);
    assert_eq!(run_to_end(command).status.code(), Some(1));
}

#[test]
fn a_help_that_cannot_be_written_is_no_panic() {
    let mut command = Server::command_after("exec >/dev/full");
    command.arg("--help");
    let output = run_to_end(command);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        !stderr.contains("panicked") && output.status.code() < Some(101),
        "{stderr}"
    );
}

#[test]
fn a_stopped_server_can_be_started_again_at_once_on_the_same_port() {
    let first = Server::start(&[]);
    let port = first.port().to_string();
    let client = first.welcomed();
    // The server closes first, so that its side of the connection is the one that lingers in the kernel.
    drop(first);
    drop(client);
    Server::start(&["--port", &port]).welcomed();
}

#[test]
fn max_clients_is_lowered_to_what_fits_so_that_clients_beyond_it_are_told() {
    let _turn = crowd_turn();
    let server = Server::start_after("ulimit -n 60", &[]);
    server.log_line(|line| line.contains("WARN") && line.contains("max-clients"));
    let mut crowd: Vec<Client> = (0..80).map(|_| server.connect()).collect();
    let firsts: Vec<String> = crowd.iter_mut().map(Client::read_line).collect();
    let welcomed = firsts
        .iter()
        .filter(|line| line.starts_with("-- welcome"))
        .count();
    let told = firsts
        .iter()
        .filter(|line| line.starts_with("-- chatd is full"))
        .count();
    assert_eq!(welcomed + told, 80, "{firsts:#?}");
    assert!(
        welcomed >= 20,
        "only {welcomed} of 60 descriptors are used for clients"
    );
    let in_the_way = server
        .log()
        .into_iter()
        .filter(|line| line.contains("accept"))
        .count();
    assert_eq!(in_the_way, 0, "accepting failed: {:#?}", server.log());
}

#[test]
fn no_warning_where_max_clients_fits_under_the_limit() {
    let server = Server::start_after("ulimit -n 200", &["--max-clients", "50"]);
    server.welcomed();
    assert!(
        !server.log().concat().contains("WARN"),
        "{:#?}",
        server.log()
    );
}

#[test]
fn the_soft_limit_on_open_files_is_raised_to_the_hard_limit() {
    let _turn = crowd_turn();
    let server = Server::start_after("ulimit -Sn 50", &["--max-clients", "100"]);
    server.crowd(100);
}

#[test]
fn without_descriptors_the_accept_loop_neither_spins_nor_floods_the_log_and_goes_on_when_some_are_free()
 {
    // So few clients that no machine's limit on open files calls for a warning of its own.
    let server = Server::start(&["--max-clients", "20"]);
    let [alice, mut bob] = server.room(["alice", "bob"]);
    // From now on every descriptor that is free has too high a number. The one that the waiting accept will give out
    // was reserved before.
    let limit = server.limit(Resource::Nofile, Some(0));
    let _last = server.welcomed();
    let mut newcomer = server.connect();
    server.log_line(|line| line.contains("WARN"));
    let spent_before = server.processor_time();
    // Long enough for many pauses of 100 ms.
    thread::sleep(Duration::from_secs(1));
    let spent = server.processor_time().checked_sub(spent_before).unwrap();
    assert!(
        spent < Duration::from_millis(500),
        "a second cost {spent:?}"
    );
    let warnings = server.log_lines(1, |line| line.contains("WARN"));
    assert!(
        matches!(warnings.as_slice(), [line] if line.contains("Too many open files")),
        "{warnings:#?}"
    );
    alice.send("the others do not notice");
    bob.expect("<alice> the others do not notice");
    server.limit(Resource::Nofile, limit);
    newcomer.read_welcome();
}

#[test]
fn a_client_whose_thread_cannot_be_started_is_told_and_closed() {
    // Less than the smallest stack that a thread may have.
    const TOO_LITTLE: u64 = 48 * 1024;
    let server = Server::start(&[]);
    let [alice, mut bob] = server.room(["alice", "bob"]);
    let descriptors = server.descriptors();
    let limit = server.limit(Resource::As, Some(server.virtual_bytes() + TOO_LITTLE));
    let mut unlucky = server.connect();
    let told = unlucky.expect_eof();
    assert!(
        matches!(told.as_slice(), [line] if line.starts_with("-- ")),
        "{told:?}"
    );
    server.limit(Resource::As, limit);
    drop(unlucky);
    eventually("its descriptor is gone", || {
        server.descriptors() == descriptors
    });
    alice.send("the others do not notice");
    bob.next_is("<alice> the others do not notice");
    server.welcomed();
}

#[test]
fn after_a_reset_in_the_middle_of_anything_the_others_read_that_name_left_and_nothing_else() {
    let server = Server::start(&[]);
    let [mut bob] = server.room(["bob"]);
    let before = (server.descriptors(), server.threads().len());
    let middles: [&[u8]; 8] = [
        b"",
        b"half a line",
        b"half a line\r",
        b"\xff",
        b"\xff\xfa\x18unfinished",
        b"/msg bob half a secret",
        b"\x1b[",
        b"\xe2\x82",
    ];
    for middle in middles {
        let alice = server.joined("alice");
        bob.settle();
        alice.send_bytes(middle);
        alice.reset();
        bob.next_is("-- alice left");
        assert_eq!(bob.settle(), [""; 0], "after {}", middle.escape_ascii());
    }
    eventually("descriptors and threads are as many as before", || {
        (server.descriptors(), server.threads().len()) == before
    });
}

#[test]
fn no_line_follows_its_authors_departure() {
    let server = Server::start(&["--rate", "0"]);
    let [mut bob] = server.room(["bob"]);
    let paste = "a line of the paste\n".repeat(10_000);
    for _ in 0..5 {
        let alice = server.joined("alice");
        bob.settle();
        alice.send_bytes(paste.as_bytes());
        alice.reset();
        let (lines, _) = bob.lines_until_one(&"her departure", |line| line == "-- alice left");
        assert!(
            lines
                .iter()
                .all(|line| line == "<alice> a line of the paste")
        );
        assert_eq!(bob.settle(), [""; 0]);
    }
}

#[test]
fn a_reset_before_the_welcome_is_read_harms_nobody() {
    let server = Server::start(&[]);
    let [alice, mut bob] = server.room(["alice", "bob"]);
    let before = (server.descriptors(), server.threads().len());
    for _ in 0..50 {
        server.connect().reset();
    }
    alice.send("still here");
    bob.expect("<alice> still here");
    eventually("descriptors and threads are as many as before", || {
        (server.descriptors(), server.threads().len()) == before
    });
}

#[test]
fn a_reset_with_much_pending_harms_nobody() {
    let server = Server::start(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    let sleeper = server.stalled("sleeper");
    alice.expect("<sleeper> I shall read no more");
    bob.expect("<sleeper> I shall read no more");
    thread::scope(|scope| {
        scope.spawn(|| {
            alice.send_bytes(paste(2000).as_bytes());
            alice.send("the end");
        });
        bob.expect("<alice> the end");
    });
    sleeper.reset();
    bob.next_is("-- sleeper left");
    alice.next_is("-- sleeper left");
}

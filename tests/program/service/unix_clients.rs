//! What is different of clients that come by a Unix socket. (That the rest is not, is what
//! `tests/over_unix` says.)

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::Duration;

use socket2::Socket;

use crate::kit::{
    Client, FIRST_WORDS, Flood, IMPATIENT, MIB, Server, SocketPath, are_installed,
    grew_by_less_than, new_command, paste, run_to_end, skip, text,
};

fn start(args: &[&str]) -> (Server, SocketPath) {
    let socket = SocketPath::new();
    let server = Server::start(&[args, &["--socket", socket.path()]].concat());
    (server, socket)
}

#[test]
fn who_only_closes_the_sending_side_loses_no_line_and_reads_the_last_ones() {
    if !are_installed(&["sh", "nc"]) {
        return;
    }
    let (server, socket) = start(&[]);
    let mut alice = server.joined("alice");
    let mut shell = new_command("sh");
    let line = "printf '/nick bob\nhello\nand without an end' | nc -N -U \"$0\"";
    let output = run_to_end({
        shell.args(["-c", line, socket.path()]);
        shell
    });
    alice.expect("<bob> hello");
    alice.next_is("<bob> and without an end");
    alice.expect("-- bob left");
    let screen = String::from_utf8(output.stdout).unwrap();
    assert!(screen.ends_with(" is now bob\n"), "{screen}");
    server.log_line(|line| line.contains(" bob, ") && line.ends_with(", closed"));
}

#[test]
fn who_says_much_and_is_gone_is_heard_to_the_last_line_while_others_talk() {
    const LINES: usize = 500;
    // About 400 lines pass at once, and the others wait for their author's rate.
    let (server, socket) = start(&["--rate", "8KiB"]);
    let [alice, mut reader] = server.room(["alice", "reader"]);
    let mut stream = UnixStream::connect(socket.path()).unwrap();
    let lines = text((0..LINES).map(|line| line.to_string()));
    stream.write_all(lines.as_bytes()).unwrap();
    drop(stream);
    for line in 0..LINES {
        if line % 50 == 49 {
            // This is written to everybody, to whoever is gone too.
            alice.send("who was that?");
        }
        let is_next = |it: &str| it.ends_with(&format!("> {line}"));
        reader.lines_until_one(&format!("line {line}"), is_next);
    }
}

#[test]
fn who_has_read_everything_and_closes_is_not_reset() {
    let (server, socket) = start(&[]);
    let mut bob = socket.join("bob");
    bob.settle();
    drop(bob);
    server.log_line(|line| line.contains(" bob, ") && line.ends_with(", closed"));
}

#[test]
fn who_closes_and_has_not_read_everything_is_reset() {
    let (server, socket) = start(&[]);
    let mut bob = socket.join("bob");
    bob.send(FIRST_WORDS);
    bob.settle();
    let mut alice = server.joined("alice");
    alice.send("one more thing, bob");
    alice.settle();
    drop(bob);
    server.log_line(|line| line.contains(" bob, ") && line.ends_with(", reset"));
    alice.expect("-- bob left");
}

#[test]
fn one_that_stops_reading_never_delays_the_others_and_is_let_go() {
    let (server, socket) = start(&IMPATIENT);
    let mut stalled = socket.join("stalled");
    stalled.send(FIRST_WORDS);
    stalled.settle();
    let [sender, mut reader] = server.room(["sender", "reader"]);
    Flood::of(255).during(&sender, || reader.expect("-- stalled left (too slow)"));
    // What the socket holds is the client's to read, and then comes the end.
    let (held, was_reset) = stalled.read_to_any_end();
    assert!(held.len() < MIB as usize && !was_reset, "{}", held.len());
}

#[test]
fn one_that_takes_nothing_of_what_is_pending_for_minutes_is_let_go() {
    // Minutes are seconds here, and nobody is under pressure.
    let (server, socket) = start(&["--keepalive", "1s", "--user-timeout", "2s"]);
    let _stalled = socket.join("stalled");
    let mut author = server.join("author");
    author.send_bytes(paste(1000).as_bytes());
    author.settle();
    server.log_line(|line| line.contains(" stalled, ") && line.ends_with(", too slow"));
}

#[test]
fn one_that_is_behind_all_the_time_and_goes_on_reading_is_not_let_go() {
    const LINES: usize = 6_000;
    let (server, socket) = start(&["--rate", "0", "--keepalive", "1s", "--user-timeout", "4s"]);
    let mut author = server.join("author");
    let mut reader = socket.join("reader");
    author.send_bytes(paste(LINES).as_bytes());
    author.settle();
    reader.lines_until_one(&"what is said", |line| line.starts_with("<author> "));
    for line in 1..LINES {
        if line % 400 == 0 {
            thread::sleep(Duration::from_millis(400));
        }
        reader.read_line();
    }
    assert_eq!(reader.settle(), [""; 0]);
}

#[test]
fn a_crowd_that_reads_nothing_of_many_short_lines_costs_next_to_no_memory() {
    const CROWD: usize = 30;
    let (server, socket) = start(&["--rate", "0", "--max-backlog", "64MiB", "--history", "0"]);
    let mut sender = server.joined("sender");
    let mut crowd: Vec<Client> = (0..CROWD).map(|_| socket.connect()).collect();
    for client in &mut crowd {
        client.read_welcome();
    }
    let before = server.resident_bytes();
    sender.send_bytes("x\n".repeat(80_000).as_bytes());
    sender.settle();
    let why = "80,000 short lines wait for each";
    grew_by_less_than(24 * MIB, before, server.resident_bytes(), &why);
}

#[test]
fn what_may_be_under_way_to_each_is_bounded_and_urgent_bytes_stay_in_line() {
    let (server, socket) = start(&[]);
    let mut client = socket.connect();
    client.read_welcome();
    let Some(sockets) = server.sockets() else {
        return skip("this system shows nobody the sockets of a child process");
    };
    let is_the_clients = |candidate: &Socket| {
        let address = candidate.local_addr().expect("any socket has one");
        address.as_pathname() == Some(Path::new(socket.path()))
            && !candidate.is_listener().expect("any socket can be asked")
    };
    let mut sockets = sockets.into_iter().map(Socket::from);
    let there = sockets.find(is_the_clients).expect("the client's socket");
    // The kernel doubles it (socket(7)).
    assert_eq!(there.send_buffer_size().unwrap(), 512 * 1024);
    assert!(there.out_of_band_inline().unwrap());
}

//! Section 3: a log that cannot be written, or that nobody reads, never stops the chat.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, ErrorKind, Write, pipe};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::mpsc;
use std::thread;

use crate::kit::{Chat, Client, Footprint, Server, WAIT};

/// Fills the pipe behind a descriptor to its last byte.
fn fill(writer: &impl AsRawFd) {
    // Opened once more, because whether a write blocks belongs to the open file, and those of chatd
    // must block.
    let path = format!("/proc/self/fd/{}", writer.as_raw_fd());
    let mut options = OpenOptions::new();
    let options = options.write(true).custom_flags(libc::O_NONBLOCK);
    let mut filler = options.open(path).expect("a pipe can be opened again");
    for size in [4096, 1] {
        let error = (0..).find_map(|_| filler.write(&vec![b'\n'; size]).err());
        assert_eq!(error.map(|error| error.kind()), Some(ErrorKind::WouldBlock));
    }
}

#[test]
fn while_nobody_reads_the_log_the_chat_goes_on_and_what_was_dropped_is_counted_and_said() {
    const VISITORS: usize = 200;
    let (reader, writer) = pipe().expect("a pipe");
    fill(&writer);
    let mut command = Server::command();
    command
        .args(["--port", "0", "--bind", "127.0.0.1"])
        .stderr(writer);
    let server = Server::launch_unheard(command);
    let mut chat = Chat::start(&server);
    let before = Footprint::of(&server);
    for _ in 0..VISITORS / 20 {
        let visitors: Vec<Client> = (0..20).map(|_| server.connect()).collect();
        chat.goes_on(5);
        drop(visitors);
        before.returns(&server);
    }

    let (heard, lines) = mpsc::channel();
    thread::spawn(move || {
        let mut lines = BufReader::new(reader).lines().map_while(Result::ok);
        lines.all(|line| heard.send(line).is_ok())
    });
    let mut log = Vec::new();
    let (mut told, mut counted) = (0, 0);
    // The two who chat have joined too.
    while told + counted < VISITORS + 2 {
        let Ok(line) = lines.recv_timeout(WAIT) else {
            panic!("{told} joins were told and {counted} counted: {log:#?}");
        };
        told += usize::from(line.contains(" joined: "));
        counted += super::counted_of(&line, "joined").unwrap_or(0);
        log.push(line);
    }
    assert_eq!(told + counted, VISITORS + 2, "{log:#?}");
    assert!(counted > 0, "nothing had to be dropped: {log:#?}");
    chat.goes_on(5);
}

/// Everything works although the log does not.
fn chat_goes_on(mut server: Server) {
    let [alice, mut bob] = server.room(["alice", "bob"]);
    // More of each kind than a single write of the log could have been swallowed by.
    for _ in 0..50 {
        drop(server.connect());
    }
    alice.send("nobody reads the log");
    bob.expect("<alice> nobody reads the log");
    server.signal("TERM");
    bob.expect("-- chatd is shutting down");
    drop((alice, bob));
    assert_eq!(server.wait_exit().code(), Some(0));
}

#[test]
fn a_log_that_nobody_reads_never_stops_the_chat() {
    let (reader, writer) = pipe().expect("a pipe");
    fill(&writer);
    let mut command = Server::command();
    command
        .args(["-v", "--port", "0", "--bind", "127.0.0.1"])
        .stderr(writer);
    chat_goes_on(Server::launch_unheard(command));
    drop(reader);
}

#[test]
fn a_log_that_cannot_be_written_never_stops_the_chat() {
    for broken in ["exec 2>/dev/full", "exec 2>&-"] {
        let mut command = Server::command_after(broken);
        command.args(["-v", "--port", "0", "--bind", "127.0.0.1"]);
        chat_goes_on(Server::launch_unheard(command));
    }
}

#[test]
fn a_log_whose_reader_has_gone_never_stops_the_chat() {
    let (reader, writer) = pipe().unwrap();
    let mut command = Server::command();
    command
        .args(["-v", "--port", "0", "--bind", "127.0.0.1"])
        .stderr(writer);
    drop(reader);
    chat_goes_on(Server::launch_unheard(command));
}

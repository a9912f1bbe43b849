//! P1 to P3 with clients that talk over TLS.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use crate::kit::{
    Chat, Client, Flood, Follower, IMPATIENT, MIB, NARROW, Notice, Server, TlsClient, crowd_size,
    crowd_turn, eventually, grew_by_less_than, paste, read_notices, skip, text,
};

/// Room for the descriptors of the bridges.
fn tls_crowd(size: usize) -> usize {
    crowd_size(size * 3) / 3
}

#[test]
fn six_hundred_who_begin_a_handshake_and_wait_keep_nobody_out() {
    let Some(_turn) = crowd_turn() else { return };
    let server = Server::start(&["--tls"]);
    let count = crowd_size(600);
    let waiting: Vec<TcpStream> = (0..count)
        .map(|_| {
            let mut stream = TcpStream::connect(server.address()).unwrap();
            stream.write_all(b"\x16").unwrap();
            stream
        })
        .collect();
    let alice = server.joined("alice");
    let mut bob = server.joined("bob");
    alice.send("we are here");
    bob.expect("<alice> we are here");
    bob.send("/who");
    bob.lines_until_one(&"the number of people", |line| line.contains('2'));
    server.comes_to_rest();
    drop(waiting);
}

/// How many of its clients' threads wait for each other (futex(2)), and not for their clients.
fn waiting_for_others(server: &Server) -> usize {
    let tasks = fs::read_dir(format!("/proc/{}/task", server.pid())).expect("it runs");
    let waits = |task: &fs::DirEntry| {
        // A thread may end between the two looks.
        let read = |name| fs::read_to_string(task.path().join(name)).unwrap_or_default();
        let call = format!("{} ", libc::SYS_futex);
        read("syscall").starts_with(&call) && read("comm").starts_with("client ")
    };
    tasks.flatten().filter(waits).count()
}

#[test]
fn of_those_who_shake_hands_at_once_only_as_many_compute_as_there_are_cores() {
    let Some(_turn) = crowd_turn() else { return };
    // A crowd may be served before anybody has looked, so who looks goes before it.
    let server = Server::start_after("exec nice -n 19 \"$0\" \"$@\"", &["--tls"]);
    if fs::read(format!("/proc/{}/syscall", server.pid())).is_err() {
        return skip("the kernel does not show what threads wait for");
    }
    let count = tls_crowd(200);
    let hello = TlsClient::hello();
    eventually("a crowd waits for its turn", || {
        let connect = |_| TcpStream::connect(server.address()).unwrap();
        let mut crowd: Vec<TcpStream> = (0..count).map(connect).collect();
        eventually("each has a thread", || server.threads().len() > count);
        server.signal("STOP");
        for client in &mut crowd {
            client.write_all(&hello).unwrap();
        }
        server.signal("CONT");
        (0..10).any(|_| waiting_for_others(&server) > count / 4)
    });
}

#[test]
fn three_hundred_of_350_who_stop_reading_are_let_go_and_the_others_read_everything() {
    let Some(_turn) = crowd_turn() else { return };
    let server = Server::start(&[&["--tls"][..], &IMPATIENT].concat());
    let sender = server.joined("sender");
    let mut readers: Vec<Client> = (0..48).map(|_| server.welcomed()).collect();
    let mut reader = server.joined("reader");
    let sleepers: Vec<TcpStream> = (0..tls_crowd(300)).map(|_| stalled(&server)).collect();
    let count = sleepers.len();
    let is_done = std::sync::atomic::AtomicBool::new(false);
    Flood::of(255).during(&sender, || {
        thread::scope(|scope| {
            for reader in &mut readers {
                let is_done = &is_done;
                scope.spawn(move || {
                    let mut follower = Follower::default();
                    while !is_done.load(std::sync::atomic::Ordering::Relaxed) {
                        follower.follows(&reader.read_line());
                    }
                });
            }
            let mut follower = Follower::default();
            let mut gone = 0;
            while gone < count {
                let line = reader.read_line();
                if !follower.follows(&line) {
                    gone +=
                        Notice::of(&line, " left (too slow)").map_or(0, |notice| notice.people());
                }
            }
            is_done.store(true, std::sync::atomic::Ordering::Relaxed);
        });
    });
    drop(sleepers);
}

/// A client that has shaken hands and reads nothing more, with a small buffer.
fn stalled(server: &Server) -> TcpStream {
    let mut client = TlsClient::narrow(server, NARROW);
    client.shake_hands();
    client.send(b"I shall read no more\n");
    client.stream
}

#[test]
fn clients_that_have_stopped_reading_cost_no_processor_time_and_delay_nobody() {
    let Some(_turn) = crowd_turn() else { return };
    let server = Server::start(&["--tls", "--rate", "0", "--max-backlog", "64MiB"]);
    let mut chat = Chat::start(&server);
    let sleepers: Vec<TcpStream> = (0..crowd_size(200)).map(|_| stalled(&server)).collect();
    let mut sender = server.joined("sender");
    sender.send("/quiet");
    let before = server.resident_bytes();
    let lines = 1000;
    sender.send_bytes(paste(lines).as_bytes());
    sender.settle();
    server.comes_to_rest();
    // Each has at most what rustls and the kernel hold; the log is there once.
    let most = 2 * MIB + sleepers.len() as u64 * 128 * 1024;
    grew_by_less_than(most, before, server.resident_bytes(), &"stalled clients");
    // The first words of everybody too.
    for _ in 0..sleepers.len() + 1 + lines {
        chat.hears();
    }
    chat.goes_on(20);
    drop(sleepers);
}

#[test]
fn a_flood_over_tls_arrives_whole_and_in_order_at_plain_and_tls_readers() {
    let server = Server::start(&["--tls", "--plain-port", "0", "--rate", "0"]);
    let sender = server.joined("sender");
    let plain = || {
        let mut client = Client::new(TcpStream::connect(server.plain_address()).unwrap());
        client.read_welcome();
        client
    };
    let mut readers: Vec<Client> = vec![plain(), server.welcomed(), plain(), server.welcomed()];
    Flood::of(100).during(&sender, || {
        thread::scope(|scope| {
            for reader in &mut readers {
                scope.spawn(|| {
                    let mut follower = Follower::default();
                    let mut lines = 0;
                    while lines < 20_000 {
                        lines += usize::from(follower.follows(&reader.read_line()));
                    }
                });
            }
        });
    });
}

#[test]
fn a_20_mb_paste_of_a_plain_client_arrives_whole_at_a_tls_reader() {
    const LINES: usize = 50_000;
    let server = Server::start(&["--tls", "--plain-port", "0", "--rate", "0"]);
    let mut sender = Client::new(TcpStream::connect(server.plain_address()).unwrap());
    sender.read_welcome();
    sender.take_name("sender");
    sender.send("it is me");
    let mut reader = server.joined("reader");
    reader.settle();
    let paste = text((0..LINES).map(|number| format!("{number:0>400}")));
    thread::scope(|scope| {
        scope.spawn(|| sender.send_bytes(paste.as_bytes()));
        for number in 0..LINES {
            reader.next_is(&format!("<sender> {number:0>400}"));
            if number % 5000 == 0 {
                // Slower than the sender.
                thread::sleep(Duration::from_millis(50));
            }
        }
    });
}

#[test]
fn newcomers_over_tls_and_in_plain_read_of_each_other_in_one_order() {
    let server = Server::start(&["--tls", "--plain-port", "0"]);
    let mut watcher = server.joined("watcher");
    let plain = TcpStream::connect(server.plain_address()).unwrap();
    let _people = [Client::new(plain), server.connect(), server.connect()];
    read_notices(&mut watcher, " joined", 3, |_| {});
}

//! Section 2, as far as it can be seen from outside: threads, descriptors, socket options, what
//! waiting costs.

use std::fs;
use std::net::TcpStream;
use std::time::Duration;

use crate::kit::{
    Client, NARROW, Server, crowd_turn, eventually, paste, seen_from_both_sides, skip,
};

const CROWD: usize = 50;

#[test]
fn one_thread_and_one_descriptor_per_client_and_both_go_with_it() {
    let Some(_turn) = crowd_turn() else { return };
    let server = Server::start(&[]);
    let before = (server.descriptors(), server.threads().len());
    let crowd = server.crowd(CROWD);
    let now = (server.descriptors(), server.threads().len());
    assert_eq!(now, (before.0 + CROWD, before.1 + CROWD));
    drop(crowd);
    eventually("both go with the clients", || {
        (server.descriptors(), server.threads().len()) == before
    });
}

#[test]
fn threads_are_named() {
    let server = Server::start(&[]);
    let _crowd = server.crowd(3);
    let threads = server.threads();
    // A thread without a name of its own has the one of the process, as the main thread has.
    let nameless = threads.iter().filter(|name| *name == "chatd").count();
    assert!(nameless <= 1, "{threads:?}");
    assert!(
        threads.iter().any(|name| name.contains("broadcast")),
        "{threads:?}"
    );
}

#[test]
fn a_waiting_server_costs_no_processor_time() {
    let Some(_turn) = crowd_turn() else { return };
    let server = Server::start(&[]);
    let _crowd = server.crowd(CROWD);
    server.comes_to_rest();
}

#[test]
fn stalled_clients_cost_next_to_no_processor_time() {
    let Some(_turn) = crowd_turn() else { return };
    let server = Server::start(&["--rate", "0", "--max-backlog", "64MiB"]);
    let mut sleepers: Vec<Client> = (0..400)
        .map(|_| server.connect_with_receive_buffer(NARROW))
        .collect();
    for sleeper in &mut sleepers {
        sleeper.read_welcome();
    }
    let mut sender = server.joined("sender");
    sender.send_bytes(paste(1000).as_bytes());
    sender.settle();
    server.comes_to_rest();
}

#[test]
fn a_burst_of_connections_waits_in_a_long_queue() {
    const BURST: usize = 400;
    let Some(_turn) = crowd_turn() else { return };
    let longest = fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap();
    if longest.trim().parse::<usize>().unwrap() < BURST {
        return skip(format_args!("this system cuts the queue to {longest}"));
    }
    let server = Server::start(&[]);
    // Nothing is accepted, so only the queue can take them; it would be full after 128 with std's
    // own length.
    server.signal("STOP");
    let burst: Result<Vec<TcpStream>, _> = (0..BURST)
        .map(|_| TcpStream::connect_timeout(&server.address(), Duration::from_secs(5)))
        .collect();
    server.signal("CONT");
    let burst = burst.expect("the queue is long enough");
    for stream in burst {
        Client::new(stream).read_welcome();
    }
}

#[test]
fn what_is_not_sent_stays_out_of_the_kernel() {
    let server = Server::start(&[]);
    let Some((_client, socket)) = seen_from_both_sides(&server) else {
        return;
    };
    assert_eq!(socket.tcp_notsent_lowat().unwrap(), 128 * 1024);
}

#[test]
fn the_receive_buffer_is_bounded() {
    let server = Server::start(&[]);
    let Some((_client, socket)) = seen_from_both_sides(&server) else {
        return;
    };
    // Linux doubles what is asked for, to have room for its own bookkeeping (socket(7)).
    assert_eq!(socket.recv_buffer_size().unwrap(), 2 * 64 * 1024);
}

#[test]
fn what_is_under_way_to_a_client_is_bounded() {
    let server = Server::start(&[]);
    let Some((_client, socket)) = seen_from_both_sides(&server) else {
        return;
    };
    // Linux doubles this too.
    assert_eq!(socket.send_buffer_size().unwrap(), 2 * 256 * 1024);
}

#[test]
fn reads_of_a_client_block() {
    // Whether a socket blocks belongs to the open socket, so a non-blocking write mode would make
    // the reads spin.
    let server = Server::start(&[]);
    let Some((_client, socket)) = seen_from_both_sides(&server) else {
        return;
    };
    assert!(!socket.nonblocking().unwrap());
}

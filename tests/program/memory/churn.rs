//! Connections that come and go by the thousand.

use std::thread;

use crate::kit::{Chat, Client, Footprint, MIB, Server, crowd_turn, nobody_panicked};

const CONNECTIONS: usize = 2_400;

/// How many are there together before. The system keeps stacks and memory for as many threads as
/// there were at once, so more than the coming and going can bring about must have been there.
const CROWD: usize = 300;
const THREADS: usize = 4;

/// How often all of them come and go, at most.
const ROUNDS: usize = 5;

/// Connects so often and goes again: at once, after a line, by reset, and in the middle of a line.
fn come_and_go(server: &Server, connections: usize) {
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for number in 0..connections / THREADS {
                    let client = server.connect();
                    match number % 4 {
                        0 => drop(client),
                        1 => client.reset(),
                        2 => client.send("/me comes and goes"),
                        _ => {
                            client.send_bytes(b"/me comes, and g");
                            client.reset();
                        }
                    }
                }
            });
        }
    });
}

#[test]
fn thousands_of_connects_and_closes_leave_no_thread_no_descriptor_and_no_memory() {
    let Some(_turn) = crowd_turn() else { return };
    let server = Server::start(&["--history", "0"]);
    let before = Footprint::of(&server);
    let crowd: Vec<Client> = (0..CROWD).map(|_| server.connect()).collect();
    for client in &crowd {
        client.send("/me is here");
    }
    come_and_go(&server, CONNECTIONS);
    drop(crowd);
    before.returns(&server);
    // What is lost is lost each time; what the allocator takes to move about in, it takes once.
    let growths = (0..ROUNDS).map(|_| {
        let memory = server.resident_bytes();
        come_and_go(&server, CONNECTIONS);
        before.returns(&server);
        server.resident_bytes().saturating_sub(memory)
    });
    let mut seen = Vec::new();
    let is_kept = growths
        .inspect(|growth| seen.push(*growth))
        .all(|growth| growth > MIB);
    assert!(
        !is_kept,
        "each time everybody left memory had grown: {seen:?}"
    );
    nobody_panicked(&server);
    Chat::start(&server).goes_on(5);
}

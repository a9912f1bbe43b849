//! The accept loop: gives each client that connects a seat and a thread, or turns it away.

use crate::address::Address;
use crate::client;
use crate::client::carrier::Protocol;
use crate::client::connection::Connection;
use crate::client::lingering::{read_out, turn_away};
use crate::config::Mode;
use crate::event::ClientId;
use crate::listener::Port;
use crate::shared::Shared;
use crate::shutdown::Bell;
use log::{info, warn};
use rustix::event::{PollFd, PollFlags, poll};
use socket2::Socket;
use std::io;
use std::io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, TimedOut, WouldBlock};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The stack of a client's thread, in bytes. Only what is used of it is memory.
const STACK_BYTES: usize = 128 << 10;

/// How long to wait when accepting fails, which it does when there are no descriptors or no memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How many clients may wait to join or to leave before nobody else is let in, and for how long
/// nobody is: others wait in the backlog, where they cost no thread.
const MOST_AT_THE_DOOR: usize = 32;
const DOOR_PAUSE: Duration = Duration::from_millis(1);

/// How many of those who are turned away are waited for at a time.
const MOST_TURNED_AWAY: usize = 16;

/// What a client reads for which there is no room.
const NO_SEAT: &[u8] = b"-- chatd is full, try again later\n";

/// Accepts clients until the bell rings.
pub fn accept(ports: &[Port], shared: &Arc<Shared>) {
    let mut last_id = 0;
    let mut was_told = false;
    while !shared.bell.has_rung() {
        if shared.at_the_door.get() >= MOST_AT_THE_DOOR {
            // More threads would only keep the broadcaster from running.
            thread::sleep(DOOR_PAUSE);
            continue;
        }
        let (mut waiting, mut has_failed) = (0, false);
        for port in ports {
            match port.listener.accept() {
                Ok((stream, address)) => {
                    was_told = false;
                    receive(stream, address, &*port.protocol, &mut last_id, shared);
                }
                Err(error) => match error.kind() {
                    WouldBlock => waiting += 1,
                    // The connection was gone before it was accepted (accept(2)): the next one may
                    // be fine.
                    ConnectionAborted | ConnectionReset | Interrupted | TimedOut => {}
                    _ => {
                        if !was_told {
                            warn!("cannot accept clients: {error}");
                            was_told = true;
                        }
                        has_failed = true;
                    }
                },
            }
        }
        if has_failed {
            thread::sleep(ACCEPT_PAUSE);
        }
        if waiting == ports.len() {
            wait(ports, &shared.bell);
        }
    }
}

/// Gives a client a seat, or turns it away.
fn receive(
    stream: Socket,
    address: Address,
    protocol: &dyn Protocol,
    last_id: &mut u64,
    shared: &Arc<Shared>,
) {
    #[cfg(feature = "fault-injection")]
    crate::faults::panic_at_address(address);
    if !shared.config.allows(address) {
        info!(target: "chatd::turned_away", "turned away: {address}, by --allow");
        return;
    }
    match shared.seats.take(address.host()) {
        Ok(seat) => match protocol.carriage() {
            Ok(carriage) => {
                *last_id += 1;
                let connection = Connection {
                    id: ClientId(*last_id),
                    address,
                    stream,
                    shared: Arc::clone(shared),
                    carriage,
                    has_finished: AtomicBool::new(false),
                    was_let_go: AtomicBool::new(false),
                    _seat: seat,
                };
                admit(connection, protocol);
            }
            Err(error) => warn!("cannot accept a client: {error}"),
        },
        Err(limit) => {
            info!(target: "chatd::turned_away", "turned away: {address}, by {limit}");
            reject(stream, farewell(shared, protocol), shared);
        }
    }
}

/// Waits for somebody who connects, or for the bell.
fn wait(ports: &[Port], bell: &Bell) {
    let mut set = vec![PollFd::from_borrowed_fd(bell.descriptor(), PollFlags::IN)];
    let listeners = ports.iter().map(|port| port.listener.as_fd());
    set.extend(listeners.map(|listener| PollFd::from_borrowed_fd(listener, PollFlags::IN)));
    // If it fails, accepting says why.
    let _ = poll(&mut set, None);
}

fn admit(connection: Connection, protocol: &dyn Protocol) {
    let connection = Arc::new(connection);
    let talking = Arc::clone(&connection);
    let name = format!("client {}", connection.id.0);
    // Threads that start keep others from running, and each other most of all.
    let starting = connection.shared.at_the_door.one_more();
    let talk = move || {
        drop(starting);
        client::run(&talking);
    };
    if let Err(error) = spawn(name, talk) {
        warn!(target: "chatd::without_a_thread", "cannot start a client's thread: {error}");
        turn_away(&connection.stream, farewell(&connection.shared, protocol));
    }
}

/// Tells a client that there is no room for it. A short-lived thread reads out what it sends, so
/// that it does not lose the text to a reset; if there are many of these, or no more threads, it
/// may.
fn reject(stream: Socket, text: &[u8], shared: &Shared) {
    turn_away(&stream, text);
    let counted = shared.turned_away.one_more();
    if shared.turned_away.get() <= MOST_TURNED_AWAY {
        let read_out = move || {
            read_out(&stream, || true);
            drop(counted);
        };
        let _ = spawn("rejection".to_owned(), read_out);
    }
}

/// What is said to clients for which there is no room.
fn farewell(shared: &Shared, protocol: &dyn Protocol) -> &'static [u8] {
    match shared.config.mode {
        Mode::Chat { .. } => protocol.refusal(NO_SEAT),
        Mode::Raw => b"",
    }
}

fn spawn(name: String, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    let thread = thread::Builder::new().name(name);
    thread.stack_size(STACK_BYTES).spawn(run)
}

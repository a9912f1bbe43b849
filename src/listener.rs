//! The listening socket, with the options that each accepted socket has from it (tcp(7)), and the
//! accept loop.

use crate::address::Address;
use crate::client;
use crate::client::carrier::Protocol;
use crate::client::connection::{Connection, NOTSENT_LOWAT, quiet_timeout};
use crate::client::lingering::{read_out, turn_away};
use crate::config::{Config, Mode, SilenceLimits};
use crate::event::ClientId;
use crate::shared::Shared;
use crate::shutdown::Bell;
use libc::{EADDRNOTAVAIL, EAFNOSUPPORT};
use log::{info, warn};
use rustix::event::{PollFd, PollFlags, poll};
use socket2::{Domain, Socket, TcpKeepalive, Type};
use std::io;
use std::io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, TimedOut, WouldBlock};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How many connections may wait to be accepted. std's 128 makes a burst of them retry for seconds.
const BACKLOG: i32 = 4096;

/// How many bytes the kernel may hold for the server from one client (it doubles this, socket(7)).
const RECEIVE_BUFFER: usize = 64 << 10;

/// How many bytes may be under way to a client, whose host may have vanished (doubled too).
const SEND_BUFFER: usize = 256 << 10;

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

/// Where clients connect.
pub struct Port {
    listener: TcpListener,
    pub protocol: Box<dyn Protocol>,
}

impl Port {
    /// Listens on the address that the user gave, or on all. An error comes with the address that
    /// cannot be listened on.
    pub fn open(
        config: &Config,
        port: u16,
        protocol: Box<dyn Protocol>,
    ) -> Result<Self, (SocketAddr, io::Error)> {
        let listener = listen_on(config, port)?;
        Ok(Self { listener, protocol })
    }

    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Listens on the address that the user gave, or on all: IPv6 and IPv4, or IPv4 where there is no
/// IPv6.
fn listen_on(config: &Config, port: u16) -> Result<TcpListener, (SocketAddr, io::Error)> {
    let any = IpAddr::from(Ipv6Addr::UNSPECIFIED);
    let on = |ip| {
        let address = SocketAddr::new(ip, port);
        open(address, config.silence).map_err(|error| (address, error))
    };
    let result = on(config.bind.unwrap_or(any));
    let code = result
        .as_ref()
        .err()
        .and_then(|(_, error)| error.raw_os_error());
    match (config.bind, code) {
        (None, Some(EAFNOSUPPORT | EADDRNOTAVAIL)) => on(Ipv4Addr::UNSPECIFIED.into()),
        _ => result,
    }
}

fn open(address: SocketAddr, silence: SilenceLimits) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(socket2::Protocol::TCP),
    )?;
    if address.ip() == IpAddr::from(Ipv6Addr::UNSPECIFIED) {
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.set_tcp_notsent_lowat(NOTSENT_LOWAT)?;
    socket.set_tcp_nodelay(true)?;
    socket.set_out_of_band_inline(true)?;
    socket.set_keepalive(true)?;
    let second = Duration::from_secs(1);
    let keepalive = TcpKeepalive::new()
        .with_time((silence.keepalive / 2).max(second))
        .with_interval((silence.keepalive / 12).max(second));
    socket.set_tcp_keepalive(&keepalive)?;
    socket.set_tcp_user_timeout(Some(quiet_timeout(silence)))?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    // Who has gone when it is their turn is not waited for (accept(2)). It does not pass to the
    // sockets of clients.
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// The accept loop: accepts clients until the bell rings.
pub fn accept(ports: &[Port], shared: &Arc<Shared>) {
    let mut last_id = 0;
    let mut was_told = false;
    while !shared.bell.has_rung() {
        if shared.at_the_door.get() >= MOST_AT_THE_DOOR {
            // More threads would only keep the broadcaster from running.
            thread::sleep(DOOR_PAUSE);
            continue;
        }
        let mut waiting = 0;
        for port in ports {
            match port.listener.accept() {
                Ok((stream, address)) => {
                    was_told = false;
                    let address = SocketAddr::new(address.ip().to_canonical(), address.port());
                    receive(
                        stream.into(),
                        address,
                        &*port.protocol,
                        &mut last_id,
                        shared,
                    );
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
                        thread::sleep(ACCEPT_PAUSE);
                    }
                },
            }
        }
        if waiting == ports.len() {
            wait(ports, &shared.bell);
        }
    }
}

/// Gives a client a seat, or turns it away.
fn receive(
    stream: Socket,
    address: SocketAddr,
    protocol: &dyn Protocol,
    last_id: &mut u64,
    shared: &Arc<Shared>,
) {
    #[cfg(feature = "fault-injection")]
    crate::faults::panic_at_address(address.ip());
    if !shared.config.allows(address.ip()) {
        info!(target: "chatd::turned_away", "turned away: {address}, by --allow");
        return;
    }
    match shared.seats.take(Address::Tcp(address).host()) {
        Ok(seat) => match protocol.carriage() {
            Ok(carriage) => {
                *last_id += 1;
                let connection = Connection {
                    id: ClientId(*last_id),
                    address: Address::Tcp(address),
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
    let listeners = ports.iter().map(|port| &port.listener);
    set.extend(listeners.map(|listener| PollFd::new(listener, PollFlags::IN)));
    // If it fails, accepting says why.
    let _ = poll(&mut set, None);
}

fn admit(connection: Connection, protocol: &dyn Protocol) {
    let connection = Arc::new(connection);
    let talking = Arc::clone(&connection);
    let name = format!("client {}", connection.id.0);
    if let Err(error) = spawn(name, move || client::run(&talking)) {
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

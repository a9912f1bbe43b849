//! The listening socket, with the options that each accepted socket has from it (tcp(7)), and the
//! accept loop.

use crate::client::connection::{Connection, NOTSENT_LOWAT, quiet_timeout};
use crate::client::{self, Shared};
use crate::config::{Config, Mode, SilenceLimits};
use crate::delivery::writability::Writability;
use crate::event::ClientId;
use crate::logging::lines as log_lines;
use crate::rejection;
use crate::seats::{Seat, Seats};
use log::warn;
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
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

/// What a client reads for which there is no room.
const FULL: &[u8] = b"-- chatd is full, try again later\n";

/// Listens on the address that the user gave, or on all: IPv6 and IPv4, or IPv4 where there is no
/// IPv6.
///
/// # Errors
///
/// Those of the system, with the address that cannot be listened on.
pub fn listen(config: &Config) -> Result<TcpListener, (SocketAddr, io::Error)> {
    let any = IpAddr::from(Ipv6Addr::UNSPECIFIED);
    let on = |ip| {
        let address = SocketAddr::new(ip, config.port);
        open(address, config.silence).map_err(|error| (address, error))
    };
    match (config.bind, on(config.bind.unwrap_or(any))) {
        (None, Err((_, error))) if has_no_ipv6(&error) => on(Ipv4Addr::UNSPECIFIED.into()),
        (_, result) => result,
    }
}

fn has_no_ipv6(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EAFNOSUPPORT | libc::EADDRNOTAVAIL)
    )
}

fn open(address: SocketAddr, silence: SilenceLimits) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
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
    Ok(socket.into())
}

/// The accept loop.
pub struct Accepting {
    /// Where clients connect.
    pub listener: Arc<TcpListener>,
    /// How many there may be.
    pub seats: Arc<Seats>,
    /// What says when their sockets have room.
    pub writability: Arc<Writability>,
    /// What all clients' threads share.
    pub shared: Arc<Shared>,
}

impl Accepting {
    /// Accepts clients until the bell rings.
    pub fn run(&self) {
        let mut last_id = 0;
        let mut was_told = false;
        while !self.shared.bell.has_rung() {
            if self.shared.at_the_door.get() >= MOST_AT_THE_DOOR {
                // More threads would only keep the broadcaster from running.
                thread::sleep(DOOR_PAUSE);
                continue;
            }
            match self.listener.accept() {
                Ok((stream, address)) => {
                    was_told = false;
                    match self.seats.take(address.ip()) {
                        Some(seat) => {
                            last_id += 1;
                            self.admit(ClientId(last_id), stream, address, seat);
                        }
                        None => self.turn_away(stream, address),
                    }
                }
                Err(_) if self.shared.bell.has_rung() => return,
                Err(error) if is_about_one_client(&error) => {}
                Err(error) => {
                    if !was_told {
                        warn!("cannot accept clients: {error}");
                        was_told = true;
                    }
                    thread::sleep(ACCEPT_PAUSE);
                }
            }
        }
    }

    fn admit(&self, id: ClientId, stream: TcpStream, address: SocketAddr, seat: Seat) {
        let writability = Arc::clone(&self.writability);
        let connection = Connection::new(id, stream, address, seat, writability);
        let connection = Arc::new(connection);
        let (shared, talking) = (Arc::clone(&self.shared), Arc::clone(&connection));
        let thread = thread::Builder::new()
            .name(format!("client {}", id.0))
            .stack_size(STACK_BYTES);
        if let Err(error) = thread.spawn(move || client::run(&talking, &shared)) {
            warn!("cannot start a client's thread: {error}");
            connection.turn_away(self.farewell());
        }
    }

    fn turn_away(&self, stream: TcpStream, address: SocketAddr) {
        log_lines::turned_away(address);
        rejection::turn_away(stream, self.farewell());
    }

    /// What is said to clients for which there is no room.
    fn farewell(&self) -> &'static [u8] {
        match self.shared.config.mode {
            Mode::Chat { .. } => FULL,
            Mode::Raw => b"",
        }
    }
}

/// The connection was gone before it was accepted (accept(2)): the next one may be fine.
fn is_about_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, TimedOut};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionReset | Interrupted | TimedOut
    )
}

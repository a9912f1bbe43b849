//! Where clients connect: a listening socket, for TCP with the options that each accepted socket has
//! from it (tcp(7)).

use crate::address::Address;
use crate::client::carrier::Protocol;
use crate::client::connection::{NOTSENT_LOWAT, quiet_timeout};
use crate::config::SilenceLimits;
use libc::{EADDRNOTAVAIL, EAFNOSUPPORT};
use rustix::fd::AsFd;
use socket2::{Domain, Socket, TcpKeepalive, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

/// How many connections may wait to be accepted. std's 128 makes a burst of them retry for seconds.
pub const BACKLOG: i32 = 4096;

/// How many bytes the kernel may hold for the server from one client (it doubles this, socket(7)).
const RECEIVE_BUFFER: usize = 64 << 10;

/// How many bytes may be under way to a client, whose host may have vanished (doubled too).
pub const SEND_BUFFER: usize = 256 << 10;

/// What is listened on, and what is spoken there.
pub struct Port {
    pub listener: Box<dyn Listener>,
    pub protocol: Arc<dyn Protocol>,
}

impl Port {
    /// Its address, if people on other machines can connect there.
    pub fn public_address(&self) -> io::Result<Option<SocketAddr>> {
        let address = self.listener.tcp_address()?;
        Ok(address.filter(|address| !address.ip().to_canonical().is_loopback()))
    }
}

/// A listening socket. It is only ever closed, never shut down: others may have it too.
pub trait Listener: AsFd + Send {
    /// Accepts the client whose turn it is, and says where it comes from. `WouldBlock` if there is
    /// nobody.
    fn accept(&self) -> io::Result<(Socket, Address)>;

    /// Where it listens, as the log says it.
    fn name(&self) -> io::Result<String>;

    /// Its address, if it has one that other machines can know.
    fn tcp_address(&self) -> io::Result<Option<SocketAddr>>;
}

impl Listener for TcpListener {
    fn accept(&self) -> io::Result<(Socket, Address)> {
        let (stream, address) = self.accept()?;
        let address = SocketAddr::new(address.ip().to_canonical(), address.port());
        Ok((stream.into(), Address::Tcp(address)))
    }

    fn name(&self) -> io::Result<String> {
        Ok(self.local_addr()?.to_string())
    }

    fn tcp_address(&self) -> io::Result<Option<SocketAddr>> {
        self.local_addr().map(Some)
    }
}

/// Listens on an address, or on all: IPv6 and IPv4, or IPv4 where there is no IPv6. An error comes
/// with the address that cannot be listened on.
pub fn listen(
    bind: Option<IpAddr>,
    port: u16,
    silence: SilenceLimits,
) -> Result<TcpListener, (SocketAddr, io::Error)> {
    let any = IpAddr::from(Ipv6Addr::UNSPECIFIED);
    let on = |ip| {
        let address = SocketAddr::new(ip, port);
        open(address, silence).map_err(|error| (address, error))
    };
    let result = on(bind.unwrap_or(any));
    let code = result
        .as_ref()
        .err()
        .and_then(|(_, error)| error.raw_os_error());
    match (bind, code) {
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
    set_options(&socket, silence)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    // Who has gone when it is their turn is not waited for (accept(2)). It does not pass to the
    // sockets of clients.
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// What each client's socket is to have, and has from the listening one.
pub fn set_options(socket: &Socket, silence: SilenceLimits) -> io::Result<()> {
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
    socket.set_tcp_user_timeout(Some(quiet_timeout(silence)))
}

//! Socket activation: sockets that systemd, or somebody in its place, listens on and hands down, with
//! `LISTEN_FDS`, `LISTEN_PID` and `LISTEN_FDNAMES` (`sd_listen_fds(3)`). It keeps them too, so who
//! connects while no chatd runs waits there for the next one.

use crate::address::Address;
use crate::client::carrier::{Plain, Protocol};
use crate::config::SilenceLimits;
use crate::listener::{Listener, Port, set_options};
use crate::service::unix_socket::UnixSocket;
use listenfd::ListenFd;
use rustix::fd::{AsFd, BorrowedFd};
use socket2::{SockRef, Socket};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::{env, io, process};

/// The first socket that was handed down (`SD_LISTEN_FDS_START`).
const FIRST: usize = 3;

/// What a socket is called that has no TLS.
const PLAIN: &str = "plain";

/// The place of a socket among the others: in this order.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Main,
    Plain,
    Unix,
}

/// The sockets that were handed down to this process, the main one first. None if there are none.
///
/// # Errors
///
/// For the user, on one line.
pub fn ports(
    silence: SilenceLimits,
    main: &Arc<dyn Protocol>,
) -> Result<Option<Vec<Port>>, String> {
    let Some(count) = count()? else {
        return Ok(None);
    };
    let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':');
    // This takes both variables out of the environment, and a child would have no use for the other.
    let mut sockets = ListenFd::from_env();
    let mut ports = Vec::new();
    for index in 0..count {
        let name = names.next().unwrap_or_default();
        let port = take(&mut sockets, index, name, silence, main).map_err(|error| {
            let number = FIRST + index;
            format!("cannot listen on descriptor {number} of LISTEN_FDS: {error}")
        })?;
        ports.push(port);
    }
    ports.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(Some(ports.into_iter().map(|(_, port)| port).collect()))
}

/// Whether sockets were handed down to this process, or somebody meant to.
#[cfg(feature = "tls")]
pub fn is_used() -> bool {
    !matches!(count(), Ok(None))
}

/// How many there are. Those for another process are not for this one.
fn count() -> Result<Option<usize>, String> {
    let variable = |name| env::var(name).unwrap_or_default();
    let count = variable("LISTEN_FDS");
    if variable("LISTEN_PID") != process::id().to_string() || count.is_empty() {
        return Ok(None);
    }
    match count.parse::<u16>() {
        Ok(count) => Ok((count > 0).then_some(count.into())),
        Err(_) => Err(format!("LISTEN_FDS is no number of sockets: {count:?}")),
    }
}

fn take(
    sockets: &mut ListenFd,
    index: usize,
    name: &str,
    silence: SilenceLimits,
    main: &Arc<dyn Protocol>,
) -> io::Result<(Kind, Port)> {
    if let Ok(Some(listener)) = sockets.take_tcp_listener(index) {
        check(&listener, Some(socket2::Protocol::TCP))?;
        set_options(&SockRef::from(&listener), silence)?;
        listener.set_nonblocking(true)?;
        let listener = Box::new(Inherited { listener, silence });
        let (kind, protocol) = match name {
            PLAIN => (Kind::Plain, Arc::new(Plain) as Arc<dyn Protocol>),
            _ => (Kind::Main, Arc::clone(main)),
        };
        return Ok((kind, Port { listener, protocol }));
    }
    match sockets.take_unix_listener(index) {
        Ok(Some(listener)) => {
            check(&listener, None)?;
            Ok((Kind::Unix, UnixSocket::inherit(listener)?))
        }
        _ => Err(unfit()),
    }
}

/// What was handed down may be connected, or a stream of another protocol.
fn check(socket: &impl AsFd, protocol: Option<socket2::Protocol>) -> io::Result<()> {
    let socket = SockRef::from(socket);
    if socket.is_listener()? && socket.protocol()? == protocol {
        Ok(())
    } else {
        Err(unfit())
    }
}

fn unfit() -> io::Error {
    io::Error::other("it is no listening TCP or Unix stream socket")
}

/// A listening TCP socket that others made.
struct Inherited {
    listener: TcpListener,
    silence: SilenceLimits,
}

impl Listener for Inherited {
    fn accept(&self) -> io::Result<(Socket, Address)> {
        let (stream, address) = Listener::accept(&self.listener)?;
        // Who connected before the listening socket had them does not have them from there. On a
        // connection that is gone this fails, and the read says why.
        let _ = set_options(&stream, self.silence);
        Ok((stream, address))
    }

    fn name(&self) -> io::Result<String> {
        self.listener.name()
    }

    fn tcp_address(&self) -> io::Result<Option<SocketAddr>> {
        self.listener.tcp_address()
    }
}

impl AsFd for Inherited {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

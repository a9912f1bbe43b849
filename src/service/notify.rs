//! What systemd is told of a service of `Type=notify`: one datagram for each stage, to the socket
//! that `NOTIFY_SOCKET` names (`sd_notify(3)`).

use crate::shutdown::Bell;
use crate::supervisor::{Stage, Supervisor};
use log::warn;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;
use sd_notify::NotifyState;
use std::env;
use std::ffi::OsStr;
use std::io::{self, ErrorKind::WouldBlock};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How long room in systemd's queue is waited for. If READY=1 is lost, systemd ends the service after
/// a while.
const ROOM_TIME: Timespec = Timespec {
    tv_sec: 5,
    tv_nsec: 0,
};

/// systemd, or who takes its place.
pub struct Systemd {
    /// None where nobody is to be told.
    address: Option<SocketAddr>,
    /// Once it could not be told, or was told of the end.
    is_over: AtomicBool,
    bell: Arc<Bell>,
}

impl Systemd {
    pub fn from_environment(bell: Arc<Bell>) -> Self {
        let name = env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty());
        let address = name.and_then(|name| match address(&name) {
            Ok(address) => Some(address),
            Err(error) => {
                complain(&error);
                None
            }
        });
        let is_over = AtomicBool::new(false);
        Self {
            address,
            is_over,
            bell,
        }
    }

    fn send(&self, stage: Stage, address: &SocketAddr) -> io::Result<()> {
        let message = message(stage)?;
        // Not `sd_notify::notify`, which knows no abstract names and waits for ever.
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        socket.connect_addr(address)?;
        match socket.send(message.as_bytes()) {
            Err(error) if error.kind() == WouldBlock && stage != Stage::Stopping => {
                self.wait_for_room(&socket)?;
                socket.send(message.as_bytes()).map(drop)
            }
            result => result.map(drop),
        }
    }

    /// Waits until systemd has taken something from its queue, but not for ever, and not into the
    /// shutdown.
    fn wait_for_room(&self, socket: &UnixDatagram) -> io::Result<()> {
        let room = PollFd::new(socket, PollFlags::OUT);
        let bell = PollFd::from_borrowed_fd(self.bell.descriptor(), PollFlags::IN);
        let mut set = [room, bell];
        retry_on_intr(|| poll(&mut set, Some(&ROOM_TIME)))?;
        Ok(())
    }
}

impl Supervisor for Systemd {
    fn tell(&self, stage: Stage) {
        let Some(address) = &self.address else { return };
        let is_last = stage == Stage::Stopping;
        if self.is_over.fetch_or(is_last, Ordering::AcqRel) {
            return;
        }
        if let Err(error) = self.send(stage, address) {
            // One thread may wait here while another one fails.
            if !self.is_over.swap(true, Ordering::AcqRel) || is_last {
                complain(&error);
            }
        }
    }
}

fn complain(error: &io::Error) {
    warn!("systemd is told nothing more by NOTIFY_SOCKET: {error}");
}

/// `@` stands for the zero byte that an abstract name begins with (unix(7)).
fn address(name: &OsStr) -> io::Result<SocketAddr> {
    match name.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(name),
    }
}

/// Lines of the form `NAME=VALUE`.
fn message(stage: Stage) -> io::Result<String> {
    Ok(match stage {
        Stage::Ready => NotifyState::Ready.to_string(),
        // The time tells systemd which of its requests this is the answer to.
        Stage::Reloading => {
            let time = NotifyState::monotonic_usec_now()?;
            format!("{}\n{time}", NotifyState::Reloading)
        }
        Stage::Stopping => NotifyState::Stopping.to_string(),
    })
}

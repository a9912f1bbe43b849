//! When a socket that was full has room again: the kernel says so (epoll(7), one shot).
//!
//! A stalled client costs no processor time at all, and a fast one is resumed at once. The
//! broadcaster waits here for everything: for room, for an event, for the shutdown.

use crate::event::ClientId;
use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use std::io;
use std::time::Duration;

/// How many sockets the kernel reports at a time. More are reported the next time.
const REPORTS: usize = 256;

/// What is reported that is no client: they are counted from 1.
const NOBODY: u64 = 0;

pub struct Writability {
    epoll: OwnedFd,
}

impl Writability {
    /// Nobody's socket is full. Fails when the system has no descriptor for it.
    pub fn new() -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        Ok(Self { epoll })
    }

    /// Ends a wait each time that `bell` is rung (eventfd(2)).
    pub fn wake_by(&self, bell: BorrowedFd<'_>) -> io::Result<()> {
        let flags = EventFlags::IN | EventFlags::ET;
        Ok(epoll::add(
            &self.epoll,
            bell,
            EventData::new_u64(NOBODY),
            flags,
        )?)
    }

    /// Reports once when a client's socket has room, at once if it has.
    pub fn watch(&self, socket: impl AsFd, client: ClientId) -> io::Result<()> {
        let data = EventData::new_u64(client.0);
        let flags = EventFlags::OUT | EventFlags::ONESHOT;
        match epoll::modify(&self.epoll, &socket, data, flags) {
            // It has never been full before. A socket that is closed is forgotten by the kernel.
            Err(Errno::NOENT) => Ok(epoll::add(&self.epoll, &socket, data, flags)?),
            result => Ok(result?),
        }
    }

    /// Waits, for `time` at most, and returns whose sockets have room.
    pub fn wait(&self, time: Option<Duration>) -> Vec<ClientId> {
        // What is too long for the system is as good as for ever.
        let time = time.and_then(|time| Timespec::try_from(time).ok());
        let mut reports = Vec::with_capacity(REPORTS);
        // It fails when a signal comes, and then nothing is reported.
        let _ = epoll::wait(&self.epoll, spare_capacity(&mut reports), time.as_ref());
        let clients = reports.iter().map(|report| ClientId(report.data.u64()));
        clients.filter(|client| client.0 != NOBODY).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::event::{EventfdFlags, eventfd};
    use socket2::SockRef;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;
    use std::time::Instant;

    #[test]
    fn a_full_socket_is_reported_once_when_it_has_room() {
        let writability = Writability::new().unwrap();
        let (mut server, mut client) = UnixStream::pair().unwrap();
        let flood = vec![0; 1 << 20];
        server.set_nonblocking(true).unwrap();
        let sent = server.write(&flood).unwrap();
        assert!(sent < flood.len(), "{:?}", SockRef::from(&server));
        writability.watch(&server, ClientId(7)).unwrap();
        assert!(writability.wait(Some(Duration::ZERO)).is_empty());
        client.read_exact(&mut vec![0; sent]).unwrap();
        assert_eq!(writability.wait(None), [ClientId(7)]);
        assert!(writability.wait(Some(Duration::ZERO)).is_empty(), "once");
        writability.watch(&server, ClientId(7)).unwrap();
        assert_eq!(writability.wait(None), [ClientId(7)], "at once");
    }

    #[test]
    fn a_bell_that_rings_ends_one_wait_and_is_no_client() {
        let writability = Writability::new().unwrap();
        let bell = eventfd(0, EventfdFlags::empty()).unwrap();
        writability.wake_by(bell.as_fd()).unwrap();
        let little = Duration::from_millis(20);
        let longest = Duration::from_secs(60);
        for _ in 0..2 {
            rustix::io::write(&bell, &1_u64.to_ne_bytes()).unwrap();
            let start = Instant::now();
            assert!(writability.wait(Some(longest)).is_empty());
            assert!(start.elapsed() < longest);
            // Nobody takes the ring away.
            let start = Instant::now();
            assert!(writability.wait(Some(little)).is_empty());
            assert!(start.elapsed() >= little);
        }
    }
}

//! One TCP connection, shared by its client's thread, which reads, and the broadcaster, which
//! writes.

use crate::client::lingering::read_out;
use crate::delivery::writability::Writability;
use crate::event::ClientId;
use crate::seats::Seat;
use crate::wire::Wire;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, BorrowedFd};
use rustix::net::{RecvFlags, recv};
use socket2::SockRef;
use std::io::{self, IoSlice};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How many bytes the kernel may hold unsent for one client: what is more stays in the shared log.
pub const NOTSENT_LOWAT: u32 = 128 << 10;

/// A client's socket, and what its thread and the broadcaster have to tell each other about it.
pub struct Connection {
    /// Which connection this is.
    pub id: ClientId,
    /// Where it comes from: IPv4 as IPv4.
    pub address: SocketAddr,
    stream: TcpStream,
    writability: Arc<Writability>,
    /// The broadcaster writes nothing more.
    is_finished: AtomicBool,
    /// Given back when the socket is closed.
    _seat: Seat,
}

impl Connection {
    /// Takes over an accepted socket.
    #[must_use]
    pub fn new(
        id: ClientId,
        stream: TcpStream,
        address: SocketAddr,
        seat: Seat,
        writability: Arc<Writability>,
    ) -> Self {
        Self {
            id,
            address: SocketAddr::new(address.ip().to_canonical(), address.port()),
            stream,
            writability,
            is_finished: AtomicBool::new(false),
            _seat: seat,
        }
    }

    /// The socket, to wait for.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }

    /// Reads what is there.
    ///
    /// # Errors
    ///
    /// Those of the socket; [`io::ErrorKind::WouldBlock`] if nothing is there.
    pub fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let (_, length) = recv(&self.stream, buffer, RecvFlags::DONTWAIT)?;
        Ok(length)
    }

    /// Writes to a client that the broadcaster does not know, as far as there is room, and nothing
    /// more.
    pub fn turn_away(&self, text: &[u8]) {
        let _ = self.send(&[IoSlice::new(text)]);
        self.finish();
    }

    /// Whether the broadcaster writes nothing more.
    pub fn is_finished(&self) -> bool {
        self.is_finished.load(Ordering::Acquire)
    }

    /// Waits until the broadcaster has written all that it will, and reads out what the client still
    /// sends.
    pub fn read_out(&self) {
        read_out(&self.stream, || self.is_finished());
    }

    /// Whether the kernel holds bytes for the client that it could not send yet, because the client
    /// takes none.
    ///
    /// A socket is writable while fewer bytes than `TCP_NOTSENT_LOWAT` are unsent, so with 1 it
    /// tells if there are any. A send at the same moment may find no room, and setting it back tells
    /// the broadcaster that there is.
    ///
    /// # Errors
    ///
    /// Those of the socket.
    pub fn has_unsent(&self) -> io::Result<bool> {
        let socket = SockRef::from(&self.stream);
        socket.set_tcp_notsent_lowat(1)?;
        let mut events = [PollFd::new(&self.stream, PollFlags::OUT)];
        let polled = poll(&mut events, Some(&Timespec::default()));
        socket.set_tcp_notsent_lowat(NOTSENT_LOWAT)?;
        Ok(polled? == 0)
    }

    /// How long what was sent may stay unacknowledged, or an idle client's host silent
    /// (`TCP_USER_TIMEOUT`, tcp(7)).
    ///
    /// # Errors
    ///
    /// Those of the socket.
    pub fn set_user_timeout(&self, timeout: Duration) -> io::Result<()> {
        SockRef::from(&self.stream).set_tcp_user_timeout(Some(timeout))
    }
}

impl Wire for Connection {
    fn send(&self, text: &[IoSlice<'_>]) -> io::Result<usize> {
        // Per call, not set_nonblocking, which belongs to the open socket (fcntl(2)).
        SockRef::from(&self.stream)
            .send_vectored_with_flags(text, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL)
    }

    fn tell_when_writable(&self) -> io::Result<()> {
        self.writability.watch(&self.stream, self.id)
    }

    fn hang_up(&self) {
        let socket = SockRef::from(&self.stream);
        // Without this the kernel would go on holding what the client does not take.
        let _ = socket.set_linger(Some(Duration::ZERO));
        self.is_finished.store(true, Ordering::Release);
        // Fails only if the connection is gone already.
        let _ = socket.shutdown(Shutdown::Both);
    }

    fn finish(&self) {
        self.is_finished.store(true, Ordering::Release);
        let _ = self.stream.shutdown(Shutdown::Write);
    }
}

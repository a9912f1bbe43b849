//! One TCP connection, shared by its client's thread, which reads, and the broadcaster, which
//! writes.

use crate::event::ClientId;
use crate::wire::{Held, Tally, Wire};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::SockRef;
use std::io::{self, IoSlice, Read};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// How many bytes the kernel may hold unsent for one client: what is more stays in the shared log.
pub const NOTSENT_LOWAT: u32 = 128 << 10;

/// How long a client may take to close its side after the server has closed its own.
const READ_OUT_TIME: Duration = Duration::from_secs(1);

/// How far the connection's end has come. It only ever goes forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
enum Stage {
    /// Both sides send.
    Open,
    /// Nothing more is taken from the client.
    Stopped,
    /// Nothing more is written to it either.
    Finished,
    /// The connection is dead.
    HungUp,
}

/// A client's socket, and what its thread and the broadcaster have to tell each other about it.
pub struct Connection {
    /// Which connection this is.
    pub id: ClientId,
    stream: TcpStream,
    peer: SocketAddr,
    stage: AtomicU8,
    /// Bytes that the server writes before each line of this client.
    prefix: AtomicUsize,
    lines: AtomicU64,
    bytes: AtomicU64,
    /// The thread waits for the client, and holds nothing of what it said before.
    is_waiting: AtomicBool,
    /// The client's thread, to be woken when the stage changes.
    thread: OnceLock<Thread>,
}

impl Connection {
    /// Takes over an accepted socket.
    #[must_use]
    pub fn new(id: ClientId, stream: TcpStream, peer: SocketAddr) -> Self {
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        Self {
            id,
            stream,
            peer,
            stage: AtomicU8::new(Stage::Open as u8),
            prefix: AtomicUsize::new(0),
            lines: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            is_waiting: AtomicBool::new(false),
            thread: OnceLock::new(),
        }
    }

    /// Makes the current thread the one that reads.
    pub fn attach_thread(&self) {
        self.thread.get_or_init(thread::current);
    }

    /// Waits for the client, up to the time set by [`Self::set_read_timeout`], and reads into
    /// `buffer`. `None` once nothing more is to be taken from it: what is read then is thrown away.
    ///
    /// # Errors
    ///
    /// Those of the socket; [`io::ErrorKind::WouldBlock`] when the time is over.
    pub fn read(&self, buffer: &mut [u8]) -> Option<io::Result<usize>> {
        // Both sides write their flag before they read the other's, so either this thread sees that
        // it was stopped, or the one that stops it sees that this one waits. It is not woken: on
        // Linux that would take a shutdown of the receiving side, and a connection that is shut
        // down on both sides is reset by the next byte that comes, the goodbye still in it.
        self.is_waiting.store(true, Ordering::SeqCst);
        let result = self.is_open().then(|| self.receive(buffer));
        self.is_waiting.store(false, Ordering::SeqCst);
        result.filter(|_| self.is_open())
    }

    fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match (&self.stream).read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    /// The client has sent so many lines and bytes more.
    pub fn count(&self, lines: u64, bytes: u64) {
        self.lines.fetch_add(lines, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// How long a read may wait.
    ///
    /// # Errors
    ///
    /// Those of the socket.
    pub fn set_read_timeout(&self, timeout: Duration) -> io::Result<()> {
        self.stream
            .set_read_timeout(Some(timeout.max(Duration::from_millis(1))))
    }

    /// How many bytes the server writes before each line of this client.
    #[must_use]
    pub fn prefix(&self) -> usize {
        self.prefix.load(Ordering::Relaxed)
    }

    /// Whether the client's thread may go on.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.stage.load(Ordering::SeqCst) == Stage::Open as u8
    }

    /// Lets the client's thread sleep for `time`, or until the connection is no longer open.
    pub fn rest(&self, time: Duration) {
        let end = Instant::now().checked_add(time);
        while self.is_open() {
            match end {
                Some(end) => match end.checked_duration_since(Instant::now()) {
                    Some(left) => thread::park_timeout(left),
                    None => return,
                },
                None => thread::park(),
            }
        }
    }

    /// Whether the kernel holds bytes for the client that it could not send yet, because the client
    /// takes none.
    ///
    /// A socket is writable while fewer bytes than `TCP_NOTSENT_LOWAT` are unsent, so with 1 it
    /// tells if there are any. A send at the same moment may find no room, and is tried again.
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

    /// Waits until the broadcaster has written all that it will, then reads out what the client
    /// still sends.
    ///
    /// Closing a socket with unread bytes would reset the connection, and a reset can overtake the
    /// last lines.
    pub fn read_out(&self) {
        while self.stage.load(Ordering::Acquire) < Stage::Finished as u8 {
            thread::park();
        }
        let end = Instant::now() + READ_OUT_TIME;
        let mut rubbish = [0; 1024];
        while self.stage.load(Ordering::Acquire) == Stage::Finished as u8 {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || self.set_read_timeout(left).is_err() {
                return;
            }
            match self.receive(&mut rubbish) {
                Ok(1..) => {}
                Ok(0) | Err(_) => return,
            }
        }
    }

    fn advance(&self, stage: Stage, shutdown: Option<Shutdown>) {
        self.stage.fetch_max(stage as u8, Ordering::SeqCst);
        if let Some(how) = shutdown {
            // Fails only if the connection is gone already.
            let _ = self.stream.shutdown(how);
        }
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }
}

impl Wire for Connection {
    fn peer(&self) -> SocketAddr {
        self.peer
    }

    fn send(&self, text: &[IoSlice<'_>]) -> io::Result<usize> {
        // Per call, not set_nonblocking: that would make the thread's blocking read a busy loop.
        SockRef::from(&self.stream)
            .send_vectored_with_flags(text, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL)
    }

    fn set_prefix(&self, bytes: usize) {
        self.prefix.store(bytes, Ordering::Relaxed);
    }

    fn tally(&self) -> Tally {
        Tally {
            lines: self.lines.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }

    fn stop(&self) -> Held {
        self.advance(Stage::Stopped, None);
        if self.is_waiting.load(Ordering::SeqCst) {
            Held::Nothing
        } else {
            Held::PerhapsLines
        }
    }

    fn hang_up(&self) {
        // Without this the kernel would go on holding what the client does not take.
        let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
        self.advance(Stage::HungUp, Some(Shutdown::Both));
    }

    fn finish(&self) {
        self.advance(Stage::Finished, Some(Shutdown::Write));
    }
}

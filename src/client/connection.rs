//! One connection, shared by its client's thread, which reads, and the broadcaster, which
//! writes.

use crate::address::Address;
use crate::client::carrier::Carriage;
use crate::config::SilenceLimits;
use crate::event::ClientId;
use crate::seats::Seat;
use crate::shared::Shared;
use crate::wire::Wire;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::Socket;
use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How many bytes the kernel may hold unsent for one client: what is more stays in the shared log.
pub const NOTSENT_LOWAT: u32 = 128 << 10;

/// A client's socket, and what its thread and the broadcaster have to tell each other about it.
pub struct Connection {
    pub id: ClientId,
    /// Where it comes from: IPv4 as IPv4.
    pub address: Address,
    pub stream: Socket,
    pub shared: Arc<Shared>,
    /// How its bytes are carried.
    pub carriage: Box<dyn Carriage>,
    /// The broadcaster writes nothing more.
    pub has_finished: AtomicBool,
    /// What is still on its way is of no use any more.
    pub was_let_go: AtomicBool,
    /// Given back when the socket is closed.
    pub(crate) _seat: Seat,
}

impl Connection {
    /// Whether the broadcaster writes nothing more.
    pub fn is_finished(&self) -> bool {
        self.has_finished.load(Ordering::Acquire)
    }

    /// Chooses how long what was sent may stay unacknowledged, or a silent client's host silent. A
    /// host that is gone is to be noticed soon, but one that only takes nothing has longer. The
    /// kernel has one limit for both (`TCP_USER_TIMEOUT` overrides the number of keepalive probes,
    /// tcp(7)), so it is set to the one that matters now.
    pub fn choose_user_timeout(&self) -> io::Result<()> {
        let limits = self.shared.config.silence;
        let socket = &self.stream;
        // A socket is writable while fewer bytes than this are unsent, so with 1 it tells if there
        // are any. A send at the same moment may find no room, and setting it back tells the
        // broadcaster that there is.
        socket.set_tcp_notsent_lowat(1)?;
        let mut events = [PollFd::new(&self.stream, PollFlags::OUT)];
        let polled = poll(&mut events, Some(&Timespec::default()));
        socket.set_tcp_notsent_lowat(NOTSENT_LOWAT)?;
        let has_unsent = polled? == 0;
        socket.set_tcp_user_timeout(Some(if has_unsent {
            limits.user_timeout
        } else {
            quiet_timeout(limits)
        }))
    }
}

impl Wire for Connection {
    fn send(&self, text: &[IoSlice<'_>]) -> io::Result<usize> {
        self.carriage.send(&self.stream, text)
    }

    fn tell_when_writable(&self) -> io::Result<()> {
        let inlet = self.carriage.inlet(&self.stream);
        self.shared.writability.watch(inlet, self.id)
    }

    fn hang_up(&self) {
        // Without this the kernel would go on holding what the client does not take.
        let _ = self.stream.set_linger(Some(Duration::ZERO));
        self.was_let_go.store(true, Ordering::Release);
        self.has_finished.store(true, Ordering::Release);
        // Fails only if the connection is gone already.
        let _ = self.carriage.inlet(&self.stream).shutdown(Shutdown::Both);
    }

    fn finish(&self) {
        self.has_finished.store(true, Ordering::Release);
        let _ = self.carriage.inlet(&self.stream).shutdown(Shutdown::Write);
    }

    fn end_reading(&self) {
        // Not before: what comes after this is answered by a reset (RFC 1122, section 4.2.2.13).
        let _ = self.stream.shutdown(Shutdown::Read);
    }
}

/// For how long a silent host is waited for while nothing is pending: less than `--keepalive`, by
/// the one probe that the kernel may be late.
pub fn quiet_timeout(limits: SilenceLimits) -> Duration {
    limits.keepalive * 11 / 12
}

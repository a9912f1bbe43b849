//! One encrypted connection, as its client's thread drives it: ciphertext between the client's socket
//! and here, plaintext between here and the socket pair that the broadcaster writes into.
//!
//! All of it is non-blocking per call. While the client's socket takes nothing more, nothing more is
//! taken from the pair: what waits for a stalled client backs up into the pair and then into the
//! shared log.

use crate::client::carrier::{Carrier, Interest, Received};
use crate::client::connection::Connection;
use crate::client::lingering;
use crate::config::Mode;
use crate::tls::Tls;
use log::debug;
use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use rustls::{IoState, ServerConnection};
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How many bytes of plaintext are encrypted at a time: what rustls holds at most.
const CHUNK: usize = 64 << 10;

/// The longest record, with its header (RFC 8446, section 5.2).
const MOST_RECORD: usize = 5 + (16 << 10) + 256;

/// How many bytes go out in one turn, so that what the client sends is heard in between.
const TURN: usize = 4 * CHUNK;

/// How long what is left is written after the broadcaster is done, and how often it is looked
/// whether it is.
const FINISHING_TIME: Duration = Duration::from_secs(2);
const STEP: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 20_000_000,
};

/// How long a client may take for its handshake.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// How a TLS connection begins (RFC 8446, section 5.1).
const HANDSHAKE_RECORD: u8 = 0x16;

const NOT_TLS: &[u8] = b"-- this server speaks TLS: ncat --ssl HOST PORT, \
    or openssl s_client -quiet -connect HOST:PORT\n";

pub struct TlsCarrier<'a> {
    stream: &'a TcpStream,
    /// Its other end is what the broadcaster writes into.
    outlet: &'a UnixStream,
    session: ServerConnection,
    /// The client's socket has taken less than it was offered.
    is_stuck: bool,
    /// Nothing more comes from the broadcaster.
    has_ended: bool,
    has_said_goodbye: bool,
    /// How many bytes of plaintext were received and not taken yet.
    unread: usize,
    /// How many bytes of ciphertext have come that were not charged and for which no plaintext has
    /// come either.
    overhead: usize,
}

/// The client's socket, without waiting.
struct Nonblocking<'a>(&'a TcpStream);

impl Read for Nonblocking<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(recv(self.0, buffer, RecvFlags::DONTWAIT)?.1)
    }
}

impl Write for Nonblocking<'_> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        Ok(send(
            self.0,
            text,
            SendFlags::DONTWAIT | SendFlags::NOSIGNAL,
        )?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Makes a carrier of a client that has just connected. None if that is not possible: a client that
/// does not speak TLS is told so.
pub fn shake_hands<'a>(
    tls: &Tls,
    connection: &'a Connection,
    outlet: &'a UnixStream,
) -> Option<TlsCarrier<'a>> {
    let failed = |why: &dyn fmt::Display| {
        let address = connection.address;
        debug!(target: "chatd::handshakes", "no handshake: {address}, {why}");
    };
    let (stream, bell) = (&connection.stream, &connection.shared.bell);
    let mut carrier = match TlsCarrier::new(tls, stream, outlet) {
        Ok(carrier) => carrier,
        Err(error) => {
            failed(&error);
            return None;
        }
    };
    let end = Instant::now() + HANDSHAKE_TIME;
    let mut first = [0];
    while !bell.has_rung() && Instant::now() < end {
        let wanted = carrier.interest(PollFlags::IN).stream;
        let mut set = [
            PollFd::from_borrowed_fd(bell.descriptor(), PollFlags::IN),
            PollFd::new(stream, wanted),
        ];
        let wait = end.saturating_duration_since(Instant::now());
        let _ = poll(&mut set, Timespec::try_from(wait).ok().as_ref());
        if first[0] != HANDSHAKE_RECORD {
            match recv(stream, &mut first, RecvFlags::DONTWAIT | RecvFlags::PEEK) {
                Err(Errno::AGAIN | Errno::INTR) => continue,
                Ok((_, 1)) if first[0] == HANDSHAKE_RECORD => {}
                Ok((_, 0)) | Err(_) => {
                    failed(&"closed");
                    return None;
                }
                Ok(_) => break,
            }
        }
        match carrier.shake_hands(tls, end) {
            Ok(true) => return Some(carrier),
            Ok(false) => {}
            Err(error) => {
                failed(&error);
                lingering::read_out(stream, || true);
                return None;
            }
        }
    }
    if first[0] != HANDSHAKE_RECORD && matches!(connection.shared.config.mode, Mode::Chat { .. }) {
        lingering::turn_away(stream, NOT_TLS);
        lingering::read_out(stream, || true);
    }
    failed(&"it does not speak TLS, or took too long");
    None
}

impl Carrier for TlsCarrier<'_> {
    fn interest(&self, wanted: PollFlags) -> Interest<'_> {
        let (room, more) = if self.is_stuck {
            (PollFlags::OUT, PollFlags::empty())
        } else {
            (PollFlags::empty(), PollFlags::IN)
        };
        Interest {
            stream: wanted | room,
            // It would report its end for ever.
            outlet: (!self.has_ended).then_some((self.outlet, more)),
        }
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Received> {
        // While much comes, nothing else looks whether the broadcaster has written something.
        self.pump()?;
        if let Some(received) = self.read_plaintext(buffer)? {
            return Ok(received);
        }
        self.overhead += self.session.read_tls(&mut Nonblocking(self.stream))?;
        let processed = self.session.process_new_packets();
        self.take_state(processed)?;
        self.write_out()?;
        let received = self.read_plaintext(buffer)?;
        Ok(received.unwrap_or(Received::Nothing))
    }

    fn take_overhead(&mut self) -> usize {
        // Some of it may be a record that has not come whole.
        let beyond = self.overhead.saturating_sub(MOST_RECORD);
        self.overhead -= beyond;
        beyond
    }

    fn has_received(&self) -> bool {
        self.unread > 0
    }

    fn pump(&mut self) -> io::Result<()> {
        self.write_out()?;
        let mut chunk = Vec::with_capacity(CHUNK);
        let mut passed = 0;
        while !self.is_stuck && !self.has_ended && passed < TURN {
            chunk.clear();
            match recv(self.outlet, spare_capacity(&mut chunk), RecvFlags::DONTWAIT) {
                Ok(_) if chunk.is_empty() => self.has_ended = true,
                Ok(_) => {
                    passed += chunk.len();
                    self.write_plaintext(&chunk)?;
                }
                Err(Errno::AGAIN) => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn drop_rest(&mut self) {
        (self.has_ended, self.is_stuck) = (true, false);
    }

    fn turn_away(&mut self, text: &[u8]) {
        let _ = self.write_plaintext(text);
        self.has_ended = true;
        let _ = self.say_goodbye();
    }

    fn close(&mut self, connection: &Connection) {
        if self.finish(connection) {
            lingering::read_out(self.stream, || true);
        }
    }
}

impl<'a> TlsCarrier<'a> {
    fn new(tls: &Tls, stream: &'a TcpStream, outlet: &'a UnixStream) -> io::Result<Self> {
        let session = ServerConnection::new(tls.config()).map_err(io::Error::other)?;
        Ok(Self {
            stream,
            outlet,
            session,
            is_stuck: false,
            has_ended: false,
            has_said_goodbye: false,
            unread: 0,
            overhead: 0,
        })
    }

    /// Goes on with the handshake as far as bytes have come. Returns whether it is done.
    fn shake_hands(&mut self, tls: &Tls, end: Instant) -> io::Result<bool> {
        match self.session.read_tls(&mut Nonblocking(self.stream)) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(_) => {
                let turn = tls.turns.1.recv_deadline(end);
                let processed = self.session.process_new_packets();
                if turn.is_ok() {
                    let _ = tls.turns.0.send(());
                }
                self.take_state(processed)?;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        self.write_out()?;
        Ok(!self.session.is_handshaking())
    }

    fn take_state(&mut self, processed: Result<IoState, rustls::Error>) -> io::Result<()> {
        match processed {
            Ok(state) => {
                self.unread = state.plaintext_bytes_to_read();
                Ok(())
            }
            Err(error) => {
                // The client is told why, if there is room for that.
                let _ = self.write_out();
                Err(io::Error::new(ErrorKind::InvalidData, error))
            }
        }
    }

    fn read_plaintext(&mut self, buffer: &mut [u8]) -> io::Result<Option<Received>> {
        match self.session.reader().read(buffer) {
            Ok(0) => Ok(Some(Received::End)),
            Ok(bytes) => {
                self.unread -= bytes;
                self.overhead = self.overhead.saturating_sub(bytes);
                Ok(Some(Received::Bytes(bytes)))
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            // A FIN without close_notify: somebody on the way may have cut off what came before.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(Some(Received::TornEnd)),
            Err(error) => Err(error),
        }
    }

    /// Encrypts `text`, of which rustls takes all: it holds nothing while its records go out.
    fn write_plaintext(&mut self, text: &[u8]) -> io::Result<()> {
        self.session.writer().write_all(text)?;
        self.write_out()
    }

    fn write_out(&mut self) -> io::Result<()> {
        self.is_stuck = false;
        while self.session.wants_write() {
            match self.session.write_tls(&mut Nonblocking(self.stream)) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.is_stuck = true;
                    break;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Ends the sending side, once everything was sent. Returns whether it is done.
    fn say_goodbye(&mut self) -> io::Result<bool> {
        self.pump()?;
        if self.has_ended && !self.has_said_goodbye {
            self.has_said_goodbye = true;
            self.session.send_close_notify();
            self.write_out()?;
        }
        let is_done = self.has_said_goodbye && !self.is_stuck;
        if is_done {
            self.stream.shutdown(Shutdown::Write)?;
        }
        Ok(is_done)
    }

    /// Writes what is left, once the broadcaster is done, and ends the sending side. Returns whether
    /// that was possible in time.
    fn finish(&mut self, connection: &Connection) -> bool {
        let mut end = None;
        loop {
            if connection.was_let_go.load(Ordering::Acquire) {
                return false;
            }
            match self.say_goodbye() {
                Ok(true) => return true,
                Ok(false) => {}
                Err(_) => return false,
            }
            let now = Instant::now();
            if end.is_none() && connection.is_finished() {
                end = Some(now + FINISHING_TIME);
            }
            if end.is_some_and(|end| end <= now) {
                return false;
            }
            let Interest { stream, outlet } = self.interest(PollFlags::empty());
            let mut set = vec![PollFd::new(self.stream, stream)];
            set.extend(outlet.map(|(outlet, flags)| PollFd::new(outlet, flags)));
            let _ = poll(&mut set, Some(&STEP));
        }
    }
}

//! One encrypted connection, as its client's thread drives it: ciphertext between the client's socket
//! and here, plaintext between here and the socket pair that the broadcaster writes into.
//!
//! All of it is non-blocking per call. While the client's socket takes nothing more, nothing more is
//! taken from the pair: what waits for a stalled client backs up into the pair and then into the
//! shared log.

use crate::client::carrier::{Carrier, Interest, Received};
use crate::client::connection::Connection;
use crate::client::lingering;
use crate::tls::Tls;
use crate::tls::records::Records;
use libc::{MSG_DONTWAIT, MSG_NOSIGNAL};
use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use rustls::ServerConnection;
use socket2::Socket;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::Shutdown;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How many bytes of plaintext are encrypted at a time: what rustls holds at most.
const CHUNK: usize = 64 << 10;

/// How many bytes go out in one turn, so that what the client sends is heard in between.
const TURN: usize = 4 * CHUNK;

/// How long what is left is written when the client leaves, and how often it is looked whether the
/// broadcaster is done.
const FINISHING_TIME: Duration = Duration::from_secs(2);
const STEP: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 20_000_000,
};

/// What carries the bytes of a client that speaks TLS.
pub struct TlsCarrier<'a> {
    stream: &'a Socket,
    /// Its other end is what the broadcaster writes into.
    outlet: &'a Socket,
    session: ServerConnection,
    /// The client's socket has taken less than it was offered.
    is_stuck: bool,
    /// Nothing more comes from the broadcaster.
    has_ended: bool,
    /// Why nothing more can be sent. What the client has sent before is read all the same.
    failure: Option<io::Error>,
    /// The client has said that nothing more comes, or what comes cannot be decrypted. No socket
    /// tells of that.
    is_over: bool,
    records: Records,
    /// How many bytes of plaintext were received and not taken yet.
    unread: usize,
    /// How many bytes of whole records were taken as plaintext, or told of as bytes that say
    /// nothing.
    told: u64,
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
        self.pump();
        if !self.has_received() {
            self.session
                .read_tls(&mut Inbound(self.stream, &mut self.records))?;
            self.decrypt();
        }
        // It is paid for before the lines behind it.
        let nothing = self.beyond_plaintext();
        if nothing > 0 {
            self.told += nothing;
            return Ok(Received::Nothing(nothing));
        }
        self.read_plaintext(buffer)
    }

    fn has_received(&self) -> bool {
        self.unread > 0 || self.is_over
    }

    fn pump(&mut self) {
        self.write_out();
        let mut chunk = Vec::with_capacity(CHUNK);
        let mut passed = 0;
        while !self.is_stuck && !self.has_ended && passed < TURN {
            chunk.clear();
            match recv(self.outlet, spare_capacity(&mut chunk), RecvFlags::DONTWAIT) {
                Ok(_) if chunk.is_empty() => self.has_ended = true,
                Ok(_) => {
                    passed += chunk.len();
                    self.write_plaintext(&chunk);
                    if chunk.len() < CHUNK {
                        // There is no more, and poll tells when there is.
                        break;
                    }
                }
                Err(Errno::AGAIN | Errno::INTR) => break,
                Err(_) => self.has_ended = true,
            }
        }
    }

    fn take_failure(&mut self) -> Option<io::Error> {
        // What cannot be decrypted is told of behind what came before it.
        if self.is_over {
            None
        } else {
            self.failure.take()
        }
    }

    fn drop_rest(&mut self) {
        (self.has_ended, self.is_stuck) = (true, false);
    }

    fn turn_away(&mut self, text: &[u8]) {
        self.write_plaintext(text);
        self.has_ended = true;
        let _ = self.say_goodbye();
    }

    fn close(&mut self, connection: &Connection) {
        if self.finish(connection) {
            lingering::read_out(self.stream, || true);
        } else {
            // The broadcaster need not go on writing.
            let _ = self.outlet.shutdown(Shutdown::Both);
        }
    }
}

impl<'a> TlsCarrier<'a> {
    /// Of a client that is about to begin. `outlet` is the other end of what the broadcaster writes
    /// into.
    ///
    /// # Errors
    ///
    /// The system has no random numbers.
    pub fn new(tls: &Tls, stream: &'a Socket, outlet: &'a Socket) -> io::Result<Self> {
        let mut session = ServerConnection::new(tls.config()).map_err(io::Error::other)?;
        // What is written is a chunk, and nothing before all of that is sent. A limit would cut off
        // what does not fit beside a key update.
        session.set_buffer_limit(None);
        Ok(Self {
            stream,
            outlet,
            session,
            is_stuck: false,
            has_ended: false,
            failure: None,
            is_over: false,
            records: Records::default(),
            unread: 0,
            told: 0,
        })
    }

    /// Goes on with the handshake as far as bytes have come, if its turn comes before `end`. Returns
    /// whether it is done.
    ///
    /// # Errors
    ///
    /// The client is gone, or does not speak TLS as it should.
    pub fn begin(&mut self, tls: &Tls, end: Instant) -> io::Result<bool> {
        let inbound = &mut Inbound(self.stream, &mut self.records);
        match self.session.read_tls(inbound) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(_) => {
                let Some(_turn) = tls.turns.wait(end) else {
                    return Ok(false);
                };
                self.decrypt();
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        self.write_out();
        // What belongs to the handshake is not paid for.
        self.told = self.records.whole.saturating_sub(self.unread as u64);
        match self.failure.take() {
            Some(error) => Err(error),
            None => Ok(!self.session.is_handshaking()),
        }
    }

    /// Decrypts what was read.
    fn decrypt(&mut self) {
        match self.session.process_new_packets() {
            Ok(state) => {
                self.unread = state.plaintext_bytes_to_read();
                self.is_over = state.peer_has_closed();
            }
            Err(error) => {
                // The client is told why, if there is room for that.
                self.write_out();
                self.is_over = true;
                // Of what came with that nobody knows what it says.
                self.told = self.records.whole;
                self.failure = Some(io::Error::new(ErrorKind::InvalidData, error));
            }
        }
    }

    /// How many bytes came that say nothing, and were not told of yet.
    fn beyond_plaintext(&self) -> u64 {
        let whole = self.records.whole.saturating_sub(self.unread as u64);
        whole.saturating_sub(self.told)
    }

    fn read_plaintext(&mut self, buffer: &mut [u8]) -> io::Result<Received> {
        match self.session.reader().read(buffer) {
            Ok(0) => Ok(Received::End),
            Ok(bytes) => {
                self.unread = self.unread.saturating_sub(bytes);
                self.told += bytes as u64;
                Ok(Received::Bytes(bytes))
            }
            Err(error) => match (self.failure.take(), error.kind()) {
                (Some(failure), ErrorKind::UnexpectedEof) => Err(failure),
                (Some(failure), _) if self.is_over => Err(failure),
                // A FIN without close_notify: somebody on the way may have cut off what came
                // before.
                (None, ErrorKind::UnexpectedEof) => Ok(Received::TornEnd),
                (failure, _) => {
                    self.failure = failure;
                    Err(error)
                }
            },
        }
    }

    /// Encrypts `text`, of which rustls takes all: it holds nothing while its records go out.
    fn write_plaintext(&mut self, text: &[u8]) {
        if self.failure.is_some() {
            return;
        }
        if let Err(error) = self.session.writer().write_all(text) {
            self.failure = Some(error);
        }
        self.write_out();
    }

    fn write_out(&mut self) {
        self.is_stuck = false;
        while self.failure.is_none() && self.session.wants_write() {
            match self.session.write_tls(&mut Outbound(self.stream)) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.is_stuck = true;
                    break;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => self.failure = Some(error),
            }
        }
    }

    /// Writes what is left, and ends the sending side once the broadcaster is done and all of it was
    /// sent. Returns whether that is so; else it is to be called again.
    ///
    /// # Errors
    ///
    /// Nothing more can be sent.
    pub fn say_goodbye(&mut self) -> io::Result<bool> {
        self.pump();
        if self.has_ended {
            // At most once, whatever it is told.
            self.session.send_close_notify();
            self.write_out();
        }
        if let Some(error) = self.failure.take() {
            return Err(error);
        }
        let is_done = self.has_ended && !self.is_stuck;
        if is_done {
            // Fails only if the connection is gone.
            let _ = self.stream.shutdown(Shutdown::Write);
        }
        Ok(is_done)
    }

    /// Writes what is left, until the broadcaster is done, and ends the sending side. What the
    /// client still sends is thrown away. Returns whether that was possible in time.
    fn finish(&mut self, connection: &Connection) -> bool {
        let end = Instant::now() + FINISHING_TIME;
        let mut hears = PollFlags::IN;
        let mut rubbish = [0; 1024];
        while !connection.was_let_go.load(Ordering::Acquire) {
            match self.say_goodbye() {
                Ok(true) => return true,
                Ok(false) if connection.is_finished() && end <= Instant::now() => return false,
                Ok(false) => {}
                Err(_) => return false,
            }
            let Interest { stream, outlet } = self.interest(hears);
            let stream = (!stream.is_empty()).then(|| PollFd::new(self.stream, stream));
            let outlet = outlet.map(|(outlet, flags)| PollFd::new(outlet, flags));
            let mut set: Vec<_> = stream.into_iter().chain(outlet).collect();
            let _ = poll(&mut set, Some(&STEP));
            match recv(self.stream, &mut rubbish, RecvFlags::DONTWAIT) {
                Ok((_, 1..)) | Err(Errno::AGAIN | Errno::INTR) => {}
                Ok(_) | Err(_) => hears = PollFlags::empty(),
            }
        }
        false
    }
}

/// The client's socket, without waiting. What comes is counted.
struct Inbound<'a>(&'a Socket, &'a mut Records);
struct Outbound<'a>(&'a Socket);

impl Read for Inbound<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (_, bytes) = recv(self.0, &mut *buffer, RecvFlags::DONTWAIT)?;
        self.1.take(&buffer[..bytes]);
        Ok(bytes)
    }
}

impl Write for Outbound<'_> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(text)])
    }

    fn write_vectored(&mut self, text: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0
            .send_vectored_with_flags(text, MSG_DONTWAIT | MSG_NOSIGNAL)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

//! One client's connection, plain or over TLS. What it gives and takes is plaintext in both cases.

use std::io::{self, ErrorKind, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use rustix::net::{RecvFlags, recv};
use socket2::{Domain, Socket, Type};

use crate::records::Records;
use crate::tls::Session;
use crate::wire::Role;

/// The receive buffer of a client that stops reading, in bytes. Elsewhere it would stand on another
/// machine; here the kernel counts it as well, and what is to be seen is the server's part.
const SMALL_BUFFER: usize = 8 << 10;

/// How long a connection may take.
const CONNECTS_WITHIN: Duration = Duration::from_secs(10);

/// How what comes for a client is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// It is counted and thrown away.
    Counted,
    /// It is copied, to be looked at.
    Copied,
}

/// What has happened to a client.
pub enum Event<'a> {
    /// So many bytes have come.
    Counted(usize),
    /// These bytes have come; none while hands are shaken.
    Copied(&'a [u8]),
    /// The server has closed its side.
    Closed,
}

impl Event<'_> {
    /// How many bytes have come.
    pub fn count(&self) -> usize {
        match self {
            Event::Counted(count) => *count,
            Event::Copied(bytes) => bytes.len(),
            Event::Closed => 0,
        }
    }
}

/// Whether the socket has taken what it was given.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Room {
    Enough,
    None,
}

/// Where what comes is put.
pub struct Buffers {
    /// Pages of it are touched only by what is copied.
    pub read: Vec<u8>,
    pub plaintext: Vec<u8>,
}

pub struct Link {
    pub socket: TcpStream,
    session: Option<Box<Session>>,
    records: Records,
}

impl Link {
    /// Connects, with a receive buffer that fits the client's role. The session is new, if there is
    /// one.
    pub fn connect(
        server: &SocketAddr,
        role: Role,
        session: Option<Box<Session>>,
    ) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(*server), Type::STREAM, None)?;
        if role == Role::StopsReading {
            // It decides how much is under way, so it is set before the two sides agree on that.
            socket.set_recv_buffer_size(SMALL_BUFFER)?;
        }
        socket.connect_timeout(&(*server).into(), CONNECTS_WITHIN)?;
        let socket = TcpStream::from(socket);
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket,
            session,
            records: Records::default(),
        })
    }

    /// The session, if the connection has one.
    pub fn session(&self) -> Option<&Session> {
        self.session.as_deref()
    }

    /// Sends what fits now. Gives the number of bytes taken and whether there is room for more.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<(usize, Room)> {
        let Some(session) = &mut self.session else {
            let sent = match self.socket.write(bytes) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
                result => result?,
            };
            let room = if sent < bytes.len() {
                Room::None
            } else {
                Room::Enough
            };
            return Ok((sent, room));
        };
        if session.flush(&mut self.socket)? == Room::None {
            return Ok((0, Room::None));
        }
        let taken = session.encrypt(bytes)?;
        Ok((taken, session.flush(&mut self.socket)?))
    }

    /// Sends what was taken and did not fit.
    pub fn flush(&mut self) -> io::Result<Room> {
        match &mut self.session {
            Some(session) => session.flush(&mut self.socket),
            None => Ok(Room::Enough),
        }
    }

    /// Nothing more is sent.
    pub fn finish(&mut self) -> io::Result<()> {
        if let Some(session) = &mut self.session {
            session.say_goodbye();
            session.flush(&mut self.socket)?;
        }
        self.socket.shutdown(Shutdown::Write)
    }

    /// Reads what has come. Nothing if that was nothing.
    pub fn receive<'a>(
        &mut self,
        reading: Reading,
        buffers: &'a mut Buffers,
    ) -> io::Result<Option<Event<'a>>> {
        let how = match (reading, &self.session) {
            (Reading::Counted, None) => RecvFlags::TRUNC | RecvFlags::DONTWAIT,
            (Reading::Counted, Some(_)) => {
                return ended(self.records.count(&self.socket, &mut buffers.read));
            }
            (Reading::Copied, _) => RecvFlags::DONTWAIT,
        };
        let count = match recv(&self.socket, &mut buffers.read[..], how) {
            Ok((_, 0)) => return Ok(Some(Event::Closed)),
            Ok((_, count)) => count,
            Err(error) => return ended(Err(error.into())),
        };
        let Some(session) = &mut self.session else {
            return Ok(Some(match reading {
                Reading::Counted => Event::Counted(count),
                Reading::Copied => Event::Copied(&buffers.read[..count]),
            }));
        };
        buffers.plaintext.clear();
        session.decrypt(&buffers.read[..count], &mut buffers.plaintext)?;
        // Its part of the handshake, for which there is room.
        session.flush(&mut self.socket)?;
        Ok(Some(Event::Copied(&buffers.plaintext)))
    }
}

/// What was counted, or what an error says about the connection.
fn ended<'a>(counted: io::Result<Option<usize>>) -> io::Result<Option<Event<'a>>> {
    match counted {
        Ok(Some(count)) => Ok(Some(Event::Counted(count))),
        Ok(None) => Ok(Some(Event::Closed)),
        Err(error) => match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::Interrupted => Ok(None),
            ErrorKind::ConnectionReset => Ok(Some(Event::Closed)),
            _ => Err(error),
        },
    }
}

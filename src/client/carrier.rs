//! How a client's bytes are carried between its socket, its thread and the broadcaster: as they are,
//! or encrypted.

use crate::client::connection::Connection;
use crate::client::lingering;
use crate::event::Ending;
use crate::name::Name;
use rustix::event::PollFlags;
use rustix::net::{RecvFlags, recv};
use socket2::Socket;
use std::io::{self, IoSlice};

/// What a port speaks.
pub trait Protocol: Send + Sync {
    /// What the log says of it behind the address: nothing where bytes go as they are.
    fn name(&self) -> &'static str {
        ""
    }

    /// The client with which people join.
    fn client(&self) -> &'static str;

    /// How many descriptors each client takes.
    fn descriptors(&self) -> u64 {
        1
    }

    /// What carries the bytes of one more client.
    ///
    /// # Errors
    ///
    /// The system has no descriptors for it.
    fn carriage(&self) -> io::Result<Box<dyn Carriage>>;

    /// Whether nobody on the way can read what is sent.
    #[cfg_attr(not(feature = "data"), allow(dead_code))]
    fn is_encrypted(&self) -> bool {
        false
    }

    /// What a client reads that is turned away at once.
    fn refusal(&self, text: &'static [u8]) -> &'static [u8] {
        text
    }
}

/// What one client's bytes are carried by, as the broadcaster and the client's thread share it.
pub trait Carriage: Send + Sync {
    /// What to type to join, as those are told who come with something else.
    fn client(&self) -> &'static str {
        "nc HOST PORT"
    }

    /// What the broadcaster writes into.
    fn inlet<'a>(&'a self, stream: &'a Socket) -> &'a Socket;

    /// Writes as much as there is room for.
    ///
    /// # Errors
    ///
    /// There is none now (`WouldBlock`), or never again.
    fn send(&self, stream: &Socket, text: &[IoSlice<'_>]) -> io::Result<usize> {
        // Per call, not set_nonblocking, which belongs to the open socket (fcntl(2)).
        let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
        self.inlet(stream).send_vectored_with_flags(text, flags)
    }

    /// Whether nobody on the way can read what is sent.
    #[cfg_attr(not(feature = "data"), allow(dead_code))]
    fn is_encrypted(&self) -> bool {
        false
    }

    /// The client's thread begins to carry. None if it cannot, and the client was told.
    fn carry<'a>(&'a self, connection: &'a Connection) -> Option<Box<dyn Carrier + 'a>>;
}

/// A client's connection, as its thread drives it. None of this ever waits but the end.
pub trait Carrier {
    /// What the system calls whoever is there, if it knows them and chatd could call them so.
    fn login_name(&self) -> Option<Name> {
        None
    }

    /// Looks, every few seconds, whether the client is still there and takes what is written to it.
    ///
    /// # Errors
    ///
    /// It is not.
    fn look_after(&mut self, connection: &Connection) -> Result<(), Ending> {
        // A socket on which this fails says why at the read.
        let _ = connection.choose_user_timeout();
        Ok(())
    }

    /// What to wait for, beside what is `wanted` of the client's socket.
    fn interest(&self, wanted: PollFlags) -> Interest<'_>;

    /// Takes what has come.
    ///
    /// # Errors
    ///
    /// There is nothing to take now (`WouldBlock`, `Interrupted`), or the connection is broken.
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Received>;

    /// Whether there is something to take that no socket tells of.
    fn has_received(&self) -> bool {
        false
    }

    /// Passes on what the broadcaster has written, as far as there is room.
    fn pump(&mut self) {}

    /// Why nothing can be written any more, where only this thread knows it.
    fn take_failure(&mut self) -> Option<io::Error> {
        None
    }

    /// The broadcaster has hung up: what is left is of no use to anybody.
    fn drop_rest(&mut self) {}

    /// Writes `text`, for which a new connection has room, and nothing more.
    fn turn_away(&mut self, text: &[u8]);

    /// Closes the connection so that the last lines are not lost, once the broadcaster has written
    /// them.
    fn close(&mut self, connection: &Connection);
}

/// What has come.
#[cfg_attr(not(all(feature = "tls", feature = "service")), allow(dead_code))]
pub enum Received {
    /// So many bytes.
    Bytes(usize),
    /// So many that say nothing.
    Nothing(u64),
    /// The end of what the client sends.
    End,
    /// The same, and whatever was reported of the connection, it was not reset.
    CleanEnd,
    /// The same, but somebody on the way may have cut off what came before.
    TornEnd,
}

/// What a carrier waits for.
pub struct Interest<'a> {
    /// Of the client's socket.
    pub stream: PollFlags,
    /// Of what the broadcaster has written, where that does not go to the client's socket.
    pub outlet: Option<(&'a Socket, PollFlags)>,
}

/// Bytes go as they are: the broadcaster writes into the client's socket.
pub struct Plain;

impl Protocol for Plain {
    fn client(&self) -> &'static str {
        "nc -N"
    }

    fn carriage(&self) -> io::Result<Box<dyn Carriage>> {
        Ok(Box::new(Plain))
    }
}

impl Carriage for Plain {
    fn inlet<'a>(&'a self, stream: &'a Socket) -> &'a Socket {
        stream
    }

    fn carry<'a>(&'a self, connection: &'a Connection) -> Option<Box<dyn Carrier + 'a>> {
        Some(Box::new(&connection.stream))
    }
}

impl Carrier for &Socket {
    fn interest(&self, wanted: PollFlags) -> Interest<'_> {
        Interest {
            stream: wanted,
            outlet: None,
        }
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Received> {
        match recv(&**self, buffer, RecvFlags::DONTWAIT)? {
            (_, 0) => Ok(Received::End),
            (_, bytes) => Ok(Received::Bytes(bytes)),
        }
    }

    fn turn_away(&mut self, text: &[u8]) {
        lingering::turn_away(self, text);
    }

    fn close(&mut self, connection: &Connection) {
        lingering::read_out(self, || connection.is_finished());
    }
}

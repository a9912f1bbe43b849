//! What the broadcaster can do with a client: write to it without waiting, and end it.
//!
//! The broadcaster knows a client by this alone, so a TLS stream, another server or a test's model
//! can stand in for a TCP connection.

use std::io::{self, IoSlice};
use std::net::SocketAddr;

/// What a client has sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Lines, commands included.
    pub lines: u64,
    /// Bytes, everything included.
    pub bytes: u64,
}

/// What a client's thread holds when it is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// Nothing: it was waiting for the client, and throws away what still comes.
    Nothing,
    /// Perhaps whole lines. It passes them on, and then its departure.
    PerhapsLines,
}

/// The broadcaster's end of a client. None of this ever blocks.
pub trait Wire: Send + Sync {
    /// Where the client is, for the log.
    fn peer(&self) -> SocketAddr;

    /// Writes what can be written now, and answers how many bytes that was.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::WouldBlock`] if that is none; any other error means that the connection is
    /// gone.
    fn send(&self, text: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Says how many bytes the server writes before each line of this client, so that its thread
    /// can charge them.
    fn set_prefix(&self, bytes: usize);

    /// What the client has sent so far, for the log.
    fn tally(&self) -> Tally;

    /// Takes nothing more from the client. Answers whether its thread still passes something on.
    fn stop(&self) -> Held;

    /// Ends the connection at once, whatever is still on its way. The thread's departure follows.
    fn hang_up(&self);

    /// Closes the sending side after everything has been written. The thread reads out what the
    /// client still sends, so that the last lines are not lost to a reset, and closes.
    fn finish(&self);
}

//! What the broadcaster can do with a client: write to it without waiting, and end it.
//!
//! The broadcaster knows a client by this alone, so a TLS stream, another server or a test's model
//! can stand in for a TCP connection.

use std::io::{self, IoSlice};
use std::net::SocketAddr;

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

    /// Takes nothing more from the client. Its thread passes on the whole lines that it holds, and
    /// its departure.
    fn stop(&self);

    /// Ends the connection at once, whatever is still on its way. The thread's departure follows.
    fn hang_up(&self);

    /// Closes the sending side after everything has been written. The thread reads out what the
    /// client still sends, so that the last lines are not lost to a reset, and closes.
    fn finish(&self);
}

//! What the broadcaster can do with a client: write to it without waiting, and end it.
//!
//! The broadcaster knows a client by this alone, so a TLS stream, another server or a test's model
//! can stand in for a TCP connection.

use std::io::{self, IoSlice};

/// The broadcaster's end of a client. None of this ever blocks.
pub trait Wire: Send + Sync {
    /// Writes what can be written now, and returns how many bytes that was.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::WouldBlock`] if that is none; any other error means that the connection is
    /// gone.
    fn send(&self, text: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Has the broadcaster told, once, when there is room for more.
    ///
    /// # Errors
    ///
    /// Those of the system; the client would never be written to again.
    fn tell_when_writable(&self) -> io::Result<()>;

    /// Ends the connection at once, whatever is still on its way. The thread's departure follows.
    fn hang_up(&self);

    /// Closes the sending side after everything has been written. The thread reads out what the
    /// client still sends, so that the last lines are not lost to a reset, and closes.
    fn finish(&self);
}

//! The end of a connection: closed so that the last lines are not lost (RFC 9112, section 9.6).
//!
//! Closing a socket with unread bytes would reset the connection, and a reset can overtake the last
//! lines. So what the client still sends is read and thrown away, until it closes too.

use libc::{MSG_DONTWAIT, MSG_NOSIGNAL};
use socket2::Socket;
use std::io::ErrorKind::{Interrupted, WouldBlock};
use std::io::Read;
use std::net::Shutdown;
use std::time::{Duration, Instant};

/// How long a client may take to close its side after the server has closed its own.
const READ_OUT_TIME: Duration = Duration::from_secs(1);

/// How often it is looked at whether everything was written.
const STEP: Duration = Duration::from_millis(20);

/// Writes `text`, for which a new socket has room, and nothing more.
pub fn turn_away(stream: &Socket, text: &[u8]) {
    let _ = stream.send_with_flags(text, MSG_DONTWAIT | MSG_NOSIGNAL);
    let _ = stream.shutdown(Shutdown::Write);
}

/// Reads and discards until the client closes, or its time since `is_finished` is over.
pub fn read_out(mut stream: &Socket, is_finished: impl Fn() -> bool) {
    let mut rubbish = [0; 1024];
    let mut end = None;
    loop {
        let now = Instant::now();
        if end.is_none() && is_finished() {
            end = Some(now + READ_OUT_TIME);
        }
        let wait = end.map_or(STEP, |end| end.saturating_duration_since(now));
        // None at all would be for ever (socket(7), counted in microseconds).
        if wait.as_micros() == 0 || stream.set_read_timeout(Some(wait)).is_err() {
            return;
        }
        match stream.read(&mut rubbish) {
            Ok(0) => return,
            Err(error) if !matches!(error.kind(), Interrupted | WouldBlock) => return,
            Ok(_) | Err(_) => {}
        }
    }
}

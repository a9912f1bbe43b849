//! The end of a connection: closed so that the last lines are not lost (RFC 9112, section 9.6).
//!
//! Closing a socket with unread bytes would reset the connection, and a reset can overtake the last
//! lines. So what the client still sends is read and thrown away, until it closes too.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::Read;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

/// How long a client may take to close its side after the server has closed its own.
const READ_OUT_TIME: Duration = Duration::from_secs(1);

/// How often it is looked at whether everything was written.
const STEP: Duration = Duration::from_millis(20);

/// Reads and discards until the client closes, or its time since `is_finished` is over.
pub fn read_out(mut stream: &TcpStream, is_finished: impl Fn() -> bool) {
    let mut rubbish = [0; 1024];
    let mut end = None;
    loop {
        let now = Instant::now();
        if end.is_none() && is_finished() {
            end = Some(now + READ_OUT_TIME);
        }
        let wait = end.map_or(STEP, |end| end.saturating_duration_since(now));
        if wait.is_zero() {
            return;
        }
        let time = Timespec::try_from(wait).ok();
        let mut events = [PollFd::new(&stream, PollFlags::IN)];
        match poll(&mut events, time.as_ref()) {
            Ok(0) => {}
            Ok(_) => {
                if let Ok(0) | Err(_) = stream.read(&mut rubbish) {
                    return;
                }
            }
            // A signal, or no file may be open any more.
            Err(_) => thread::sleep(wait.min(STEP)),
        }
    }
}

//! Clients for whom there is no room: told so, and closed without a reset.

use crate::client::lingering::read_out;
use libc::{MSG_DONTWAIT, MSG_NOSIGNAL};
use socket2::SockRef;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// How many of them are waited for at a time.
const MOST_THREADS: usize = 16;

const STACK_BYTES: usize = 64 << 10;

static THREADS: AtomicUsize = AtomicUsize::new(0);

/// Writes `text` and closes. A short-lived thread reads out what the client sends, so that it does
/// not lose the text to a reset; if there are many of these, or no more threads, it may.
pub fn turn_away(stream: TcpStream, text: &'static [u8]) {
    // A new socket has room for a line.
    let _ = SockRef::from(&stream).send_with_flags(text, MSG_DONTWAIT | MSG_NOSIGNAL);
    let _ = stream.shutdown(Shutdown::Write);
    if THREADS.fetch_add(1, Ordering::Relaxed) >= MOST_THREADS {
        THREADS.fetch_sub(1, Ordering::Relaxed);
        return;
    }
    let read_out = move || {
        read_out(&stream, || true);
        THREADS.fetch_sub(1, Ordering::Relaxed);
    };
    let thread = thread::Builder::new()
        .name("rejection".to_owned())
        .stack_size(STACK_BYTES);
    if thread.spawn(read_out).is_err() {
        THREADS.fetch_sub(1, Ordering::Relaxed);
    }
}

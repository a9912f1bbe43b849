//! Clients for whom there is no room: told so, and closed without a reset.

use libc::{MSG_DONTWAIT, MSG_NOSIGNAL};
use socket2::SockRef;
use std::io::Read;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How many of them are waited for at a time.
const MOST_THREADS: usize = 16;

/// How long each may take to close its side.
const READ_OUT_TIME: Duration = Duration::from_secs(1);

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
        read_out(stream);
        THREADS.fetch_sub(1, Ordering::Relaxed);
    };
    let thread = thread::Builder::new()
        .name("rejection".to_owned())
        .stack_size(STACK_BYTES);
    if thread.spawn(read_out).is_err() {
        THREADS.fetch_sub(1, Ordering::Relaxed);
    }
}

fn read_out(mut stream: TcpStream) {
    let end = Instant::now() + READ_OUT_TIME;
    let mut rubbish = [0; 1024];
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() || stream.set_read_timeout(Some(left)).is_err() {
            return;
        }
        if let Ok(0) | Err(_) = stream.read(&mut rubbish) {
            return;
        }
    }
}

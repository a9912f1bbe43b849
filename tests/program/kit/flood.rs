//! Much of what people say: pastes, and floods that go on until somebody has seen enough.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use socket2::SockRef;

use super::Client;

/// How many numbers the lines of a [`Flood`] go through before they begin again.
const NUMBERS: usize = 256;

/// The lines as a text: each with LF behind it.
pub fn text(lines: impl IntoIterator<Item = String>) -> String {
    let mut text = String::new();
    for line in lines {
        text += &line;
        text.push('\n');
    }
    text
}

/// So many lines of 1000 bytes.
pub fn paste(lines: usize) -> String {
    format!("{}\n", "x".repeat(999)).repeat(lines)
}

/// Lines of a client called `sender`, numbered so that a reader sees if one is missing.
pub struct Flood {
    piece: Vec<u8>,
}

impl Flood {
    /// Lines of so many bytes.
    pub fn of(line_bytes: usize) -> Self {
        let lines = (0..NUMBERS).map(|number| format!("{number:0>line_bytes$}\n"));
        let piece = lines.collect::<String>().into_bytes();
        Self { piece }
    }

    /// Does `meanwhile` while `sender` sends as fast as the system takes it.
    pub fn during<T>(&self, sender: &Client, meanwhile: impl FnOnce() -> T) -> T {
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            // The flood must end when an assertion fails too, or the scope would wait for it.
            let _guard = StopOnDrop(&stop);
            scope.spawn(|| send_until(&stop, sender.stream(), &self.piece, usize::MAX));
            meanwhile()
        })
    }
}

/// Sends `text` so many times as fast as the system takes it, until told to stop, and never waits
/// in a write. Returns how many bytes that was.
pub fn send_until(stop: &AtomicBool, stream: &TcpStream, text: &[u8], times: usize) -> usize {
    let mut sent = 0;
    while sent < text.len().saturating_mul(times) && !stop.load(Ordering::Relaxed) {
        let rest = &text[sent % text.len()..];
        let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
        match SockRef::from(stream).send_with_flags(rest, flags) {
            Ok(bytes) => sent += bytes,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                thread::sleep(Duration::from_millis(1));
            }
            Err(_) => break,
        }
    }
    sent
}

/// Checks that the lines of a [`Flood`] that one reader reads follow on one another.
#[derive(Default)]
pub struct Follower {
    next: Option<usize>,
}

impl Follower {
    /// Whether this is a line of the flood; it must be the next one then.
    pub fn follows(&mut self, line: &str) -> bool {
        let Some(digits) = line.strip_prefix("<sender> ") else {
            return false;
        };
        let Ok(number) = digits.parse::<usize>() else {
            return false;
        };
        if let Some(next) = self.next {
            assert_eq!(
                number, next,
                "a line of the flood is lost, doubled or out of order"
            );
        }
        self.next = Some((number + 1) % NUMBERS);
        true
    }
}

/// Sets a flag when it goes out of scope, on a panic too.
pub struct StopOnDrop<'a>(pub &'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

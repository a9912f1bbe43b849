//! The one place where a client's thread waits: `poll(2)` for its socket and the server's bell.

use crate::shutdown::Bell;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::BorrowedFd;
use rustix::io::Errno;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

/// How long a thread waits before it tries again what depends on others, at first and at most.
pub const FIRST_STEP: Duration = Duration::from_millis(1);
const LAST_STEP: Duration = Duration::from_millis(50);

/// What a thread waits for.
pub struct Waiting<'a> {
    socket: BorrowedFd<'a>,
    bell: &'a Bell,
    /// poll would go on reporting these, so each is left out once it was seen.
    has_rung: bool,
    has_hung_up: bool,
    step: Duration,
}

/// Whether a thread wants to read from its socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    Wanted,
    /// What has come is still to be passed on: more of it stays on the client's side.
    Unwanted,
}

/// What a thread has waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Woken {
    /// There is something to read, or an end to be read, or there may be.
    ByInput,
    /// By the bell, a signal, or the time.
    Otherwise,
}

impl<'a> Waiting<'a> {
    pub fn new(socket: BorrowedFd<'a>, bell: &'a Bell) -> Self {
        Self {
            socket,
            bell,
            has_rung: bell.has_rung(),
            has_hung_up: false,
            step: FIRST_STEP,
        }
    }

    /// Whether the bell was heard.
    pub fn has_rung(&self) -> bool {
        self.has_rung
    }

    /// Whether the connection is over in both directions, which a client's close alone is not.
    pub fn has_hung_up(&self) -> bool {
        self.has_hung_up
    }

    /// How long to wait before what depends on others is tried again: longer each time.
    pub fn next_step(&mut self) -> Duration {
        let step = self.step;
        self.step = (2 * step).min(LAST_STEP);
        step
    }

    /// What depended on others has come about.
    pub fn end_steps(&mut self) {
        self.step = FIRST_STEP;
    }

    /// Waits, and not longer than until `end`.
    ///
    /// # Errors
    ///
    /// Those of poll(2).
    pub fn wait(&mut self, input: Input, end: Instant) -> io::Result<Woken> {
        let wanted = match input {
            Input::Wanted => PollFlags::IN,
            Input::Unwanted => PollFlags::empty(),
        };
        // The socket comes first, if it is there.
        let hears_socket = input == Input::Wanted || !self.has_hung_up;
        let mut set = [
            PollFd::from_borrowed_fd(self.socket, wanted),
            PollFd::from_borrowed_fd(self.bell.descriptor(), PollFlags::IN),
        ];
        let set = match (hears_socket, self.has_rung) {
            (true, false) => &mut set[..],
            (true, true) => &mut set[..1],
            (false, false) => &mut set[1..],
            (false, true) => &mut set[..0],
        };
        let wait = end.saturating_duration_since(Instant::now());
        // What is too long for the system is as good as for ever.
        let time = Timespec::try_from(wait).ok();
        let polled = poll(set, time.as_ref());
        self.has_rung = self.bell.has_rung();
        match polled {
            Ok(_) => {}
            // The caller looks at everything anew: nothing says that there is something to read.
            Err(Errno::INTR) => return Ok(Woken::Otherwise),
            // The limit on open files was lowered below the length of the set (poll(2)). What is
            // there can be read all the same.
            Err(Errno::INVAL) => {
                thread::sleep(wait.min(LAST_STEP));
                return Ok(Woken::ByInput);
            }
            Err(error) => return Err(error.into()),
        }
        let socket = set.first().filter(|_| hears_socket);
        let reported = socket.map_or(PollFlags::empty(), PollFd::revents);
        self.has_hung_up |= reported.intersects(PollFlags::HUP | PollFlags::ERR);
        if reported.is_empty() {
            Ok(Woken::Otherwise)
        } else {
            Ok(Woken::ByInput)
        }
    }
}

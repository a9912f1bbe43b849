//! The one place where a client's thread waits: `poll(2)` for its socket and the server's bell.

use crate::event::Ending;
use crate::shutdown::Bell;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::BorrowedFd;
use rustix::io::Errno;
use std::thread;
use std::time::{Duration, Instant};

/// How long a thread waits before it tries again what depends on others, at first and at most.
pub const FIRST_STEP: Duration = Duration::from_millis(1);
const LAST_STEP: Duration = Duration::from_millis(50);

pub struct Waiting<'a> {
    socket: BorrowedFd<'a>,
    bell: &'a Bell,
    /// The bell was heard. poll would go on reporting this and the next, so each is left out once
    /// it was seen.
    pub has_rung: bool,
    /// The connection is over in both directions, which a client's close alone is not.
    pub has_hung_up: bool,
    /// How long the next wait for others lasts; the first step again after a success.
    pub step: Duration,
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

    /// Waits before what depends on others is tried again: longer each time.
    pub fn wait_step(&mut self) -> Result<(), Ending> {
        let end = Instant::now() + self.step;
        self.step = (2 * self.step).min(LAST_STEP);
        self.wait(end)
    }

    /// Waits until `end`. What has come is still to be passed on: more of it stays on the client's
    /// side.
    pub fn wait(&mut self, end: Instant) -> Result<(), Ending> {
        // A connection that is over says no more when the broadcaster has let it go.
        let soon = Instant::now() + LAST_STEP;
        let end = if self.has_hung_up { end.min(soon) } else { end };
        self.poll(PollFlags::empty(), end).map(|_| ())
    }

    /// Waits until there is something to read, or an end to be read, and not longer than until
    /// `end`. Returns whether there is, or may be. After the bell nothing more is read.
    pub fn wait_for_input(&mut self, end: Instant) -> Result<bool, Ending> {
        let reported = self.poll(PollFlags::IN, end)?;
        Ok(!reported.is_empty() && !self.has_rung)
    }

    fn poll(&mut self, wanted: PollFlags, end: Instant) -> Result<PollFlags, Ending> {
        let wait = end.saturating_duration_since(Instant::now());
        let mut set = [
            PollFd::from_borrowed_fd(self.bell.descriptor(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.socket, wanted),
        ];
        let hears_socket = !wanted.is_empty() || !self.has_hung_up;
        // Without the bell, without the socket, or empty.
        let set = &mut set[usize::from(self.has_rung)..=usize::from(hears_socket)];
        // What is too long for the system is as good as for ever.
        let time = Timespec::try_from(wait).ok();
        let reported = match poll(set, time.as_ref()) {
            Ok(_) if hears_socket => set.last().map_or(PollFlags::empty(), PollFd::revents),
            // After a signal the caller looks at everything anew: nothing says that there is
            // something to read.
            Ok(_) | Err(Errno::INTR) => PollFlags::empty(),
            // The limit on open files was lowered below the length of the set (poll(2)). What is
            // there can be read all the same.
            Err(Errno::INVAL) => {
                thread::sleep(wait.min(LAST_STEP));
                wanted
            }
            Err(error) => return Err(Ending::of(&error.into())),
        };
        self.has_rung = self.bell.has_rung();
        self.has_hung_up |= reported.intersects(PollFlags::HUP | PollFlags::ERR);
        Ok(reported)
    }
}

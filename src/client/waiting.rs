//! The one place where a client's thread waits: `poll(2)` for its socket, the server's bell, and what
//! the broadcaster has written where that has to be encrypted first.

use crate::client::carrier::{Carrier, Interest};
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
    stream: BorrowedFd<'a>,
    pub carrier: Box<dyn Carrier + 'a>,
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
    pub fn new(stream: BorrowedFd<'a>, carrier: Box<dyn Carrier + 'a>, bell: &'a Bell) -> Self {
        Self {
            stream,
            carrier,
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
        let has_received = self.carrier.has_received();
        let end = if has_received { Instant::now() } else { end };
        let reported = self.poll(PollFlags::IN, end)?;
        let is_input = has_received || !(reported - PollFlags::OUT).is_empty();
        Ok(is_input && !self.has_rung)
    }

    /// Waits, and passes on what the broadcaster has written meanwhile. Returns what was reported of
    /// the socket.
    fn poll(&mut self, wanted: PollFlags, end: Instant) -> Result<PollFlags, Ending> {
        let wait = end.saturating_duration_since(Instant::now());
        let Interest { stream, outlet } = self.carrier.interest(wanted);
        let bell = if self.has_rung {
            PollFlags::empty()
        } else {
            PollFlags::IN
        };
        let bell = PollFd::from_borrowed_fd(self.bell.descriptor(), bell);
        let mut set = [bell.clone(), bell.clone(), bell];
        let mut length = 1;
        let outlet_at = outlet.map(|(outlet, flags)| {
            set[length] = PollFd::new(outlet, flags);
            length += 1;
            length - 1
        });
        let stream_at = (!stream.is_empty() || !self.has_hung_up).then(|| {
            set[length] = PollFd::from_borrowed_fd(self.stream, stream);
            length += 1;
            length - 1
        });
        // What is too long for the system is as good as for ever.
        let time = Timespec::try_from(wait).ok();
        let (reported, of_outlet) = match poll(&mut set[..length], time.as_ref()) {
            Ok(_) => {
                let of = |at: Option<usize>| at.map_or(PollFlags::empty(), |at| set[at].revents());
                (of(stream_at), of(outlet_at))
            }
            // After a signal the caller looks at everything anew: nothing says that there is
            // something to read.
            Err(Errno::INTR) => (PollFlags::empty(), PollFlags::empty()),
            // The limit on open files was lowered below the length of the set (poll(2)). What is
            // there can be read all the same.
            Err(Errno::INVAL) => {
                thread::sleep(wait.min(LAST_STEP));
                (wanted, PollFlags::IN)
            }
            Err(error) => return Err(Ending::of(&error.into())),
        };
        if of_outlet.contains(PollFlags::HUP) {
            self.carrier.drop_rest();
        } else if !of_outlet.is_empty() || reported.contains(PollFlags::OUT) {
            self.carrier.pump();
        }
        self.has_rung = self.bell.has_rung();
        self.has_hung_up |= reported.intersects(PollFlags::HUP | PollFlags::ERR);
        Ok(reported)
    }
}

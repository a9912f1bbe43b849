//! The client's thread: it drives the carrier as `Waiting` and a client's session do.

use super::client::check_said;
use super::{Broadcaster, Ended, Run, Stage};
use chatd::carrier::{Carrier, Interest, Received};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::ioctl_fionread;
use rustix::net::{RecvFlags, recv};
use socket2::Socket;
use std::io::ErrorKind;

impl Run<'_> {
    /// The thread goes on until there is nothing that it waits for.
    pub fn settle(&mut self, wanted: PollFlags) {
        let (mut before, mut in_vain) = (self.progress(), 0);
        while self.turn(wanted) {
            let now = self.progress();
            in_vain = if now == before { in_vain + 1 } else { 0 };
            assert!(in_vain < 3, "it spins: {before:?}");
            before = now;
        }
    }

    pub fn wait_for_the_rate(&mut self) {
        self.settle(PollFlags::empty());
        if self.stage != Stage::Talks {
            return;
        }
        let failure = self.carrier.take_failure();
        if let Some(error) = failure {
            assert!(self.far.is_none(), "the client is there: {error}");
            self.stop(Ended::Broken(error.kind()));
        } else if !self.carrier.has_received() {
            let is_lost = self.lost.is_some_and(|before| before < self.written);
            assert!(!is_lost, "it does not know that the client is gone");
        }
    }

    /// Once round the loop of a client's thread. Returns whether there was something to do.
    pub fn turn(&mut self, wanted: PollFlags) -> bool {
        let did = match self.stage {
            Stage::Talks if self.broadcaster == Broadcaster::HasFinished => {
                self.stage = Stage::Leaves;
                true
            }
            Stage::Talks => self.talk(wanted),
            Stage::Leaves => self.leave(),
            Stage::Gone => false,
        };
        self.check_memory();
        did
    }

    /// As `Waiting` polls, and reads.
    fn talk(&mut self, wanted: PollFlags) -> bool {
        if self.has_filled && wanted.contains(PollFlags::IN) {
            // There is more, most likely.
            self.receive();
            return true;
        }
        let Interest { stream, outlet } = self.carrier.interest(wanted);
        let is_watched = !stream.is_empty() || !self.has_hung_up;
        let (reported, of_outlet) = poll_both(is_watched.then_some((self.near, stream)), outlet);
        if of_outlet.contains(PollFlags::HUP) {
            self.carrier.drop_rest();
            let Interest { stream, outlet } = self.carrier.interest(PollFlags::empty());
            assert!(stream.is_empty() && outlet.is_none(), "it still waits");
            self.stage = Stage::Gone;
            return true;
        }
        if !of_outlet.is_empty() || reported.contains(PollFlags::OUT) {
            self.carrier.pump();
        }
        self.has_hung_up |= reported.intersects(PollFlags::HUP | PollFlags::ERR);
        let has_received = self.carrier.has_received();
        let is_input = has_received || !(reported - PollFlags::OUT).is_empty();
        let reads = is_input && wanted.contains(PollFlags::IN);
        if reads {
            self.receive();
        }
        reads || !reported.is_empty() || !of_outlet.is_empty()
    }

    fn receive(&mut self) {
        match self.carrier.receive(&mut self.buffer) {
            Ok(Received::Bytes(length)) => {
                self.has_filled = length == self.buffer.len();
                check_said(self.taken, &self.buffer[..length]);
                self.taken += length as u64;
                self.check_paid();
            }
            Ok(Received::Nothing(bytes)) => {
                assert_ne!(bytes, 0, "there was nothing to tell");
                self.nothing += bytes;
                assert!(
                    self.nothing <= self.client.delivered as u64,
                    "it is told twice"
                );
            }
            Ok(Received::End) => self.stop(Ended::Whole),
            Ok(Received::TornEnd) => self.stop(Ended::Torn),
            Ok(Received::CleanEnd) => panic!("TLS knows of no such end"),
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.has_filled = false,
            Err(error) => self.stop(Ended::Broken(error.kind())),
        }
        let outlet = self.carrier.interest(PollFlags::IN).outlet;
        let outlet = outlet.filter(|_| self.client.damage.is_none());
        if outlet.is_some_and(|(_, flags)| flags.contains(PollFlags::IN)) {
            // The thread of a client that sends much polls nothing for a long time.
            let waiting = ioctl_fionread(self.outlet).unwrap();
            assert_eq!(waiting, 0, "there is room for what the broadcaster wrote");
        }
    }

    fn stop(&mut self, ended: Ended) {
        self.ended = Some(ended);
        self.stage = Stage::Leaves;
    }

    /// As the carrier closes.
    fn leave(&mut self) -> bool {
        let is_over = self.broadcaster == Broadcaster::HasHungUp
            || !matches!(self.carrier.say_goodbye(), Ok(false));
        if is_over {
            self.stage = Stage::Gone;
            return true;
        }
        let Interest { stream, outlet } = self.carrier.interest(PollFlags::IN);
        let (of_stream, of_outlet) = poll_both(Some((self.near, stream)), outlet);
        let mut rubbish = [0; 1024];
        let has_read = recv(self.near, &mut rubbish, RecvFlags::DONTWAIT);
        let is_rubbish = has_read.is_ok_and(|(_, length)| length > 0);
        is_rubbish || of_stream.contains(PollFlags::OUT) || !of_outlet.is_empty()
    }
}

/// What is reported of the client's socket and of the pair.
fn poll_both(
    stream: Option<(&Socket, PollFlags)>,
    outlet: Option<(&Socket, PollFlags)>,
) -> (PollFlags, PollFlags) {
    let look = |socket: Option<(&Socket, PollFlags)>| {
        let Some((socket, flags)) = socket else {
            return PollFlags::empty();
        };
        let mut set = [PollFd::new(socket, flags)];
        poll(&mut set, Some(&Timespec::default())).unwrap();
        set[0].revents()
    };
    (look(stream), look(outlet))
}

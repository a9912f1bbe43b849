//! What a plain connection would have given, and what the pump may cost.

use super::client::Record;
use super::{Broadcaster, Ended, Run, Stage};
use rustix::io::ioctl_fionread;
use std::io::ErrorKind;

/// How much of what is not delivered yet the thread may hold: what rustls encrypts at a time, and
/// in the other direction a record that has begun, a read, and what they say.
const MOST_HELD: u64 = 64 << 10;
const MOST_UNREAD: u64 = 48 << 10;

impl Run<'_> {
    /// The last of the client's records that the thread has read whole.
    pub fn read(&self) -> Record {
        let waiting = ioctl_fionread(self.near).unwrap();
        self.client
            .whole_of(self.client.delivered - waiting as usize)
    }

    /// What came with the lines, and before them, was paid for before they are taken.
    pub fn check_paid(&self) {
        let nothing = self.read().says_nothing() - self.free;
        let is_known = self.client.damage.is_none();
        assert!(self.nothing >= nothing || !is_known, "it is not paid for");
    }

    pub fn check_memory(&self) {
        let Some(far) = &self.far else { return };
        // What nobody can read is thrown away.
        if self.stage == Stage::Gone || self.client.damage.is_some() {
            return;
        }
        let waiting = |socket| ioctl_fionread(socket).unwrap();
        let sent = self.client.read + waiting(far);
        let held = (self.written - waiting(self.outlet)).saturating_sub(sent);
        assert!(held <= MOST_HELD, "it holds {held} bytes for the client");
        if self.stage == Stage::Talks {
            let unread = self.client.delivered as u64 - waiting(self.near);
            let unread = unread.saturating_sub(self.taken + self.nothing);
            assert!(unread <= MOST_UNREAD, "it holds {unread} of the client's");
        }
    }

    /// What the client has said, and what it costs that it said nothing.
    pub fn check_taken(&self) {
        let whole = self.client.whole();
        let is_over = self.broadcaster != Broadcaster::Writes || self.far.is_none();
        let is_unsure = self
            .client
            .damage
            .is_some_and(|damage| damage.end.is_none());
        let most = if is_unsure {
            self.client.said()
        } else {
            whole.says
        };
        assert!(self.taken <= most, "it read more than was said");
        // A connection that is gone, or of no use to anybody, need not be read to its end.
        assert!(
            self.taken >= whole.says || is_over,
            "it read {} bytes of {}, and ended as {:?}",
            self.taken,
            whole.says,
            self.ended
        );
        let (told, nothing) = (self.nothing, whole.says_nothing() - self.free);
        assert!(
            told <= nothing || is_unsure,
            "{told} bytes were told of that say nothing, of {nothing}"
        );
        assert!(
            told >= nothing || is_over || self.client.damage.is_some(),
            "{told} bytes were told of that say nothing, of {nothing}"
        );
        let knows = self.stage != Stage::Talks;
        let is_known = self.client.has_done_damage() || self.client.has_said_goodbye();
        assert!(knows || !is_known, "it does not know of the end");
    }

    pub fn check_ended(&self) {
        let Some(ended) = self.ended else {
            assert!(
                self.broadcaster != Broadcaster::Writes,
                "it does not know that the client left"
            );
            return;
        };
        let has_said_goodbye = self.client.has_said_goodbye();
        let is_right = match self.client.damage {
            Some(damage) if damage.end.is_none() => true,
            // It depends on what was read and written before it was known.
            _ if self.far.is_none() => match ended {
                Ended::Whole => has_said_goodbye,
                Ended::Torn => true,
                Ended::Broken(ErrorKind::InvalidData) => self.client.has_done_damage(),
                Ended::Broken(why) => {
                    [ErrorKind::BrokenPipe, ErrorKind::ConnectionReset].contains(&why)
                }
            },
            _ if self.client.has_done_damage() => ended == Ended::Broken(ErrorKind::InvalidData),
            _ if has_said_goodbye => ended == Ended::Whole,
            _ => ended == Ended::Torn,
        };
        assert!(is_right, "it ended as {ended:?}");
    }

    pub fn check_heard(&self) {
        assert!(self.client.heard <= self.written);
        if self.broadcaster == Broadcaster::HasHungUp
            || self.far.is_none()
            || self.client.damage.is_some()
        {
            return;
        }
        assert_eq!(self.client.heard, self.written, "the client lost something");
        assert!(self.client.has_heard_the_end, "there was no close_notify");
        assert!(self.client.has_read_to_the_end, "there was no FIN");
    }
}

//! What the broadcaster can do with a client: write to it without waiting, and end it.
//!
//! The broadcaster knows a client by this alone, so a TLS stream, another server or a test's model
//! can stand in for a TCP connection.

use std::io::{self, IoSlice};

/// The broadcaster's end of a client. None of this ever blocks.
pub trait Wire: Send + Sync {
    /// Writes what can be written now, and returns how many bytes that was.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::WouldBlock`] if that is none; any other error means that the connection is
    /// gone.
    fn send(&self, text: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Has the broadcaster told, once, when there is room for more.
    ///
    /// # Errors
    ///
    /// Those of the system; the client would never be written to again.
    fn tell_when_writable(&self) -> io::Result<()>;

    /// Ends the connection at once, whatever is still on its way. The thread's departure follows.
    fn hang_up(&self);

    /// Closes the sending side after everything has been written. The thread reads out what the
    /// client still sends, so that the last lines are not lost to a reset, and closes.
    fn finish(&self);

    /// Ends the reading of a connection that is [finished](Self::finish), so that its thread
    /// notices: while the client sends nothing it does not.
    fn end_reading(&self);
}

#[cfg(test)]
pub(crate) use tests::{End, TestWire};

#[cfg(test)]
mod tests {
    use super::Wire;
    use crate::address::Address;
    use crate::event::{Arrival, Echo, Style};
    use std::io::{self, ErrorKind, IoSlice};
    use std::mem;
    use std::sync::{Arc, Mutex, MutexGuard};

    /// A client's end in a unit test: it takes as many bytes as it is told to.
    pub struct TestWire(Mutex<State>);

    #[derive(Default)]
    struct State {
        room: usize,
        received: Vec<u8>,
        /// How long the pieces of each send were.
        offers: Vec<Vec<usize>>,
        is_watched: bool,
        end: Option<End>,
    }

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum End {
        HungUp,
        Finished,
        ReadingEnded,
    }

    impl TestWire {
        pub fn with_room(room: usize) -> Arc<Self> {
            let state = State {
                room,
                ..State::default()
            };
            Arc::new(Self(Mutex::new(state)))
        }

        /// It takes so many bytes from now on.
        pub fn set_room(&self, room: usize) {
            self.state().room = room;
        }

        /// What it took since this was asked last.
        pub fn take_received(&self) -> String {
            String::from_utf8(mem::take(&mut self.state().received)).unwrap()
        }

        /// How long the pieces of each send were since this was asked last.
        pub fn take_offers(&self) -> Vec<Vec<usize>> {
            mem::take(&mut self.state().offers)
        }

        /// Whether the broadcaster is to be told when there is room.
        pub fn is_watched(&self) -> bool {
            self.state().is_watched
        }

        pub fn end(&self) -> Option<End> {
            self.state().end
        }

        pub fn arrival(self: &Arc<Self>, style: Style) -> Arrival {
            Arrival {
                wire: self.clone(),
                address: Address::User(1),
                style,
                echo: Echo::Off,
                login_name: None,
            }
        }

        fn state(&self) -> MutexGuard<'_, State> {
            self.0.lock().unwrap()
        }
    }

    impl Wire for TestWire {
        fn send(&self, text: &[IoSlice<'_>]) -> io::Result<usize> {
            let mut state = self.state();
            let lengths = text.iter().map(|piece| piece.len());
            state.offers.push(lengths.collect());
            let before = state.received.len();
            for piece in text {
                let taken = piece.len().min(state.room);
                state.room -= taken;
                state.received.extend_from_slice(&piece[..taken]);
            }
            match state.received.len() - before {
                0 => Err(ErrorKind::WouldBlock.into()),
                taken => Ok(taken),
            }
        }

        fn tell_when_writable(&self) -> io::Result<()> {
            self.state().is_watched = true;
            Ok(())
        }

        fn hang_up(&self) {
            self.state().end = Some(End::HungUp);
        }

        fn finish(&self) {
            self.state().end = Some(End::Finished);
        }

        fn end_reading(&self) {
            self.state().end = Some(End::ReadingEnded);
        }
    }
}

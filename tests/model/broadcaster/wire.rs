//! A client's connection that takes as much as it is told to.

use chatd::wire::Wire;
use std::io::{self, IoSlice};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How a connection has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It has not.
    Open,
    /// After everything was written.
    Finished,
    /// Some time after that: the client was silent, and its thread is to notice.
    ReadingEnded,
    /// At once.
    HungUp,
}

/// What the connection takes, and what it took.
#[derive(Debug)]
pub struct State {
    /// How many bytes it will still take.
    pub room: usize,
    /// What sends fail with: once, if they were only interrupted by a signal, or always.
    pub fault: Option<io::ErrorKind>,
    /// A send has failed, and the connection is lost.
    pub has_failed: bool,
    /// The last send did not take everything.
    pub is_full: bool,
    /// The server is to be told when there is room.
    pub is_watched: bool,
    /// What it took since it was last looked at.
    pub received: Vec<u8>,
    /// Whether it is still there.
    pub end: End,
}

/// A connection without a network.
#[derive(Debug)]
pub struct FakeWire {
    state: Mutex<State>,
}

impl FakeWire {
    pub fn new(room: usize) -> Self {
        Self {
            state: Mutex::new(State {
                room,
                fault: None,
                has_failed: false,
                is_full: false,
                is_watched: false,
                received: Vec::new(),
                end: End::Open,
            }),
        }
    }

    /// It takes so many bytes from now on. Returns whether the server is to be told.
    pub fn set_room(&self, room: usize) -> bool {
        let mut state = self.state();
        state.room = room;
        room > 0 && std::mem::take(&mut state.is_watched)
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wire for FakeWire {
    fn send(&self, text: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut state = self.state();
        assert_eq!(state.end, End::Open, "something was written after the end");
        if let Some(fault) = state.fault {
            if fault == io::ErrorKind::Interrupted {
                state.fault = None;
            } else {
                state.has_failed = true;
            }
            return Err(fault.into());
        }
        if state.room == 0 {
            state.is_full = true;
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let mut taken = 0;
        for slice in text {
            let part = slice.len().min(state.room);
            state.received.extend_from_slice(&slice[..part]);
            state.room -= if state.room == usize::MAX { 0 } else { part };
            taken += part;
        }
        let offered = text.iter().map(|slice| slice.len()).sum::<usize>();
        assert!(offered > 0, "a send of nothing");
        state.is_full = taken < offered;
        Ok(taken)
    }

    fn tell_when_writable(&self) -> io::Result<()> {
        let mut state = self.state();
        assert!(state.is_full, "it is not full");
        assert!(!state.is_watched, "it is watched already");
        state.is_watched = true;
        Ok(())
    }

    fn hang_up(&self) {
        self.state().end = End::HungUp;
    }

    fn finish(&self) {
        let mut state = self.state();
        assert_eq!(state.end, End::Open, "finished after the end");
        state.end = End::Finished;
    }

    fn end_reading(&self) {
        let mut state = self.state();
        assert_eq!(state.end, End::Finished, "it is still written to");
        state.end = End::ReadingEnded;
    }
}

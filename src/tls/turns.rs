//! Who computes a handshake, and when: only so many at once, so that a crowd that connects does not
//! take the processor from those who chat.

use crossbeam_channel::{Receiver, Sender, bounded};
use std::time::Instant;

/// The turns that are free wait in a channel.
pub struct Turns {
    free: Receiver<()>,
    given_back: Sender<()>,
}

impl Turns {
    /// So many at a time.
    pub fn new(count: usize) -> Self {
        let (given_back, free) = bounded(count);
        for _ in 0..count {
            let _ = given_back.send(());
        }
        Self { free, given_back }
    }

    /// Waits for a turn until `end`, and has it until it is dropped.
    pub fn wait(&self, end: Instant) -> Option<Turn<'_>> {
        let () = self.free.recv_deadline(end).ok()?;
        Some(Turn(self))
    }
}

/// Given back when its owner panics, too.
pub struct Turn<'a>(&'a Turns);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // There is room for as many as there are.
        let _ = self.0.given_back.send(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_has_a_turn_until_one_of_so_many_is_over() {
        let (turns, now) = (Turns::new(2), Instant::now());
        let [first, second] = [(); 2].map(|()| turns.wait(now));
        assert!(first.is_some() && second.is_some());
        assert!(turns.wait(now).is_none());
        drop(first);
        assert!(turns.wait(now).is_some());
    }
}

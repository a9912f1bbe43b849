//! One crowd at a time: tests run side by side in one process, and some systems let it have 1024 descriptors at most.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Waits until no other test has a crowd. None has until the guard is gone.
///
/// A test with forty clients or more begins with this, so that its clients are gone before the guard is.
pub fn crowd_turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    // A test that failed when it was its turn has left nothing behind.
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

//! What the server occupies meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::fanout::readings;
use crate::pair::End;
use crate::server::Server;

/// How much it may grow, in bytes, and how much where passwords are checked: two hashes are computed
/// at a time, in 19 MiB each.
pub const ROOM: u64 = 10 << 20;
pub const WITH_HASHES: u64 = (38 << 20) + ROOM;

/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// The most memory that the server was seen to occupy while `meanwhile` happened, in bytes, and what
/// came of that.
pub fn watched<T>(server: &Server, meanwhile: impl FnOnce() -> T) -> (u64, T) {
    let (is_over, pid) = (AtomicBool::new(false), server.pid());
    thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let mut most = 0;
            while !is_over.load(Ordering::Relaxed) {
                most = most.max(readings::resident(pid).expect("chatd runs"));
                thread::sleep(LOOK);
            }
            most
        });
        let end = End(&is_over);
        let outcome = meanwhile();
        drop(end);
        (looking.join().expect("chatd runs"), outcome)
    })
}

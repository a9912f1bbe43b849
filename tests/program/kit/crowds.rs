//! Many clients at once: one crowd at a time, and as large as the system allows.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{Resource, getrlimit, getuid};

use super::{Client, FIRST_WORDS, NARROW, Server, VERSION, skip};

/// How many open files and threads every crowd is made to get along with.
const ENOUGH: u64 = 1024;

fn has_room_for_a_crowd() -> bool {
    let allows = |resource| {
        getrlimit(resource)
            .maximum
            .is_none_or(|most| most >= ENOUGH)
    };
    // The system exempts the superuser from the limit on threads.
    allows(Resource::Nofile) && (getuid().is_root() || allows(Resource::Nproc))
}

/// Waits until no other test has a crowd. None has until the guard is gone.
/// Nothing where the limits are too low for any crowd: the test is skipped then.
///
/// A test with forty clients or more begins with this, so that its clients are gone before the
/// guard is: tests run side by side in one process, and some systems let it have 1024 descriptors
/// at most.
pub fn crowd_turn() -> Option<MutexGuard<'static, ()>> {
    static TURN: Mutex<()> = Mutex::new(());
    if !has_room_for_a_crowd() {
        skip(format_args!("crowds take {ENOUGH} open files and threads"));
        return None;
    }
    // A test that failed when it was its turn has left nothing behind.
    Some(TURN.lock().unwrap_or_else(PoisonError::into_inner))
}

/// How many clients a crowd has that should have `wanted`: at most half as many as this process may
/// open files, because the other half is for the tests beside it.
pub fn crowd_size(wanted: usize) -> usize {
    // The limit is raised to the hard one when the first child is started.
    let limit = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
    usize::try_from(limit / 2).map_or(wanted, |half| wanted.min(half))
}

/// Clients that have connected with small buffers and read nothing yet.
pub fn narrow_crowd(server: &Server, size: usize) -> Vec<Client> {
    let connect = |_| server.connect_with_receive_buffer(NARROW);
    (0..size).map(connect).collect()
}

/// So many clients, named by `beginning` and a number from 0, whom everybody has heard of in this
/// order.
///
/// Quicker than to join one by one: a client that speaks at once does not wait until the server has
/// seen that it is no web browser.
pub fn crowd(server: &Server, beginning: &str, count: usize) -> Vec<Client> {
    let join = |number| {
        let mut client = server.connect();
        client.send(&format!(
            "/nick {beginning}{number}\n{FIRST_WORDS}\n/version"
        ));
        client.expect(VERSION);
        client
    };
    (0..count).map(join).collect()
}

//! How many clients there are, in all and per address.

use crate::address::Host;
use crate::config::ClientLimits;
use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The seats of the server. The accept loop hands them out; each is given back when its client's
/// socket is closed.
pub struct Seats {
    limits: ClientLimits,
    taken: Mutex<Taken>,
    given_back: Condvar,
}

#[derive(Debug, Default)]
struct Taken {
    total: usize,
    by_host: HashMap<Host, usize>,
}

/// One client's seat, given back on drop.
pub struct Seat {
    seats: Arc<Seats>,
    host: Host,
}

impl Seats {
    pub fn new(limits: ClientLimits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            taken: Mutex::default(),
            given_back: Condvar::new(),
        })
    }

    /// A seat for a client from `host`, or the option that says that there is none.
    pub fn take(self: &Arc<Self>, host: Host) -> Result<Seat, &'static str> {
        let mut taken = self.taken();
        let here = taken.by_host.get(&host).copied().unwrap_or_default();
        if taken.total >= self.limits.total {
            return Err("--max-clients");
        }
        if self.limits.per_ip > 0 && here >= self.limits.per_ip {
            return Err("--max-per-ip");
        }
        taken.total += 1;
        taken.by_host.insert(host, here + 1);
        Ok(Seat {
            seats: Arc::clone(self),
            host,
        })
    }

    /// Waits until all seats are free, at most for `time`.
    pub fn wait_until_free(&self, time: Duration) {
        // An error would only say that some thread panicked while it held the lock, and the numbers
        // are whole all the same.
        let _ = self
            .given_back
            .wait_timeout_while(self.taken(), time, |taken| taken.total > 0);
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken();
        taken.total -= 1;
        if let Some(here) = taken.by_host.get_mut(&self.host) {
            *here -= 1;
            if *here == 0 {
                taken.by_host.remove(&self.host);
            }
        }
        // Thousands may leave at once: who waits is woken by the last.
        if taken.total == 0 {
            self.seats.given_back.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;
    use std::net::IpAddr;
    use std::thread;
    use std::time::Instant;

    fn seats(total: usize, per_ip: usize) -> Arc<Seats> {
        Seats::new(ClientLimits { total, per_ip })
    }

    fn address(text: &str) -> Host {
        let ip: IpAddr = text.parse().unwrap();
        Address::Tcp((ip, 1).into()).host()
    }

    #[test]
    fn a_seat_that_is_given_back_is_free_again() {
        let seats = seats(1, 0);
        let seat = seats.take(address("127.0.0.1"));
        assert!(seat.is_ok());
        let other = || seats.take(address("127.0.0.2"));
        assert_eq!(other().err(), Some("--max-clients"));
        drop(seat);
        assert!(other().is_ok());
    }

    #[test]
    fn a_mapped_ipv4_address_counts_as_that_ipv4_address_and_an_ipv6_64_as_one() {
        for (one, same, other) in [
            ("127.0.0.1", "::ffff:127.0.0.1", "127.0.0.2"),
            ("2001:db8:0:1::1", "2001:db8:0:1:ffff::", "2001:db8:0:2::1"),
        ] {
            let seats = seats(9, 1);
            let seat = seats.take(address(one));
            let refused = seats.take(address(same)).err();
            assert_eq!(refused, Some("--max-per-ip"), "{same}");
            assert!(seats.take(address(other)).is_ok(), "{other}");
            drop(seat);
            assert!(seats.taken().by_host.is_empty(), "nobody is counted");
        }
    }

    #[test]
    fn it_waits_until_the_last_seat_is_free_and_no_longer_than_it_may() {
        const SHORT: Duration = Duration::from_millis(20);
        const LONG: Duration = Duration::from_secs(60);
        let seats = seats(9, 0);
        let start = Instant::now();
        seats.wait_until_free(LONG);
        let seat = seats.take(address("127.0.0.1"));
        let full = Instant::now();
        seats.wait_until_free(SHORT);
        assert!(full.elapsed() >= SHORT, "one seat is taken");
        let giving_back = thread::spawn(move || drop(seat));
        seats.wait_until_free(LONG);
        giving_back.join().unwrap();
        assert!(start.elapsed() < LONG, "it waits for nobody");
    }
}

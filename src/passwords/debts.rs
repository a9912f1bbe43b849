//! What wrong passwords cost the address that they come from, and how many accounts may be made from
//! one. The clients' threads share this; none of it is the broadcaster's.

use crate::address::Host;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What each wrong password adds to what its address owes, and how much it can owe.
const PRICE: Duration = Duration::from_secs(10);
const MOST_OWED: Duration = Duration::from_secs(10 * 60);

/// Over that every password is refused unchecked.
const TOLERATED: Duration = Duration::from_secs(5 * 60);

/// How many addresses are remembered. The one that owes least goes first.
const ADDRESSES: usize = 4096;

/// How many accounts may be made in [`PERIOD`] from one address, and from all together.
const NEW_FROM_ONE: usize = 3;
const NEW_FROM_ALL: usize = 30;
const PERIOD: Duration = Duration::from_secs(10 * 60);

/// What each address owes. A clone stands for the same.
#[derive(Clone, Default)]
pub struct Debts(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    owed: HashMap<Host, Debt>,
    /// The addresses of which a password is checked now.
    checked: HashSet<Host>,
    /// How many of these wait to be computed, by how many wrong passwords their address owes for.
    waiting: BTreeMap<u32, usize>,
    /// The accounts that were made lately, the oldest first.
    made: VecDeque<(Instant, Host, NewAccount)>,
}

struct Debt {
    /// When nothing is owed any more.
    until: Instant,
    /// Passwords are refused, and that was told ([`Begun::Refused`]).
    was_told: Told,
}

/// Whether something is told for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It is.
    First,
    /// It was told before, to somebody at the same address.
    Again,
}

/// What comes of wanting a password checked.
pub enum Begun {
    /// It may be.
    Turn(Turn),
    /// Another one from the same address is checked just now.
    Busy,
    /// The address owes too much, for so long.
    Refused(Duration, Told),
}

/// An account that is about to be made. It counts for as long as whoever makes it has this, and
/// longer if it [was made](Self::was_made). The broadcaster says so, which waits for no lock.
#[derive(Debug, Clone, Default)]
pub struct NewAccount(Arc<AtomicBool>);

/// The one check that an address has: it ends when this is dropped.
pub struct Turn {
    debts: Debts,
    host: Host,
    /// For how many wrong passwords the address owes, while it waits to be computed.
    waits: Option<u32>,
}

impl Debts {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody at `host` wants a password checked.
    pub fn begin(&self, host: Host, now: Instant) -> Begun {
        let mut state = self.state();
        if let Some(debt) = state.owed.get_mut(&host) {
            let wait = debt.until.saturating_duration_since(now + TOLERATED);
            if !wait.is_zero() {
                let told = mem::replace(&mut debt.was_told, Told::Again);
                return Begun::Refused(wait, told);
            }
        }
        if !state.checked.insert(host) {
            return Begun::Busy;
        }
        let debt = state.owed.get(&host);
        let owed = debt.map_or(0, |debt| prices(debt.until.saturating_duration_since(now)));
        *state.waiting.entry(owed).or_default() += 1;
        let (debts, waits) = (self.clone(), Some(owed));
        Begun::Turn(Turn { debts, host, waits })
    }

    /// Somebody at `host` is about to make an account.
    ///
    /// # Errors
    ///
    /// Too many were made lately, and for how long that will be so.
    pub fn begin_account(&self, host: Host, now: Instant) -> Result<NewAccount, Duration> {
        let mut state = self.state();
        let counts = |(made, _, account): &(Instant, Host, NewAccount)| {
            *made + PERIOD > now && account.counts()
        };
        state.made.retain(counts);
        let here = state.made.iter().rev();
        let here = here.filter(|(_, other, _)| *other == host);
        let too_many_here = here.map(|(made, ..)| *made).nth(NEW_FROM_ONE - 1);
        let from_all = state.made.iter().rev().map(|(made, ..)| *made);
        let too_many_everywhere = from_all.clone().nth(NEW_FROM_ALL - 1);
        // The account that has to be forgotten first.
        if let Some(made) = too_many_here.max(too_many_everywhere) {
            return Err((made + PERIOD).saturating_duration_since(now));
        }
        let account = NewAccount::default();
        state.made.push_back((now, host, account.clone()));
        Ok(account)
    }
}

impl NewAccount {
    /// There is the account now.
    pub fn was_made(self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was made, or somebody is still about to.
    fn counts(&self) -> bool {
        self.0.load(Ordering::Relaxed) || Arc::strong_count(&self.0) > 1
    }
}

impl Turn {
    /// Whether no address that owes less waits too. So many who guess at many addresses are not in
    /// the way of an owner who comes from another one.
    pub fn comes_first(&self) -> bool {
        let state = self.debts.state();
        let first = state.waiting.first_key_value().map(|(owed, _)| *owed);
        self.waits.is_none() || self.waits == first
    }

    /// It is computed now, or needs no computing.
    pub fn stop_waiting(&mut self) {
        if let Some(owed) = self.waits.take() {
            self.debts.state().forget_waiting(owed);
        }
    }

    /// The password was wrong.
    pub fn owe(self, now: Instant) {
        let mut state = self.debts.state();
        if !state.owed.contains_key(&self.host) && state.owed.len() >= ADDRESSES {
            state.forget_least(now);
        }
        let debt = state.owed.entry(self.host).or_insert(Debt {
            until: now,
            was_told: Told::First,
        });
        if debt.until <= now {
            debt.was_told = Told::First;
        }
        debt.until = (debt.until.max(now) + PRICE).min(now + MOST_OWED);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.stop_waiting();
        self.debts.state().checked.remove(&self.host);
    }
}

/// How many wrong passwords somebody owes for.
fn prices(owed: Duration) -> u32 {
    owed.as_secs().div_ceil(PRICE.as_secs()) as u32
}

impl State {
    fn forget_waiting(&mut self, owed: u32) {
        if let Some(count) = self.waiting.get_mut(&owed) {
            *count -= 1;
            if *count == 0 {
                self.waiting.remove(&owed);
            }
        }
    }

    /// Forgets who owes nothing, or else the one who owes least.
    fn forget_least(&mut self, now: Instant) {
        self.owed.retain(|_, debt| debt.until > now);
        if self.owed.len() >= ADDRESSES {
            let least = self.owed.iter().min_by_key(|(_, debt)| debt.until);
            if let Some(host) = least.map(|(host, _)| *host) {
                self.owed.remove(&host);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: Host = Host::User(1);
    const BOB: Host = Host::User(2);
    const SECOND: Duration = Duration::from_secs(1);

    fn turn(debts: &Debts, host: Host, now: Instant) -> Turn {
        match debts.begin(host, now) {
            Begun::Turn(turn) => turn,
            Begun::Busy => panic!("{host:?} is checked already"),
            Begun::Refused(wait, _) => panic!("{host:?} is refused for {wait:?}"),
        }
    }

    fn refused(debts: &Debts, host: Host, now: Instant) -> Option<(Duration, Told)> {
        match debts.begin(host, now) {
            Begun::Refused(wait, told) => Some((wait, told)),
            _ => None,
        }
    }

    /// So many wrong passwords at one moment.
    fn guess(debts: &Debts, host: Host, times: usize, now: Instant) {
        for _ in 0..times {
            turn(debts, host, now).owe(now);
        }
    }

    #[test]
    fn an_address_has_one_check_at_a_time() {
        let (debts, now) = (Debts::default(), Instant::now());
        let first = turn(&debts, ALICE, now);
        assert!(matches!(debts.begin(ALICE, now), Begun::Busy));
        let _other = turn(&debts, BOB, now);
        drop(first);
        turn(&debts, ALICE, now).owe(now);
        let _right = turn(&debts, ALICE, now);
    }

    #[test]
    fn an_address_owes_10_s_for_each_wrong_password_and_over_5_minutes_all_are_refused() {
        let (debts, now) = (Debts::default(), Instant::now());
        guess(&debts, ALICE, 31, now);
        assert_eq!(
            refused(&debts, ALICE, now),
            Some((10 * SECOND, Told::First))
        );
        let later = now + 9 * SECOND;
        assert_eq!(refused(&debts, ALICE, later), Some((SECOND, Told::Again)));
        assert_eq!(refused(&debts, BOB, now), None, "another address");
        let paid = now + 10 * SECOND;
        guess(&debts, ALICE, 1, paid);
        let again = refused(&debts, ALICE, paid);
        assert_eq!(again, Some((10 * SECOND, Told::Again)), "it is told once");
    }

    #[test]
    fn an_address_owes_at_most_10_minutes() {
        let (debts, now) = (Debts::default(), Instant::now());
        let turns = [(); 99].map(|()| Turn {
            debts: debts.clone(),
            host: ALICE,
            waits: None,
        });
        for turn in turns {
            turn.owe(now);
        }
        let five_minutes = Duration::from_secs(5 * 60);
        assert_eq!(
            refused(&debts, ALICE, now),
            Some((five_minutes, Told::First))
        );
        let paid = now + 2 * five_minutes;
        guess(&debts, ALICE, 31, paid);
        let again = refused(&debts, ALICE, paid);
        assert_eq!(again, Some((10 * SECOND, Told::First)), "a new debt");
    }

    #[test]
    fn of_4096_addresses_the_one_that_owes_least_is_forgotten_first() {
        let (debts, now) = (Debts::default(), Instant::now());
        guess(&debts, ALICE, 31, now);
        for number in 0..9_000 {
            guess(&debts, Host::User(1_000 + number), 2, now);
        }
        guess(&debts, BOB, 1, now);
        guess(&debts, Host::User(3), 1, now);
        let state = debts.state();
        assert_eq!(state.owed.len(), ADDRESSES);
        assert!(!state.owed.contains_key(&BOB), "it owed least");
        assert!(state.owed.contains_key(&Host::User(3)), "it is the last");
        assert!(state.owed.contains_key(&ALICE), "it owes most");
    }

    #[test]
    fn who_owes_nothing_any_more_makes_room_first() {
        let (debts, now) = (Debts::default(), Instant::now());
        for number in 0..4_096 {
            guess(&debts, Host::User(1_000 + number), 1, now);
        }
        let later = now + PRICE;
        guess(&debts, ALICE, 1, later);
        assert_eq!(debts.state().owed.len(), 1);
    }

    /// Makes an account.
    fn make(debts: &Debts, host: Host, now: Instant) -> Result<(), Duration> {
        let account = debts.begin_account(host, now)?;
        account.was_made();
        Ok(())
    }

    #[test]
    fn an_account_that_was_not_made_counts_no_longer() {
        let (debts, now) = (Debts::default(), Instant::now());
        let begin = || debts.begin_account(ALICE, now);
        let accounts = [begin(), begin(), begin()];
        assert_eq!(begin().err(), Some(PERIOD), "they are about to be made");
        drop(accounts);
        for _ in 0..3 {
            assert_eq!(make(&debts, ALICE, now), Ok(()));
        }
        assert_eq!(begin().err(), Some(PERIOD));
    }

    #[test]
    fn at_most_3_accounts_are_made_in_10_minutes_from_one_address() {
        let (debts, now) = (Debts::default(), Instant::now());
        for seconds in 0..3 {
            let now = now + seconds * SECOND;
            assert_eq!(make(&debts, ALICE, now), Ok(()));
        }
        let wait = PERIOD - 5 * SECOND;
        assert_eq!(make(&debts, ALICE, now + 5 * SECOND), Err(wait));
        assert_eq!(make(&debts, BOB, now + 5 * SECOND), Ok(()));
        assert_eq!(make(&debts, ALICE, now + PERIOD), Ok(()));
        assert_eq!(make(&debts, ALICE, now + PERIOD), Err(SECOND));
    }

    #[test]
    fn at_most_30_accounts_are_made_in_10_minutes_from_all_addresses() {
        let (debts, now) = (Debts::default(), Instant::now());
        for number in 0..30 {
            let now = now + number * SECOND;
            assert_eq!(make(&debts, Host::User(number), now), Ok(()));
        }
        let later = now + 30 * SECOND;
        assert_eq!(make(&debts, ALICE, later), Err(PERIOD - 30 * SECOND));
        assert_eq!(make(&debts, ALICE, now + PERIOD), Ok(()));
    }
}

//! One password that somebody has given, compared or hashed in steps that never wait: a client's
//! own thread has something else to do between them.

use crate::address::Address;
use crate::passwords::Password;
use crate::passwords::debts::{Begun, Debts, Told, Turn};
use crate::passwords::hash::{Buffer, Buffers};
use crate::units::show_duration;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a check waits for its turn and for a buffer.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

const MINUTE: Duration = Duration::from_secs(60);

/// What all checks share. A clone stands for the same.
#[derive(Clone, Default)]
pub struct Means {
    /// Where hashes are computed.
    pub buffers: Arc<Buffers>,
    /// What wrong passwords cost.
    pub debts: Debts,
}

/// What a password is compared with.
pub enum Against {
    /// The hash of an account.
    Hash(Arc<str>),
    /// The password that everybody has to give.
    Common(Arc<Password>),
    /// Nothing: no account has that name.
    Nobody,
}

/// A password that is compared.
pub struct Check {
    /// None: what was given can be nobody's.
    password: Option<Password>,
    against: Against,
    address: Address,
    deadline: Deadline,
    turn: Option<Turn>,
}

/// A new password that is hashed.
pub struct Hashing {
    password: Password,
    deadline: Deadline,
}

/// What a step leads to.
#[derive(Debug, PartialEq, Eq)]
pub enum Step<T> {
    /// Others are in the way: the next step may be tried a little later.
    Wait,
    /// There is no next one.
    Done(T),
}

/// What is found of a password.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// It is the one.
    Right,
    /// It is another, or can be nobody's.
    Wrong,
    /// It was not compared.
    NotChecked(Hindrance),
}

/// Why a password was neither compared nor hashed.
#[derive(Debug, PartialEq, Eq)]
pub enum Hindrance {
    /// Others were in the way for too long.
    Busy,
    /// The address owes too much for wrong ones, for so long.
    Debt(Duration),
    /// The system has no random numbers.
    Failed,
}

impl fmt::Display for Hindrance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("busy, try again in a few seconds"),
            Self::Debt(wait) => {
                let wait = tell_wait(*wait);
                write!(f, "too many wrong passwords, try again in {wait}")
            }
            Self::Failed => f.write_str("this does not work at the moment"),
        }
    }
}

/// How long somebody has to wait, in whole minutes.
pub fn tell_wait(wait: Duration) -> String {
    let minutes = wait.as_secs().div_ceil(MINUTE.as_secs());
    show_duration(MINUTE * u32::try_from(minutes).unwrap_or(u32::MAX))
}

/// Until when something is tried, from the first step on.
#[derive(Default)]
struct Deadline(Option<Instant>);

impl Deadline {
    fn has_passed(&mut self, now: Instant) -> bool {
        now >= *self.0.get_or_insert(now + LONGEST_WAIT)
    }
}

impl Check {
    /// A password as it was given by somebody at `address`.
    pub fn new(password: Option<Password>, against: Against, address: Address) -> Self {
        Self {
            password,
            against,
            address,
            deadline: Deadline::default(),
            turn: None,
        }
    }

    /// Goes on. With a buffer this takes about 55 ms, and else no time.
    pub fn step(&mut self, means: &Means, now: Instant) -> Step<Found> {
        let is_late = self.deadline.has_passed(now);
        let otherwise = || {
            if is_late {
                Step::Done(Found::NotChecked(Hindrance::Busy))
            } else {
                Step::Wait
            }
        };
        if self.turn.is_none() {
            match means.debts.begin(self.address.host(), now) {
                Begun::Turn(turn) => self.turn = Some(turn),
                Begun::Busy => return otherwise(),
                Begun::Refused(wait, told) => {
                    if told == Told::First {
                        let address = self.address;
                        log::warn!(target: "chatd::passwords", "too many wrong passwords: {address}");
                    }
                    return Step::Done(Found::NotChecked(Hindrance::Debt(wait)));
                }
            }
        }
        let is_right = match (&self.password, &self.against) {
            (Some(password), Against::Common(expected)) => password.is(expected),
            (Some(password), Against::Hash(hash)) => {
                let comes_first = self.turn.as_ref().is_some_and(Turn::comes_first);
                let Some(buffer) = comes_first.then(|| means.buffers.try_take()).flatten() else {
                    return otherwise();
                };
                // The next one need not wait until this is computed.
                if let Some(turn) = &mut self.turn {
                    turn.stop_waiting();
                }
                compare(buffer, password, hash)
            }
            (None, _) | (_, Against::Nobody) => false,
        };
        let turn = self.turn.take();
        if is_right {
            return Step::Done(Found::Right);
        }
        if let Some(turn) = turn {
            turn.owe(now);
        }
        Step::Done(Found::Wrong)
    }
}

fn compare(mut buffer: Buffer, password: &Password, hash: &str) -> bool {
    buffer.is_right(password, hash).unwrap_or_else(|error| {
        log::error!(target: "chatd::passwords", "a password cannot be checked: {error}");
        false
    })
}

impl Hashing {
    /// A new password.
    pub fn new(password: Password) -> Self {
        Self {
            password,
            deadline: Deadline::default(),
        }
    }

    /// Goes on. With a buffer this takes about 55 ms, and else no time.
    pub fn step(&mut self, means: &Means, now: Instant) -> Step<Result<String, Hindrance>> {
        let is_late = self.deadline.has_passed(now);
        match means.buffers.try_take() {
            Some(mut buffer) => Step::Done(buffer.hash(&self.password).map_err(|error| {
                log::error!(target: "chatd::passwords", "a password cannot be hashed: {error}");
                Hindrance::Failed
            })),
            None if is_late => Step::Done(Err(Hindrance::Busy)),
            None => Step::Wait,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Found::{NotChecked, Right, Wrong};

    const HERE: Address = Address::User(1);
    const ELSEWHERE: Address = Address::User(2);

    /// Of "password", and computed soon.
    const HASH: &str =
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";

    fn check(text: &str, against: Against, address: Address) -> Check {
        Check::new(Password::read(text.as_bytes()), against, address)
    }

    fn of_hash(text: &str, address: Address) -> Check {
        check(text, Against::Hash(HASH.into()), address)
    }

    #[test]
    fn a_password_is_right_or_wrong() {
        let (means, now) = (Means::default(), Instant::now());
        let common = || {
            let password = Password::read(b"open sesame");
            Against::Common(Arc::new(password.unwrap()))
        };
        for (mut check, found) in [
            (of_hash("password", HERE), Right),
            (of_hash("passwore", HERE), Wrong),
            (of_hash("pass\tword", HERE), Wrong),
            (check("password", Against::Nobody, HERE), Wrong),
            (check("password", Against::Hash("".into()), HERE), Wrong),
            (check("open sesame", common(), HERE), Right),
            (check("open barley", common(), HERE), Wrong),
        ] {
            assert_eq!(check.step(&means, now), Step::Done(found));
        }
    }

    #[test]
    fn every_wrong_password_owes_the_same() {
        let (means, now) = (Means::default(), Instant::now());
        for round in 0..31 {
            let mut check = match round % 3 {
                0 => of_hash("passwore", HERE),
                1 => of_hash("pass\tword", HERE),
                _ => check("password", Against::Nobody, HERE),
            };
            assert_eq!(check.step(&means, now), Step::Done(Wrong), "{round}");
        }
        let debt = Hindrance::Debt(Duration::from_secs(10));
        let mut right = of_hash("password", HERE);
        assert_eq!(right.step(&means, now), Step::Done(NotChecked(debt)));
        let mut elsewhere = of_hash("password", ELSEWHERE);
        assert_eq!(elsewhere.step(&means, now), Step::Done(Right));
    }

    #[test]
    fn a_right_password_owes_nothing() {
        let (means, now) = (Means::default(), Instant::now());
        for _ in 0..40 {
            let mut check = of_hash("password", HERE);
            assert_eq!(check.step(&means, now), Step::Done(Right));
        }
    }

    #[test]
    fn a_check_waits_for_a_buffer_for_10_s_at_most() {
        let (means, now) = (Means::default(), Instant::now());
        let taken = [(); 2].map(|()| means.buffers.try_take());
        let mut checks = [of_hash("password", HERE), of_hash("password", ELSEWHERE)];
        for check in &mut checks {
            assert_eq!(check.step(&means, now), Step::Wait);
            let later = now + LONGEST_WAIT - Duration::from_millis(1);
            assert_eq!(check.step(&means, later), Step::Wait);
        }
        let late = now + LONGEST_WAIT;
        let [first, second] = &mut checks;
        let busy = NotChecked(Hindrance::Busy);
        assert_eq!(first.step(&means, late), Step::Done(busy));
        drop(taken);
        assert_eq!(second.step(&means, late), Step::Done(Right));
    }

    #[test]
    fn a_check_waits_for_another_one_from_its_address() {
        let (means, now) = (Means::default(), Instant::now());
        let taken = [(); 2].map(|()| means.buffers.try_take());
        let (mut first, mut second) = (of_hash("password", HERE), of_hash("passwore", HERE));
        assert_eq!(first.step(&means, now), Step::Wait);
        drop(taken);
        assert_eq!(second.step(&means, now), Step::Wait);
        assert_eq!(first.step(&means, now), Step::Done(Right));
        assert_eq!(second.step(&means, now), Step::Done(Wrong));
    }

    #[test]
    fn a_check_waits_for_those_from_addresses_that_owe_less() {
        let (means, now) = (Means::default(), Instant::now());
        let mut guess = check("guess", Against::Nobody, HERE);
        assert_eq!(guess.step(&means, now), Step::Done(Wrong));
        let taken = [(); 2].map(|()| means.buffers.try_take());
        let mut checks = [HERE, ELSEWHERE].map(|address| of_hash("password", address));
        for check in &mut checks {
            assert_eq!(check.step(&means, now), Step::Wait);
        }
        drop(taken);
        let [here, elsewhere] = &mut checks;
        assert_eq!(here.step(&means, now), Step::Wait);
        assert_eq!(elsewhere.step(&means, now), Step::Done(Right));
        assert_eq!(here.step(&means, now), Step::Done(Right));
    }

    #[test]
    fn who_waits_for_a_buffer_and_goes_leaves_its_turn_to_others() {
        let (means, now) = (Means::default(), Instant::now());
        let taken = [(); 2].map(|()| means.buffers.try_take());
        let mut gone = of_hash("password", HERE);
        assert_eq!(gone.step(&means, now), Step::Wait);
        drop((gone, taken));
        let mut guess = check("guess", Against::Nobody, HERE);
        assert_eq!(guess.step(&means, now), Step::Done(Wrong));
        let mut next = of_hash("password", HERE);
        assert_eq!(next.step(&means, now), Step::Done(Right));
    }

    #[test]
    fn a_new_password_waits_for_a_buffer_as_a_check_does() {
        let (means, now) = (Means::default(), Instant::now());
        let taken = [(); 2].map(|()| means.buffers.try_take());
        let mut hashing = Hashing::new(Password::read(b"hunter42").unwrap());
        assert_eq!(hashing.step(&means, now), Step::Wait);
        let late = now + LONGEST_WAIT;
        let busy = Step::Done(Err(Hindrance::Busy));
        assert_eq!(hashing.step(&means, late), busy);
        drop(taken);
        let Step::Done(Ok(hash)) = hashing.step(&means, late) else {
            panic!("there is a buffer");
        };
        let mut check = check("hunter42", Against::Hash(hash.into()), HERE);
        assert_eq!(check.step(&means, late), Step::Done(Right));
    }

    #[test]
    fn the_time_to_wait_is_told_in_whole_minutes() {
        for (seconds, told) in [(1, "1m"), (60, "1m"), (181, "4m"), (300, "5m")] {
            let debt = Hindrance::Debt(Duration::from_secs(seconds));
            let expected = format!("too many wrong passwords, try again in {told}");
            assert_eq!(debt.to_string(), expected);
        }
    }
}

//! Clients that log in with wrong passwords, or try names, as fast as they can: people chat beside
//! them, and the owner of the account comes in.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::CHAT;
use super::data::{Account, Data};
use super::memory::{ROOM, WITH_HASHES, watched};
use super::visits::{HOME, address, beside, visit};
use crate::args::Args;
use crate::client::Client;
use crate::findings::Findings;
use crate::pair::{Delays, Pair};
use crate::server::Server;
use crate::sheet::Sheet;

const INTRUDERS: usize = 200;

const GUESSES: &str = "/login alice\nwrong 1\nwrong 2\nwrong 3\n";

/// How long the owner rests between two logins.
const REST: Duration = Duration::from_millis(300);

/// All at one address: the owner does not notice.
pub fn at_one_address(args: &Args, sheet: &mut Sheet) {
    const AT_ONCE: Duration = Duration::from_secs(1);
    let outcome = guess(args, |_| address(0));
    let mut findings = Findings::of("200 guess passwords at one address", sheet);
    outcome.record(&mut findings);
    let holds = outcome
        .logins
        .iter()
        .all(|login| login.tries == 1 && login.time <= AT_ONCE);
    findings.record(
        "logins of the owner",
        outcome.logins(),
        "each at once, <= 1 s",
        holds,
    );
}

/// Each at an address of its own, so that all of them compute.
pub fn everywhere(args: &Args, sheet: &mut Sheet) {
    let outcome = guess(args, address);
    let mut findings = Findings::of("200 guess passwords at 200 addresses", sheet);
    outcome.record(&mut findings);
    let holds = outcome.logins.iter().all(|login| login.tries <= 3);
    findings.record(
        "logins of the owner",
        outcome.logins(),
        "in <= 3 tries",
        holds,
    );
}

/// Names that nobody has, each with a password, from one address.
pub fn guessed_names(args: &Args, sheet: &mut Sheet) {
    const GUESSERS: usize = 16;
    let count = 2 * args.connections();
    let data = Data::new();
    let server = data.server(args, &[]);
    let mut pair = Pair::join(&server);
    let to = server.address();
    let (next, answered) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let guess = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return;
            }
            let text = format!("/login name{number}\nsecret\n\n/quit\n");
            let lines = visit(address(0), to, &text);
            let is_answered = lines.iter().any(|line| is_refusal(line));
            answered.fetch_add(usize::from(is_answered), Ordering::Relaxed);
        }
    };
    let (before, begin) = (server.resident(), Instant::now());
    let (most, delays) = watched(&server, || {
        pair.chat(|| {
            thread::scope(|scope| {
                for _ in 0..GUESSERS {
                    scope.spawn(guess);
                }
            });
        })
    });
    let time = begin.elapsed();
    let name = format!("{count} names tried from one address");
    let mut findings = Findings::of(&name, sheet);
    findings.chat(&delays, CHAT);
    findings.growth(before, most, ROOM);
    let answered = answered.into_inner();
    let rate = answered as f64 / time.as_secs_f64();
    let value = format!("{answered}, {rate:.0} a second");
    findings.record("answered", value, "all", answered == count);
}

fn is_refusal(line: &str) -> bool {
    line.starts_with("-- wrong name or password") || line.starts_with("-- too many wrong passwords")
}

/// What comes of it.
struct Outcome {
    delays: Delays,
    /// Memory with all of them connected, before the first password, and at most, in bytes.
    before: u64,
    most: u64,
    logins: Vec<Login>,
    /// How many connections have ended a second.
    rate: f64,
}

/// How the owner came in.
struct Login {
    tries: usize,
    time: Duration,
}

fn guess(args: &Args, address: impl Fn(usize) -> Ipv4Addr) -> Outcome {
    let data = Data::new();
    let alice = data.account(args, "alice");
    let server = data.server(args, &[]);
    let to = server.address();
    let mut pair = Pair::join(&server);
    // They are there without an attack too.
    let addresses: Vec<_> = (0..INTRUDERS).map(address).collect();
    let mut intruders = Vec::new();
    for &source in &addresses {
        let mut intruder = Client::connect_from(source, to).expect("chatd listens");
        intruder.settle().expect("the server answers");
        intruders.push(intruder);
    }
    let before = server.resident();
    let ended = AtomicU64::new(0);
    let attackers = intruders
        .into_iter()
        .zip(addresses)
        .map(|(intruder, source)| {
            let (mut first, ended) = (Some(intruder), &ended);
            move || {
                match first.take() {
                    Some(mut intruder) => {
                        let _ = intruder.send(GUESSES);
                        intruder.read_to_end();
                    }
                    None => drop(visit(source, to, GUESSES)),
                }
                ended.fetch_add(1, Ordering::Relaxed);
            }
        });
    beside(attackers, || {
        let begin = Instant::now();
        let mut logins = Vec::new();
        let (most, delays) = watched(&server, || {
            pair.chat(|| {
                while begin.elapsed() < args.chatting() {
                    logins.push(log_in(&server, &alice));
                    thread::sleep(REST);
                }
            })
        });
        let rate = ended.load(Ordering::Relaxed) as f64 / begin.elapsed().as_secs_f64();
        // Those who wait for an answer need not wait any longer.
        drop(server);
        Outcome {
            delays,
            before,
            most,
            logins,
            rate,
        }
    })
}

/// The owner tries until they are in, and leaves.
fn log_in(server: &Server, account: &Account) -> Login {
    let begin = Instant::now();
    for tries in 1.. {
        match Client::log_in(HOME, server.address(), account) {
            Ok(client) => {
                let time = begin.elapsed();
                client.leave();
                return Login { tries, time };
            }
            Err(why) => eprintln!("the owner is refused: {why}"),
        }
    }
    unreachable!("somebody who tries for ever")
}

impl Outcome {
    fn record(&self, findings: &mut Findings<'_>) {
        findings.chat(&self.delays, CHAT);
        findings.growth(self.before, self.most, WITH_HASHES);
    }

    fn logins(&self) -> String {
        let most = self.logins.iter().map(|login| login.tries).max();
        let longest = self.logins.iter().map(|login| login.time).max();
        let (most, longest) = (most.unwrap_or(0), longest.unwrap_or_default());
        format!(
            "{}, in {most} tries and {longest:.1?} at most; {:.0} guessers turned out a second",
            self.logins.len(),
            self.rate
        )
    }
}

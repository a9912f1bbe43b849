//! Accounts whose owners come by another connection again and again, which ends the one that they
//! had.

use std::collections::HashSet;
use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::CHAT;
use super::data::Data;
use super::memory::{WITH_HASHES, watched};
use super::visits::{HOME, address, beside};
use crate::args::Args;
use crate::client::Client;
use crate::findings::Findings;
use crate::pair::Pair;
use crate::sheet::Sheet;

/// What the connection reads that was there before.
const ELSEWHERE: &str = "-- you logged in elsewhere";

/// Two copies of a bot that log in again whenever they are put out, or refused.
pub fn bots(args: &Args, sheet: &mut Sheet) {
    const TIME: Duration = Duration::from_secs(15);
    /// Once at first, and once after 10 s.
    const MOST: usize = 2;
    let data = Data::new();
    let account = data.account(args, "bot");
    let server = data.server(args, &[]);
    let (to, mut pair) = (server.address(), Pair::join(&server));
    let (tried, put_out) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let copy = || {
        tried.fetch_add(1, Ordering::Relaxed);
        if let Ok(mut bot) = Client::log_in(HOME, to, &account)
            && bot.read_to_end().iter().any(|line| line == ELSEWHERE)
        {
            put_out.fetch_add(1, Ordering::Relaxed);
        }
    };
    let (delays, put_out) = beside([copy; 2], || {
        let delays = pair.chat(|| thread::sleep(TIME));
        let put_out = put_out.load(Ordering::Relaxed);
        drop(server);
        (delays, put_out)
    });
    let mut findings = Findings::of("two copies of a bot", sheet);
    findings.chat(&delays, CHAT);
    let rate = tried.into_inner() as f64 / TIME.as_secs_f64();
    let value = format!("{put_out}, of {rate:.0} logins a second");
    let holds = (1..=MOST).contains(&put_out);
    findings.record("take-overs in 15 s", value, "1 or 2", holds);
}

/// Owners of 50 accounts who come by another connection, 300 times a minute: as often as they may.
pub fn owners(args: &Args, sheet: &mut Sheet) {
    const ACCOUNTS: usize = 50;
    const PAUSE: Duration = Duration::from_millis(200);
    // An account can be taken over once in 10 s.
    let time = Duration::from_secs(if args.is_quick() { 20 } else { 60 });
    let data = Data::new();
    let names = (0..ACCOUNTS).map(|number| format!("owner{number}"));
    let accounts: Vec<_> = names.map(|name| data.account(args, &name)).collect();
    let server = data.server(args, &[]);
    let (to, mut pair) = (server.address(), Pair::join(&server));
    let before = server.resident();
    let log_in = |number: usize| Client::log_in(address(number), to, &accounts[number]);
    let first = (0..ACCOUNTS).map(|number| log_in(number).expect("it is the owner"));
    let mut here: Vec<_> = first.collect();
    let mut watcher = Client::join(to, "watcher").expect("there is a place");
    let expected = accounts.iter().map(|account| account.name.as_str());
    let expected: HashSet<_> = expected.chain(["ann", "bob", "watcher"]).collect();

    let (mut put_out, mut refused, mut wrong) = (0, 0, 0);
    let begin = Instant::now();
    let (most, delays) = watched(&server, || {
        pair.chat(|| {
            for turn in 0.. {
                if begin.elapsed() >= time {
                    return;
                }
                let due = Instant::now() + PAUSE;
                let number = turn % ACCOUNTS;
                let client = loop {
                    match log_in(number) {
                        Ok(client) => break client,
                        Err(_) => refused += 1,
                    }
                };
                let lines = mem::replace(&mut here[number], client).read_to_end();
                put_out += usize::from(lines.last().is_some_and(|line| line == ELSEWHERE));
                if turn % 10 == 0 {
                    let names = who(&mut watcher);
                    let different: HashSet<_> = names.iter().map(String::as_str).collect();
                    let is_right = different.is_subset(&expected);
                    wrong += usize::from(!is_right || different.len() < names.len());
                }
                thread::sleep(due.saturating_duration_since(Instant::now()));
            }
        })
    });
    let rate = put_out as f64 / begin.elapsed().as_secs_f64() * 60.0;
    // Then everybody has been here for a second.
    thread::sleep(Duration::from_secs(2));
    let names = who(&mut watcher);
    let is_whole = names.len() == expected.len();
    let mut findings = Findings::of("owners of 50 accounts", sheet);
    findings.chat(&delays, CHAT);
    findings.growth(before, most, WITH_HASHES);
    let value = format!("{rate:.0} a minute; {refused} refused as too soon");
    findings.record("take-overs", value, ">= 200 a minute", rate >= 200.0);
    let value = format!("{wrong} times somebody twice; {} at the end", names.len());
    let holds = wrong == 0 && is_whole;
    findings.record("who is here", value, "each once", holds);
}

/// Who is here, in the order of the list. Who has come in the last second is not in it.
fn who(watcher: &mut Client) -> Vec<String> {
    watcher.send("/who\n/version\n").expect("it is read");
    let mut names = Vec::new();
    loop {
        let line = watcher.read_line().expect("it is answered");
        if line.starts_with(b"-- chatd ") {
            return names;
        }
        let line = String::from_utf8_lossy(line).into_owned();
        let is_list = !line.contains(" is now ") && !line.ends_with("here:");
        if let Some(list) = line.strip_prefix("-- ").filter(|_| is_list) {
            let words = list.trim_end_matches(',').split(", ");
            names.extend(words.map(|word| word.trim_end_matches(" (you)").to_owned()));
        }
    }
}

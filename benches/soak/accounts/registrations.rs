//! Clients at a thousand addresses that make accounts as fast as they can, while people chat.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use super::CHAT;
use super::data::Data;
use super::memory::{WITH_HASHES, watched};
use super::visits::{address, beside, visit};
use crate::args::Args;
use crate::findings::Findings;
use crate::pair::Pair;
use crate::sheet::Sheet;

const ADDRESSES: usize = 1_000;

/// How many there are at a time.
const CLIENTS: usize = 50;

/// How often each address tries in a row.
const TRIES: usize = 5;

/// What may be made in 10 minutes, from one address and from all.
const FROM_ONE: usize = 3;
const FROM_ALL: usize = 30;

/// Most of them are refused.
pub fn registrations(args: &Args, sheet: &mut Sheet) {
    let data = Data::new();
    let server = data.server(args, &["--register"]);
    let mut pair = Pair::join(&server);
    let (to, before) = (server.address(), server.resident());
    let next = AtomicUsize::new(0);
    let made = Mutex::new(HashMap::new());
    let register = || {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let source = address(number / TRIES % ADDRESSES);
        let text = format!("/register r{number}\nhunter{number:03}\nhunter{number:03}\n/quit\n");
        let end = format!(" is now r{number}");
        if visit(source, to, &text)
            .iter()
            .any(|line| line.ends_with(&end))
        {
            *made
                .lock()
                .expect("no client panicked")
                .entry(source)
                .or_insert(0) += 1;
        }
    };
    let begin = Instant::now();
    let (most, delays) = beside([(); CLIENTS].map(|()| register), || {
        let watched = watched(&server, || pair.chat(|| thread::sleep(args.chatting())));
        drop(server);
        watched
    });
    let tried = next.into_inner();
    let rate = tried as f64 / begin.elapsed().as_secs_f64();
    let made = made.into_inner().expect("no client panicked");
    let all: usize = made.values().sum();
    let of_one = made.values().copied().max().unwrap_or(0);

    let mut findings = Findings::of("accounts from 1,000 addresses", sheet);
    findings.chat(&delays, CHAT);
    findings.growth(before, most, WITH_HASHES);
    let value = format!("{all}, at most {of_one} from one; {tried} tried, {rate:.0} a second");
    let bound = format!("{FROM_ALL}, <= {FROM_ONE} from one");
    let holds = all == FROM_ALL && of_one <= FROM_ONE;
    findings.record("made", value, &bound, holds);
}

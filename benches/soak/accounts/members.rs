//! A server for members only, at which thousands of strangers wait, and members who come in all the
//! same.

use std::time::{Duration, Instant};

use rustix::process::{Resource, getrlimit};

use super::CHAT;
use super::data::Data;
use super::times::Times;
use super::visits::{HOME, address};
use crate::args::Args;
use crate::client::Client;
use crate::fanout::readings;
use crate::findings::Findings;
use crate::pair::{NAMES, Pair};
use crate::sheet::Sheet;

const STRANGERS: usize = 5_000;

/// How many may wait from one address.
const AT_ONE: usize = 40;

/// Descriptors that are used for something else than strangers, at most.
const OTHERS: usize = 200;

/// How long a member may take to come in.
const AT_ONCE: Duration = Duration::from_secs(1);

/// What a stranger may cost, in bytes.
const EACH: u64 = 16 << 10;

/// They wait, and members come in one after the other.
pub fn strangers(args: &Args, sheet: &mut Sheet) {
    let data = Data::new();
    let talkers = NAMES.map(|name| data.account(args, name));
    let members: Vec<_> = (0..10)
        .map(|number| data.account(args, &format!("member{number}")))
        .collect();
    let server = data.server(args, &["--members-only"]);
    let to = server.address();
    let log_in = |account| Client::log_in(HOME, to, account).expect("a member comes in");
    let mut pair = Pair::of(talkers.each_ref().map(log_in));
    let before = server.resident();
    let limit = getrlimit(Resource::Nofile).current;
    let room = limit.map_or(usize::MAX, |limit| limit as usize);
    let room = room.saturating_sub(OTHERS);
    let count = STRANGERS.min(room / AT_ONE * AT_ONE);
    let connect = |number| Client::connect_from(address(number / AT_ONE), to);
    let mut strangers: Vec<_> = (0..count)
        .map(|number| connect(number).expect("chatd listens"))
        .collect();
    let told = strangers.iter_mut().filter_map(|stranger| {
        let line = stranger.read_line().ok()?;
        line.starts_with(b"-- members only").then_some(())
    });
    let told = told.count();
    let each = server.resident().saturating_sub(before) / count.max(1) as u64;
    let refused = connect(0).expect("chatd listens").read_to_end();

    let mut times = Times::default();
    let begin = Instant::now();
    let delays = pair.chat(|| {
        for member in members.iter().cycle() {
            if begin.elapsed() >= args.chatting() {
                break;
            }
            times.add(|| log_in(member)).leave();
        }
    });
    // One thread each: nobody was turned out meanwhile.
    let threads = readings::threads(server.pid()).expect("chatd runs");
    let waiting = count.min(threads as usize);

    let fewer = if count < STRANGERS {
        " (the limit on open files allows no more)"
    } else {
        ""
    };
    let name = format!("{count} strangers wait{fewer}");
    let mut findings = Findings::of(&name, sheet);
    findings.chat(&delays, CHAT);
    let holds = times.longest() <= AT_ONCE;
    findings.record("members who come in", times.to_string(), "<= 1 s", holds);
    let value = format!("{told} told to log in, {waiting} there at the end");
    findings.record(
        "the strangers",
        value,
        "all",
        told == count && waiting == count,
    );
    let last = refused.last().map_or("nothing", String::as_str);
    let holds = last.starts_with("-- too many wait at your address");
    findings.record(
        "the 41st of an address",
        format!("reads {last:?}"),
        "is refused",
        holds,
    );
    let value = format!("{:.1} KiB each", each as f64 / 1024.0);
    findings.record("memory", value, "<= 16 KiB each", each <= EACH);
}

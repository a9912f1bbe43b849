//! People who chat beside flooders and a client that reads slowly, or not at all.

use std::time::{Duration, Instant};

use crate::args::Args;
use crate::findings::{CHAT, FLOOR, Findings, MIB, PATIENCE};
use crate::load::{Load, Reading, lines_of, repeated};
use crate::pair::Pair;
use crate::server::Server;
use crate::sheet::Sheet;

/// How often those who read nothing are looked at.
const LOOK: Duration = Duration::from_millis(250);

/// Four flooders, and one who reads 2.0 MB a second, less than they send and more than the floor.
pub fn flooders(args: &Args, sheet: &mut Sheet) {
    let server = Server::start(args, &PATIENCE);
    let mut pair = Pair::join(&server);
    let mut load = Load::new(&server);
    let reader = load.connect(Reading::Paced(2_000_000));
    flood_with(&mut load, 4);
    let delays = pair.chat(|| load.run(args.chatting()));
    let mut findings = Findings::of("flooders", sheet);
    findings.chat(&delays, CHAT);
    findings.kept(&mut load, reader);
    findings.memory(load.most_resident());
}

/// Eight flooders whose names are 36 times as long as what they say, beside one who reads a little
/// more than the floor: what is counted of a line must not be much less than what is sent.
pub fn names(args: &Args, sheet: &mut Sheet) {
    long_names("names", FLOOR, &PATIENCE, args, sheet);
    let small = ["--max-backlog", "1MiB", "--patience", "5s"];
    let floor = MIB.div_ceil(5);
    long_names("names, backlog of 1 MiB", floor, &small, args, sheet);
}

fn long_names(name: &str, floor: u64, options: &[&str], args: &Args, sheet: &mut Sheet) {
    let server = Server::start(args, options);
    let mut pair = Pair::join(&server);
    let mut load = Load::new(&server);
    let reader = load.connect(Reading::Paced(floor * 112 / 100));
    let flooders = load.crowd(8, Reading::Everything);
    for (&flooder, last) in flooders.iter().zip("甲乙丙丁戊己庚辛".chars()) {
        // 24 characters, the most that a name may have, of three bytes each.
        let name = format!("{}{last}", "中".repeat(23));
        load.send(flooder, format!("/nick {name}\n").as_bytes());
    }
    load.run(Duration::from_secs(2));
    let text = repeated("a\n");
    load.flood_all(&flooders, &text);
    let delays = pair.chat(|| load.run(args.chatting()));
    let mut findings = Findings::of(name, sheet);
    findings.chat(&delays, CHAT);
    findings.kept(&mut load, reader);
    findings.memory(load.most_resident());
}

/// Six flooders, and three who read nothing, one second apart. Whoever of them is let go is
/// replaced at once, so somebody is always waited for.
pub fn replaced(args: &Args, sheet: &mut Sheet) {
    let server = Server::start(args, &PATIENCE);
    let mut pair = Pair::join(&server);
    let mut load = Load::new(&server);
    let reader = load.connect(Reading::Paced(FLOOR));
    flood_with(&mut load, 6);
    let mut dead = Vec::new();
    let mut replaced = 0;
    let delays = pair.chat(|| {
        for _ in 0..3 {
            dead.push(load.connect(Reading::Nothing));
            load.run(Duration::from_secs(1));
        }
        let begin = Instant::now();
        while begin.elapsed() < args.chatting() {
            load.run(LOOK);
            for client in &mut dead {
                if load.was_let_go(*client) {
                    *client = load.connect(Reading::Nothing);
                    replaced += 1;
                }
            }
        }
    });
    let mut findings = Findings::of("replaced", sheet);
    let value = format!("{replaced} let go and replaced");
    findings.record("clients that read nothing", value, ">= 1", replaced >= 1);
    findings.chat(&delays, CHAT);
    findings.kept(&mut load, reader);
    findings.memory(load.most_resident());
}

/// A person pastes 20 MB, while one reader stays half of the backlog behind, so that it seems to be
/// worth the wait.
pub fn gatherer(args: &Args, sheet: &mut Sheet) {
    /// What is unread for it: the kernel holds some of it, and over 8 MiB wait in the server.
    const UNREAD: u64 = 8 * MIB + MIB / 2;
    const PASTE: u64 = 20_000_000;
    const LINE: u64 = 72;
    /// What comes before each line.
    const HEAD: u64 = "<paster> ".len() as u64;
    const WITHIN: Duration = Duration::from_secs(60);

    let server = Server::start(args, &PATIENCE);
    let mut load = Load::new(&server);
    let paster = load.connect(Reading::Everything);
    load.send(paster, b"/nick paster\n");
    let healthy = load.connect(Reading::Everything);
    let gatherer = load.connect(Reading::Behind {
        leader: healthy,
        bytes: UNREAD,
    });
    load.run(Duration::from_secs(3));

    let whole = load.taken(healthy) + PASTE / LINE * (LINE + HEAD);
    load.paste(paster, &lines_of(LINE as usize), PASTE / LINE * LINE);
    let begin = Instant::now();
    let (mut arrived, mut gone) = (None, None);
    // Once the paste has arrived, the patience for the gatherer ends soon.
    let mut end = begin + WITHIN + Duration::from_secs(15);
    while Instant::now() < end && (arrived.is_none() || gone.is_none()) {
        load.run(LOOK);
        if arrived.is_none() && load.taken(healthy) >= whole {
            arrived = Some(begin.elapsed());
            end = Instant::now() + Duration::from_secs(15);
        }
        if gone.is_none() && load.was_let_go(gatherer) {
            gone = Some(begin.elapsed());
        }
    }
    let mut findings = Findings::of("gatherer", sheet);
    let value = arrived.map_or_else(
        || format!("not in {:.1?}", begin.elapsed()),
        |time| format!("after {time:.1?}"),
    );
    let holds = arrived.is_some_and(|time| time <= WITHIN);
    findings.record("20 MB pasted have arrived", value, "<= 60 s", holds);
    let value = gone.map_or_else(
        || format!("kept for {:.1?}", begin.elapsed()),
        |time| format!("let go after {time:.1?}"),
    );
    findings.record("who stays 8 MiB behind", value, "is let go", gone.is_some());
    findings.memory(load.most_resident());
}

/// Connects so many that send all they may, in lines of 60 bytes.
fn flood_with(load: &mut Load<'_>, count: usize) {
    let text = lines_of(60);
    for flooder in load.crowd(count, Reading::Everything) {
        load.flood(flooder, &text);
    }
}

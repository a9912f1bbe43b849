//! People who chat beside hundreds of flooders, or hundreds of readers.

use std::time::Duration;

use crate::args::Args;
use crate::findings::{CHAT, FLOOR, Findings, PATIENCE, SMALL};
use crate::load::{Load, Reading, lines_of, repeated};
use crate::pair::Pair;
use crate::server::Server;
use crate::sheet::Sheet;

/// How long it takes until everybody has joined and has been announced.
const JOINING: Duration = Duration::from_secs(4);

/// 256 flooders, the most beside whom nobody loses anything, and one who reads no more than the
/// floor. With short lines and with long ones: either may hide what the other shows.
pub fn crowd_of_flooders(args: &Args, sheet: &mut Sheet) {
    const FLOODERS: usize = 256;
    for length in [20, 4000] {
        let server = Server::start(args, &PATIENCE);
        let mut pair = Pair::join(&server);
        let mut load = Load::new(&server);
        let flooders = load.crowd(FLOODERS, Reading::Everything);
        let reader = load.connect(Reading::Paced(FLOOR));
        load.run(JOINING);
        let idle = load.most_resident();
        let text = lines_of(length);
        load.flood_all(&flooders, &text);
        let delays = pair.chat(|| load.run(args.chatting()));
        let name = format!("{FLOODERS} flooders, lines of {length} bytes");
        let mut findings = Findings::of(&name, sheet);
        findings.chat(&delays, CHAT);
        findings.kept(&mut load, reader);
        findings.growth(idle, load.most_resident(), SMALL);
    }
}

/// 256 who ask as fast as they may, and read the answers: their events are small and many,
/// and nothing of them is logged, so that there is no pressure.
pub fn crowd_of_askers(args: &Args, sheet: &mut Sheet) {
    let server = Server::start(args, &PATIENCE);
    let mut pair = Pair::join(&server);
    let mut load = Load::new(&server);
    let askers = load.crowd(256, Reading::Everything);
    load.run(JOINING);
    load.flood_all(&askers, &repeated("/who zz\n"));
    let delays = pair.chat(|| load.run(args.chatting()));
    Findings::of("256 who ask", sheet).chat(&delays, CHAT);
}

/// 2,000 flooders, for whom no floor is promised: the chat is slow, and does not stop.
pub fn two_thousand(args: &Args, sheet: &mut Sheet) {
    const MOST: Duration = Duration::from_secs(2);
    let server = Server::start(args, &PATIENCE);
    let mut pair = Pair::join(&server);
    let mut load = Load::new(&server);
    let flooders = load.crowd(2000, Reading::Everything);
    let reader = load.connect(Reading::Paced(FLOOR));
    load.run(JOINING);
    let text = lines_of(60);
    load.flood_all(&flooders, &text);
    let delays = pair.chat(|| load.run(args.chatting()));
    let mut findings = Findings::of("2,000 flooders", sheet);
    let holds = delays.histogram.longest() <= MOST;
    findings.record(
        "lines of two who chat",
        delays.to_string(),
        "max <= 2 s",
        holds,
    );
    findings.kept(&mut load, reader);
}

/// One flooder in a room of a thousand who read as fast as it comes.
pub fn readers(args: &Args, sheet: &mut Sheet) {
    let server = Server::start(args, &PATIENCE);
    let mut pair = Pair::join(&server);
    let mut load = Load::new(&server);
    load.crowd(1000, Reading::Everything);
    let flooder = load.connect(Reading::Everything);
    load.run(JOINING);
    load.flood(flooder, &lines_of(60));
    let delays = pair.chat(|| load.run(args.chatting()));
    let mut findings = Findings::of("1,000 readers, one flooder", sheet);
    findings.chat(&delays, Duration::from_millis(100));
}

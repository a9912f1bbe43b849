//! What clients cost after they have done something odd.

use std::time::Duration;

use crate::args::Args;
use crate::findings::{CHAT, Findings, MIB, PATIENCE};
use crate::load::{Load, Reading, lines_of, repeated};
use crate::pair::Pair;
use crate::server::Server;
use crate::sheet::Sheet;

/// How long anything may go on in which only the server decides when it is done.
const AT_MOST: Duration = Duration::from_secs(60);

/// How long the server has to come to rest.
const REST: Duration = Duration::from_secs(3);

/// Five clients that read nothing, and hide and show somebody who says a line in between each
/// time: what they want of the log is in tens of thousands of pieces.
pub fn toggler(args: &Args, sheet: &mut Sheet) {
    const TOGGLERS: usize = 5;
    /// Twice that is less than `--rate` allows where a command costs 1 KiB.
    const STEP: Duration = Duration::from_micros(500);
    const STOPS_WITHIN: Duration = Duration::from_millis(2500);
    let times = if args.is_quick() { 5_000 } else { 20_000 };

    let server = Server::start(args, &PATIENCE);
    let mut pair = Pair::join(&server);
    let mut load = Load::new(&server);
    let speaker = load.connect(Reading::Everything);
    load.send(speaker, b"/nick a\n");
    load.run(Duration::from_secs(2));
    let togglers = load.crowd(TOGGLERS, Reading::Nothing);
    // More than the kernel takes for them, so that all that follows waits in the server.
    load.paste(speaker, &lines_of(60), MIB);
    load.run_until_quiet(AT_MOST);
    let mut unsent = 0;
    let delays = pair.chat(|| {
        for command in (0..times).flat_map(|_| ["/ignore a\n", "/unignore a\n"]) {
            for &toggler in &togglers {
                unsent += usize::from(!load.send(toggler, command.as_bytes()));
            }
            load.run(STEP);
            load.send(speaker, b"a line\n");
            load.run(STEP);
        }
    });
    load.run(REST);
    let gone = togglers.iter().filter(|&&toggler| load.was_let_go(toggler));
    let gone = gone.count();

    let name = format!("{TOGGLERS} who toggle /ignore {times} times");
    let mut findings = Findings::of(&name, sheet);
    findings.chat(&delays, CHAT);
    let share = server.processor_share(args.measuring());
    let value = format!("{share:.1} % of a core; {gone} let go, {unsent} commands not sent");
    findings.record("processor afterwards", value, "< 2 %", share < 2.0);
    findings.memory(load.most_resident());
    let time = server.stop();
    let holds = time <= STOPS_WITHIN;
    findings.record(
        "SIGTERM afterwards",
        format!("{time:.1?}"),
        "<= 2.5 s",
        holds,
    );
}

/// The lines that wait cost 26 MB, and nobody is to be let go for that.
const LARGE_BACKLOG: [&str; 4] = ["--patience", "10s", "--max-backlog", "64MiB"];

/// Clients that stopped reading, for whom many short lines wait, in a room at rest.
pub fn stopped(args: &Args, sheet: &mut Sheet) {
    const LINES: u64 = 300_000;
    const PEOPLE: usize = 8;
    for (count, most) in [(300, 1.0), (3000, 2.0)] {
        let server = Server::start(args, &LARGE_BACKLOG);
        let mut load = Load::new(&server);
        let stopped = load.crowd(count, Reading::Nothing);
        let people = load.crowd(PEOPLE, Reading::Everything);
        load.run(REST);
        let text = repeated("7 bytes\n");
        let each = LINES / PEOPLE as u64 * "7 bytes\n".len() as u64;
        for &person in &people {
            load.paste(person, &text, each);
        }
        let is_said = load.run_until_quiet(AT_MOST);
        load.run(REST);
        let share = server.processor_share(args.measuring());
        let gone = stopped.iter().filter(|&&client| load.was_let_go(client));
        let said = if is_said { "all said" } else { "not all said" };
        let value = format!("{share:.1} % of a core; {said}, {} let go", gone.count());
        let name = format!("{count} who stopped reading");
        let mut findings = Findings::of(&name, sheet);
        let holds = share < most && is_said;
        findings.record("processor at rest", value, &format!("< {most} %"), holds);
    }
}

/// Clients that each ignore as many of each other as they may.
pub fn ignoring(args: &Args, sheet: &mut Sheet) {
    ignore_each_other(500, 10, args, sheet);
    if !args.is_quick() {
        // Four times as many pairs, to see how it grows.
        ignore_each_other(1000, 40, args, sheet);
    }
}

/// `most` is how much more memory they may take, in MiB.
fn ignore_each_other(count: usize, most: u64, args: &Args, sheet: &mut Sheet) {
    let server = Server::start(args, &PATIENCE);
    let mut load = Load::new(&server);
    let crowd = load.crowd(count, Reading::Everything);
    // Commands of another kind first, so that what any answer takes is not counted.
    for &client in &crowd {
        load.send(client, "/version\n".repeat(count).as_bytes());
    }
    load.run_until_quiet(AT_MOST);
    let (before, used) = (server.resident(), server.processor_time());
    let commands: Vec<u8> = (1..=count)
        .flat_map(|number| {
            format!(
                "/ignore guest{number}
"
            )
            .into_bytes()
        })
        .collect();
    let bytes = commands.len() as u64;
    let commands = commands.into();
    for &client in &crowd {
        load.paste(client, &commands, bytes);
    }
    let is_done = load.run_until_quiet(AT_MOST);
    let growth = server.resident().saturating_sub(before);
    let used = server.processor_time().saturating_sub(used);

    let name = format!("{count} who ignore each other");
    let mut findings = Findings::of(&name, sheet);
    let growth_in_mib = growth as f64 / MIB as f64;
    let done = if is_done {
        "done"
    } else {
        "not done in a minute"
    };
    let value = format!("{growth_in_mib:.1} MiB more; {done}, processor {used:.1?}");
    let bound = format!("< {most} MiB more");
    findings.record("memory", value, &bound, growth < most * MIB);
}

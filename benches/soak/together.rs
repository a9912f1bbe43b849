//! All of it at once, while two hundred people chat.

use std::thread;
use std::time::{Duration, Instant};

use crate::args::Args;
use crate::client::Client;
use crate::people::{Report, chat};
use crate::server::Server;
use crate::sheet::Sheet;
use crate::trouble;

const PEOPLE: u32 = 200;

/// How often the memory is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// What the limits allow to be pending at one moment and not at another: the backlog of all, and
/// what is written for one client alone, for each of those who ask for much.
const SWING: u64 = 5 << 20;

/// Little of everything, so that all limits are reached within a minute.
const LIMITS: [&str; 6] = [
    "--rate",
    "64KiB",
    "--max-backlog",
    "1MiB",
    "--patience",
    "2s",
];

/// Everything happens, and nobody who reads loses a line.
pub fn everything(args: &Args, sheet: &mut Sheet) {
    let server = Server::start(args, &LIMITS);
    // A first client, so that everything is there that one brings about.
    let mut first = Client::join(server.address(), "first").expect("there is a place");
    first.settle().expect("the server answers");
    drop(first);
    thread::sleep(Duration::from_secs(2));
    let before = server.footprint();

    let mut memory = Vec::new();
    let report = chat(server.address(), PEOPLE, || {
        trouble::during(server.address(), &trouble::ALL, || {
            memory = look_at_memory(&server, args.soak());
        });
    });
    let name = format!("{} min of everything", args.soak().as_secs() / 60);
    record_lines(&name, &report, sheet);
    record_memory(&name, &memory, sheet);
    let after = server.comes_back_to(before);
    sheet.record(
        &format!("{name}: at the end"),
        after.to_string(),
        &before.to_string(),
        after == before,
    );
}

fn record_lines(name: &str, report: &Report, sheet: &mut Sheet) {
    for fault in report.faults.iter().take(20) {
        eprintln!("{fault}");
    }
    let expected = report.said * u64::from(PEOPLE);
    let value = format!(
        "{} faults; {} lines said, {} read (p99 {:.1?}, longest {:.1?})",
        report.faults.len(),
        report.said,
        report.read,
        report.delays.quantile(0.99),
        report.delays.longest(),
    );
    let holds = report.faults.is_empty() && report.read == expected;
    let bound = "no line lost, doubled or out of order";
    sheet.record(
        &format!("{name}: lines of {PEOPLE} people"),
        value,
        bound,
        holds,
    );
}

/// The memory from the first minute on, or from the first third on where that is shorter.
fn record_memory(name: &str, memory: &[u64], sheet: &mut Sheet) {
    let minute = (60_000 / LOOK.as_millis()) as usize;
    let settled = &memory[minute.min(memory.len() / 3)..];
    let third = settled.len().div_ceil(3);
    let most = |part: &[u64]| part.iter().copied().max().unwrap_or_default();
    let (first, last) = (
        most(&settled[..third]),
        most(&settled[settled.len() - third..]),
    );
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let value = format!("at most {:.1} MiB, later {:.1} MiB", mib(first), mib(last));
    let holds = last <= first + SWING;
    sheet.record(
        &format!("{name}: memory once settled"),
        value,
        "flat",
        holds,
    );
}

fn look_at_memory(server: &Server, time: Duration) -> Vec<u64> {
    let begin = Instant::now();
    let mut memory = Vec::new();
    while begin.elapsed() < time {
        memory.push(server.resident());
        thread::sleep(LOOK);
    }
    memory
}

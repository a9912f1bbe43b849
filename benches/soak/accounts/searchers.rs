//! Two hundred clients that search a large database once a second, and logins beside them.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::CHAT;
use super::data::{Account, Data};
use super::times::Times;
use super::visits::{HOME, address, beside};
use crate::args::Args;
use crate::client::Client;
use crate::findings::Findings;
use crate::pair::Pair;
use crate::server::Server;
use crate::sheet::Sheet;

const SEARCHERS: usize = 200;

const LINES: i64 = 1_000_000;

/// How often each of them searches.
const PAUSE: Duration = Duration::from_secs(1);

/// Two connections search, and whoever gets none in 10 s is told so.
pub fn searchers(args: &Args, sheet: &mut Sheet) {
    let data = Data::new();
    let alice = data.account(args, "alice");
    fill(&data.database()).expect("lines can be inserted");
    let server = data.server(args, &[]);
    let to = server.address();
    let mut pair = Pair::join(&server);
    let without = log_in_for(args.measuring(), &server, &alice);

    let (found, busy) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let clients = (0..SEARCHERS).map(|number| {
        let mut client = Client::connect_from(address(number), to).expect("chatd listens");
        client.send("/quiet\n").expect("it is read");
        let (found, busy) = (&found, &busy);
        move || {
            let begin = Instant::now();
            let _ = client.send("/search what nobody has said\n");
            while let Ok(line) = client.read_line() {
                if line.starts_with(b"-- looked back to") {
                    found.fetch_add(1, Ordering::Relaxed);
                    break;
                }
                if line.starts_with(b"-- busy") {
                    busy.fetch_add(1, Ordering::Relaxed);
                    break;
                }
            }
            thread::sleep(PAUSE.saturating_sub(begin.elapsed()));
        }
    });
    let clients: Vec<_> = clients.collect();
    let begin = Instant::now();
    let (with, delays) = beside(clients, || {
        let mut with = Times::default();
        let delays = pair.chat(|| with = log_in_for(args.chatting(), &server, &alice));
        drop(server);
        (with, delays)
    });
    let rate = found.into_inner() as f64 / begin.elapsed().as_secs_f64();

    let mut findings = Findings::of("200 search a million lines", sheet);
    findings.chat(&delays, CHAT);
    let value = format!(
        "{rate:.1} a second, {} told that it is busy",
        busy.into_inner()
    );
    findings.record("searches", value, "> 1 a second", rate > 1.0);
    let value = format!("{with}; without searches {without}");
    let holds = with.median() <= 2 * without.median();
    findings.record("logins", value, "median <= 2 times that without", holds);
}

/// The owner of an account logs in again and again. Returns how long it takes each time.
fn log_in_for(time: Duration, server: &Server, account: &Account) -> Times {
    let end = Instant::now() + time;
    let mut times = Times::default();
    while Instant::now() < end {
        let log_in = || Client::log_in(HOME, server.address(), account);
        times.add(log_in).expect("it is the owner").leave();
    }
    times
}

/// What was said in the last hours, as if the server had kept it.
fn fill(database: &Path) -> rusqlite::Result<()> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let first = now.as_millis() as i64 - 10 * LINES;
    let mut connection = rusqlite::Connection::open(database)?;
    let transaction = connection.transaction()?;
    let text = "x".repeat(60);
    let insert = "INSERT INTO lines VALUES(?1, ?2, 'alice', 0, 0, ?3)";
    let mut insert = transaction.prepare(insert)?;
    for number in 1..=LINES {
        insert.execute((number, first + 10 * number, &text))?;
    }
    drop(insert);
    transaction.commit()
}

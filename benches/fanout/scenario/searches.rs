//! A hundred people chat on a server that has millions of lines: how long it takes to start, how long
//! somebody waits who searches for what nobody said, and what the others notice of that.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::child::Folder;
use crate::contender::{Contender, Flood, Needs, Server, Transport};
use crate::database;
use crate::histogram::Histogram;
use crate::lines::{numbers, text};
use crate::link::Event;
use crate::sheet::{Measure, Unit};
use crate::swarm::Swarm;
use crate::wire::Role;

use super::sustained::{SIZE, size};
use super::{Effort, disconnected};

/// Those who chat.
const PEOPLE: usize = 100;

/// The time between two lines, each of somebody else: everybody says two a second.
const INTERVAL: Duration = Duration::from_millis(5);

/// How long the last lines may take.
const ARRIVES_WITHIN: Duration = Duration::from_secs(5);

/// The time between two of the lines that were kept before: ten million are younger than 30 days.
const DISTANCE: Duration = Duration::from_millis(200);

/// The time between two searches of a client: chatd allows no more.
const PAUSE: Duration = Duration::from_millis(1_050);

/// So many who search keep both connections at work all the time.
const MANY: usize = 8;

/// The figures that count.
pub const START: &str = "start";
pub const LONGEST_SEARCH: &str = "the longest search";
pub const BESIDE_ONE: &str = "p99, a search a second beside";
pub const BESIDE_MANY: &str = "p99, two searches at all times beside";

/// How often it is started; the median is the figure of the run.
const STARTS: usize = 5;

pub fn run(millions: u32, effort: Effort) -> io::Result<Vec<Measure>> {
    let lines = millions * 1_000_000;
    let folder = Folder::make("searches")?;
    let data = folder.path().join("data");
    // It makes the tables.
    start(&data)?.child.end()?;
    database::fill(&data, lines, DISTANCE)?;
    let bytes = size(&data)?;

    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let begin = Instant::now();
        let server = start(&data)?;
        starts.push(begin.elapsed());
        server.child.end()?;
    }
    starts.sort_unstable();

    let server = start(&data)?;
    let mut swarm = Swarm::new(server.address, Transport::Plain)?;
    swarm.join(Contender::Keeping, |_| Role::SpeaksAndReads, PEOPLE)?;
    swarm.settle(Contender::Keeping)?;
    let count = effort.pick(800, 2_000);
    let alone = chat(&mut swarm, count)?;
    let (beside_one, mut searches) = chat_beside(&mut swarm, count, server.address, 1)?;
    let (beside_many, _) = chat_beside(&mut swarm, count, server.address, MANY)?;
    drop(server);

    let time = |figure, time: Duration| Measure::new(figure, Unit::Seconds, time.as_secs_f64());
    let quantile = |figure, delays: &Histogram, share| time(figure, delays.quantile(share));
    searches.sort_unstable_by_key(|search| search.took);
    let [.., longest] = &searches[..] else {
        return Err(io::Error::other("nobody searched"));
    };
    let middle = &searches[searches.len() / 2];
    let seen = middle.looked_back.as_secs_f64() / DISTANCE.as_secs_f64();
    Ok(vec![
        Measure::new(SIZE, Unit::Bytes, bytes as f64 / f64::from(lines)),
        time(START, starts[STARTS / 2]),
        time("a search", middle.took),
        time(LONGEST_SEARCH, longest.took),
        Measure::new("lines that a search sees", Unit::Count, seen),
        quantile("p50", &alone, 0.50),
        quantile("p50, a search a second beside", &beside_one, 0.50),
        quantile("p50, two searches at all times beside", &beside_many, 0.50),
        quantile("p99", &alone, 0.99),
        quantile(BESIDE_ONE, &beside_one, 0.99),
        quantile(BESIDE_MANY, &beside_many, 0.99),
    ])
}

fn start(data: &Path) -> io::Result<Server> {
    let needs = Needs {
        clients: PEOPLE + MANY,
        flood: Flood::No,
        transport: Transport::Plain,
        core: None,
    };
    Contender::start_on(data, &[], needs)
}

/// Says so many lines, one an interval, and gives the delays of all of them to all the others.
fn chat(swarm: &mut Swarm, count: usize) -> io::Result<Histogram> {
    let mut delays = Histogram::default();
    // What has come to each and is no whole line yet.
    let mut partial = vec![Vec::new(); PEOPLE];
    let mut written: Vec<Instant> = Vec::with_capacity(count);
    let mut missing = count * (PEOPLE - 1);
    let begin = Instant::now();
    while missing > 0 {
        let now = Instant::now();
        let due = begin + INTERVAL * u32::try_from(written.len()).expect("few lines");
        if written.len() < count && now >= due {
            let number = written.len();
            written.push(now);
            swarm.send_all(number % PEOPLE, &text(number))?;
        } else if now > due + ARRIVES_WITHIN {
            return Err(io::Error::other(format!("{missing} lines did not come")));
        }
        let next = begin + INTERVAL * u32::try_from(written.len()).expect("few lines");
        let wait = next.saturating_duration_since(Instant::now());
        swarm.turn(wait.min(INTERVAL), |client, event| {
            let Event::Copied(bytes) = event else {
                return Err(disconnected(client));
            };
            let read = Instant::now();
            let stream = &mut partial[client];
            stream.extend_from_slice(bytes);
            let end = memchr::memrchr(b'\n', stream).map_or(0, |end| end + 1);
            for number in numbers(&stream[..end]) {
                let written = number.and_then(|number| written.get(number));
                let written = written.ok_or_else(|| io::Error::other("a line is garbled"))?;
                delays.add(read.duration_since(*written), 1);
                missing = missing.saturating_sub(1);
            }
            stream.drain(..end);
            Ok(())
        })?;
    }
    Ok(delays)
}

/// Says them while so many others search.
fn chat_beside(
    swarm: &mut Swarm,
    count: usize,
    server: SocketAddr,
    many: usize,
) -> io::Result<(Histogram, Vec<Search>)> {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let search = || scope.spawn(|| search(server, &is_over));
        let threads: Vec<_> = (0..many).map(|_| search()).collect();
        let delays = chat(swarm, count);
        is_over.store(true, Ordering::Relaxed);
        let mut searches = Vec::new();
        for thread in threads {
            searches.extend(thread.join().expect("it does not panic")?);
        }
        Ok((delays?, searches))
    })
}

/// One search for what nobody said.
struct Search {
    took: Duration,
    looked_back: Duration,
}

/// Searches again and again.
fn search(server: SocketAddr, is_over: &AtomicBool) -> io::Result<Vec<Search>> {
    let mut client = TcpStream::connect(server)?;
    client.set_read_timeout(Some(Duration::from_secs(15)))?;
    let mut lines = BufReader::new(client.try_clone()?).lines();
    let mut line_with = |words| {
        for line in &mut lines {
            let line = line?;
            if line.contains(words) {
                return Ok(line);
            }
        }
        Err(io::Error::other("the server closed"))
    };
    line_with("lists the commands")?;
    let mut searches = Vec::new();
    while !is_over.load(Ordering::Relaxed) {
        let begin = Instant::now();
        client.write_all(b"/search zebra\n")?;
        let answer = line_with("-- looked back to ")?;
        let took = begin.elapsed();
        let looked_back = looked_back(&answer);
        let looked_back = looked_back.ok_or_else(|| io::Error::other(answer))?;
        searches.push(Search { took, looked_back });
        // They are read meanwhile by the kernel only, and there are few.
        thread::sleep(PAUSE.saturating_sub(begin.elapsed()));
    }
    Ok(searches)
}

/// How far a search went, from `-- looked back to 2026-11-19 08:10Z`.
fn looked_back(answer: &str) -> Option<Duration> {
    let (_, time) = answer.split_once("looked back to ")?;
    let time: Timestamp = time.trim_end().parse().ok()?;
    Timestamp::now().duration_since(time).try_into().ok()
}

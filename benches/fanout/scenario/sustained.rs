//! One client sends for a long time and nobody reads: how many of its lines are kept, and whether
//! those that are not are counted.

use std::fs;
use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::child::Folder;
use crate::contender::{Contender, Flood, Needs, Transport};
use crate::database;
use crate::lines::text;
use crate::readings;
use crate::sheet::{Measure, Unit};

use super::{Effort, rate};

/// What is said so fast is all kept.
const STEADY: usize = 300_000;

/// By then the queue is full, if it ever is.
const FILLS_WITHIN: Duration = Duration::from_secs(2);

/// What chatd calls the thread that writes.
const KEEPER: &str = "keeper";

/// How many lines are written at once.
const PIECE: usize = 1_000;

/// The figures that count.
pub const KEPT: &str = "lines kept";
pub const SIZE: &str = "size on disk per line";

/// The share that says whether anything was lost without a word.
pub const ACCOUNTED: &str = "kept or counted as missing";

/// The share of what is said no faster than it has to be kept.
pub const STEADY_KEPT: &str = "kept of 300 k/s";

pub fn run(effort: Effort) -> io::Result<Vec<Measure>> {
    let flood = keep(effort.pick(6, 20), usize::MAX)?;
    let steady = keep(effort.pick(4, 10), STEADY)?;
    let share = |part, of| Measure::new(part, Unit::Share, of);
    Ok(vec![
        Measure::new("lines said", Unit::PerSecond, flood.said_rate),
        Measure::new(KEPT, Unit::PerSecond, flood.kept_rate),
        share("kept of what was said", flood.kept()),
        share(ACCOUNTED, flood.accounted().min(steady.accounted())),
        Measure::new(
            "server CPU per line said",
            Unit::Seconds,
            flood.cpu.as_secs_f64() / flood.said as f64,
        ),
        Measure::new(
            "the keeper's CPU per line kept",
            Unit::Seconds,
            flood.keeper,
        ),
        Measure::new(SIZE, Unit::Bytes, flood.bytes_per_line),
        share(STEADY_KEPT, steady.kept()),
    ])
}

/// What became of what was said.
struct Outcome {
    said: usize,
    said_rate: f64,
    /// From when the queue is full until nothing more is said.
    kept_rate: f64,
    count: database::Count,
    cpu: Duration,
    /// What the thread that writes needed for a line, in seconds.
    keeper: f64,
    bytes_per_line: f64,
}

impl Outcome {
    fn kept(&self) -> f64 {
        self.count.lines as f64 / self.said as f64
    }

    fn accounted(&self) -> f64 {
        (self.count.lines + self.count.missing) as f64 / self.said as f64
    }
}

/// Says lines for so many seconds, at most so many in each.
fn keep(seconds: u64, most: usize) -> io::Result<Outcome> {
    let folder = Folder::make("lines")?;
    let data = folder.path().join("data");
    let needs = Needs {
        clients: 1,
        flood: Flood::Yes,
        transport: Transport::Plain,
        core: None,
    };
    // More than comes: taking away the oldest lines is none of what is measured.
    let server = Contender::start_on(&data, &["--keep-size", "8GiB"], needs)?;
    let (address, pid) = (server.address, server.child.pid());
    let time = Duration::from_secs(seconds);
    let cpu = readings::cpu_time(pid)?;
    let begin = Instant::now();
    let author = thread::spawn(move || say(address, time, most));
    thread::sleep(FILLS_WITHIN);
    let (filled, before) = (Instant::now(), database::rows(&data)?);
    let keeper = readings::thread_time(pid, KEEPER)?;
    thread::sleep(time.saturating_sub(begin.elapsed()));
    let kept = database::rows(&data)?.saturating_sub(before);
    let kept_rate = rate(kept, filled.elapsed());
    let keeper = readings::thread_time(pid, KEEPER)?.saturating_sub(keeper);
    let said = author.join();
    let said = said.map_err(|_| io::Error::other("the author panicked"))??;
    let said_rate = rate(said, begin.elapsed());
    let cpu = readings::cpu_time(pid)?.saturating_sub(cpu);
    // What waits is written at the end.
    server.child.end()?;

    let count = database::count(&data)?;
    if count.lines + count.missing > said {
        return Err(io::Error::other("more lines are kept than were said"));
    }
    let bytes = size(&data)?;
    Ok(Outcome {
        said,
        said_rate,
        kept_rate,
        bytes_per_line: bytes as f64 / count.lines as f64,
        count,
        cpu,
        keeper: keeper.as_secs_f64() / kept as f64,
    })
}

/// Says lines until the time is over and the server has taken them all. Gives their number.
fn say(server: SocketAddr, time: Duration, most: usize) -> io::Result<usize> {
    let mut author = TcpStream::connect(server)?;
    let piece: Vec<u8> = (0..PIECE).flat_map(text).collect();
    // Nothing may wait to be read.
    let mut welcome = author.try_clone()?;
    let reading = thread::spawn(move || io::copy(&mut welcome, &mut io::sink()));
    let begin = Instant::now();
    let mut said = 0;
    while begin.elapsed() < time {
        let due = Duration::from_secs_f64(said as f64 / most as f64);
        thread::sleep(due.saturating_sub(begin.elapsed()));
        author.write_all(&piece)?;
        said += PIECE;
    }
    author.shutdown(Shutdown::Write)?;
    // The server closes when it has taken everything.
    let ended = reading.join();
    ended.map_err(|_| io::Error::other("the reader panicked"))??;
    Ok(said)
}

/// How many bytes all files of a directory have.
pub fn size(directory: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for file in fs::read_dir(directory)? {
        bytes += file?.metadata()?.len();
    }
    Ok(bytes)
}

//! What it costs to keep what is said: chatd with `--data` beside chatd without, in the same run.

use std::fmt;
use std::io::{self, Write};
use std::net::TcpStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::contender::{Contender, Flood, Needs, Transport};
use crate::lines::LINE;
use crate::sheet::{Measure, Unit};

use super::{Effort, Scenario, fan_out, latency, rate};

/// How often the database is asked how much it has, and how long nothing comes to it when all is
/// there.
const LOOK: Duration = Duration::from_millis(20);
const QUIET: Duration = Duration::from_secs(2);

/// What is measured of it. `clients` are all that are there, those who speak included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kept {
    FanOut {
        clients: usize,
    },
    Latency {
        clients: usize,
    },
    /// One client sends flat out and nobody reads: how much the disk takes.
    Lines,
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::FanOut { clients } => write!(f, "kept, {}", Scenario::FanOut { clients }),
            Self::Latency { clients } => write!(f, "kept, {}", Scenario::Latency { clients }),
            Self::Lines => write!(f, "kept, lines"),
        }
    }
}

impl Kept {
    /// Whether a server takes part.
    pub fn suits(self, contender: Contender) -> bool {
        let is_beside = contender == Contender::Chatd && self != Self::Lines;
        cfg!(feature = "data") && (is_beside || contender == Contender::Keeping)
    }

    /// Does it once.
    pub fn run(self, contender: Contender, effort: Effort) -> io::Result<Vec<Measure>> {
        match self {
            Self::FanOut { clients } => fan_out::run(contender, Transport::Plain, clients, effort),
            Self::Latency { clients } => latency::run(contender, Transport::Plain, clients, effort),
            Self::Lines => lines(contender, effort),
        }
    }
}

fn lines(contender: Contender, effort: Effort) -> io::Result<Vec<Measure>> {
    let server = contender.start(Needs {
        clients: 1,
        flood: Flood::Yes,
        transport: Transport::Plain,
        core: None,
    })?;
    let database = server.folder.join("data/chatd.db");
    let count = effort.pick(1_000_000, 4_000_000);
    let mut author = TcpStream::connect(server.address)?;
    let mut welcome = author.try_clone()?;
    // Until the connection ends, so that nothing waits to be read.
    let reading = thread::spawn(move || io::copy(&mut welcome, &mut io::sink()));
    let begin = Instant::now();
    let writing = thread::spawn(move || {
        let piece = format!("{}\n", "x".repeat(LINE - 1)).repeat(1_000);
        let written = (0..count / 1_000).try_for_each(|_| author.write_all(piece.as_bytes()));
        written.map(|()| author)
    });
    let (mut kept, mut last) = (0, begin);
    let mut author = None;
    let mut writing = Some(writing);
    while author.is_none() || last.elapsed() < QUIET {
        thread::sleep(LOOK);
        let now = rows(&database)?;
        if now > kept || author.is_none() {
            (kept, last) = (now, Instant::now());
        }
        if let Some(ended) = writing.take_if(|writing| writing.is_finished()) {
            let ended = ended.join();
            author = Some(ended.map_err(|_| io::Error::other("the author panicked"))??);
        }
    }
    let took = last.duration_since(begin);
    drop((author, server));
    let _ = reading.join();
    Ok(vec![
        Measure::new("lines kept", Unit::PerSecond, rate(kept, took)),
        Measure::new(
            "of those that were said",
            Unit::Share,
            kept as f64 / f64::from(count),
        ),
    ])
}

/// How many rows there are: lines, and one for each gap.
#[cfg(feature = "data")]
fn rows(database: &Path) -> io::Result<usize> {
    let connection = rusqlite::Connection::open(database).map_err(io::Error::other)?;
    let query = "SELECT ifnull(max(n), 0) FROM lines";
    let rows = connection.query_row(query, [], |row| row.get::<_, i64>(0));
    Ok(rows.map_err(io::Error::other)?.unsigned_abs() as usize)
}

#[cfg(not(feature = "data"))]
fn rows(_: &Path) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

//! One client sends 200 lines a second, the others read: how long a line is under way on a server
//! that has time.
//!
//! The server is kept on one core and the load on the other. The load waits for nothing: it looks
//! for what has come again and again, so that the time in which a sleeping thread is woken is the
//! server's only.

use std::io;
use std::time::{Duration, Instant};

use crate::contender::{Contender, Flood, Needs, Transport};
use crate::histogram::Histogram;
use crate::lines::{Follower, LINE, Pattern, text};
use crate::link::Event;
use crate::pin::{self, LoadApart};
use crate::sheet::{Measure, Unit};
use crate::swarm::Swarm;

use super::{Effort, SENDER, disconnected, one_speaks};

/// The time between two lines.
const INTERVAL: Duration = Duration::from_millis(5);

/// The first lines are not counted: they find everything cold.
const WARM_UP: usize = 50;

/// How long the last lines may take.
const ARRIVES_WITHIN: Duration = Duration::from_secs(5);

pub fn run(
    contender: Contender,
    transport: Transport,
    clients: usize,
    effort: Effort,
) -> io::Result<Vec<Measure>> {
    let core = pin::server_core();
    let server = contender.start(Needs {
        clients,
        flood: Flood::No,
        transport,
        core,
    })?;
    let _apart = core.map(|_| LoadApart::begin());
    let mut swarm = Swarm::new(server.address, transport)?;
    swarm.join(contender, one_speaks, clients)?;
    swarm.settle(contender)?;

    let lines = WARM_UP + effort.pick(200, 1_000);
    let delays = measure(&mut swarm, contender, clients, lines)?;
    drop(server);

    let quantile =
        |figure, share| Measure::new(figure, Unit::Seconds, delays.quantile(share).as_secs_f64());
    Ok(vec![
        quantile("p50", 0.50),
        quantile("p99", 0.99),
        quantile("p99.9", 0.999),
        Measure::new("max", Unit::Seconds, delays.longest().as_secs_f64()),
    ])
}

/// Sends the lines, one an interval, and gives the delays of all of them to all the readers.
fn measure(
    swarm: &mut Swarm,
    contender: Contender,
    clients: usize,
    lines: usize,
) -> io::Result<Histogram> {
    let pattern = Pattern::of(|line| contender.delivered(swarm.name(SENDER), line));
    let mut readers = vec![Follower::default(); clients];
    let mut delays = Histogram::default();
    let mut written = Vec::with_capacity(lines);
    let mut unfinished = clients - 1;
    let begin = Instant::now();
    while unfinished > 0 {
        let due = begin + INTERVAL * u32::try_from(written.len()).expect("few lines");
        let now = Instant::now();
        if now > due && written.len() < lines {
            let line = text(written.len() % crate::lines::PERIOD);
            written.push(now);
            swarm.send_all(SENDER, &contender.sent(&line))?;
        } else if now > due + ARRIVES_WITHIN {
            return Err(io::Error::other(format!(
                "{unfinished} clients did not read every line of {LINE} bytes"
            )));
        }
        swarm.turn(Duration::ZERO, |number, event| {
            let bytes = match event {
                Event::Closed => return Err(disconnected(number)),
                Event::Copied(bytes) if number != SENDER => bytes,
                _ => return Ok(()),
            };
            let read = Instant::now();
            let reader = &mut readers[number];
            let before = reader.lines(&pattern);
            reader
                .follow(bytes, &pattern)
                .map_err(|garbled| io::Error::other(format!("client {number}: {garbled:?}")))?;
            let after = reader.lines(&pattern);
            for written in written.iter().take(after).skip(before.max(WARM_UP)) {
                delays.add(read.duration_since(*written), 1);
            }
            unfinished -= usize::from(after == lines && before < lines);
            Ok(())
        })?;
    }
    Ok(delays)
}

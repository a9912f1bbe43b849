//! Clients connect, say a line and leave, again and again: what arriving and leaving cost, and
//! whether the line is seen.

use std::io;
use std::time::{Duration, Instant};

use crate::contender::{Contender, Flood, Needs, Transport};
use crate::lines::{self, text};
use crate::link::Event;
use crate::sheet::{Measure, Unit};
use crate::swarm::Swarm;
use crate::wire::Role;

use super::{Effort, disconnected, rate};

/// The clients who stay and read.
const WATCHERS: usize = 10;

/// The most visitors at a time.
const AT_ONCE: usize = 32;

/// How long all of it may take.
const ENDS_WITHIN: Duration = Duration::from_secs(20);

pub fn run(contender: Contender, effort: Effort) -> io::Result<Vec<Measure>> {
    let visits = effort.pick(600, 3_000);
    let server = contender.start(Needs {
        clients: WATCHERS + AT_ONCE,
        flood: Flood::No,
        transport: Transport::Plain,
        core: None,
    })?;
    let mut swarm = Swarm::new(server.address, Transport::Plain)?;
    swarm.join(contender, |_| Role::Reads, WATCHERS)?;
    swarm.settle(contender)?;

    let mut streams = vec![Vec::new(); WATCHERS];
    let (mut come, mut gone, mut marks) = (0, 0, 0);
    let mut ended = None;
    let begin = Instant::now();
    while gone < visits || marks < visits * WATCHERS {
        if begin.elapsed() > ENDS_WITHIN {
            break;
        }
        while come < visits && come - gone < AT_ONCE {
            let visitor = swarm.connect(contender, Role::Speaks)?;
            swarm.send_all(visitor, &contender.sent(&text(come)))?;
            swarm.finish(visitor)?;
            come += 1;
        }
        swarm.turn(Duration::from_millis(1), |number, event| {
            match (streams.get_mut(number), event) {
                (Some(_), Event::Closed) => return Err(disconnected(number)),
                (Some(stream), Event::Copied(bytes)) => {
                    marks += memchr::memchr_iter(lines::MARK, bytes).count();
                    stream.extend_from_slice(bytes);
                }
                (None, Event::Closed) => gone += 1,
                _ => {}
            }
            Ok(())
        })?;
        if gone == visits && ended.is_none() {
            ended = Some(begin.elapsed());
        }
    }
    drop(server);

    let seen: usize = streams.iter().map(|stream| seen_once(stream, visits)).sum();
    if contender == Contender::Chatd && seen < visits * WATCHERS {
        let missing = visits * WATCHERS - seen;
        return Err(io::Error::other(format!(
            "{missing} of {} lines were not seen once",
            visits * WATCHERS
        )));
    }
    Ok(vec![
        Measure::new(
            "connect, say a line, leave",
            Unit::PerSecond,
            rate(gone, ended.unwrap_or(ENDS_WITHIN)),
        ),
        Measure::new(
            "lines seen by 10 watchers",
            Unit::Share,
            seen as f64 / (visits * WATCHERS) as f64,
        ),
    ])
}

/// How many of the lines stand in a stream exactly once.
fn seen_once(stream: &[u8], visits: usize) -> usize {
    let mut seen = vec![0; visits];
    for number in lines::numbers(stream)
        .flatten()
        .filter(|&number| number < visits)
    {
        seen[number] += 1;
    }
    seen.iter().filter(|&&times| times == 1).count()
}

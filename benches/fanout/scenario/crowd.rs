//! Everybody joins at once and stays: what a client costs that does nothing, and a line to all of
//! them.

use std::io;
use std::time::{Duration, Instant};

use crate::contender::{Contender, Flood, Needs, Transport};
use crate::floor;
use crate::lines::{Pattern, text};
use crate::link::{Event, Reading};
use crate::readings;
use crate::sheet::{Measure, Unit};
use crate::swarm::Swarm;

use super::{SENDER, disconnected, one_speaks};

/// How often a line is said to all; the median is the figure of the run.
const LINES: usize = 21;

/// How long a line may take.
const ARRIVES_WITHIN: Duration = Duration::from_secs(10);

pub fn run(contender: Contender, transport: Transport, clients: usize) -> io::Result<Vec<Measure>> {
    let server = contender.start(Needs {
        clients,
        flood: Flood::No,
        transport,
        core: None,
    })?;
    let pid = server.child.pid();
    let before = readings::resident(pid)?;
    let mut swarm = Swarm::new(server.address, transport)?;
    let joined = swarm.join(contender, one_speaks, clients)?;
    swarm.settle(contender)?;
    let resident = readings::resident(pid)?.saturating_sub(before);
    let threads = readings::threads(pid)?;

    for number in 0..clients {
        swarm.read_as(number, Reading::Counted);
    }
    let mut times = Vec::new();
    for number in 0..LINES {
        times.push(say_to_all(&mut swarm, contender, clients, number)?);
    }
    times.sort_unstable();
    // First the server, then its clients: ten thousand departures are nothing that is measured
    // here.
    drop(server);

    Ok(vec![
        Measure::new("all welcomed", Unit::Seconds, joined.as_secs_f64()),
        Measure::new(
            "resident memory per client",
            Unit::Bytes,
            resident as f64 / clients as f64,
        ),
        Measure::new("threads", Unit::Count, threads as f64),
        Measure::new(
            "a line to all",
            Unit::Seconds,
            times[LINES / 2].as_secs_f64(),
        ),
    ])
}

/// Says a line and gives the time until the last client has it.
fn say_to_all(
    swarm: &mut Swarm,
    contender: Contender,
    clients: usize,
    number: usize,
) -> io::Result<Duration> {
    let size = Pattern::of(|line| contender.delivered(swarm.name(SENDER), line)).line();
    let mut left = vec![size; clients];
    let mut unfinished = clients - 1;
    let begin = Instant::now();
    let said = if contender == Contender::Floor {
        floor::order(1)
    } else {
        contender.sent(&text(number))
    };
    swarm.send_all(SENDER, &said)?;
    while unfinished > 0 {
        if begin.elapsed() > ARRIVES_WITHIN {
            return Err(io::Error::other(format!(
                "{unfinished} clients did not get the line"
            )));
        }
        swarm.turn(Duration::from_millis(1), |number, event| {
            if number == SENDER {
                return Ok(());
            }
            if let Event::Closed = event {
                return Err(disconnected(number));
            }
            let more = || io::Error::other(format!("client {number} got more than the line"));
            left[number] = left[number].checked_sub(event.count()).ok_or_else(more)?;
            unfinished -= usize::from(left[number] == 0);
            Ok(())
        })?;
    }
    Ok(begin.elapsed())
}

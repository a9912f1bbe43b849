//! One client sends flat out, the others read: what a server can do at most; or what it does at the
//! rate that chatd allows a client, and what that costs.

use std::io;
use std::time::{Duration, Instant};

use crate::contender::{Contender, Flood, Needs, Transport};
use crate::floor;
use crate::lines::{LINE, Pattern};
use crate::link::{Event, Reading};
use crate::readings;
use crate::sheet::{Measure, Unit};
use crate::swarm::Swarm;

use super::{Effort, SENDER, disconnected, one_speaks, rate, throughput};

/// Of so many readers one is read and checked byte by byte; the others are counted.
const SAMPLE: usize = 16;

/// The figure that says how much of what is encrypted arrives.
pub const PLAINTEXT: &str = "plaintext delivered";

/// As many lines a client may send at once before chatd holds it to its rate: 4 MiB, as which each
/// line counts its bytes and 80.
const SAVINGS: usize = (4 << 20) / (LINE - 1 + 80) + 1;

/// How long one volley may take, however slow the server is.
const VOLLEY_WITHIN: Duration = Duration::from_secs(15);

pub fn run(
    contender: Contender,
    transport: Transport,
    flood: Flood,
    clients: usize,
    effort: Effort,
) -> io::Result<Vec<Measure>> {
    let server = contender.start(Needs {
        clients,
        flood,
        transport,
        core: None,
    })?;
    let mut swarm = Swarm::new(server.address, transport)?;
    swarm.join(contender, one_speaks, clients)?;
    swarm.settle(contender)?;
    for number in (0..clients).filter(|number| number % SAMPLE != 1) {
        swarm.read_as(number, Reading::Counted);
    }
    let delivered = Pattern::of(|line| contender.delivered(swarm.name(SENDER), line));
    let volley = Volley {
        contender,
        readers: clients - 1,
        sent: Pattern::of(|line| contender.sent(line)),
        delivered,
    };

    let wanted = if flood == Flood::No {
        volley.fire(&mut swarm, SAVINGS)?;
        // So little is done in that time that its cost shows only in a long one.
        effort.pick(Duration::from_secs(1), Duration::from_secs(4))
    } else {
        effort.pick(Duration::from_millis(400), Duration::from_millis(1_500))
    };
    // Longer and longer volleys, until one takes about the time that is wanted: only that one counts.
    let mut lines = 16;
    let (took, cpu) = loop {
        let cpu = readings::cpu_time(server.child.pid())?;
        let took = volley.fire(&mut swarm, lines)?;
        if took > wanted * 2 / 3 {
            break (
                took,
                readings::cpu_time(server.child.pid())?.saturating_sub(cpu),
            );
        }
        // What a short volley takes says little about a long one, so it is not multiplied by much.
        let times = wanted.as_nanos() / took.as_nanos().max(1);
        lines *= (times as usize + 1).clamp(2, 5);
    };
    drop(server);

    let deliveries = lines * volley.readers;
    let bytes = deliveries * volley.delivered.line();
    let mut measures = throughput(deliveries, took, cpu);
    if transport == Transport::Tls {
        measures.push(Measure::new(
            PLAINTEXT,
            Unit::BytesPerSecond,
            rate(bytes, took),
        ));
    }
    if contender == Contender::Floor {
        measures.push(Measure::new(
            "taken in by the load generator",
            Unit::BytesPerSecond,
            rate(bytes, took),
        ));
    }
    Ok(measures)
}

/// Lines that are sent in one go, and who reads them.
struct Volley {
    contender: Contender,
    readers: usize,
    sent: Pattern,
    delivered: Pattern,
}

impl Volley {
    /// Sends the lines, and gives the time from the first write until every reader had every byte.
    ///
    /// # Errors
    ///
    /// If a line is missing at the end of the time, or something came that was not sent.
    fn fire(&self, swarm: &mut Swarm, lines: usize) -> io::Result<Duration> {
        let begin = Instant::now();
        let end_of_sent = lines * self.sent.line();
        let mut sent = 0;
        if self.contender == Contender::Floor {
            swarm.send_all(SENDER, &floor::order(lines))?;
            sent = end_of_sent;
        }

        let end = lines * self.delivered.line();
        let mut offsets = vec![0; self.readers + 1];
        let mut unfinished = self.readers;
        while unfinished > 0 {
            if begin.elapsed() > VOLLEY_WITHIN {
                return Err(self.missing(lines, &offsets));
            }
            if sent < end_of_sent {
                sent = swarm.send_pattern(SENDER, &self.sent, sent, end_of_sent)?;
            }
            swarm.turn(Duration::from_millis(1), |number, event| {
                if number == SENDER {
                    return Ok(());
                }
                let offset = &mut offsets[number];
                match event {
                    Event::Closed => return Err(disconnected(number)),
                    Event::Copied(bytes) if !self.delivered.is_at(*offset, bytes) => {
                        let came = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]);
                        return Err(io::Error::other(format!(
                            "client {number} read what was not sent: {came:?}"
                        )));
                    }
                    _ => {}
                }
                *offset += event.count();
                unfinished -= usize::from(*offset == end);
                if *offset > end {
                    Err(io::Error::other("more came than was sent"))
                } else {
                    Ok(())
                }
            })?;
        }
        Ok(begin.elapsed())
    }

    fn missing(&self, lines: usize, offsets: &[usize]) -> io::Error {
        let arrived: usize = offsets
            .iter()
            .map(|offset| offset / self.delivered.line())
            .sum();
        let missing = lines * self.readers - arrived;
        io::Error::other(format!(
            "{missing} of {} lines of {LINE} bytes were not delivered in time",
            lines * self.readers
        ))
    }
}

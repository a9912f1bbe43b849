//! Everybody sends 200 lines at once and reads those of all the others: many senders, so order and
//! whole lines matter.

use std::io;
use std::time::{Duration, Instant};

use crate::contender::{Contender, Flood, Needs, Transport};
use crate::lines::{self, Pattern};
use crate::link::{Event, Reading};
use crate::readings;
use crate::sheet::Measure;
use crate::swarm::Swarm;
use crate::wire::Role;

use super::{disconnected, throughput};

/// The lines that each client sends in a round.
const LINES: usize = 200;

/// How often everybody does: one round of a fast server is over too soon to be measured.
const ROUNDS: usize = 8;

/// How long the rounds of a slow server may go on, and how long a round may take.
const NO_ROUND_AFTER: Duration = Duration::from_secs(3);
const ROUND_WITHIN: Duration = Duration::from_secs(15);

/// The clients whose stream is kept and looked at afterwards.
const WITNESSES: usize = 2;

pub fn run(contender: Contender, clients: usize) -> io::Result<Vec<Measure>> {
    let server = contender.start(Needs {
        clients,
        flood: Flood::Yes,
        transport: Transport::Plain,
        core: None,
    })?;
    let mut swarm = Swarm::new(server.address, Transport::Plain)?;
    swarm.join(contender, |_| Role::SpeaksAndReads, clients)?;
    swarm.settle(contender)?;
    for number in WITNESSES..clients {
        swarm.read_as(number, Reading::Counted);
    }
    let talk = Talk::new(contender, clients, &swarm);

    let mut took = Duration::ZERO;
    let mut rounds = 0;
    let cpu = readings::cpu_time(server.child.pid())?;
    while rounds < ROUNDS && took < NO_ROUND_AFTER {
        took += talk.round(&mut swarm)?;
        rounds += 1;
    }
    let cpu = readings::cpu_time(server.child.pid())?.saturating_sub(cpu);
    drop(server);

    let deliveries = rounds * LINES * clients * (clients - 1);
    Ok(throughput(deliveries, took, cpu))
}

/// What everybody says, and what everybody reads of it.
struct Talk {
    contender: Contender,
    said: Pattern,
    /// How many bytes each client reads in a round.
    expected: Vec<usize>,
}

impl Talk {
    fn new(contender: Contender, clients: usize, swarm: &Swarm) -> Self {
        let said = Pattern::of(|line| contender.sent(line));
        // Names differ in length, and so do the lines that bear them.
        let sizes: Vec<usize> = (0..clients)
            .map(|author| {
                contender
                    .delivered(swarm.name(author), &lines::text(0))
                    .len()
            })
            .collect();
        let all: usize = sizes.iter().sum();
        let expected = sizes
            .iter()
            .map(|own| LINES * (all - own + contender.echo(clients)))
            .collect();
        Self {
            contender,
            said,
            expected,
        }
    }

    /// Lets everybody talk, and gives the time from the first write until all have read everything.
    fn round(&self, swarm: &mut Swarm) -> io::Result<Duration> {
        let clients = self.expected.len();
        let begin = Instant::now();
        let end_of_said = LINES * self.said.line();
        let mut said = vec![0; clients];
        let mut left = self.expected.clone();
        let mut unfinished = clients;
        let mut streams = vec![Vec::new(); WITNESSES];
        while unfinished > 0 {
            if begin.elapsed() > ROUND_WITHIN {
                let bytes: usize = left.iter().sum();
                return Err(io::Error::other(format!(
                    "{bytes} bytes of what was said were not delivered in time"
                )));
            }
            for (author, said) in said
                .iter_mut()
                .enumerate()
                .filter(|(_, said)| **said < end_of_said)
            {
                *said = swarm.send_pattern(author, &self.said, *said, end_of_said)?;
            }
            swarm.turn(Duration::from_millis(1), |number, event| {
                match event {
                    Event::Closed => return Err(disconnected(number)),
                    Event::Copied(bytes) => streams[number].extend_from_slice(bytes),
                    Event::Counted(_) => {}
                }
                let more = || io::Error::other(format!("client {number} read more than was sent"));
                left[number] = left[number].checked_sub(event.count()).ok_or_else(more)?;
                unfinished -= usize::from(left[number] == 0);
                Ok(())
            })?;
        }
        let took = begin.elapsed();
        let cut: usize = streams.iter().map(|stream| self.cut(stream, clients)).sum();
        // That server knows no lines, so it cuts them wherever a read ends.
        if cut > 0 && self.contender != Contender::Ncat {
            return Err(io::Error::other(format!(
                "{cut} lines did not arrive whole"
            )));
        }
        Ok(took)
    }

    /// How many lines of the others did not arrive whole in a stream.
    fn cut(&self, stream: &[u8], clients: usize) -> usize {
        let mut whole = vec![0; LINES];
        for number in lines::numbers(stream)
            .flatten()
            .filter(|&number| number < LINES)
        {
            whole[number] += 1;
        }
        // A client of Redis reads its own lines as well.
        let authors = clients - usize::from(self.contender != Contender::Redis);
        whole.iter().map(|&seen| authors.saturating_sub(seen)).sum()
    }
}

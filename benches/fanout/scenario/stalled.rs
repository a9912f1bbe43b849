//! Of 350 clients, 300 stop reading while one sends 2 MB a second: what the others notice of that,
//! and what it costs.

use std::io;
use std::time::{Duration, Instant};

use crate::contender::{Contender, Flood, Needs, Server, Transport};
use crate::histogram::Histogram;
use crate::lines::{Follower, LINE, Pattern};
use crate::link::Event;
use crate::readings;
use crate::sheet::{Measure, Unit};
use crate::swarm::Swarm;
use crate::wire::Role;

use super::{Effort, SENDER};

/// All clients but the one who sends, and those of them who stop reading.
pub const CLIENTS: usize = 350;
pub const STALLED: usize = 300;

/// The clients who go on reading come first, after the sender.
const HEALTHY: usize = CLIENTS - STALLED;

/// What the sender sends: so many lines every so often, which makes 2 MB a second.
const TICK: Duration = Duration::from_millis(2);
const LINES_PER_TICK: usize = 4_000 / LINE + 1;

/// How long the last lines may take.
const ARRIVES_WITHIN: Duration = Duration::from_secs(4);

/// A server that grows beyond this is not watched until the machine has no memory left.
const MOST_MEMORY: u64 = 4 << 30;

pub fn run(contender: Contender, effort: Effort) -> io::Result<Vec<Measure>> {
    let server = contender.start(Needs {
        clients: CLIENTS + 1,
        flood: Flood::WithStalledReaders,
        transport: Transport::Plain,
        core: None,
    })?;
    let mut swarm = Swarm::new(server.address, Transport::Plain)?;
    swarm.join(contender, role_in_stall, CLIENTS + 1)?;
    swarm.settle(contender)?;
    for number in HEALTHY + 1..=CLIENTS {
        swarm.stop_reading(number)?;
    }

    let before = readings::socket_memory()?;
    // Long enough to pass the 16 MiB that chatd lets a client leave unread.
    let ticks = effort.pick(1_500, 5_500);
    let mut watch = Watch::new(contender, swarm.name(SENDER), ticks);
    watch.observe(&mut swarm, &server)?;
    let silence = watch.longest_silence();
    drop(server);

    let delivered: usize = watch
        .readers
        .iter()
        .map(|reader| reader.lines(&watch.delivered))
        .sum();
    let kernel = watch.most_kernel.saturating_sub(before);
    Ok(vec![
        Measure::new(
            "what the other 50 got",
            Unit::Share,
            delivered as f64 / (watch.lines * HEALTHY) as f64,
        ),
        Measure::new(
            "p99 lateness",
            Unit::Seconds,
            watch.delays.quantile(0.99).as_secs_f64(),
        ),
        Measure::new("longest silence", Unit::Seconds, silence.as_secs_f64()),
        Measure::new("process memory", Unit::Bytes, watch.most_resident as f64),
        Measure::new(
            "kernel socket memory, more than before",
            Unit::Bytes,
            kernel as f64,
        ),
    ])
}

/// What a client is there for: the sender, those who go on reading, then those who do not.
fn role_in_stall(number: usize) -> Role {
    match number {
        SENDER => Role::Speaks,
        1..=HEALTHY => Role::Reads,
        _ => Role::StopsReading,
    }
}

/// What is sent, and what is seen of it.
struct Watch {
    sent: Pattern,
    delivered: Pattern,
    /// How many lines are sent in all.
    lines: usize,
    begin: Instant,
    readers: Vec<Follower>,
    /// When each reader read last, and its longest silence before that.
    last: Vec<Instant>,
    silence: Duration,
    delays: Histogram,
    most_resident: u64,
    most_kernel: u64,
}

impl Watch {
    fn new(contender: Contender, sender: &str, ticks: usize) -> Self {
        let begin = Instant::now();
        Self {
            sent: Pattern::of(|line| contender.sent(line)),
            delivered: Pattern::of(|line| contender.delivered(sender, line)),
            lines: ticks * LINES_PER_TICK,
            begin,
            readers: vec![Follower::default(); HEALTHY],
            last: vec![begin; HEALTHY],
            silence: Duration::ZERO,
            delays: Histogram::default(),
            most_resident: 0,
            most_kernel: 0,
        }
    }

    /// Sends on time, if the server takes it, and reads what comes until everything has, or the
    /// time is over.
    fn observe(&mut self, swarm: &mut Swarm, server: &Server) -> io::Result<()> {
        let (mut sent, mut looked) = (0, self.begin);
        let end = self.begin + self.due(self.lines - 1) + ARRIVES_WITHIN;
        while Instant::now() < end
            && self
                .readers
                .iter()
                .any(|reader| reader.lines(&self.delivered) < self.lines)
        {
            let ticks = self.begin.elapsed().as_nanos() / TICK.as_nanos() + 1;
            let due = self.lines.min(ticks as usize * LINES_PER_TICK) * self.sent.line();
            if sent < due {
                sent = swarm.send_pattern(SENDER, &self.sent, sent, due)?;
            }
            swarm.turn(Duration::from_micros(200), |number, event| {
                self.take(number, &event)
            })?;
            if looked.elapsed() > Duration::from_millis(100) {
                looked = Instant::now();
                self.most_resident = self
                    .most_resident
                    .max(readings::resident(server.child.pid())?);
                self.most_kernel = self.most_kernel.max(readings::socket_memory()?);
                if self.most_resident > MOST_MEMORY {
                    break;
                }
            }
        }
        Ok(())
    }

    /// When a line was due to be sent, after the beginning. A line that the server does not take is
    /// late from then on.
    fn due(&self, line: usize) -> Duration {
        TICK * u32::try_from(line.min(self.lines) / LINES_PER_TICK).expect("a run has few ticks")
    }

    fn take(&mut self, number: usize, event: &Event<'_>) -> io::Result<()> {
        let Event::Copied(bytes) = event else {
            return Ok(());
        };
        if number == SENDER {
            return Ok(());
        }
        let index = number - 1;
        let now = Instant::now();
        self.silence = self.silence.max(now - self.last[index]);
        self.last[index] = now;
        let before = self.readers[index].lines(&self.delivered);
        self.readers[index]
            .follow(bytes, &self.delivered)
            .map_err(|garbled| io::Error::other(format!("client {number}: {garbled:?}")))?;
        let mut line = before;
        let after = self.readers[index].lines(&self.delivered);
        // Lines of the same tick were due at the same time.
        while line < after {
            let next = after.min((line / LINES_PER_TICK + 1) * LINES_PER_TICK);
            let delay = now.saturating_duration_since(self.begin + self.due(line));
            self.delays.add(delay, (next - line) as u64);
            line = next;
        }
        Ok(())
    }

    /// The longest time in which one of the readers got nothing, up to now for those who still miss
    /// something.
    fn longest_silence(&self) -> Duration {
        let missing =
            |(reader, _): &(&Follower, &Instant)| reader.lines(&self.delivered) < self.lines;
        let waiting = self
            .readers
            .iter()
            .zip(&self.last)
            .filter(missing)
            .map(|(_, last)| last.elapsed());
        waiting.fold(self.silence, Duration::max)
    }
}

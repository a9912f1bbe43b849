//! Clients connect, shake hands over TLS and leave, again and again: how many the machine manages
//! with both sides on it.

use std::io;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use crate::contender::{Contender, Flood, Needs, Transport};
use crate::link::Event;
use crate::readings;
use crate::sheet::{Measure, Unit};
use crate::swarm::Swarm;
use crate::wire::Role;

use super::{Effort, rate};

/// The most clients at a time.
pub const AT_ONCE: usize = 32;

/// The clients compute as well, so they have as many threads as this.
const THREADS: usize = 2;

/// How long the last ones may take.
const ENDS_WITHIN: Duration = Duration::from_secs(10);

pub fn run(contender: Contender, effort: Effort) -> io::Result<Vec<Measure>> {
    let time = effort.pick(Duration::from_millis(500), Duration::from_secs(3));
    let server = contender.start(Needs {
        clients: AT_ONCE,
        flood: Flood::No,
        transport: Transport::Tls,
        core: None,
    })?;
    let address = server.address;
    let begin = Instant::now();
    let cpu = readings::cpu_time(server.child.pid())?;
    let came: Vec<Came> = thread::scope(|scope| {
        let threads = [(); THREADS].map(|()| scope.spawn(|| come_and_go(address, contender, time)));
        let ended = threads
            .into_iter()
            .map(|thread| thread.join().expect("it ends"));
        ended.collect::<io::Result<_>>()
    })?;
    let took = begin.elapsed();
    let cpu = readings::cpu_time(server.child.pid())?.saturating_sub(cpu);
    drop(server);

    let count: usize = came.iter().map(|came| came.count).sum();
    Ok(vec![
        Measure::new("cipher", Unit::Cipher, f64::from(came[0].cipher)),
        Measure::new("handshakes", Unit::PerSecond, rate(count, took)),
        Measure::new(
            "server CPU per handshake",
            Unit::Seconds,
            cpu.as_secs_f64() / count as f64,
        ),
    ])
}

/// What one thread has done.
struct Came {
    /// The handshakes after which the server has seen the client leave.
    count: usize,
    /// The number of the cipher suite that was agreed on.
    cipher: u16,
}

/// Has clients come for so long, and waits for the last of them to leave.
fn come_and_go(server: SocketAddr, contender: Contender, time: Duration) -> io::Result<Came> {
    let mut swarm = Swarm::new(server, Transport::Tls)?;
    let mut has_left = Vec::new();
    let at_once = match contender {
        // Its queue of connections is short, and one that finds no room in it is tried again after
        // a second only.
        Contender::Ncat => 4,
        _ => AT_ONCE / THREADS,
    };
    let (mut come, mut count, mut cipher) = (0, 0, 0);
    let begin = Instant::now();
    while begin.elapsed() < time || count < come {
        if begin.elapsed() > time + ENDS_WITHIN {
            let missing = come - count;
            return Err(io::Error::other(format!(
                "{missing} handshakes were not done"
            )));
        }
        while begin.elapsed() < time && come - count < at_once {
            swarm.connect(contender, Role::Reads)?;
            has_left.push(false);
            come += 1;
        }
        let mut heard = Vec::new();
        swarm.turn(Duration::from_millis(1), |number, event| {
            match event {
                Event::Closed => count += 1,
                _ => heard.push(number),
            }
            Ok(())
        })?;
        for number in heard {
            if let Some(session) = swarm.session(number)
                && session.is_shaken()
                && !has_left[number]
            {
                cipher = session.cipher().unwrap_or_default();
                swarm.finish(number)?;
                has_left[number] = true;
            }
        }
    }
    Ok(Came { count, cipher })
}

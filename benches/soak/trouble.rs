//! Everybody else: those who flood, stall, sip, storm, and come and go.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::client::{connect, connect_narrow, reset};

/// Someone who makes trouble until told to stop.
pub type Maker = fn(&Trouble<'_>);

/// Where the trouble is, and how long it lasts.
pub struct Trouble<'a> {
    server: SocketAddr,
    stop: &'a AtomicBool,
}

/// All kinds there are.
pub const ALL: [Maker; 10] = [
    flood,
    stall,
    sip,
    say_nothing,
    come_and_go,
    storm,
    ask_and_never_read,
    visit,
    babble,
    reset_all,
];

/// Does `meanwhile` while they all make trouble.
pub fn during(server: SocketAddr, makers: &[Maker], meanwhile: impl FnOnce()) {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for maker in makers {
            let trouble = Trouble {
                server,
                stop: &stop,
            };
            scope.spawn(move || maker(&trouble));
        }
        meanwhile();
        stop.store(true, Ordering::Relaxed);
    });
}

impl Trouble<'_> {
    fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Rests, and not for longer than the trouble lasts.
    fn rest(&self, time: Duration) {
        let end = Instant::now() + time;
        while !self.is_over() && Instant::now() < end {
            thread::sleep(time.min(Duration::from_millis(20)));
        }
    }

    /// Somebody new, whom the server may turn away.
    fn newcomer(&self) -> Option<TcpStream> {
        let stream = connect(self.server).ok()?;
        stream
            .set_write_timeout(Some(Duration::from_secs(1)))
            .ok()?;
        Some(stream)
    }

    /// Those of so many for whom there is room, with small buffers.
    fn narrow_crowd(&self, count: usize) -> Vec<TcpStream> {
        (0..count)
            .filter_map(|_| connect_narrow(self.server).ok())
            .collect()
    }
}

/// One sends as fast as the system takes it, and reads as fast as it comes.
pub fn flood(trouble: &Trouble<'_>) {
    let Some(stream) = trouble.newcomer() else {
        return;
    };
    thread::scope(|scope| {
        scope.spawn(|| drain(&stream));
        let lines = format!("{}\n", "x".repeat(255)).repeat(256);
        while !trouble.is_over() {
            // A write that waits for too long is as good as one that is done.
            let _ = (&stream).write(lines.as_bytes());
        }
        let _ = stream.shutdown(std::net::Shutdown::Both);
    });
}

/// Clients that read nothing, until they are let go or replaced.
fn stall(trouble: &Trouble<'_>) {
    while !trouble.is_over() {
        let _stalled = trouble.narrow_crowd(30);
        trouble.rest(Duration::from_secs(20));
    }
}

/// The same, gone by reset in the middle of what is written to them.
fn reset_all(trouble: &Trouble<'_>) {
    while !trouble.is_over() {
        let stalled = trouble.narrow_crowd(10);
        trouble.rest(Duration::from_millis(700));
        stalled.iter().for_each(reset);
    }
}

/// Clients that read a byte now and then.
fn sip(trouble: &Trouble<'_>) {
    while !trouble.is_over() {
        let sippers = trouble.narrow_crowd(10);
        for _ in 0..300 {
            for sipper in &sippers {
                let _ = sipper.set_nonblocking(true);
                let _ = (&*sipper).read(&mut [0]);
            }
            trouble.rest(Duration::from_millis(100));
        }
    }
}

/// Clients that say nothing, or half a line.
fn say_nothing(trouble: &Trouble<'_>) {
    while !trouble.is_over() {
        let crowd: Vec<_> = (0..100).filter_map(|_| trouble.newcomer()).collect();
        for mut client in crowd.iter().step_by(2) {
            let _ = client.write_all("x".repeat(3000).as_bytes());
        }
        trouble.rest(Duration::from_secs(5));
    }
}

/// Connections that come and go.
fn come_and_go(trouble: &Trouble<'_>) {
    for number in 0.. {
        if trouble.is_over() {
            return;
        }
        if let Some(stream) = trouble.newcomer() {
            leave_in_some_way(number, &stream);
        }
        trouble.rest(Duration::from_millis(5));
    }
}

/// Does little with a new connection, and leaves it to be closed, or resets it.
pub fn leave_in_some_way(number: usize, mut stream: &TcpStream) {
    match number % 4 {
        0 => {}
        1 => reset(stream),
        2 => drop(stream.write_all(b"/me comes and goes\n")),
        _ => {
            let _ = stream.write_all(b"/me comes, and g");
            reset(stream);
        }
    }
}

/// Clients that join, rename themselves and leave as fast as they can.
fn storm(trouble: &Trouble<'_>) {
    for number in 0.. {
        if trouble.is_over() {
            return;
        }
        if let Some(mut stream) = trouble.newcomer() {
            let doings = format!("/nick s{number}a\nhi\n/nick s{number}b\n/quit so long\n");
            let _ = stream.write_all(doings.as_bytes());
        }
        trouble.rest(Duration::from_millis(10));
    }
}

/// Clients that ask for much and read nothing of it.
fn ask_and_never_read(trouble: &Trouble<'_>) {
    while !trouble.is_over() {
        for mut glutton in trouble.narrow_crowd(3) {
            let _ = glutton.write_all("/history 1000\n/who\n".repeat(200).as_bytes());
        }
        trouble.rest(Duration::from_secs(1));
    }
}

/// A browser, a TLS client, a port scanner and a health check.
fn visit(trouble: &Trouble<'_>) {
    let requests: [&[u8]; 4] = [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\n",
        b"",
        b"\r\n\r\n",
    ];
    for request in requests.iter().cycle() {
        if trouble.is_over() {
            return;
        }
        if let Some(mut stream) = trouble.newcomer() {
            let _ = stream.write_all(request);
            let _ = stream.shutdown(std::net::Shutdown::Write);
            drain(&stream);
        }
        trouble.rest(Duration::from_millis(50));
    }
}

/// Bytes of every value, with telnet commands among them, from a generator that is no secret.
fn babble(trouble: &Trouble<'_>) {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    while !trouble.is_over() {
        let Some(stream) = trouble.newcomer() else {
            return;
        };
        thread::scope(|scope| {
            scope.spawn(|| drain(&stream));
            for _ in 0..50 {
                let bytes: Vec<u8> = (0..999)
                    .map(|_| {
                        // Marsaglia's xorshift64.
                        state ^= state << 13;
                        state ^= state >> 7;
                        state ^= state << 17;
                        state as u8
                    })
                    .collect();
                let _ = (&stream).write(&bytes);
                trouble.rest(Duration::from_millis(20));
            }
            let _ = stream.shutdown(std::net::Shutdown::Both);
        });
    }
}

/// Reads to the end, whatever it is.
fn drain(mut stream: &TcpStream) {
    let mut rubbish = vec![0; 64 << 10];
    while matches!(stream.read(&mut rubbish), Ok(1..)) {}
}

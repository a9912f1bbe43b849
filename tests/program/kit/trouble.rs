//! What the tests of faults share beside the harness.

use std::fmt::Display;
use std::fs;
use std::io::ErrorKind;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Resource, getrlimit};
use socket2::SockRef;

use super::{Client, NARROW, Server, WAIT};

pub const KIB: u64 = 1024;
pub const MIB: u64 = 1024 * KIB;

/// How much later than promised something may happen on a machine that has other things to do.
pub const SLACK: Duration = Duration::from_secs(4);

/// How many numbers the lines of a [`Flood`] go through before they begin again.
const NUMBERS: usize = 256;

/// What a server holds for its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Footprint {
    threads: usize,
    descriptors: usize,
}

impl Footprint {
    pub fn of(server: &Server) -> Self {
        Self {
            threads: server.threads().len(),
            descriptors: server.descriptors(),
        }
    }

    /// Waits until the server holds no more and no less than this again.
    pub fn returns(self, server: &Server) {
        let deadline = Instant::now() + WAIT;
        loop {
            let now = Self::of(server);
            if now == self {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "it was {self:?} and stays {now:?}"
            );
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Two people who chat while things happen to others.
pub struct Chat {
    speaker: Client,
    reader: Client,
    said: usize,
}

impl Chat {
    /// Both have joined, and want to read nothing but what is said.
    pub fn start(server: &Server) -> Self {
        let [mut speaker, mut reader] = server.room(["chatting", "reading"]);
        for client in [&mut speaker, &mut reader] {
            client.send("/quiet");
            client.settle();
        }
        Self {
            speaker,
            reader,
            said: 0,
        }
    }

    /// Passes on so many lines one by one: each arrives, and nothing else does.
    pub fn goes_on(&mut self, lines: usize) {
        for _ in 0..lines {
            self.said += 1;
            let text = format!("line {}", self.said);
            self.speaker.send(&text);
            self.reader.next_is(&format!("<chatting> {text}"));
        }
    }

    /// The server has closed both connections, and this is the last line of both.
    pub fn ends_with(mut self, last: &str) {
        for client in [&mut self.speaker, &mut self.reader] {
            let lines = client.expect_eof();
            assert_eq!(lines.last().map(String::as_str), Some(last));
        }
    }

    /// What somebody else says next, without their name.
    pub fn hears(&mut self) -> String {
        let line = self.reader.read_line();
        let (_, text) = line.split_once("> ").expect("a line that somebody said");
        self.speaker.expect(&line);
        text.to_owned()
    }
}

/// Lines of a client called `sender`, numbered so that a reader sees if one is missing.
pub struct Flood {
    piece: Vec<u8>,
}

impl Flood {
    /// Lines of so many bytes.
    pub fn of(line_bytes: usize) -> Self {
        let lines = (0..NUMBERS).map(|number| format!("{number:0>line_bytes$}\n"));
        let piece = lines.collect::<String>().into_bytes();
        Self { piece }
    }

    /// Does `meanwhile` while `sender` sends as fast as the system takes it.
    pub fn during<T>(&self, sender: &Client, meanwhile: impl FnOnce() -> T) -> T {
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            // The flood must end when an assertion fails too, or the scope would wait for it.
            let _guard = StopOnDrop(&stop);
            scope.spawn(|| send_until(&stop, sender.stream(), &self.piece, usize::MAX));
            meanwhile()
        })
    }
}

/// Sends `text` so many times as fast as the system takes it, until told to stop, and never waits
/// in a write. Returns how many bytes that was.
pub fn send_until(stop: &AtomicBool, stream: &TcpStream, text: &[u8], times: usize) -> usize {
    let mut sent = 0;
    while sent < text.len().saturating_mul(times) && !stop.load(Ordering::Relaxed) {
        let rest = &text[sent % text.len()..];
        let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
        match SockRef::from(stream).send_with_flags(rest, flags) {
            Ok(bytes) => sent += bytes,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                thread::sleep(Duration::from_millis(1));
            }
            Err(_) => break,
        }
    }
    sent
}

/// Checks that the lines of a [`Flood`] that one reader reads follow on one another.
#[derive(Default)]
pub struct Follower {
    next: Option<usize>,
}

impl Follower {
    /// Whether this is a line of the flood; it must be the next one then.
    pub fn follows(&mut self, line: &str) -> bool {
        let Some(digits) = line.strip_prefix("<sender> ") else {
            return false;
        };
        let Ok(number) = digits.parse::<usize>() else {
            return false;
        };
        if let Some(next) = self.next {
            assert_eq!(
                number, next,
                "a line of the flood is lost, doubled or out of order"
            );
        }
        self.next = Some((number + 1) % NUMBERS);
        true
    }
}

/// Sets a flag when it goes out of scope, on a panic too.
pub struct StopOnDrop<'a>(pub &'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// How many clients a crowd has that should have `wanted`: at most half as many as this process may
/// open files, because the other half is for the tests beside it.
pub fn crowd_size(wanted: usize) -> usize {
    // The harness raises the limit to the hard one.
    let limit = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
    usize::try_from(limit / 2).map_or(wanted, |half| wanted.min(half))
}

/// Clients that have connected with small buffers and read nothing yet.
pub fn narrow_crowd(server: &Server, size: usize) -> Vec<Client> {
    let connect = |_| server.connect_with_receive_buffer(NARROW);
    (0..size).map(connect).collect()
}

/// A notice of joins or departures, as `-- a, b, c, d, e and 95 more left (too slow)`.
pub struct Notice<'a> {
    /// The names in it.
    pub names: Vec<&'a str>,
    /// How many there are without a name.
    pub more: usize,
}

impl<'a> Notice<'a> {
    /// Takes apart a line that ends in `what`, if it is such a notice.
    pub fn of(line: &'a str, what: &str) -> Option<Self> {
        let list = line.strip_prefix("-- ")?.strip_suffix(what)?;
        let (list, more) = match list.rsplit_once(" and ") {
            Some((list, more)) => (list, more.strip_suffix(" more")?.parse().ok()?),
            None => (list, 0),
        };
        let names = list.split(", ").collect();
        Some(Self { names, more })
    }

    /// Of how many it tells.
    pub fn people(&self) -> usize {
        self.names.len() + self.more
    }
}

/// Reads until so many people have been told of by notices that end in `what`, and hands every
/// other line to `other`.
pub fn read_notices(reader: &mut Client, what: &str, people: usize, mut other: impl FnMut(&str)) {
    let deadline = Instant::now() + WAIT;
    let mut told = 0;
    while told < people {
        let line = reader.read_line();
        match Notice::of(&line, what) {
            Some(notice) => told += notice.people(),
            None => other(&line),
        }
        let is_late = Instant::now() > deadline;
        assert!(
            !is_late,
            "only {told} of {people} people are said to have{what}"
        );
    }
    assert_eq!(told, people, "people who are said to have{what}");
}

/// Nothing of what went wrong was so wrong that a thread of the server panicked.
pub fn nobody_panicked(server: &Server) {
    let log = server.log();
    let panics = log.iter().filter(|line| line.contains("panicked"));
    assert_eq!(panics.count(), 0, "{log:#?}");
}

/// Fails if more memory has come to be used than may.
pub fn grew_by_less_than(most: u64, before: u64, after: u64, why: &dyn Display) {
    let growth = after.saturating_sub(before);
    assert!(
        growth < most,
        "memory grew by {growth} bytes, and may by {most}: {why}"
    );
}

/// How many bytes wait in the kernel on the way from each of these ports to that of the server,
/// which takes none meanwhile: those to be sent there, and those to be read here.
pub fn waiting_bytes(clients: &[u16], server: u16) -> Vec<usize> {
    // What passes from one end to the other while the rows are read is in neither of them, or in both.
    let mut last = read_waiting_bytes(clients, server);
    loop {
        thread::sleep(Duration::from_millis(5));
        let now = read_waiting_bytes(clients, server);
        if now == last {
            return now;
        }
        last = now;
    }
}

fn read_waiting_bytes(clients: &[u16], server: u16) -> Vec<usize> {
    let mut waiting = vec![0; clients.len()];
    let table = fs::read_to_string("/proc/net/tcp").expect("the kernel shows its sockets");
    for line in table.lines().skip(1) {
        // Local and remote address, state, and the bytes that wait to be sent and to be read.
        let fields: Vec<&str> = line.split_whitespace().collect();
        let hexadecimal = |digits: &str| usize::from_str_radix(digits, 16).expect("a number");
        let (_, local) = fields[1].split_once(':').expect("a port");
        let (_, remote) = fields[2].split_once(':').expect("a port");
        let (to_send, to_read) = fields[4].split_once(':').expect("two numbers");
        for (port, waiting) in clients.iter().zip(&mut waiting) {
            let ends = [usize::from(*port), usize::from(server)];
            match [hexadecimal(local), hexadecimal(remote)] {
                there if there == ends => *waiting += hexadecimal(to_send),
                [here, there] if [there, here] == ends => *waiting += hexadecimal(to_read),
                _ => {}
            }
        }
    }
    waiting
}

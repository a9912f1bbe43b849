//! Any number of clients on one thread, so that the machine is left to the server.
//!
//! What comes for them is counted and thrown away in the kernel (`MSG_TRUNC`), and what they send
//! is written in large pieces. No socket blocks, so a client whom the server does not read delays
//! neither the others nor the end.

use std::io::{self, ErrorKind, Write};
use std::net::TcpStream;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use socket2::{Domain, Socket, Type};

use crate::server::Server;

/// What the kernel may hold of what a client sends, in bytes, before the kernel doubles it. With the
/// default, megabytes that the server has not read pass for sent.
const SEND_BUFFER: usize = 64 << 10;

/// The same for what waits to be read by a client that reads slowly. With 64 KiB, which is about one
/// segment on loopback, it reads 7 % less than it could, for want of what to read.
const SLOW_RECEIVE_BUFFER: usize = 256 << 10;

/// The same for a client that reads nothing: so little that it is full at once.
const NARROW_RECEIVE_BUFFER: usize = 4 << 10;

/// The most that one read takes. Its pages are never touched.
const READ: usize = 1 << 20;

/// How often those who read at a pace, or behind another one, read.
const STEP: Duration = Duration::from_millis(5);

/// How often the server's memory is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// When nothing has come for so long, nothing more comes by itself.
const SILENCE: Duration = Duration::from_secs(1);

/// What a client does with what comes for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reading {
    /// It takes it as it comes.
    Everything,
    /// It leaves it all.
    Nothing,
    /// It takes so many bytes a second whenever so many are there.
    Paced(u64),
    /// It takes what another client has taken, but for the last so many bytes.
    Behind { leader: usize, bytes: u64 },
}

/// Clients of one server. Each is known by its number.
pub struct Load<'a> {
    server: &'a Server,
    epoll: OwnedFd,
    clients: Vec<Client>,
    events: Vec<epoll::Event>,
    buffer: Vec<u8>,
    stepped: Instant,
    looked: Instant,
    most_resident: u64,
    /// When something last came for one who reads everything.
    last_taken: Instant,
}

struct Client {
    socket: TcpStream,
    reading: Reading,
    /// Bytes that it has read.
    taken: u64,
    /// Where its pace is counted from: since when, and what it had taken then.
    pace_start: (Instant, u64),
    speech: Option<Speech>,
    is_gone: bool,
}

/// What a client still has to send: a text, again and again.
struct Speech {
    text: Rc<[u8]>,
    offset: usize,
    left: u64,
}

impl<'a> Load<'a> {
    /// Nobody yet.
    pub fn new(server: &'a Server) -> Self {
        let now = Instant::now();
        Self {
            server,
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC).expect("there is a descriptor"),
            clients: Vec::new(),
            events: Vec::with_capacity(1024),
            buffer: vec![0; READ],
            stepped: now,
            looked: now,
            most_resident: 0,
            last_taken: now,
        }
    }

    /// Connects a client and returns its number.
    pub fn connect(&mut self, reading: Reading) -> usize {
        let number = self.clients.len();
        let socket = connect(self.server, reading).expect("chatd listens");
        self.clients.push(Client {
            socket,
            reading,
            taken: 0,
            pace_start: (Instant::now(), 0),
            speech: None,
            is_gone: false,
        });
        let client = &self.clients[number];
        let data = epoll::EventData::new_u64(number as u64);
        epoll::add(&self.epoll, &client.socket, data, client.interest()).expect("it is new");
        number
    }

    /// Connects so many and returns their numbers.
    pub fn crowd(&mut self, count: usize, reading: Reading) -> Vec<usize> {
        (0..count).map(|_| self.connect(reading)).collect()
    }

    /// Lets a client send this text again and again, as fast as it is taken.
    pub fn flood(&mut self, number: usize, text: &Rc<[u8]>) {
        self.paste(number, text, u64::MAX);
    }

    /// Lets each of these send this text again and again, as fast as it is taken.
    pub fn flood_all(&mut self, numbers: &[usize], text: &Rc<[u8]>) {
        for &number in numbers {
            self.flood(number, text);
        }
    }

    /// Lets a client send so many bytes of a text that is repeated, as fast as they are taken.
    pub fn paste(&mut self, number: usize, text: &Rc<[u8]>, bytes: u64) {
        self.clients[number].speech = Some(Speech {
            text: Rc::clone(text),
            offset: 0,
            left: bytes,
        });
        self.watch(number);
    }

    /// Sends a few bytes now. Returns whether there was room for them.
    pub fn send(&mut self, number: usize, bytes: &[u8]) -> bool {
        let client = &mut self.clients[number];
        match client.socket.write(bytes) {
            Ok(count) => count == bytes.len(),
            Err(error) if is_for_later(&error) => false,
            Err(_) => {
                client.is_gone = true;
                false
            }
        }
    }

    /// Whether the server has ended this connection. A client that reads nothing does not see its
    /// end, so it sends an empty line, which an ended connection answers with a reset.
    pub fn was_let_go(&mut self, number: usize) -> bool {
        if !self.clients[number].is_gone {
            self.send(number, b"\n");
        }
        self.clients[number].is_gone
    }

    /// Bytes that a client has read.
    pub fn taken(&self, number: usize) -> u64 {
        self.clients[number].taken
    }

    /// The most memory that the server was seen to occupy since the last call, in bytes.
    pub fn most_resident(&mut self) -> u64 {
        let now = self.server.resident();
        std::mem::take(&mut self.most_resident).max(now)
    }

    /// Lets everybody send and read for so long.
    pub fn run(&mut self, time: Duration) {
        let end = Instant::now() + time;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            self.turn(left.min(STEP));
        }
    }

    /// Lets everybody send and read until nothing comes any more. Returns whether that was soon
    /// enough.
    pub fn run_until_quiet(&mut self, at_most: Duration) -> bool {
        let begin = Instant::now();
        self.last_taken = begin;
        while self.last_taken.elapsed() < SILENCE {
            if begin.elapsed() > at_most {
                return false;
            }
            self.turn(STEP);
        }
        true
    }

    /// Waits for so long at most until someone can send or read, and lets them.
    fn turn(&mut self, wait: Duration) {
        let wait = Timespec {
            tv_sec: wait.as_secs().cast_signed(),
            tv_nsec: i64::from(wait.subsec_nanos()),
        };
        self.events.clear();
        match epoll::wait(&self.epoll, spare_capacity(&mut self.events), Some(&wait)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => panic!("epoll: {error}"),
        }
        let events = std::mem::take(&mut self.events);
        for event in &events {
            self.serve(event.data.u64() as usize, event.flags);
        }
        self.events = events;
        let now = Instant::now();
        if now.duration_since(self.stepped) >= STEP {
            self.stepped = now;
            self.step(now);
        }
        if now.duration_since(self.looked) >= LOOK {
            self.looked = now;
            self.most_resident = self.most_resident.max(self.server.resident());
        }
    }

    /// Does what a client's socket is ready for.
    fn serve(&mut self, number: usize, flags: epoll::EventFlags) {
        let client = &mut self.clients[number];
        if flags.contains(epoll::EventFlags::OUT) {
            client.speak();
        }
        if flags.contains(epoll::EventFlags::IN) && client.take(&mut self.buffer, u64::MAX) > 0 {
            self.last_taken = Instant::now();
        }
        client.is_gone |= flags.intersects(epoll::EventFlags::ERR | epoll::EventFlags::HUP);
        let client = &self.clients[number];
        if client.is_gone {
            // It would be reported for ever. Fails if that was done before.
            let _ = epoll::delete(&self.epoll, &client.socket);
        } else if flags.contains(epoll::EventFlags::OUT) && client.speech.is_none() {
            self.watch(number);
        }
    }

    /// Lets those read who do not read as it comes.
    fn step(&mut self, now: Instant) {
        for number in 0..self.clients.len() {
            let client = &self.clients[number];
            match client.reading {
                _ if client.is_gone => {}
                Reading::Everything | Reading::Nothing => {}
                Reading::Paced(pace) => {
                    let (since, before) = client.pace_start;
                    let due = pace * now.duration_since(since).as_micros() as u64 / 1_000_000;
                    let most = (before + due).saturating_sub(client.taken);
                    let client = &mut self.clients[number];
                    if client.take(&mut self.buffer, most) < most {
                        // There was less than it could have read: that is not made up for.
                        client.pace_start = (now, client.taken);
                    }
                }
                Reading::Behind { leader, bytes } => {
                    let most = self.clients[leader].taken.saturating_sub(bytes);
                    let client = &mut self.clients[number];
                    client.take(&mut self.buffer, most.saturating_sub(client.taken));
                }
            }
        }
    }

    /// Tells the kernel what to report of a client.
    fn watch(&self, number: usize) {
        let client = &self.clients[number];
        let data = epoll::EventData::new_u64(number as u64);
        // Fails for one whose connection has ended.
        let _ = epoll::modify(&self.epoll, &client.socket, data, client.interest());
    }
}

impl Client {
    fn interest(&self) -> epoll::EventFlags {
        let mut flags = epoll::EventFlags::empty();
        if self.reading == Reading::Everything {
            flags |= epoll::EventFlags::IN;
        }
        if self.speech.is_some() {
            flags |= epoll::EventFlags::OUT;
        }
        flags
    }

    /// Sends what fits.
    fn speak(&mut self) {
        let Some(speech) = &mut self.speech else {
            return;
        };
        let piece = &speech.text[speech.offset..];
        let most = usize::try_from(speech.left).unwrap_or(usize::MAX);
        match self.socket.write(&piece[..piece.len().min(most)]) {
            Ok(count) => {
                speech.offset = (speech.offset + count) % speech.text.len();
                speech.left -= count as u64;
                if speech.left == 0 {
                    self.speech = None;
                }
            }
            Err(error) if is_for_later(&error) => {}
            Err(_) => self.is_gone = true,
        }
    }

    /// Reads so many bytes at most and returns how many there were.
    fn take(&mut self, buffer: &mut [u8], most: u64) -> u64 {
        let most = usize::try_from(most)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        if most == 0 {
            return 0;
        }
        let how = RecvFlags::TRUNC | RecvFlags::DONTWAIT;
        let count = match recv(&self.socket, &mut buffer[..most], how) {
            Ok((_, 0)) => {
                self.is_gone = true;
                0
            }
            Ok((_, count)) => count as u64,
            Err(Errno::AGAIN | Errno::INTR) => 0,
            Err(_) => {
                self.is_gone = true;
                0
            }
        };
        self.taken += count;
        count
    }
}

/// A line that is repeated until it makes a large piece to write.
pub fn repeated(line: &str) -> Rc<[u8]> {
    line.repeat((64 << 10) / line.len()).into_bytes().into()
}

/// A line of so many bytes, its end included, that is repeated.
pub fn lines_of(bytes: usize) -> Rc<[u8]> {
    repeated(&format!("{}\n", "x".repeat(bytes - 1)))
}

fn connect(server: &Server, reading: Reading) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_send_buffer_size(SEND_BUFFER)?;
    match reading {
        Reading::Everything => {}
        Reading::Nothing => socket.set_recv_buffer_size(NARROW_RECEIVE_BUFFER)?,
        Reading::Paced(_) | Reading::Behind { .. } => {
            socket.set_recv_buffer_size(SLOW_RECEIVE_BUFFER)?;
        }
    }
    socket.connect(&server.address().into())?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    Ok(socket.into())
}

/// Whether a socket has nothing or no room now, and may have later.
pub fn is_for_later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

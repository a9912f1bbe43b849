//! The load generator: any number of clients on one thread that waits with epoll.
//!
//! It has to take in more than any server sends, or it measures itself. Most clients are therefore
//! read with `MSG_TRUNC`: the kernel counts what has come and throws it away without copying it. A
//! sample is read and checked.

use std::io;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::fd::OwnedFd;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::contender::{Contender, Transport};
use crate::lines::{Pattern, text};
use crate::link::{Buffers, Event, Link, Reading, Room};
use crate::tls::{Session, Speaker};
use crate::wire::{self, Role};

/// The most that one read takes in.
const READ: usize = 1 << 20;

/// The most that a client which sends flat out writes before the others are looked at again.
const WRITE: usize = 256 << 10;

/// How long all of the joining may take, and the silence after it.
const JOINS_WITHIN: Duration = Duration::from_secs(30);
const SETTLES_WITHIN: Duration = Duration::from_secs(20);

/// When nothing has come for so long, nothing more comes by itself.
const SILENCE: Duration = Duration::from_millis(200);

/// Clients of one server.
pub struct Swarm {
    epoll: OwnedFd,
    server: SocketAddr,
    clients: Vec<Client>,
    /// Room for what epoll reports at once.
    events: Vec<epoll::Event>,
    buffers: Buffers,
    /// Begins a session for each client, if the server speaks TLS.
    speaker: Option<Speaker>,
}

/// One client. Its number is its place among those of the swarm, and is never used again.
struct Client {
    /// Nothing once the connection has ended.
    link: Option<Link>,
    reading: Reading,
    /// Whether it waits for room to send, which ends the next wait too.
    blocked: bool,
    /// The name that the server gave to it.
    name: String,
}

impl Swarm {
    /// No clients yet.
    pub fn new(server: SocketAddr, transport: Transport) -> io::Result<Self> {
        Ok(Self {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            server,
            clients: Vec::new(),
            events: Vec::with_capacity(1024),
            buffers: Buffers {
                read: vec![0; READ],
                plaintext: Vec::new(),
            },
            speaker: match transport {
                Transport::Plain => None,
                Transport::Tls => Some(Speaker::new()?),
            },
        })
    }

    /// Connects one more client, greets the server and gives the client's number.
    pub fn connect(&mut self, contender: Contender, role: Role) -> io::Result<usize> {
        let number = self.clients.len();
        let speaker = self.speaker.as_ref();
        let session = speaker
            .map(|speaker| speaker.begin(contender.opening()))
            .transpose()?;
        let link = Link::connect(&self.server, role, session).map_err(|error| {
            io::Error::other(format!("client {number} cannot connect: {error}"))
        })?;
        let data = epoll::EventData::new_u64(number as u64);
        epoll::add(&self.epoll, &link.socket, data, epoll::EventFlags::IN)?;
        self.clients.push(Client {
            link: Some(link),
            reading: Reading::Copied,
            blocked: false,
            name: String::new(),
        });
        self.send_all(number, contender.greeting(role).as_bytes())?;
        Ok(number)
    }

    /// Connects `count` clients as fast as the server takes them, and gives the time until the last
    /// was welcomed.
    pub fn join(
        &mut self,
        contender: Contender,
        role: impl Fn(usize) -> Role,
        count: usize,
    ) -> io::Result<Duration> {
        let begin = Instant::now();
        let mut welcomes = vec![Vec::new(); count];
        let mut missing = count;
        for number in 0..count {
            self.connect(contender, role(number))?;
            if contender == Contender::Ncat {
                // Its queue of connections is short, and one that finds no room in it is tried
                // again after a second only.
                thread::sleep(Duration::from_millis(1));
            }
            // Those who wait are looked at now and then, so that nobody is welcomed late only
            // because of the others.
            if number.is_multiple_of(16) {
                self.take_welcomes(contender, Duration::ZERO, &mut welcomes, &mut missing)?;
            }
        }
        let mut probed = Instant::now();
        while missing > 0 {
            if begin.elapsed() > JOINS_WITHIN {
                return Err(io::Error::other(format!(
                    "{missing} of {count} clients were not welcomed"
                )));
            }
            // Where the server says nothing, a client that reads what another one says has arrived.
            if contender.welcome_ends().is_none() && probed.elapsed() > Duration::from_millis(20) {
                self.send_all(0, &text(0))?;
                self.send_all(1, &text(0))?;
                probed = Instant::now();
            }
            self.take_welcomes(
                contender,
                Duration::from_millis(5),
                &mut welcomes,
                &mut missing,
            )?;
        }
        Ok(begin.elapsed())
    }

    /// Reads what has come and counts down those whose welcome is complete with it.
    fn take_welcomes(
        &mut self,
        contender: Contender,
        wait: Duration,
        welcomes: &mut [Vec<u8>],
        missing: &mut usize,
    ) -> io::Result<()> {
        let end = contender.welcome_ends().unwrap_or_default().as_bytes();
        let is_complete =
            |welcome: &[u8]| !welcome.is_empty() && memchr::memmem::find(welcome, end).is_some();
        let mut names = Vec::new();
        self.turn(wait, |number, event| {
            let welcome = &mut welcomes[number];
            match event {
                Event::Copied(bytes) if !is_complete(welcome) => {
                    welcome.extend_from_slice(bytes);
                    if is_complete(welcome) {
                        *missing -= 1;
                        names.extend(wire::name_in(welcome).map(|name| (number, name)));
                    }
                    Ok(())
                }
                Event::Closed => Err(io::Error::other(format!("client {number} was turned away"))),
                _ => Ok(()),
            }
        })?;
        for (number, name) in names {
            self.clients[number].name = name;
        }
        Ok(())
    }

    /// Waits until the server has said everything that it says about the clients' joining.
    pub fn settle(&mut self, contender: Contender) -> io::Result<()> {
        let begin = Instant::now();
        let mut last = begin;
        while begin.elapsed() < contender.has_settled_after() || last.elapsed() < SILENCE {
            if begin.elapsed() > SETTLES_WITHIN {
                return Err(io::Error::other("the server does not come to rest"));
            }
            self.turn(Duration::from_millis(10), |_, _| {
                last = Instant::now();
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Waits up to `wait` for something to come, reads it and hands it over, with the number of the
    /// client.
    pub fn turn(
        &mut self,
        wait: Duration,
        mut take: impl FnMut(usize, Event<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        let wait = Timespec {
            tv_sec: wait.as_secs().cast_signed(),
            tv_nsec: i64::from(wait.subsec_nanos()),
        };
        self.events.clear();
        match epoll::wait(&self.epoll, spare_capacity(&mut self.events), Some(&wait)) {
            Err(rustix::io::Errno::INTR) => return Ok(()),
            result => result?,
        };
        for event in &self.events {
            let number = event.data.u64() as usize;
            let client = &mut self.clients[number];
            let Some(link) = &mut client.link else {
                continue;
            };
            let flags = event.flags;
            if client.blocked
                && flags.contains(epoll::EventFlags::OUT)
                && link.flush()? == Room::Enough
            {
                client.blocked = false;
                epoll::modify(&self.epoll, &link.socket, event.data, epoll::EventFlags::IN)?;
            }
            let Some(came) = link.receive(client.reading, &mut self.buffers)? else {
                continue;
            };
            if let Event::Closed = came {
                client.link = None;
            }
            take(number, came)?;
        }
        Ok(())
    }

    /// From now on this client is read like this.
    pub fn read_as(&mut self, number: usize, reading: Reading) {
        self.clients[number].reading = reading;
    }

    /// From now on this client reads nothing at all.
    pub fn stop_reading(&mut self, number: usize) -> io::Result<()> {
        if let Some(link) = &self.clients[number].link {
            epoll::delete(&self.epoll, &link.socket)?;
        }
        Ok(())
    }

    /// This client has nothing more to say.
    pub fn finish(&mut self, number: usize) -> io::Result<()> {
        self.link(number)?.finish()
    }

    /// The session over TLS of a client that is connected.
    pub fn session(&self, number: usize) -> Option<&Session> {
        self.clients[number].link.as_ref()?.session()
    }

    /// The name that the server gave to a client, or nothing.
    pub fn name(&self, number: usize) -> &str {
        &self.clients[number].name
    }

    /// Sends what fits into the socket now and gives the number of bytes. If not all of them fit,
    /// the next wait ends when there is room again.
    pub fn send(&mut self, number: usize, bytes: &[u8]) -> io::Result<usize> {
        let (sent, room) = self.link(number)?.send(bytes)?;
        let client = &mut self.clients[number];
        if let Some(link) = &client.link
            && room == Room::None
            && !client.blocked
        {
            client.blocked = true;
            let both = epoll::EventFlags::IN | epoll::EventFlags::OUT;
            epoll::modify(
                &self.epoll,
                &link.socket,
                epoll::EventData::new_u64(number as u64),
                both,
            )?;
        }
        Ok(sent)
    }

    /// Sends few bytes, for which there is room.
    pub fn send_all(&mut self, number: usize, bytes: &[u8]) -> io::Result<()> {
        if self.send(number, bytes)? < bytes.len() {
            return Err(io::Error::other(format!(
                "client {number} has no room for a line"
            )));
        }
        Ok(())
    }

    /// Sends what fits of a pattern, from an offset to an end, and gives the new offset.
    pub fn send_pattern(
        &mut self,
        number: usize,
        pattern: &Pattern,
        from: usize,
        end: usize,
    ) -> io::Result<usize> {
        let mut offset = from;
        while offset < end && offset - from < WRITE {
            let sent = self.send(number, pattern.at(offset, end - offset))?;
            if sent == 0 {
                break;
            }
            offset += sent;
        }
        Ok(offset)
    }

    fn link(&mut self, number: usize) -> io::Result<&mut Link> {
        let link = self.clients[number].link.as_mut();
        link.ok_or_else(|| io::Error::other(format!("client {number} was disconnected")))
    }
}

/// Raises the limit on open files as far as this process may. What it starts inherits that.
pub fn raise_open_files() -> io::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        },
    )?;
    Ok(())
}

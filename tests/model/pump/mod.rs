//! The pump: a client's thread that carries encrypted bytes, between a client of rustls and somebody
//! who writes as the broadcaster does. All of it runs in one thread, and nothing waits, so that the
//! script alone decides who comes when.
//!
//! The model is what a plain connection would have given: the same bytes in order, once, in both
//! directions, up to the end or to the place where something is not as it was sent.

mod client;
mod model;
mod suite;
mod thread;

use crate::bytes::Bytes;
use chatd::TlsCarrier;
use client::{Client, IDENTITY, said};
use rustix::event::PollFlags;
use rustix::io::{Errno, ioctl_fionread};
use rustix::net::{SendFlags, send};
use socket2::{Domain, Socket, Type};
use std::io::ErrorKind;
use std::net::Shutdown;
use std::time::{Duration, Instant};

/// How many bytes of the input choose how it begins, and so many make an operation each.
pub const CHOICES: usize = 8;
pub const OP_BYTES: usize = 2;

/// How much is said at a time, and how much goes over the connection, in bytes.
const LENGTHS: [usize; 10] = [1, 2, 7, 80, 81, 1_000, 5_000, 16_384, 16_385, 60_000];
const PIECES: [usize; 10] = [1, 4, 5, 6, 30, 500, 4_096, 16_407, 70_000, 1 << 20];

/// Buffers of sockets, of which the kernel makes no less than it can (socket(7)). The pair has the
/// first three, the last of which is what it has in chatd.
const BUFFERS: [usize; 4] = [1, 20_000, 64 << 10, 300_000];

/// How much the thread takes at a time.
const READS: [usize; 4] = [50, 1_000, 1_024, 16_384];

/// How a connection ended for the thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Whole,
    Torn,
    Broken(ErrorKind),
}

/// What the broadcaster does with its end of the pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Broadcaster {
    Writes,
    HasFinished,
    HasHungUp,
}

/// What the thread is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Talks,
    /// It says goodbye.
    Leaves,
    Gone,
}

/// The first bytes choose the sizes; each of the others something that happens.
pub fn check(input: &[u8]) {
    let (choices, script) = input.split_at(input.len().min(CHOICES));
    let mut choices = Bytes::new(choices);
    let pair = || Socket::pair(Domain::UNIX, Type::STREAM, None).unwrap();
    let ((near, far), (inlet, outlet)) = (pair(), pair());
    near.set_send_buffer_size(choices.pick(&BUFFERS)).unwrap();
    inlet
        .set_send_buffer_size(choices.pick(&BUFFERS[..3]))
        .unwrap();
    let carrier = TlsCarrier::new(&IDENTITY.server, &near, &outlet).unwrap();
    let mut run = Run {
        near: &near,
        outlet: &outlet,
        carrier,
        client: Client::new(choices.below(256)),
        far: Some(far),
        inlet,
        buffer: vec![0; choices.pick(&READS)],
        free: 0,
        stage: Stage::Talks,
        ended: None,
        has_hung_up: false,
        has_filled: false,
        taken: 0,
        nothing: 0,
        written: 0,
        lost: None,
        broadcaster: Broadcaster::Writes,
        has_left: false,
    };
    run.shake_hands(choices.pick(&PIECES), choices.pick(&[0, 0, 0, 7, 20_000]));
    let says_goodbye = choices.below(2) == 0;
    for operation in script.chunks(OP_BYTES) {
        run.go_on(&mut Bytes::new(operation));
    }
    run.come_to_an_end(says_goodbye);
}

/// What can be seen of how far it has come.
#[derive(Debug, PartialEq)]
struct Progress {
    waiting: [u64; 2],
    waiting_for_client: Option<u64>,
    taken: u64,
    thread: (Stage, bool),
    client: (usize, u64),
}

struct Run<'a> {
    near: &'a Socket,
    outlet: &'a Socket,
    carrier: TlsCarrier<'a>,
    client: Client,
    /// The client's socket, until it has closed it.
    far: Option<Socket>,
    /// What the broadcaster writes into.
    inlet: Socket,
    buffer: Vec<u8>,
    /// How many bytes of the client's that say nothing cost nothing: those of the handshake.
    free: u64,
    stage: Stage,
    ended: Option<Ended>,
    has_hung_up: bool,
    /// The last read filled the buffer.
    has_filled: bool,
    /// What the thread took: plaintext, and bytes that say nothing.
    taken: u64,
    nothing: u64,
    /// What the broadcaster wrote.
    written: u64,
    /// What it had written when the client's socket was gone.
    lost: Option<u64>,
    broadcaster: Broadcaster,
    /// The client sends nothing more.
    has_left: bool,
}

impl Run<'_> {
    /// `early` bytes come with the client's last part of it.
    fn shake_hands(&mut self, piece: usize, early: usize) {
        let piece = piece.max(30);
        let mut early = Some(early);
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            self.client.shake();
            if !self.client.is_handshaking() {
                self.client.say(early.take().unwrap_or_default());
            }
            let far = self.far.as_ref().unwrap();
            self.client.deliver(far, piece);
            let is_done = self.carrier.begin(&IDENTITY.server, end);
            if is_done.expect("the client speaks TLS") {
                break;
            }
            self.client.hear(far, piece);
        }
        self.free = self.read().says_nothing();
    }

    fn go_on(&mut self, script: &mut Bytes<'_>) {
        match script.below(32) {
            0..5 => self.client.say(script.pick(&LENGTHS)),
            5 => self.client.say_nothing(),
            6 => self.client.update_keys(),
            7..12 => self.deliver(script.pick(&PIECES)),
            12..18 => self.write(script.pick(&LENGTHS)),
            18..23 => self.hear(script.pick(&PIECES)),
            23..28 => _ = self.turn(PollFlags::IN),
            28 => self.settle(PollFlags::IN),
            29 => self.wait_for_the_rate(),
            30 => self.buffer.resize(script.pick(&READS), 0),
            _ => self.end(script),
        }
    }

    /// Something that happens once, most often not at all.
    fn end(&mut self, script: &mut Bytes<'_>) {
        let place = script.below(256);
        match place % 16 {
            0 => self.client.say_goodbye(),
            1 => self.close_sending(),
            2 => self.reset(),
            3 | 4 => self.client.flip(place, 256),
            5 if !self.has_left => self.client.babble(place),
            6 if self.broadcaster == Broadcaster::Writes => self.finish(),
            7 => self.let_go(),
            _ => {}
        }
    }

    fn deliver(&mut self, most: usize) {
        if let (Some(far), false) = (&self.far, self.has_left) {
            self.client.deliver(far, most);
        }
    }

    fn hear(&mut self, most: usize) {
        if let Some(far) = &self.far {
            self.client.hear(far, most);
        }
    }

    /// A FIN, wherever the client is.
    fn close_sending(&mut self) {
        self.has_left = true;
        if let Some(far) = &self.far {
            // Fails only if the server has closed the connection.
            let _ = far.shutdown(Shutdown::Write);
        }
    }

    /// The client's socket is gone; what it had not read resets the connection (unix(7)).
    fn reset(&mut self) {
        self.has_left = true;
        self.far = None;
        self.lost = self.lost.or(Some(self.written));
    }

    fn write(&mut self, length: usize) {
        if self.broadcaster != Broadcaster::Writes {
            return;
        }
        let text = said(self.written, length);
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        match send(&self.inlet, &text, flags) {
            Ok(written) => self.written += written as u64,
            Err(Errno::AGAIN) => {}
            Err(error) => panic!("the broadcaster cannot write: {error}"),
        }
    }

    fn finish(&mut self) {
        self.broadcaster = Broadcaster::HasFinished;
        self.inlet.shutdown(Shutdown::Write).unwrap();
    }

    fn let_go(&mut self) {
        self.broadcaster = Broadcaster::HasHungUp;
        self.inlet.shutdown(Shutdown::Both).unwrap();
    }

    fn progress(&self) -> Progress {
        let waiting = |socket| ioctl_fionread(socket).unwrap();
        Progress {
            waiting: [waiting(self.near), waiting(self.outlet)],
            waiting_for_client: self.far.as_ref().map(waiting),
            taken: self.taken + self.nothing,
            thread: (self.stage, self.has_hung_up),
            client: (self.client.delivered, self.client.read),
        }
    }

    /// All that was sent arrives, as far as it can.
    fn run_out(&mut self) {
        loop {
            let before = self.progress();
            self.deliver(usize::MAX);
            self.settle(PollFlags::IN);
            self.hear(usize::MAX);
            self.settle(PollFlags::IN);
            if self.progress() == before {
                return;
            }
        }
    }

    fn come_to_an_end(&mut self, says_goodbye: bool) {
        self.run_out();
        self.check_taken();
        if self.stage == Stage::Talks && self.far.is_some() && self.client.damage.is_none() {
            assert_eq!(self.client.heard, self.written, "the rest does not come");
        }
        if says_goodbye && !self.has_left {
            self.client.say_goodbye();
            self.run_out();
        }
        self.close_sending();
        self.run_out();
        self.check_taken();
        self.check_ended();
        if self.broadcaster == Broadcaster::Writes {
            self.finish();
        }
        self.run_out();
        assert_eq!(self.stage, Stage::Gone, "it is still there");
        self.check_heard();
    }
}

//! Where lines enter: the thread of one client, which reads its socket and passes on what it says.

pub mod connection;
pub mod lines;
mod rate;
pub mod telnet;

use crate::client::connection::Connection;
use crate::client::lines::{Cut, Cutter, End, Grammar};
use crate::client::rate::TokenBucket;
use crate::client::telnet::{Asked, Telnet};
use crate::command::{Command, Input, interpret};
use crate::config::{Config, LineLimits, Mode, SilenceLimits};
use crate::event::{Advice, ClientId, EVENT_BYTES, Ending, Event};
use crate::text::Lines;
use crate::wire::Wire;
use crossbeam_channel::Sender;
use std::io::ErrorKind;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How large the read buffer is at first, and grows to for a client that sends much, in bytes.
const SMALL_READ: usize = 1 << 10;
const LARGE_READ: usize = 16 << 10;

/// What a command costs of the rate, and a line at least, in bytes.
const COMMAND_CHARGE: usize = 1 << 10;
const LINE_CHARGE: usize = 64;

/// The first byte of a TLS connection: a handshake record (RFC 8446, section 5.1).
const TLS_HANDSHAKE: u8 = 0x16;

/// Talks with one client until it leaves, and returns when its connection can be closed.
pub fn run(connection: &Arc<Connection>, events: &Sender<Event>, config: &Config) {
    connection.attach_thread();
    let mut session = Session::new(connection, events, config);
    let ending = catch_unwind(AssertUnwindSafe(|| session.converse())).unwrap_or(Ending::Panicked);
    // The read buffer is not needed while the client's last lines are on their way.
    drop(session);
    let is_orderly = ending.is_orderly();
    // The broadcaster is only gone when the server ends, and then it has finished the connection.
    let _ = events.send(Event::Left(connection.id, ending));
    if is_orderly {
        connection.read_out();
    }
}

struct Session<'a> {
    connection: &'a Connection,
    silence: SilenceLimits,
    heard: Instant,
    watched: Instant,
    /// How long a read may wait, as the socket knows it.
    read_timeout: Duration,
    /// Raw mode knows no telnet.
    telnet: Option<Telnet>,
    cutter: Cutter,
    speaker: Speaker<'a>,
}

impl<'a> Session<'a> {
    fn new(connection: &'a Connection, events: &'a Sender<Event>, config: &Config) -> Self {
        let now = Instant::now();
        let grammar = match config.mode {
            Mode::Chat { .. } => Grammar::Chat,
            Mode::Raw => Grammar::Raw,
        };
        Self {
            connection,
            silence: config.silence,
            heard: now,
            watched: now,
            read_timeout: Duration::ZERO,
            telnet: (grammar == Grammar::Chat).then(Telnet::default),
            cutter: Cutter::new(grammar, config.line.longest),
            speaker: Speaker::new(connection, events, grammar, config.line, now),
        }
    }

    fn converse(&mut self) -> Ending {
        let mut buffer = vec![0; SMALL_READ];
        let mut was_full = false;
        while self.connection.is_open() {
            if let Some(ending) = self.watch() {
                return ending;
            }
            match self.connection.read(&mut buffer) {
                None => break,
                Some(Ok(0)) => return self.take_last_line(),
                Some(Ok(length)) => {
                    if let Some(ending) = self.take(&mut buffer[..length]) {
                        return ending;
                    }
                    // It is not silent while its lines wait for its rate or for the room.
                    self.heard = Instant::now();
                    // One read that fills the buffer may be the start of a line that is never ended.
                    let is_full = length == buffer.len();
                    if is_full && was_full && length < LARGE_READ {
                        buffer.resize(2 * length, 0);
                    }
                    was_full = is_full;
                }
                Some(Err(error)) if error.kind() == ErrorKind::WouldBlock => {
                    // A client that has been silent for a while needs no large buffer.
                    buffer = vec![0; SMALL_READ];
                }
                Some(Err(error)) => return Ending::of(&error),
            }
        }
        Ending::Shutdown
    }

    /// Looks after the connection's time limits, and sets for how long the next read may wait.
    fn watch(&mut self) -> Option<Ending> {
        let now = Instant::now();
        let mut wait = self.silence.keepalive / 6;
        if now >= self.watched + wait {
            self.watched = now;
            self.choose_user_timeout();
        }
        if let Some(idle) = self.silence.idle {
            let silent = now.saturating_duration_since(self.heard);
            if silent >= idle {
                return Some(Ending::Idle);
            }
            wait = wait.min(idle.saturating_sub(silent));
        }
        // A read that ends too late by this little is not worth a call for every read.
        if wait.abs_diff(self.read_timeout) > Duration::from_millis(1) {
            self.read_timeout = wait;
            // A socket on which this fails says why at the read.
            let _ = self.connection.set_read_timeout(wait);
        }
        None
    }

    /// A host that is gone is to be noticed soon, but one that only takes nothing has longer. The
    /// kernel has one limit for both (`TCP_USER_TIMEOUT` overrides the number of keepalive probes,
    /// tcp(7)), so it is set to the one that matters now.
    fn choose_user_timeout(&self) {
        let timeout = match self.connection.has_unsent() {
            Ok(true) => self.silence.user_timeout,
            Ok(false) => quiet_timeout(self.silence),
            Err(_) => return,
        };
        // A socket on which this fails says why at the read.
        let _ = self.connection.set_user_timeout(timeout);
    }

    /// Takes what was just read.
    fn take(&mut self, bytes: &mut [u8]) -> Option<Ending> {
        if self.connection.tally().bytes == 0 && bytes[0] == TLS_HANDSHAKE {
            return Some(Ending::NotChat);
        }
        self.speaker.begin_read(bytes.len(), Instant::now());
        let mut asked = Asked::default();
        let length = match &mut self.telnet {
            Some(telnet) => telnet.take_out(bytes, &mut asked),
            None => bytes.len(),
        };
        self.speaker.answer(asked);
        self.cutter
            .push(&bytes[..length], |cut| self.speaker.take(cut));
        // What makes no line is charged too, so that it costs the server no more than lines do.
        let is_dropped = self.cutter.is_overlong();
        self.speaker.charge(if is_dropped {
            bytes.len()
        } else {
            bytes.len() - length
        });
        self.speaker.end_read()
    }

    /// The client has closed its sending side: what stands without an end is a line.
    fn take_last_line(&mut self) -> Ending {
        self.speaker.begin_read(0, Instant::now());
        self.cutter.finish(|cut| self.speaker.take(cut));
        self.speaker.end_read().unwrap_or(Ending::Closed)
    }
}

/// For how long a silent host is waited for while nothing is pending: less than `--keepalive`, by
/// the one probe that the kernel may be late.
#[must_use]
pub fn quiet_timeout(silence: SilenceLimits) -> Duration {
    silence.keepalive * 11 / 12
}

/// Passes on what a client says, no faster than its rate allows.
struct Speaker<'a> {
    connection: &'a Connection,
    events: &'a Sender<Event>,
    grammar: Grammar,
    limits: LineLimits,
    bucket: TokenBucket,
    /// It has sent a line that is not empty. The first one may show that it is no chat client.
    has_spoken: bool,
    /// It was said already that this client wants CR LF.
    wants_crlf: bool,
    /// Lines that were not passed on yet.
    lines: Lines,
    /// How many bytes were read.
    read: usize,
    ending: Option<Ending>,
}

impl<'a> Speaker<'a> {
    fn new(
        connection: &'a Connection,
        events: &'a Sender<Event>,
        grammar: Grammar,
        limits: LineLimits,
        now: Instant,
    ) -> Self {
        Self {
            connection,
            events,
            grammar,
            limits,
            bucket: TokenBucket::new(limits.rate, now),
            has_spoken: false,
            wants_crlf: false,
            lines: Lines::default(),
            read: 0,
            ending: None,
        }
    }

    fn begin_read(&mut self, length: usize, now: Instant) {
        self.connection.count(0, length as u64);
        self.bucket.fill(now);
        self.read = length;
    }

    /// Passes on what is left of the read.
    fn end_read(&mut self) -> Option<Ending> {
        self.pass_on_lines();
        if self.ending.is_none() {
            self.wait_for_rate();
        }
        self.ending.take()
    }

    /// Answers telnet commands, once for each kind.
    fn answer(&mut self, asked: Asked) {
        if asked.telnet {
            self.want_crlf();
        }
        if !asked.refusals.is_empty() {
            self.charge(COMMAND_CHARGE);
            self.send(|client| Event::Refused(client, asked.refusals));
        }
        if asked.interrupted {
            self.advise(Advice::HowToLeave);
        }
        if asked.are_you_there {
            self.advise(Advice::Here);
        }
    }

    fn take(&mut self, cut: Cut<'_>) {
        if self.ending.is_some() {
            return;
        }
        if let Cut::Line(line, _) | Cut::TooLong(line) = cut
            && self.is_http(line)
        {
            self.ending = Some(Ending::NotChat);
            return;
        }
        match (cut, self.grammar) {
            (Cut::EndOfTransmission, _) => self.ending = Some(Ending::Quit(None)),
            (Cut::Line(line, _), Grammar::Raw) => {
                self.make_room(line.len());
                self.lines.push_raw(line);
                self.count_line(line.len() + 1);
            }
            (Cut::Line(line, end), Grammar::Chat) => {
                if end == End::Cr {
                    self.want_crlf();
                }
                if line.is_empty() {
                    self.charge(1);
                } else {
                    self.take_line(line);
                }
            }
            (Cut::TooLong(_), Grammar::Raw) => {
                log::warn!(target: "chatd::dropped", "a line over --max-line was dropped");
            }
            (Cut::TooLong(_), Grammar::Chat) => {
                self.advise(Advice::LineTooLong(self.limits.longest))
            }
        }
    }

    fn take_line(&mut self, line: &[u8]) {
        match interpret(line) {
            Input::Text(text) => self.say(text),
            Input::Trimmed(text) => self.say(text.as_bytes()),
            Input::Command(Command::Quit(text)) => {
                self.connection.count(1, 0);
                self.ending = Some(Ending::Quit(text));
            }
            Input::Command(command) => {
                #[cfg(feature = "fault-injection")]
                crate::faults::in_session(&command);
                self.wait_for_rate();
                self.connection.count(1, 0);
                let text = command.text_bytes();
                self.charge(COMMAND_CHARGE.max(text + self.connection.prefix()));
                self.send(|client| Event::Command(client, command));
            }
        }
    }

    fn say(&mut self, text: &[u8]) {
        // Clean-up makes at most three bytes out of one.
        self.make_room(3 * text.len());
        let before = self.lines.len();
        self.lines.push_clean(text);
        self.count_line(self.lines.len() - before + self.connection.prefix());
    }

    /// Waits until the rate allows another line, and until it fits into the event.
    fn make_room(&mut self, length: usize) {
        self.wait_for_rate();
        if self.lines.len() + length + 1 > EVENT_BYTES {
            self.pass_on_lines();
        }
        if self.lines.is_empty() {
            self.lines = Lines::with_capacity(self.read.min(EVENT_BYTES));
        }
    }

    fn count_line(&mut self, bytes: usize) {
        self.connection.count(1, 0);
        self.charge(bytes.max(LINE_CHARGE));
    }

    fn charge(&mut self, bytes: usize) {
        self.bucket.charge(bytes);
    }

    /// Sleeps while the client is over its rate. What it sends meanwhile stays on its side of the
    /// network.
    fn wait_for_rate(&mut self) {
        while self.connection.is_open()
            && let Some(wait) = self.bucket.debt()
        {
            self.pass_on_lines();
            self.connection.rest(wait);
            self.bucket.fill(Instant::now());
        }
    }

    fn advise(&mut self, advice: Advice) {
        self.charge(COMMAND_CHARGE);
        self.send(|client| Event::Told(client, advice));
    }

    fn want_crlf(&mut self) {
        if !self.wants_crlf {
            self.wants_crlf = true;
            self.send(Event::WantsCrLf);
        }
    }

    fn pass_on_lines(&mut self) {
        if !self.lines.is_empty() {
            let lines = mem::take(&mut self.lines);
            self.pass_on(|client| Event::Lines(client, lines));
        }
    }

    /// Passes on an event, after the lines that came before it.
    fn send(&mut self, event: impl FnOnce(ClientId) -> Event) {
        self.pass_on_lines();
        self.pass_on(event);
    }

    fn pass_on(&mut self, event: impl FnOnce(ClientId) -> Event) {
        // The broadcaster is only gone when the server ends.
        if self.events.send(event(self.connection.id)).is_err() {
            self.ending = Some(Ending::Shutdown);
        }
    }

    /// Whether the first line that is not empty is the request line of a browser (RFC 9112, sections
    /// 2.2 and 3). Any web page can make one send a request here, and what follows in it would be
    /// said in the chat.
    fn is_http(&mut self, line: &[u8]) -> bool {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if self.has_spoken || line.is_empty() {
            return false;
        }
        self.has_spoken = true;
        line.ends_with(b" HTTP/1.0") || line.ends_with(b" HTTP/1.1")
    }
}

//! The broadcaster as a state machine: a run of joins, lines, commands, partial writes, ticks of
//! the clock and departures, against a model that says what each client must have read.

mod asks;
mod bystander;
mod chat;
mod client;
mod reading;
pub mod script;
pub mod wire;

use bystander::Bystander;
use chat::{Chat, HISTORY, MOTD, Reason};
use chatd::broadcaster::Broadcaster;
use chatd::clock::Clock;
use chatd::command::Command;
use chatd::config::{BacklogLimits, Mode};
use chatd::event::{Advice, ClientId, Ending, Event};
use chatd::text::{Line, Lines};
use client::Client;
use jiff::Timestamp;
pub use script::OP_BYTES;
use script::{Ask, Op, Way};
use std::io::ErrorKind;
use std::time::{Duration, Instant};

/// How many clients a run has at most, and how many operations.
const MOST_CLIENTS: usize = 14;
const MOST_OPERATIONS: usize = 600;

/// What a client may leave unread, in bytes, and for how long, in milliseconds: little, so that
/// short runs get there.
const MOST_BACKLOG: u64 = 8 << 10;
const PATIENCE: u64 = 1_000;

/// Noon, so that no run goes on past midnight.
const START: &str = "2026-03-04T12:00:00Z";

/// Does what `input` says, operation by operation.
pub fn check(input: &[u8]) {
    let operations = input.chunks(OP_BYTES).map(Op::decode);
    play(operations.take(MOST_OPERATIONS));
}

/// The first client reads everything and does nothing: it sees the chat as a bystander does. The
/// operations are the others'.
pub fn play(operations: impl IntoIterator<Item = Op>) {
    let mut run = Run::new();
    run.join(usize::MAX);
    for operation in operations {
        run.step(operation);
    }
    run.end();
}

struct Run {
    broadcaster: Broadcaster,
    chat: Chat,
    /// The same people as in the chat, as far as their connections are concerned.
    clients: Vec<Client>,
    bystander: Bystander,
    start: Instant,
    /// Milliseconds since the start.
    now: u64,
    /// How many texts were made.
    texts: usize,
    story: Story,
}

/// What happened, for whoever reads of a failure.
#[derive(Default)]
struct Story(Vec<String>);

impl Drop for Story {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("what happened:\n{}", self.0.join("\n"));
        }
    }
}

impl Run {
    fn new() -> Self {
        let start = Instant::now();
        let limits = BacklogLimits {
            most: MOST_BACKLOG,
            patience: Duration::from_millis(PATIENCE),
        };
        let mode = Mode::Chat {
            motd: vec![MOTD.to_owned()],
            history: HISTORY,
        };
        Self {
            broadcaster: Broadcaster::new(&mode, limits, clock(start, 0)),
            chat: Chat::default(),
            clients: Vec::new(),
            bystander: Bystander::default(),
            start,
            now: 0,
            texts: 0,
            story: Story::default(),
        }
    }

    fn step(&mut self, op: Op) {
        self.story.0.push(format!("{op:?}"));
        match op {
            Op::Join(room) => self.join(room),
            Op::Flush => self.flush(),
            Op::Wait(milliseconds) => self.wait(milliseconds),
            Op::Say(who, lines, length) => self.with(who, |run, who| run.say(who, lines, length)),
            Op::Ask(who, ask) => self.with(who, |run, who| run.ask(who, &ask)),
            Op::Interrupt(who) => self.with(who, |run, who| {
                run.chat.tell(who, "-- to leave: /quit");
                run.clients[who].is_held = false;
                run.handle(|id| Event::Told(id, Advice::HowToLeave), who);
            }),
            Op::Option(who) => self.with(who, |run, who| {
                // The option has the number of the line feed.
                let refusal = b"\xff\xfc\n";
                run.chat.tell_bytes(who, refusal);
                run.clients[who].is_held = false;
                run.handle(|id| Event::Refused(id, refusal.to_vec()), who);
            }),
            Op::WantCrlf(who) => self.with(who, |run, who| {
                run.chat.people[who].reading.want_crlf();
                run.handle(Event::WantsCrLf, who);
            }),
            Op::Leave(who, way) => self.with(who, |run, who| run.leave(who, way)),
            Op::Room(who, room) => self.with(who, |run, who| {
                run.clients[who].wire.state().room = room;
            }),
            Op::Break(who) => self.with(who, |run, who| {
                run.clients[who].wire.state().fault = Some(ErrorKind::ConnectionReset);
            }),
            Op::Signal(who) => self.with(who, |run, who| {
                run.clients[who]
                    .wire
                    .state()
                    .fault
                    .get_or_insert(ErrorKind::Interrupted);
            }),
        }
    }

    /// Does something with one of those who are here, but never with the bystander.
    fn with(&mut self, who: usize, act: impl FnOnce(&mut Self, usize)) {
        let here = self.chat.here().skip(1).collect::<Vec<_>>();
        if let Some(who) = who.checked_rem(here.len()) {
            self.story.0.push(format!("    by client {}", here[who]));
            act(self, here[who]);
        }
    }

    fn text(&mut self, length: usize) -> String {
        self.texts += 1;
        format!("{} {}", self.texts, "x".repeat(length))
            .trim_end()
            .to_owned()
    }

    fn handle(&mut self, event: impl FnOnce(ClientId) -> Event, who: usize) {
        let event = event(ClientId(who as u64 + 1));
        self.broadcaster.handle(event, clock(self.start, self.now));
        self.look_at(who);
    }

    fn join(&mut self, room: usize) {
        if self.clients.len() < MOST_CLIENTS {
            let client = Client::new(room, self.now);
            let wire = client.wire.clone();
            self.chat.join(self.now);
            self.clients.push(client);
            let who = self.clients.len() - 1;
            self.handle(|id| Event::Joined(id, wire), who);
        }
    }

    fn say(&mut self, who: usize, count: usize, length: usize) {
        let texts = (0..count).map(|_| self.text(length)).collect::<Vec<_>>();
        let mut lines = Lines::default();
        for text in &texts {
            lines.push_clean(text.as_bytes());
        }
        self.chat.say(who, &texts, self.now);
        self.clients[who].speak();
        self.handle(|id| Event::Lines(id, lines), who);
    }

    fn ask(&mut self, who: usize, ask: &Ask) {
        let text = self.text(0);
        let command = self.command(ask, &text);
        self.chat.ask(who, ask, &text, self.now);
        self.clients[who].speak();
        self.handle(|id| Event::Command(id, command), who);
    }

    fn command(&self, ask: &Ask, text: &str) -> Command {
        let line = Line::new(text);
        let name_of = |addressee| self.chat.name_of(addressee);
        match *ask {
            Ask::Nick(name) => Command::Nick(name.to_owned()),
            Ask::Me => Command::Me(line),
            Ask::Msg(to) => Command::Msg(name_of(to), line),
            Ask::Reply => Command::Reply(line),
            Ask::Ignore(other) => Command::Ignore(name_of(other)),
            Ask::Unignore(other) => Command::Unignore(name_of(other)),
            Ask::Ignored => Command::Ignored,
            Ask::Quiet => Command::Quiet,
            Ask::Away => Command::Away(Some(line)),
            Ask::AwaySilently => Command::Away(None),
            Ask::Back => Command::Back,
            Ask::History(most) => Command::History(most),
            Ask::Who => Command::Who(None),
            Ask::Motd => Command::Motd,
        }
    }

    fn leave(&mut self, who: usize, way: Way) {
        let client = &mut self.clients[who];
        let text = self.texts.to_string();
        let (ending, reason) = match way {
            Way::Quit => (Ending::Quit(None), Reason::None),
            Way::QuitSaying => (Ending::Quit(Some(Line::new(&text))), Reason::None),
            Way::Reset => (Ending::Reset, Reason::None),
            Way::Lose => (Ending::Lost, Reason::ConnectionLost),
            Way::Idle => (Ending::Idle, Reason::Idle),
            Way::Http if !client.has_spoken => (Ending::NotChat, Reason::None),
            Way::Close | Way::Http => (Ending::Closed, Reason::None),
        };
        if ending == Ending::NotChat {
            if client.is_held {
                self.chat.people[who].reading.forget(self.chat.logged);
            }
            self.chat.tell_bytes(who, HTTP_ANSWER);
        }
        let text = matches!(way, Way::QuitSaying).then_some(text.as_str());
        // A thread may have seen no more than what was done to its connection.
        let reason = match client.dead {
            Some(dead) if !matches!(way, Way::Quit | Way::QuitSaying) => dead,
            _ => reason,
        };
        client.leave(ending.is_orderly(), self.now);
        if client.dead.is_some() || !ending.is_orderly() {
            self.chat.people[who].deafen();
            self.chat.people[who].reading.forget(self.chat.logged);
        }
        self.chat.leave(who, reason, text, self.now);
        self.handle(|id| Event::Left(id, ending), who);
    }

    /// Everybody is sent what is pending, and what is due is said.
    fn flush(&mut self) {
        self.chat.tick(self.now);
        for client in &mut self.clients {
            client.is_held &= self.now < client.joined + client::HOLD_TIME;
        }
        self.broadcaster.flush(clock(self.start, self.now));
        for who in 0..self.clients.len() {
            self.look_at(who);
            self.clients[who].check_after_flush(&mut self.chat, who, self.now);
        }
        if let Some(due) = self.next_due() {
            assert!(due > self.now, "the server would never sleep");
        }
    }

    /// What one client has read, and whether it is still there.
    fn look_at(&mut self, who: usize) {
        let received = self.clients[who].look(&mut self.chat, who, self.now);
        if who == 0 {
            self.bystander.read(&received);
        }
    }

    /// When the broadcaster wants to be called, in milliseconds since the start, rounded up: a tick
    /// may come sooner than this clock's next step.
    fn next_due(&self) -> Option<u64> {
        let due = self.broadcaster.next_due()?;
        Some((due - self.start).as_micros().div_ceil(1_000) as u64)
    }

    /// Time passes, and the broadcaster is called whenever it wants to be.
    fn wait(&mut self, milliseconds: u64) {
        let until = self.now + milliseconds;
        while let Some(due) = self.next_due().filter(|due| *due <= until) {
            self.now = due.max(self.now);
            self.flush();
        }
        self.now = until;
    }

    /// Everybody reads on, then everybody leaves, and nothing is left to do.
    fn end(mut self) {
        for client in &self.clients {
            client.wire.state().room = usize::MAX;
        }
        self.flush();
        self.wait(1_500);
        for who in 0..self.clients.len() {
            assert!(
                self.clients[who].is_closed() || !self.clients[who].is_behind(),
                "client {who} reads and is still behind"
            );
        }
        for who in self.chat.here().collect::<Vec<_>>() {
            self.leave(who, Way::Close);
        }
        self.flush();
        self.wait(3_000);
        assert!(self.clients.iter().all(Client::is_closed));
        assert_eq!(self.next_due(), None, "there is nobody left");
    }
}

const HTTP_ANSWER: &[u8] =
    b"HTTP/1.0 400 Bad Request\r\n\r\nThis is a chat server: join it with nc HOST PORT\r\n";

/// The time, so many milliseconds after the start of a run.
pub fn clock(start: Instant, now: u64) -> Clock {
    let time = START.parse::<Timestamp>().expect("a time");
    Clock {
        instant: start + Duration::from_millis(now),
        time: time + Duration::from_millis(now),
    }
}

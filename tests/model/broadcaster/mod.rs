//! The broadcaster as a state machine: a run of joins, lines, commands, partial writes, ticks of
//! the clock and departures, against a model that says what each client must have read.

mod accounts;
mod asks;
mod bans;
mod bystander;
mod chat;
mod client;
mod logins;
mod reading;
pub mod script;
mod typed;
pub mod wire;

use bystander::Bystander;
use chat::{Chat, HISTORY, MOTD, Reason};
use chatd::address::Address;
use chatd::broadcaster::Broadcaster;
use chatd::clock::Clock;
use chatd::config::{BacklogLimits, Mode};
use chatd::event::{Answer, Arrival, ClientId, Echo, Ending, Event, Style, Tally};
use chatd::pressure::Pressure;
use chatd::text::{Line, Lines};
use client::{Client, Strain};
use jiff::Timestamp;
pub use script::OP_BYTES;
use script::{Ask, Kind, Op, Way};
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wire::{End, FakeWire};

/// How many clients a run has at most, and how many operations.
const MOST_CLIENTS: usize = 14;
const MOST_OPERATIONS: usize = 600;

/// What a client may leave unread, as a cost, and for how long, in milliseconds: little, so that
/// short runs get there.
pub const MOST_BACKLOG: u64 = 24 << 10;
const PATIENCE: u64 = 1_000;

/// How late the server may notice that nobody need be waited for, in milliseconds.
const LOOK: u64 = 11;

/// What one event of a run adds to the log at most, as a cost: three of the longest lines.
const EVENT_COST: u64 = 20 << 10;

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
    run.join(usize::MAX, Kind::Netcat);
    for operation in operations {
        run.step(operation);
    }
    run.end();
}

struct Run {
    broadcaster: Broadcaster,
    pressure: Arc<Pressure>,
    /// Since when the server has been under pressure, in milliseconds since the start.
    pressed_since: Option<u64>,
    /// When somebody was behind last.
    waited_for: u64,
    /// What the log held, and what had been logged, before the last thing that happened.
    kept: u64,
    logged: u64,
    chat: Chat,
    /// The same people as in the chat, as far as their connections are concerned.
    clients: Vec<Client>,
    /// Whom an event has ended, and whose threads do not know yet.
    ghosts: Vec<usize>,
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
        let pressure = Arc::new(Pressure::new(limits));
        Self {
            broadcaster: logins::broadcaster(&mode, limits, Arc::clone(&pressure), clock(start, 0)),
            pressure,
            pressed_since: None,
            waited_for: 0,
            kept: 0,
            logged: 0,
            chat: Chat::new(),
            clients: Vec::new(),
            ghosts: Vec::new(),
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
            Op::Join(room, kind) => self.join(room, kind),
            Op::Flush => self.flush(),
            Op::Wait(milliseconds) => self.wait(milliseconds),
            Op::Say(who, lines, length) => self.with(who, |run, who| run.say(who, lines, length)),
            Op::Ask(who, ask) => self.with(who, |run, who| run.ask(who, &ask)),
            Op::Interrupt(who) => self.with(who, |run, who| {
                let line = "-- to leave: /quit";
                run.chat.tell(who, line);
                let answer = Answer::Lines(format!("{line}\n").into_bytes());
                run.handle(|id| Event::Answered(id, answer), who);
            }),
            Op::Option(who) => self.with(who, |run, who| {
                // The option has the number of the line feed.
                let refusal = b"\xff\xfc\n";
                run.chat.tell_bytes(who, refusal);
                let answer = Answer::Bytes(refusal.to_vec());
                run.handle(|id| Event::Answered(id, answer), who);
            }),
            Op::WantCrlf(who) => self.with(who, |run, who| {
                run.chat.people[who].reading.want_crlf();
                run.handle(Event::WantsCrlf, who);
            }),
            Op::Leave(who, way) => self.with(who, |run, who| run.leave(who, way)),
            Op::Login(who, account, password) => {
                self.with(who, |run, who| run.log_in(who, account, password));
            }
            Op::Knock(who, knocking) => self.knock(who, knocking),
            Op::Haunt(who, haunting) => self.haunt(who, haunting),
            Op::Room(who, room) => self.with(who, |run, who| {
                if run.clients[who].wire.set_room(room) {
                    run.resume(who);
                }
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
        // Where the log had no room for it, the furthest behind may be gone, and pressure with
        // them.
        self.look_at_pressure();
        self.look_at_all(false);
        assert!(
            self.clients[who].is_closed() || !self.clients[who].wire.state().has_failed,
            "an event alone writes nothing"
        );
    }

    /// The kernel says that a socket has room again.
    fn resume(&mut self, who: usize) {
        self.broadcaster.resume(&[ClientId(who as u64 + 1)]);
    }

    fn join(&mut self, room: usize, kind: Kind) {
        if self.clients.len() < MOST_CLIENTS {
            let client = Client::new(room);
            let mut arrival = arrival(Arc::clone(&client.wire), kind);
            if let Ok(address) = bans::address(self.clients.len()).parse() {
                arrival.address = Address::Tcp(address);
            }
            self.chat.join(kind, self.now);
            self.clients.push(client);
            let who = self.clients.len() - 1;
            self.handle(|id| Event::Joined(id, arrival), who);
        }
    }

    fn say(&mut self, who: usize, count: usize, length: usize) {
        let texts = (0..count).map(|_| self.text(length)).collect::<Vec<_>>();
        let mut lines = Lines::default();
        for text in &texts {
            lines.push_clean(text.as_bytes());
        }
        self.chat.say(who, &texts, self.now);
        self.handle(|id| Event::Said(id, lines), who);
    }

    fn ask(&mut self, who: usize, ask: &Ask) {
        let text = self.text(0);
        let command = self.command(ask, &text);
        self.chat.ask(who, ask, &text, self.now);
        self.end_some();
        self.handle(|id| Event::Asked(id, command), who);
    }

    fn leave(&mut self, who: usize, way: Way) {
        let client = &mut self.clients[who];
        let text = self.texts.to_string();
        let ending = ending(way, &text);
        let reason = match way {
            Way::Lose => Reason::ConnectionLost,
            Way::Idle => Reason::Idle,
            _ => Reason::None,
        };
        // The text of the muted is refused.
        let is_said = matches!(way, Way::QuitSaying) && !self.chat.refuses_to_say(who, 1);
        let text = is_said.then_some(text.as_str());
        // A thread may have seen no more than what was done to its connection.
        let reason = match client.dead {
            Some(dead) if !matches!(way, Way::Quit | Way::QuitSaying | Way::Lose) => dead,
            _ => reason,
        };
        client.leave(ending.is_orderly(), self.now);
        if client.dead.is_some() || !ending.is_orderly() {
            self.chat.people[who].deafen();
            self.chat.people[who].reading.forget(self.chat.logged);
        }
        self.chat.leave(who, reason, text, self.now);
        let tally = Tally::default();
        self.handle(|id| Event::Left(id, ending, tally), who);
    }

    /// Everybody is sent what is pending, and what is due is said.
    fn flush(&mut self) {
        self.chat.tick(self.now);
        self.end_some();
        // One try looks at no more than it may, and then goes on at once.
        let mut is_over = false;
        for tries in 0.. {
            let is_over_now = |since| self.now >= since + PATIENCE;
            is_over |= self.pressed_since.is_some_and(is_over_now);
            assert!(tries < 1_000, "the server would never sleep");
            self.broadcaster.flush(clock(self.start, self.now));
            self.look_at_pressure();
            if self.next_due().is_none_or(|due| due > self.now) {
                break;
            }
        }
        self.look_at_all(is_over);
        for who in 0..self.clients.len() {
            self.clients[who].check_after_flush(&mut self.chat, who, self.now);
        }
        self.check_pressure();
    }

    fn look_at_pressure(&mut self) {
        match self.pressure.share() {
            None => self.pressed_since = None,
            Some(_) => {
                self.pressed_since.get_or_insert(self.now);
            }
        }
    }

    /// Pressure lasts for the patience at most, give or take a look.
    fn check_pressure(&mut self) {
        let Some(since) = self.pressed_since else {
            return;
        };
        let mut here = self.clients.iter().filter(|client| !client.is_closed());
        if here.any(Client::is_behind) {
            self.waited_for = self.now;
        }
        let now = self.now;
        let story = format!(
            "since {since}, for nobody since {}, now {now}",
            self.waited_for
        );
        assert!(
            now < since + PATIENCE + LOOK,
            "the patience is over: {story}"
        );
        assert!(
            now < self.waited_for.max(since) + LOOK,
            "nobody is waited for: {story}"
        );
    }

    /// What everybody has read, and whether they are still there.
    fn look_at_all(&mut self, is_over: bool) {
        let strain = Strain {
            is_over,
            kept: self.kept,
            added: self.chat.logged - self.logged,
        };
        for who in 0..self.clients.len() {
            let received = self.clients[who].look(&mut self.chat, who, strain, self.now);
            if who == 0 {
                self.bystander.read(&received);
            }
        }
        self.kept = self.broadcaster.cost_kept();
        self.logged = self.chat.logged;
        assert!(self.kept <= 2 * MOST_BACKLOG, "the log holds {}", self.kept);
    }

    /// When the broadcaster wants to be called, in milliseconds since the start, rounded up: a tick
    /// may come sooner than this clock's next step.
    fn next_due(&mut self) -> Option<u64> {
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
        for who in 0..self.clients.len() {
            if self.clients[who].wire.set_room(usize::MAX) {
                self.resume(who);
            }
        }
        self.flush();
        self.wait(1_500);
        for who in 0..self.clients.len() {
            assert!(
                self.clients[who].is_closed() || !self.clients[who].is_behind(),
                "client {who} reads and is still behind"
            );
        }
        for who in std::mem::take(&mut self.ghosts) {
            let end = self.clients[who].wire.state().end;
            let is_over = matches!(end, End::ReadingEnded | End::HungUp);
            assert!(
                is_over,
                "the thread of client {who} does not notice: {end:?}"
            );
            self.leave_late(who, Way::Close);
        }
        for who in self.chat.waiting().collect::<Vec<_>>() {
            self.give_up(who, Way::Close);
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

/// Why a client has left, with a text.
fn ending(way: Way, text: &str) -> Ending {
    match way {
        Way::Quit => Ending::Quit(None),
        Way::QuitSaying => Ending::Quit(Some(Line::new(text))),
        Way::Reset => Ending::Reset,
        Way::Lose => Ending::Lost,
        Way::Idle => Ending::Idle,
        Way::Close => Ending::Closed,
    }
}

/// What the broadcaster is told of a newcomer.
pub fn arrival(wire: Arc<FakeWire>, kind: Kind) -> Arrival {
    Arrival {
        wire,
        address: Address::User(1),
        style: match kind {
            Kind::Telnet => Style::CrLf,
            Kind::Netcat | Kind::Window => Style::Lf,
        },
        echo: match kind {
            Kind::Window => Echo::On,
            Kind::Netcat | Kind::Telnet => Echo::Off,
        },
        login_name: None,
    }
}

/// The time, so many milliseconds after the start of a run.
pub fn clock(start: Instant, now: u64) -> Clock {
    let time = START.parse::<Timestamp>().expect("a time");
    Clock {
        instant: start + Duration::from_millis(now),
        time: time + Duration::from_millis(now),
    }
}

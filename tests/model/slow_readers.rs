//! Promises about clients that read slowly or not at all, with the limits that the server has, and
//! what they cost in memory.

use crate::broadcaster::script::Op;
use crate::broadcaster::wire::{End, FakeWire};
use crate::broadcaster::{clock, play};
use chatd::broadcaster::Broadcaster;
use chatd::config::{BacklogLimits, Mode};
use chatd::event::{Advice, ClientId, Ending, Event};
use chatd::text::Lines;
use std::sync::Arc;
use std::time::{Duration, Instant};

const MIB: usize = 1 << 20;

/// The least that `--max-backlog` takes, so that the tests are quick.
const MOST_BACKLOG: usize = MIB;
const PATIENCE: u64 = 5_000;

/// How many bytes one event of lines has at most.
const EVENT_BYTES: usize = 16 << 10;

/// What the memory of this process may grow by in a test, for whatever else goes on in it.
const SLACK: usize = 24 * MIB;

/// A broadcaster and its clients, without names of their own.
struct Stage {
    broadcaster: Broadcaster,
    wires: Vec<Arc<FakeWire>>,
    start: Instant,
    now: u64,
}

impl Stage {
    /// Clients who have been announced to each other and have read that.
    fn with_clients(count: usize) -> Self {
        let start = Instant::now();
        let mode = Mode::Chat {
            motd: Vec::new(),
            history: 0,
        };
        let limits = BacklogLimits {
            most: MOST_BACKLOG as u64,
            patience: Duration::from_millis(PATIENCE),
        };
        let mut stage = Self {
            broadcaster: Broadcaster::new(&mode, limits, clock(start, 0)),
            wires: Vec::new(),
            start,
            now: 0,
        };
        for id in 1..=count as u64 {
            let wire = Arc::new(FakeWire::new(usize::MAX));
            stage.wires.push(Arc::clone(&wire));
            stage.handle(Event::Joined(ClientId(id), wire));
        }
        stage.wait(2_000);
        for client in 0..count {
            stage.take_received(client);
        }
        stage
    }

    fn handle(&mut self, event: Event) {
        let clock = clock(self.start, self.now);
        self.broadcaster.handle(event, clock);
    }

    fn flush(&mut self) {
        self.broadcaster.flush(clock(self.start, self.now));
    }

    fn wait(&mut self, milliseconds: u64) {
        let until = self.now + milliseconds;
        while let Some(due) = self.broadcaster.next_due() {
            let due = (due - self.start).as_micros().div_ceil(1_000) as u64;
            if due > until {
                break;
            }
            self.now = due.max(self.now);
            self.flush();
        }
        self.now = until;
    }

    /// The client says one line, which makes an event of this length, and everybody is sent it.
    /// It begins with the time, so that lines can be told apart.
    fn say(&mut self, client: usize, length: usize) {
        let line = format!("{}{:x<width$}", self.now, "", width = length);
        let mut lines = Lines::default();
        lines.push_clean(&line.as_bytes()[..length - 1]);
        self.handle(Event::Lines(ClientId(client as u64 + 1), lines));
        self.flush();
    }

    fn leave(&mut self, client: usize) {
        let client = ClientId(client as u64 + 1);
        self.handle(Event::Left(client, Ending::Closed));
    }

    fn set_room(&self, client: usize, room: usize) {
        self.wires[client].state().room = room;
    }

    fn take_received(&self, client: usize) -> String {
        let received = std::mem::take(&mut self.wires[client].state().received);
        String::from_utf8(received).unwrap()
    }

    fn end(&self, client: usize) -> End {
        self.wires[client].state().end
    }
}

/// What this process has in memory, in bytes.
#[cfg(target_os = "linux")]
fn resident_memory() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages = pages.split(' ').nth(1).unwrap();
    pages.parse::<usize>().unwrap() * 4096
}

#[test]
fn a_client_that_leaves_more_than_the_backlog_unread_is_let_go_and_nobody_else_loses_anything() {
    let mut stage = Stage::with_clients(3);
    let [talker, reader, sleeper] = [0, 1, 2];
    stage.set_room(sleeper, 0);
    let mut said = 0;
    while said <= 2 * MOST_BACKLOG {
        stage.say(talker, EVENT_BYTES);
        said += EVENT_BYTES;
        let read = stage.take_received(reader);
        assert_eq!(read.len(), "<guest1> ".len() + EVENT_BYTES);
    }
    stage.wait(PATIENCE - 200);
    assert_eq!(stage.end(sleeper), End::Open, "it is waited for");
    stage.wait(400);
    assert_eq!(stage.end(sleeper), End::HungUp, "the patience is over");
    stage.leave(sleeper);
    stage.flush();
    stage.wait(1_000);
    assert_eq!(stage.take_received(reader), "-- guest3 left (too slow)\n");
    assert_eq!(stage.take_received(sleeper), "");
}

#[test]
fn a_client_that_resumes_under_the_backlog_has_lost_nothing() {
    let mut stage = Stage::with_clients(2);
    let [talker, sleeper] = [0, 1];
    stage.set_room(sleeper, 0);
    let count = MOST_BACKLOG / EVENT_BYTES - 2;
    for _ in 0..count {
        stage.say(talker, EVENT_BYTES);
    }
    stage.wait(10 * PATIENCE);
    assert_eq!(stage.end(sleeper), End::Open);
    stage.set_room(sleeper, usize::MAX);
    stage.wait(100);
    let read = stage.take_received(sleeper);
    assert_eq!(read.lines().count(), count);
    assert_eq!(read.len(), count * ("<guest1> ".len() + EVENT_BYTES));
}

#[test]
fn whoever_reads_at_least_half_of_the_backlog_per_patience_loses_nothing() {
    let mut stage = Stage::with_clients(2);
    let [talker, slow] = [0, 1];
    stage.set_room(slow, 0);
    let count = 2 * MOST_BACKLOG / EVENT_BYTES;
    for _ in 0..count {
        stage.say(talker, EVENT_BYTES);
    }
    let step = 100;
    let bytes_per_step = MOST_BACKLOG * 6 / 10 * step / PATIENCE as usize;
    let mut read = 0;
    while stage.wires[slow].state().is_full {
        assert_eq!(stage.end(slow), End::Open, "after {} ms", stage.now);
        stage.set_room(slow, bytes_per_step);
        stage.wait(step as u64);
        read += stage.take_received(slow).len();
    }
    assert_eq!(read, count * ("<guest1> ".len() + EVENT_BYTES));
}

/// More of them than one send takes.
#[test]
fn private_lines_stand_at_their_place_among_the_public_ones_however_many_wait() {
    let wait = [
        Op::Join(usize::MAX),
        Op::Join(usize::MAX),
        Op::Wait(1_000),
        Op::Room(0, 0),
    ];
    let turns = (0..100).flat_map(|_| [Op::Say(1, 1, 0), Op::Interrupt(0), Op::Flush]);
    play(wait.into_iter().chain(turns));
}

#[test]
fn over_1_mib_of_answers_pending_that_client_is_let_go_and_the_room_is_not_paused() {
    let mut stage = Stage::with_clients(2);
    let [reader, sleeper] = [0, 1];
    stage.set_room(sleeper, 0);
    let answer = "-- yes, chatd is here\n";
    for answers in 1.. {
        stage.handle(Event::Told(ClientId(2), Advice::Here));
        stage.flush();
        let is_over = answers * answer.len() > MIB;
        assert_eq!(
            stage.end(sleeper) == End::HungUp,
            is_over,
            "{answers} answers"
        );
        if is_over {
            break;
        }
    }
    stage.say(sleeper, 10);
    assert_eq!(
        stage.take_received(reader),
        "<guest2> 2000xxxxx\n",
        "what it had said before"
    );
}

#[test]
#[cfg(target_os = "linux")]
fn the_front_of_the_log_goes_when_nobody_needs_it_any_more() {
    let mut stage = Stage::with_clients(3);
    let [talker, reader, straggler] = [0, 1, 2];
    stage.set_room(straggler, 0);
    for _ in 0..20 {
        stage.say(talker, EVENT_BYTES);
    }
    let mut pending = stage.take_received(reader);
    // From now on it takes as much as is said, and so never gets to the end of it.
    let before = resident_memory();
    for length in (1_000..EVENT_BYTES)
        .cycle()
        .step_by(777)
        .take(64 * MIB / EVENT_BYTES * 2)
    {
        stage.set_room(straggler, length);
        stage.say(talker, length);
        stage.wait(2);
        pending += &stage.take_received(reader);
        let read = stage.take_received(straggler);
        assert!(pending.starts_with(&read), "it lost something");
        pending.drain(..read.len());
    }
    assert_eq!(stage.end(straggler), End::Open);
    assert!(stage.wires[straggler].state().is_full, "it never caught up");
    let grown = resident_memory().saturating_sub(before);
    assert!(grown < SLACK, "the log grew by {grown} bytes");
}

#[test]
#[cfg(target_os = "linux")]
fn a_stalled_client_costs_the_same_however_many_lines_wait_for_it() {
    let count = 300;
    let mut stage = Stage::with_clients(count);
    for sleeper in 1..count {
        stage.set_room(sleeper, 0);
    }
    let before = resident_memory();
    // Two take turns, so that no line can be held together with the one before it.
    for at in 0..10_000 {
        stage.say(usize::from(at % 2 == 0), 2);
        stage.take_received(0);
    }
    assert!((1..count).all(|sleeper| stage.end(sleeper) == End::Open));
    let grown = resident_memory().saturating_sub(before);
    assert!(grown < SLACK, "{count} clients cost {grown} bytes");
}

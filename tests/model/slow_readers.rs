//! Promises about clients that read slowly or not at all, with the limits that the server has, and
//! what they cost in memory.

use crate::broadcaster::script::{Kind, Op};
use crate::broadcaster::wire::{End, FakeWire};
use crate::broadcaster::{arrival, clock, play};
use chatd::broadcaster::Broadcaster;
use chatd::config::{BacklogLimits, Mode};
use chatd::event::{Answer, ClientId, Ending, Event, Tally};
use chatd::pressure::Pressure;
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
#[cfg(target_os = "linux")]
const SLACK: usize = 24 * MIB;

/// A broadcaster and its clients, without names of their own.
struct Stage {
    broadcaster: Broadcaster,
    pressure: Arc<Pressure>,
    wires: Vec<Arc<FakeWire>>,
    start: Instant,
    now: u64,
}

impl Stage {
    /// Clients who have been announced to each other and have read that.
    fn with_clients(count: usize) -> Self {
        Self::with_patience(PATIENCE, count)
    }

    /// The same with another patience, in milliseconds.
    fn with_patience(patience: u64, count: usize) -> Self {
        let start = Instant::now();
        let mode = Mode::Chat {
            motd: Vec::new(),
            history: 0,
        };
        let limits = BacklogLimits {
            most: MOST_BACKLOG as u64,
            patience: Duration::from_millis(patience),
        };
        let pressure = Arc::new(Pressure::new(limits));
        let broadcaster =
            Broadcaster::new(&mode, limits, Arc::clone(&pressure), clock(start, 0), None);
        let mut stage = Self {
            broadcaster,
            pressure,
            wires: Vec::new(),
            start,
            now: 0,
        };
        for _ in 0..count {
            stage.join();
        }
        stage.wait(2_000);
        for client in 0..count {
            stage.take_received(client);
        }
        stage
    }

    fn join(&mut self) {
        let wire = Arc::new(FakeWire::new(usize::MAX));
        self.wires.push(Arc::clone(&wire));
        let id = ClientId(self.wires.len() as u64);
        self.handle(Event::Joined(id, arrival(wire, Kind::Netcat)));
    }

    fn handle(&mut self, event: Event) {
        let clock = clock(self.start, self.now);
        self.broadcaster.handle(event, clock);
    }

    fn flush(&mut self) {
        self.broadcaster.flush(clock(self.start, self.now));
    }

    fn next_due(&mut self) -> Option<Instant> {
        self.broadcaster.next_due()
    }

    fn wait(&mut self, milliseconds: u64) {
        let until = self.now + milliseconds;
        while let Some(due) = self.next_due() {
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
        self.handle(Event::Said(ClientId(client as u64 + 1), lines));
        self.flush();
    }

    fn leave(&mut self, client: usize) {
        let client = ClientId(client as u64 + 1);
        let tally = Tally::default();
        self.handle(Event::Left(client, Ending::Closed, tally));
    }

    /// The client takes so many bytes more, and the kernel says so.
    fn set_room(&mut self, client: usize, room: usize) {
        if self.wires[client].set_room(room) {
            self.broadcaster.resume(&[ClientId(client as u64 + 1)]);
        }
    }

    fn is_under_pressure(&self) -> bool {
        self.pressure.share().is_some()
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
fn a_client_that_takes_nothing_is_let_go_after_the_patience_and_nobody_else_loses_anything() {
    let mut stage = Stage::with_clients(3);
    let [talker, reader, sleeper] = [0, 1, 2];
    stage.set_room(sleeper, 0);
    let mut said = 0;
    while !stage.is_under_pressure() {
        stage.say(talker, EVENT_BYTES);
        said += EVENT_BYTES;
        let read = stage.take_received(reader);
        assert_eq!(read.len(), "<guest1> ".len() + EVENT_BYTES);
    }
    let half = MOST_BACKLOG / 2;
    let sixteenth = MOST_BACKLOG / 16;
    assert!(
        (half..half + sixteenth + EVENT_BYTES).contains(&said),
        "after {said} bytes"
    );
    stage.wait(PATIENCE - 1);
    assert_eq!(stage.end(sleeper), End::Open, "it is waited for");
    stage.wait(20);
    assert_eq!(stage.end(sleeper), End::HungUp, "the patience is over");
    assert!(!stage.is_under_pressure());
    stage.leave(sleeper);
    stage.flush();
    stage.wait(1_000);
    assert_eq!(stage.take_received(reader), "-- guest3 left (too slow)\n");
    assert_eq!(stage.take_received(sleeper), "");
}

#[test]
fn clients_that_stop_reading_or_sip_never_delay_the_others_and_are_let_go_after_the_patience() {
    let step = 100;
    let mut stage = Stage::with_clients(22);
    let [talker, reader] = [0, 1];
    for slow in 2..22 {
        stage.set_room(slow, 0);
    }
    let mut pressed_since = None;
    while (2..22).any(|slow| stage.end(slow) == End::Open) {
        // As much as one may say: all at once, or what all share who send.
        let length = if stage.is_under_pressure() {
            MOST_BACKLOG / 8 * step / PATIENCE as usize
        } else {
            EVENT_BYTES
        };
        stage.say(talker, length);
        let read = stage.take_received(reader);
        assert_eq!(read.len(), "<guest1> ".len() + length, "at {}", stage.now);
        if stage.is_under_pressure() {
            pressed_since.get_or_insert(stage.now);
        }
        // Half of them sip.
        for sipper in (2..22).step_by(2) {
            stage.set_room(sipper, 1);
        }
        stage.wait(step as u64);
    }
    let pressed_since = pressed_since.expect("somebody was waited for");
    assert!(stage.now - pressed_since <= PATIENCE + step as u64);
    assert!(!stage.is_under_pressure());
}

#[test]
fn a_client_that_resumes_before_half_of_the_backlog_has_lost_nothing() {
    let mut stage = Stage::with_clients(2);
    let [talker, sleeper] = [0, 1];
    stage.set_room(sleeper, 0);
    let count = MOST_BACKLOG / 2 / EVENT_BYTES - 2;
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

/// What others may send under pressure is what `pressure.rs` says; here they send that much.
#[test]
fn whoever_reads_the_backlog_per_patience_loses_nothing() {
    let mut stage = Stage::with_clients(2);
    let [talker, slow] = [0, 1];
    stage.set_room(slow, 0);
    let prefix = "<guest1> ".len();
    let step = 100;
    let reads = MOST_BACKLOG * step / PATIENCE as usize;
    let (mut said, mut read, mut pressures) = (0, 0, 0);
    let mut credit = 0.0;
    for _ in 0..40 * PATIENCE / step as u64 {
        let was_under_pressure = stage.is_under_pressure();
        credit = match stage.pressure.share() {
            Some(share) => credit + share.rate * step as f64 / 1_000.0,
            // As fast as the talker can.
            None => (MOST_BACKLOG / 8) as f64,
        };
        let line = 1_000;
        while credit >= (line + 80) as f64 {
            credit -= (line + 80) as f64;
            stage.say(talker, line);
            said += prefix + line;
        }
        pressures += usize::from(stage.is_under_pressure() && !was_under_pressure);
        stage.set_room(slow, reads);
        stage.wait(step as u64);
        read += stage.take_received(slow).len();
        assert_eq!(stage.end(slow), End::Open, "after {} ms", stage.now);
    }
    assert!(pressures > 1, "it was never slow");
    stage.set_room(slow, usize::MAX);
    stage.wait(100);
    read += stage.take_received(slow).len();
    assert_eq!(read, said);
}

#[test]
fn when_the_log_would_pass_twice_the_backlog_whoever_is_furthest_behind_goes_at_once() {
    let mut stage = Stage::with_clients(3);
    let [talker, sleeper, late] = [0, 1, 2];
    stage.set_room(sleeper, 0);
    let mut said = 0;
    while stage.end(sleeper) == End::Open {
        stage.say(talker, EVENT_BYTES);
        said += EVENT_BYTES;
        if said == MOST_BACKLOG {
            stage.set_room(late, 0);
        }
        assert!(stage.broadcaster.cost_kept() <= 2 * MOST_BACKLOG as u64);
        assert!(said <= 2 * MOST_BACKLOG, "the log is not bounded");
    }
    assert!(
        said > 2 * MOST_BACKLOG - 4 * EVENT_BYTES,
        "after {said} bytes"
    );
    assert_eq!(stage.end(late), End::Open, "it is less far behind");
}

#[test]
fn notices_that_time_brings_count_against_the_bound_of_the_log_too() {
    let bound = 2 * MOST_BACKLOG as u64;
    let mut stage = Stage::with_patience(3_600_000, 2);
    let [talker, sleeper] = [0, 1];
    stage.set_room(sleeper, 0);
    for length in [EVENT_BYTES, 9] {
        // Room for the line, its name, and what may be told of who has come.
        let needed = length as u64 + 80 + (4 << 10);
        while stage.broadcaster.cost_kept() + needed <= bound {
            stage.say(talker, length);
        }
    }
    assert_eq!(stage.end(sleeper), End::Open, "there is room for all of it");
    for _ in 0..60 {
        stage.join();
        stage.wait(1_500);
        let kept = stage.broadcaster.cost_kept();
        assert!(kept <= bound, "{kept}");
    }
    assert_ne!(stage.end(sleeper), End::Open, "it is in the way");
}

/// More of them than one send takes.
#[test]
fn private_lines_stand_at_their_place_among_the_public_ones_however_many_wait() {
    let wait = [
        Op::Join(usize::MAX, Kind::Netcat),
        Op::Join(usize::MAX, Kind::Netcat),
        Op::Wait(1_000),
        Op::Room(0, 0),
    ];
    let turns = (0..100).flat_map(|_| [Op::Say(1, 1, 0), Op::Interrupt(0), Op::Flush]);
    play(wait.into_iter().chain(turns));
}

#[test]
fn over_1_mib_of_answers_pending_that_client_is_let_go_and_others_go_on() {
    let mut stage = Stage::with_clients(2);
    let [reader, sleeper] = [0, 1];
    stage.set_room(sleeper, 0);
    let answer = "-- yes, chatd is here\n";
    for answers in 1.. {
        let lines = Answer::Lines(answer.as_bytes().to_vec());
        stage.handle(Event::Answered(ClientId(2), lines));
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
    let pressure = stage.is_under_pressure();
    assert!(!pressure, "it is not far behind");
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
    for at in 0..6_000 {
        stage.say(usize::from(at % 2 == 0), 2);
        stage.take_received(0);
    }
    assert_eq!(stage.end(1), End::Open);
    let grown = resident_memory().saturating_sub(before);
    assert!(grown < SLACK, "{count} clients cost {grown} bytes");
}

//! What `Delivery` promises, with wires that take as many bytes as they are told to.

use super::*;
use crate::delivery::block::Origin;
use crate::wire::{End, TestWire};

const LIMITS: BacklogLimits = BacklogLimits {
    most: 1 << 20,
    patience: Duration::from_secs(5),
};
const QUARTER: u64 = LIMITS.most / 4;
const SIXTEENTH: u64 = LIMITS.most / 16;

/// What the log may hold.
const BOUND: u64 = 2 * LIMITS.most;

const KIB: usize = 1 << 10;
const STYLE: Style = Style::Lf;

/// Clients, whose wires take what they are told to.
struct Stage {
    delivery: Delivery,
    pressure: Arc<Pressure>,
    wires: Vec<Arc<TestWire>>,
}

impl Stage {
    /// Clients with room for so many bytes each, numbered from 0.
    fn with_rooms(rooms: &[usize]) -> Self {
        let pressure = Arc::new(Pressure::new(LIMITS));
        let mut stage = Self {
            delivery: Delivery::new(LIMITS, Arc::clone(&pressure), Clock::now()),
            pressure,
            wires: Vec::new(),
        };
        for room in rooms {
            stage.join(*room, STYLE);
        }
        stage.delivery.flush();
        stage
    }

    fn join(&mut self, room: usize, style: Style) {
        let wire = TestWire::with_room(room);
        let arrival = wire.arrival(style);
        self.wires.push(wire);
        self.delivery.join(id(self.wires.len() - 1), arrival);
    }

    /// Everybody is sent something short that costs so much.
    fn send(&mut self, cost: u64) {
        self.delivery.log.append(Origin::Server, b"x\n", cost);
        self.delivery.flush();
    }

    /// Logs lines of 1 KiB that cost that, so many.
    fn log_kib(&mut self, count: usize) {
        for _ in 0..count {
            let line = format!("{:x<1023}\n", "");
            let cost = line.len() as u64;
            self.delivery
                .log
                .append(Origin::Server, line.as_bytes(), cost);
            self.delivery.log.seal();
        }
    }

    /// The client takes so many bytes more, and the kernel says so.
    fn resume(&mut self, client: usize, room: usize) {
        self.wires[client].set_room(room);
        self.delivery.resume(&[id(client)]);
        self.delivery.flush();
    }

    fn tell(&mut self, client: usize, bytes: usize) {
        let answer = Answer::Bytes(vec![b'x'; bytes]);
        self.delivery.tell(id(client), answer);
    }

    /// Time passes, and then everybody is sent what is pending.
    fn wait(&mut self, time: Duration) {
        self.delivery.clock.instant += time;
        self.delivery.flush();
    }

    fn is_under_pressure(&self) -> bool {
        self.pressure.share().is_some()
    }

    fn ends(&self) -> Vec<Option<End>> {
        self.wires.iter().map(|wire| wire.end()).collect()
    }

    fn received(&self, client: usize) -> usize {
        self.wires[client].take_received().len()
    }
}

fn id(client: usize) -> ClientId {
    ClientId(client as u64 + 1)
}

/// How often it is looked under pressure, and a little more.
const LOOK: Duration = Duration::from_millis(10);

#[test]
fn who_is_full_and_over_half_behind_is_waited_for_and_over_a_quarter_is_let_go_in_the_end() {
    let mut stage = Stage::with_rooms(&[0, usize::MAX, usize::MAX]);
    let (far, near) = (0, 1);
    for _ in 0..8 {
        stage.send(SIXTEENTH);
    }
    assert!(!stage.is_under_pressure(), "at half of the backlog");
    stage.send(SIXTEENTH - 1);
    assert!(!stage.is_under_pressure(), "not looked at");
    stage.send(1);
    assert!(stage.is_under_pressure());
    let begun = stage.delivery.clock.instant;
    assert_eq!(stage.delivery.next_due(), Some(begun + LOOK));

    stage.wires[near].set_room(0);
    for _ in 0..4 {
        stage.send(SIXTEENTH);
    }
    stage.wait(LIMITS.patience - LOOK);
    assert_eq!(stage.ends(), [None; 3], "the patience is not over");
    stage.wait(LOOK);
    assert_eq!(stage.ends(), [Some(End::HungUp), None, None]);
    assert!(!stage.is_under_pressure());
    assert_eq!(stage.delivery.next_due(), None);
    let kept = stage.delivery.log.cost_kept();
    assert!(kept <= QUARTER + 2 * SIXTEENTH, "{kept} are kept for one");
    let reason = stage.delivery.leave(id(far), Ending::Closed);
    assert_eq!(reason, Ending::TooSlow);
}

#[test]
fn pressure_ends_when_nobody_who_is_full_is_more_than_a_quarter_behind() {
    let mut stage = Stage::with_rooms(&[0]);
    for _ in 0..640 {
        stage.log_kib(1);
        stage.delivery.flush();
    }
    assert!(stage.is_under_pressure());
    for (room, is_on) in [(200 * KIB, true), (184 * KIB - 1, true), (1, false)] {
        stage.resume(0, room);
        stage.wait(LOOK);
        assert_eq!(stage.received(0), room);
        assert_eq!(stage.is_under_pressure(), is_on, "after {room} bytes");
    }
    assert_eq!(stage.ends(), [None]);
}

#[test]
fn what_the_server_was_too_busy_to_offer_is_held_against_nobody() {
    let mut stage = Stage::with_rooms(&[0, usize::MAX]);
    for _ in 0..9 {
        stage.send(SIXTEENTH);
    }
    assert!(stage.is_under_pressure());
    assert_eq!(stage.received(1), 18);
    stage.log_kib(700);
    stage.wait(LIMITS.patience);
    assert_eq!(stage.received(1), 256 * KIB, "one try");
    assert_eq!(stage.ends(), [Some(End::HungUp), None]);
    let now = stage.delivery.clock.instant;
    assert_eq!(stage.delivery.next_due(), Some(now), "there is more");
    for rest in [256, 188] {
        stage.delivery.flush();
        assert_eq!(stage.received(1), rest * KIB);
    }
    assert_eq!(stage.delivery.next_due(), None);
    assert_eq!(stage.delivery.log.cost_kept(), 0);
}

#[test]
fn who_is_far_behind_and_not_full_brings_no_pressure_and_loses_nothing() {
    let mut stage = Stage::with_rooms(&[usize::MAX]);
    stage.log_kib(1000);
    for _ in 0..3 {
        stage.delivery.flush();
        assert_eq!(stage.received(0), 256 * KIB);
        assert!(!stage.is_under_pressure());
    }
    stage.delivery.flush();
    assert_eq!(stage.received(0), (1000 - 768) * KIB);
}

#[test]
fn who_is_full_is_left_out_of_batches_until_there_is_room() {
    let mut stage = Stage::with_rooms(&[3]);
    stage.send(1);
    assert!(!stage.delivery.is_anybody_full() && !stage.wires[0].is_watched());
    stage.send(1);
    assert!(stage.delivery.is_anybody_full() && stage.wires[0].is_watched());
    stage.wires[0].set_room(usize::MAX);
    stage.send(1);
    assert_eq!(stage.wires[0].take_offers(), [[2], [2]]);
    assert_eq!(stage.wires[0].take_received(), "x\nx");
    stage.resume(0, usize::MAX);
    assert_eq!(stage.wires[0].take_received(), "\nx\n");
    assert!(!stage.delivery.is_anybody_full());
}

#[test]
fn what_nobody_needs_is_forgotten_before_anybody_is_let_go_and_not_while_there_is_room() {
    let mut stage = Stage::with_rooms(&[0]);
    for _ in 0..4 {
        stage.send(SIXTEENTH);
    }
    // It is still full, and has come to the last block.
    stage.resume(0, 7);
    let room = BOUND - 4 * SIXTEENTH;
    for (cost, kept) in [(0, 4), (room, 4), (room + 1, 2)] {
        stage.delivery.make_room(cost);
        assert_eq!(stage.delivery.log.cost_kept(), kept * SIXTEENTH, "{cost}");
        assert_eq!(stage.ends(), [None]);
    }
}

#[test]
fn whoever_is_furthest_behind_goes_when_the_log_is_full_and_nobody_else() {
    let mut stage = Stage::with_rooms(&[usize::MAX, 0, usize::MAX]);
    for sixteenths in 1..=32 {
        stage.send(SIXTEENTH);
        if sixteenths == 16 {
            stage.wires[2].set_room(0);
        }
    }
    assert_eq!(stage.delivery.log.cost_kept(), BOUND);
    stage.delivery.make_room(1);
    assert_eq!(stage.ends(), [None, Some(End::HungUp), None]);
    assert_eq!(stage.delivery.log.cost_kept(), 16 * SIXTEENTH);
}

#[test]
fn whoever_is_furthest_behind_is_written_to_if_its_socket_is_not_full() {
    let mut stage = Stage::with_rooms(&[usize::MAX]);
    stage.log_kib(600);
    stage.join(0, STYLE);
    stage.log_kib(1);
    stage.delivery.flush();
    assert_eq!(stage.received(0), 256 * KIB);
    assert!(stage.delivery.is_anybody_full());
    // What it has read makes no room: the log holds as much as it may without that.
    stage.log_kib(2048 + 256 - 601);
    stage.delivery.make_room(16 << 10);
    assert_eq!(stage.received(0), 256 * KIB);
    assert_eq!(stage.ends(), [None, None]);
    let kept = stage.delivery.log.cost_kept();
    assert!(kept + (16 << 10) <= BOUND, "{kept}");
}

#[test]
fn an_empty_log_has_room_for_anything() {
    let mut stage = Stage::with_rooms(&[usize::MAX, 0]);
    stage.delivery.make_room(BOUND + 1);
    assert_eq!(stage.ends(), [None, None]);
}

#[test]
fn over_1_mib_for_one_client_alone_it_is_let_go_and_over_half_of_that_it_is_far_behind() {
    const MIB: usize = KIB * KIB;
    let mut stage = Stage::with_rooms(&[0, usize::MAX]);
    let [slow, fast] = [0, 1].map(id);
    for (bytes, is_far, end) in [
        (MIB / 2, false, None),
        (1, true, None),
        (MIB / 2 - 1, true, None),
        (1, false, Some(End::HungUp)),
    ] {
        stage.tell(0, bytes);
        stage.delivery.flush();
        assert_eq!(stage.delivery.is_far_behind(slow), is_far, "{bytes} more");
        assert_eq!(stage.ends(), [end, None], "{bytes} more");
    }
    assert_eq!(stage.delivery.leave(slow, Ending::Closed), Ending::TooSlow);
    // What the server was too busy to offer is held against nobody.
    stage.tell(1, 2 * MIB);
    for _ in 0..8 {
        assert!(stage.delivery.next_due().is_some());
        stage.delivery.flush();
        assert_eq!(stage.received(1), 256 * KIB);
    }
    assert!(!stage.delivery.is_far_behind(fast));
    assert_eq!(
        (stage.delivery.next_due(), stage.wires[1].end()),
        (None, None)
    );
}

#[test]
fn who_leaves_has_2_s_to_read_what_is_pending() {
    let mut stage = Stage::with_rooms(&[0, 0, usize::MAX]);
    stage.send(1);
    for client in 0..3 {
        stage.delivery.leave(id(client), Ending::Closed);
    }
    let left = stage.delivery.clock.instant;
    stage.send(1);
    assert_eq!(stage.ends(), [None, None, Some(End::Finished)]);
    assert_eq!(stage.delivery.next_due(), Some(left + PARTING_TIME));
    stage.wait(Duration::from_millis(1_999));
    stage.resume(1, usize::MAX);
    assert_eq!(stage.wires[1].take_received(), "x\n", "and nothing more");
    let end = [None, Some(End::Finished), Some(End::Finished)];
    assert_eq!(stage.ends(), end);
    stage.wait(Duration::from_millis(1));
    assert_eq!(stage.wires[0].end(), Some(End::HungUp));
    assert!(stage.delivery.is_empty());
    assert_eq!(stage.delivery.next_due(), None);
}

#[test]
fn the_log_keeps_crlf_for_as_long_as_somebody_reads_that() {
    let mut stage = Stage::with_rooms(&[usize::MAX]);
    assert!(!stage.delivery.log.keeps_crlf);
    stage.join(usize::MAX, Style::CrLf);
    stage.send(SIXTEENTH);
    assert!(stage.delivery.log.keeps_crlf);
    assert_eq!(stage.wires[1].take_received(), "x\r\n");
    stage.delivery.leave(id(1), Ending::Reset);
    stage.send(SIXTEENTH);
    assert!(!stage.delivery.log.keeps_crlf);
}

#[test]
fn the_front_of_the_log_goes_when_nobody_needs_it_any_more() {
    let mut stage = Stage::with_rooms(&[usize::MAX, usize::MAX]);
    stage.send(1);
    assert_eq!(stage.delivery.log.cost_kept(), 0, "everybody has it");
    stage.wires[1].set_room(0);
    stage.send(1);
    assert_eq!(stage.delivery.log.cost_kept(), 1);
    stage.resume(1, usize::MAX);
    assert_eq!(stage.delivery.log.cost_kept(), 0);
    // A try is not enough for all of it.
    stage.log_kib(300);
    stage.delivery.flush();
    assert!(stage.delivery.log.cost_kept() > 0);
    stage.delivery.flush();
    assert_eq!(stage.delivery.log.cost_kept(), 0);
    assert_eq!(stage.received(1), 2 + 2 + 300 * KIB);
}

#[cfg(feature = "data")]
#[test]
fn who_waits_to_be_let_in_reads_nothing_of_the_log_and_holds_nothing_of_it_up() {
    let mut stage = Stage::with_rooms(&[0, usize::MAX]);
    stage.delivery.keep_outside(id(0));
    stage.tell(0, 10);
    for _ in 0..4 {
        // More than the log may hold.
        stage.log_kib(KIB);
        // One try takes a quarter of it.
        for _ in 0..5 {
            stage.delivery.flush();
        }
        let kept = stage.delivery.log.cost_kept();
        assert!(kept < LIMITS.most, "{kept}");
    }
    assert_eq!(stage.pressure.share(), None);
    stage.resume(0, 15);
    assert_eq!(stage.wires[0].take_received(), "x".repeat(10));
    // What is told it before stands before what it reads of the log.
    stage.tell(0, 10);
    stage.delivery.let_in(id(0));
    stage.delivery.flush();
    stage.send(1);
    stage.resume(0, usize::MAX);
    let received = stage.wires[0].take_received();
    assert_eq!(received, format!("{}x\n", "x".repeat(10)));
    assert_eq!(stage.wires[0].end(), None);
}

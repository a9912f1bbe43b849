//! The figures that several scenarios have.

use std::time::Duration;

use crate::load::Load;
use crate::pair::Delays;
use crate::sheet::Sheet;

pub const MIB: u64 = 1 << 20;

/// How long the line of someone who chats may take, but for one in a hundred.
pub const CHAT: Duration = Duration::from_millis(300);

/// The server's patience. Some builds have another default.
pub const PATIENCE: [&str; 2] = ["--patience", "10s"];

/// What has to be read at least so that nothing is lost, with the default options: `--max-backlog`
/// per `--patience`, in bytes per second.
pub const FLOOR: u64 = (16 * MIB).div_ceil(10);

/// The memory that a server with few clients may occupy.
pub const SMALL: u64 = 50 * MIB;

/// The rows of one scenario.
pub struct Findings<'a> {
    scenario: &'a str,
    sheet: &'a mut Sheet,
}

impl<'a> Findings<'a> {
    /// None yet. The name stands before each of them.
    pub fn of(scenario: &'a str, sheet: &'a mut Sheet) -> Self {
        Self { scenario, sheet }
    }

    /// Adds a row.
    pub fn record(&mut self, figure: &str, value: String, bound: &str, holds: bool) {
        let figure = format!("{}: {figure}", self.scenario);
        self.sheet.record(&figure, value, bound, holds);
    }

    /// How long the lines of two who chat took.
    pub fn chat(&mut self, delays: &Delays, p99: Duration) {
        let holds = delays.histogram.quantile(0.99) <= p99;
        let bound = format!("p99 <= {p99:?}");
        self.record("lines of two who chat", delays.to_string(), &bound, holds);
    }

    /// Whether a client that reads fast enough, if only just, is still there.
    pub fn kept(&mut self, load: &mut Load<'_>, reader: usize) {
        let is_kept = !load.was_let_go(reader);
        let read = load.taken(reader) as f64 / MIB as f64;
        let fate = if is_kept { "kept" } else { "let go" };
        let value = format!("{fate}, has read {read:.1} MiB");
        self.record("the slow reader", value, "is kept", is_kept);
    }

    /// How much more memory than `before` the server occupied at most, in bytes.
    pub fn growth(&mut self, before: u64, most: u64, bound: u64) {
        let growth = most.saturating_sub(before);
        let mib = |bytes: u64| bytes as f64 / MIB as f64;
        let (more, before) = (mib(growth), mib(before));
        let value = format!("{more:.1} MiB more than {before:.1} MiB");
        let holds = growth <= bound;
        let bound = format!("<= {:.0} MiB more", mib(bound));
        self.record("memory at most", value, &bound, holds);
    }

    /// How much memory the server occupied at most.
    pub fn memory(&mut self, most: u64) {
        let value = format!("{:.1} MiB", most as f64 / MIB as f64);
        let bound = format!("< {} MiB", SMALL / MIB);
        self.record("memory at most", value, &bound, most < SMALL);
    }
}

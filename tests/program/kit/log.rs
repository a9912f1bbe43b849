//! What a chatd of the test's own says on stderr, line by line.

use std::io::{BufRead, BufReader};
use std::process::ChildStderr;
use std::sync::{Condvar, Mutex};
use std::time::Instant;

use super::Server;

/// What has come on the child's stderr so far.
#[derive(Default)]
pub struct Log {
    state: Mutex<LogState>,
    changed: Condvar,
}

#[derive(Default)]
struct LogState {
    lines: Vec<String>,
    has_ended: bool,
}

impl Log {
    /// The lines until now.
    pub fn lines(&self) -> Vec<String> {
        self.state.lock().unwrap().lines.clone()
    }

    /// Waits until the lines are as wanted, there will be no more of them, or the time is over.
    pub fn wait_until(
        &self,
        deadline: Instant,
        are_wanted: impl Fn(&[String]) -> bool,
    ) -> Vec<String> {
        let mut state = self.state.lock().unwrap();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || state.has_ended || are_wanted(&state.lines) {
                return state.lines.clone();
            }
            state = self.changed.wait_timeout(state, left).unwrap().0;
        }
    }

    /// Takes in lines until the pipe ends.
    pub fn read_from(&self, mut pipe: BufReader<ChildStderr>) {
        let mut line = Vec::new();
        while matches!(pipe.read_until(b'\n', &mut line), Ok(1..)) {
            let text = String::from_utf8_lossy(&line)
                .trim_end_matches('\n')
                .to_owned();
            line.clear();
            self.state.lock().unwrap().lines.push(text);
            self.changed.notify_all();
        }
        self.state.lock().unwrap().has_ended = true;
        self.changed.notify_all();
    }
}

/// Nothing of what went wrong was so wrong that a thread of the server panicked.
pub fn nobody_panicked(server: &Server) {
    let log = server.log();
    let panics = log.iter().filter(|line| line.contains("panicked"));
    assert_eq!(panics.count(), 0, "{log:#?}");
}

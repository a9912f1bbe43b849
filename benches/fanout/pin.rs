//! Which core runs what, through `taskset`. With the server on one core and the load on the other,
//! the delays that are measured are the server's, and not those of the two getting in each other's
//! way.

use std::process::{Command, Stdio};
use std::thread;

/// The number of a core.
#[derive(Clone, Copy)]
pub struct Core(usize);

/// The core for the server while the latency is measured, if there is a second one for the load.
pub fn server_core() -> Option<Core> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    (cores > 1 && taskset(&["--version"])).then_some(Core(0))
}

impl Core {
    /// The same command, kept on this core. The process is the same, too: taskset becomes it.
    pub fn keeps(self, command: &Command) -> Command {
        let mut keeping = Command::new("taskset");
        keeping
            .args(["--cpu-list", &self.0.to_string()])
            .arg(command.get_program())
            .args(command.get_args());
        if let Some(folder) = command.get_current_dir() {
            keeping.current_dir(folder);
        }
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => keeping.env(name, value),
                None => keeping.env_remove(name),
            };
        }
        keeping
    }
}

/// Keeps the load generator off the server's core for as long as this lives.
pub struct LoadApart {
    /// How many cores it had before.
    cores: usize,
}

impl LoadApart {
    /// Moves the calling process to the second core. It has its load on one thread, so the whole
    /// process is moved.
    pub fn begin() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        move_this_process("1");
        Self { cores }
    }
}

impl Drop for LoadApart {
    fn drop(&mut self) {
        move_this_process(&format!("0-{}", self.cores - 1));
    }
}

fn move_this_process(cores: &str) {
    taskset(&[
        "--all-tasks",
        "--cpu-list",
        "--pid",
        cores,
        &std::process::id().to_string(),
    ]);
}

/// Whether taskset is there and could do it.
fn taskset(arguments: &[&str]) -> bool {
    let mut command = Command::new("taskset");
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

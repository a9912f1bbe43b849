//! A chatd of the bench's own, and what it uses of the machine.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};

use crate::args::Args;
use crate::fanout::child::Child;
use crate::fanout::readings;

/// How long anything may take that takes no time.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A running chatd, which ends with this value.
pub struct Server {
    child: Child,
    port: u16,
}

/// The threads and descriptors that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Footprint {
    threads: u64,
    descriptors: u64,
}

impl Server {
    /// Starts one on loopback.
    pub fn start(args: &Args, options: &[&str]) -> Self {
        let mut command = command(args);
        command
            .args(["--port", "0", "--bind", "127.0.0.1"])
            .args(options);
        let mut child = Child::start(command, Stdio::piped(), None).expect("chatd starts");
        let port = child.wait_for_port(PATIENCE).expect("chatd listens");
        Self { child, port }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The number of its process.
    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// Memory that it occupies, in bytes.
    pub fn resident(&self) -> u64 {
        readings::resident(self.pid()).expect("chatd runs")
    }

    /// Its threads and descriptors.
    pub fn footprint(&self) -> Footprint {
        let pid = self.pid();
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).expect("chatd runs");
        Footprint {
            threads: readings::threads(pid).expect("chatd runs"),
            descriptors: descriptors.count() as u64,
        }
    }

    /// Waits until it has these threads and descriptors again. Answers what it has then.
    pub fn comes_back_to(&self, before: Footprint) -> Footprint {
        let begin = Instant::now();
        loop {
            let now = self.footprint();
            if now == before || begin.elapsed() > PATIENCE {
                return now;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The processor time that it has used so far.
    pub fn processor_time(&self) -> Duration {
        readings::cpu_time(self.pid()).expect("chatd runs")
    }

    /// The share of one core that it uses while `time` passes, in percent.
    pub fn processor_share(&self, time: Duration) -> f64 {
        let (begin, before) = (Instant::now(), self.processor_time());
        thread::sleep(time);
        let spent = self.processor_time().saturating_sub(before);
        100.0 * spent.as_secs_f64() / begin.elapsed().as_secs_f64()
    }

    /// Asks it to stop (SIGTERM) and returns how long that took, [`PATIENCE`] at most.
    pub fn stop(mut self) -> Duration {
        let begin = Instant::now();
        let pid = Pid::from_raw(self.pid().cast_signed()).expect("a process has a number");
        kill_process(pid, Signal::TERM).expect("chatd runs");
        while self.child.still_runs().is_ok() && begin.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(5));
        }
        begin.elapsed()
    }
}

impl std::fmt::Display for Footprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} threads, {} descriptors",
            self.threads, self.descriptors
        )
    }
}

/// The program, untouched by what the environment says of it.
pub fn command(args: &Args) -> Command {
    let mut command = Command::new(args.chatd());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CHATD_") || name == "RUST_LOG" {
            command.env_remove(name);
        }
    }
    command
}

/// Raises the limit on open files as far as this process may. What it starts inherits that.
pub fn raise_open_files() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    // Where it cannot be raised, the figures with many clients say so.
    let _ = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: maximum,
            maximum,
        },
    );
}

//! A chatd of the bench's own, and what it uses of the machine.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

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
    pub fn start(options: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chatd"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("CHATD_") || name == "RUST_LOG" {
                command.env_remove(name);
            }
        }
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

    /// Memory that it occupies, in bytes.
    pub fn resident(&self) -> u64 {
        readings::resident(self.child.pid()).expect("chatd runs")
    }

    /// Its threads and descriptors.
    pub fn footprint(&self) -> Footprint {
        let pid = self.child.pid();
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

    /// The share of one core that it uses while `time` passes, in percent.
    pub fn processor_share(&self, time: Duration) -> f64 {
        let used = || readings::cpu_time(self.child.pid()).expect("chatd runs");
        let (begin, before) = (Instant::now(), used());
        thread::sleep(time);
        let spent = used().saturating_sub(before);
        100.0 * spent.as_secs_f64() / begin.elapsed().as_secs_f64()
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

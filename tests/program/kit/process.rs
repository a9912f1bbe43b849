//! What the kernel shows of the server's process: memory, threads, descriptors, time spent.

use std::fmt::Display;
use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use super::{Server, WAIT, eventually};

impl Server {
    /// Memory that the process occupies now, in bytes.
    pub fn resident_bytes(&self) -> u64 {
        self.status_bytes("VmRSS")
    }

    /// The most that it ever occupied, in bytes.
    pub fn peak_resident_bytes(&self) -> u64 {
        self.status_bytes("VmHWM")
    }

    /// Its address space, in bytes.
    pub fn virtual_bytes(&self) -> u64 {
        self.status_bytes("VmSize")
    }

    /// The names of its threads.
    pub fn threads(&self) -> Vec<String> {
        let tasks = fs::read_dir(self.proc("task")).expect("the process is there");
        // A thread may end between the two looks.
        tasks
            .filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok())
            .map(|name| name.trim_end().to_owned())
            .collect()
    }

    /// Whether all of its threads are stopped by a signal, which none is at once.
    pub fn is_stopped(&self) -> bool {
        let tasks = fs::read_dir(self.proc("task")).expect("the process is there");
        tasks
            .filter_map(|task| fs::read_to_string(task.ok()?.path().join("stat")).ok())
            .all(|stat| {
                stat.rsplit_once(") ")
                    .is_some_and(|(_, rest)| rest.starts_with('T'))
            })
    }

    /// How many descriptors it has open.
    pub fn descriptors(&self) -> usize {
        self.open_descriptors().len()
    }

    /// What `/proc/PID/status` says under `field`.
    pub fn status(&self, field: &str) -> String {
        let status = fs::read_to_string(self.proc("status")).expect("the process is there");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        line.unwrap_or_else(|| panic!("no {field} in {status}"))
            .trim()
            .to_owned()
    }

    /// Processor time that it has spent so far, in both modes.
    pub fn processor_time(&self) -> Duration {
        let stat = fs::read_to_string(self.proc("stat")).expect("the process is there");
        // The name of the process is in brackets and may hold anything; field 14 is utime and 15 is
        // stime, in ticks of which Linux shows 100 a second on every architecture (proc(5)).
        let (_, fields) = stat.rsplit_once(')').expect("the name is in brackets");
        let ticks: u64 = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(|ticks| ticks.parse::<u64>().expect("ticks are a number"))
            .sum();
        Duration::from_millis(ticks * 10)
    }

    /// Waits for 600 ms in which it spends next to nothing: a thirtieth of a processor. What it
    /// has still to do may be done before that, but something that is done over and over is seen.
    pub fn comes_to_rest(&self) {
        eventually("it costs next to no processor time", || {
            let before = self.processor_time();
            thread::sleep(Duration::from_millis(600));
            self.processor_time().saturating_sub(before) <= Duration::from_millis(20)
        });
    }

    /// Sets one of its limits while it runs, and returns the one that it had.
    pub fn limit(&self, resource: Resource, limit: Option<u64>) -> Option<u64> {
        let pid = self.pid_for_calls();
        let before = prlimit(
            Some(pid),
            resource,
            Rlimit {
                current: limit,
                maximum: self.hard_limit(resource),
            },
        );
        before.expect("limits of a child can be lowered").current
    }

    pub(super) fn open_descriptors(&self) -> Vec<(i32, String)> {
        let Ok(links) = fs::read_dir(self.proc("fd")) else {
            return Vec::new();
        };
        let look = |link: fs::DirEntry| {
            let number = link.file_name().to_string_lossy().parse().ok()?;
            // A descriptor may be closed between the two looks.
            Some((
                number,
                fs::read_link(link.path())
                    .ok()?
                    .to_string_lossy()
                    .into_owned(),
            ))
        };
        links.filter_map(|link| look(link.ok()?)).collect()
    }

    fn hard_limit(&self, resource: Resource) -> Option<u64> {
        let limits = fs::read_to_string(self.proc("limits")).expect("the process is there");
        let title = match resource {
            Resource::Nofile => "Max open files",
            Resource::As => "Max address space",
            other => panic!("no test sets {other:?}"),
        };
        let line = limits.lines().find_map(|line| line.strip_prefix(title));
        let hard = line
            .and_then(|line| line.split_whitespace().nth(1))
            .expect("soft, then hard");
        hard.parse().ok()
    }

    fn status_bytes(&self, field: &str) -> u64 {
        let text = self.status(field);
        let kib: u64 = text.trim_end_matches(" kB").parse().expect("a size in kB");
        kib * 1024
    }

    pub(super) fn proc(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.pid()))
    }

    pub(super) fn pid_for_calls(&self) -> Pid {
        Pid::from_raw(self.pid().cast_signed()).expect("a process has a number")
    }
}

/// What a server holds for its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Footprint {
    threads: usize,
    descriptors: usize,
}

impl Footprint {
    pub fn of(server: &Server) -> Self {
        Self {
            threads: server.threads().len(),
            descriptors: server.descriptors(),
        }
    }

    /// Waits until the server holds no more and no less than this again.
    pub fn returns(self, server: &Server) {
        let deadline = Instant::now() + WAIT;
        loop {
            let now = Self::of(server);
            if now == self {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "it was {self:?} and stays {now:?}"
            );
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Fails if more memory has come to be used than may.
pub fn grew_by_less_than(most: u64, before: u64, after: u64, why: &dyn Display) {
    let growth = after.saturating_sub(before);
    assert!(
        growth < most,
        "memory grew by {growth} bytes, and may by {most}: {why}"
    );
}

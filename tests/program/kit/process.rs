//! What the kernel shows of the server's process: memory, threads, descriptors, time spent, sockets.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

use rustix::process::{
    Pid, PidfdFlags, PidfdGetfdFlags, Resource, Rlimit, pidfd_getfd, pidfd_open, prlimit,
};

use super::Server;

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
        // The name of the process is in brackets and may hold anything; field 14 is utime and 15 is stime, in ticks of
        // which Linux shows 100 a second on every architecture (proc(5)).
        let (_, fields) = stat.rsplit_once(')').expect("the name is in brackets");
        let ticks: u64 = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(|ticks| ticks.parse::<u64>().expect("ticks are a number"))
            .sum();
        Duration::from_millis(ticks * 10)
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

    /// Duplicates of its sockets, whose options can be read as the server set them. Nothing where the
    /// system forbids that, as some sandboxes do.
    pub fn sockets(&self) -> Option<Vec<OwnedFd>> {
        let process = pidfd_open(self.pid_for_calls(), PidfdFlags::empty()).ok()?;
        let mut sockets = Vec::new();
        for (number, target) in self.open_descriptors() {
            if target.starts_with("socket:") {
                let socket = pidfd_getfd(&process, number, PidfdGetfdFlags::empty()).ok()?;
                sockets.push(socket);
            }
        }
        Some(sockets)
    }

    /// The port of its listening socket, once it has one.
    pub(super) fn listening_port(&self) -> Option<u16> {
        let sockets: Vec<String> = self
            .open_descriptors()
            .into_iter()
            .map(|(_, target)| target)
            .collect();
        let tables = ["net/tcp", "net/tcp6"].map(|table| fs::read_to_string(self.proc(table)));
        tables
            .iter()
            .flatten()
            .flat_map(|table| table.lines())
            .find_map(|line| {
                // Local address, state and inode of each socket; 0A is a listening one (proc(5)).
                let fields: Vec<&str> = line.split_whitespace().collect();
                let (local, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
                let is_ours = sockets.contains(&format!("socket:[{inode}]"));
                let (_, port) = local.rsplit_once(':')?;
                (is_ours && *state == "0A").then(|| u16::from_str_radix(port, 16).ok())?
            })
    }

    fn open_descriptors(&self) -> Vec<(i32, String)> {
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

    fn proc(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.pid()))
    }

    fn pid_for_calls(&self) -> Pid {
        Pid::from_raw(self.pid().cast_signed()).expect("a process has a number")
    }
}

//! What is read off the machine: a process's use of it, the kernel's memory for sockets, and what
//! it is.

use std::fs;
use std::io;
use std::time::Duration;

/// Clock ticks per second in /proc: 100 on every architecture that Linux shows to programs
/// (`USER_HZ`).
const TICKS_PER_SECOND: u64 = 100;

/// Bytes in a page, in which the kernel counts its memory for sockets.
const PAGE: u64 = 4096;

/// The CPU time that a process has used so far, in user and kernel mode, of all its threads.
pub fn cpu_time(pid: u32) -> io::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The second field is the name in brackets, and may hold anything; utime and stime are fields
    // 14 and 15.
    let (_, fields) = stat.rsplit_once(')').ok_or_else(|| odd("stat"))?;
    let ticks: u64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    Ok(Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
}

/// The CPU time that the threads of this name have used so far, of those that a process has now.
pub fn thread_time(pid: u32, name: &str) -> io::Result<Duration> {
    let mut time = Duration::ZERO;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let thread = thread?.path();
        if fs::read_to_string(thread.join("comm"))?.trim_end() == name {
            let schedstat = fs::read_to_string(thread.join("schedstat"))?;
            let nanoseconds = schedstat
                .split(' ')
                .next()
                .and_then(|time| time.parse().ok());
            time += Duration::from_nanos(nanoseconds.ok_or_else(|| odd("schedstat"))?);
        }
    }
    Ok(time)
}

/// The resident memory of a process, in bytes.
pub fn resident(pid: u32) -> io::Result<u64> {
    Ok(status(pid, "VmRSS:")? * 1024)
}

/// The number of threads of a process.
pub fn threads(pid: u32) -> io::Result<u64> {
    status(pid, "Threads:")
}

/// The memory that the kernel holds for all TCP sockets of the machine, in bytes.
pub fn socket_memory() -> io::Result<u64> {
    let sockstat = fs::read_to_string("/proc/net/sockstat")?;
    let tcp = sockstat
        .lines()
        .find_map(|line| line.strip_prefix("TCP:"))
        .ok_or_else(|| odd("sockstat"))?;
    let pages = tcp
        .split_whitespace()
        .skip_while(|&word| word != "mem")
        .nth(1);
    Ok(pages
        .and_then(|pages| pages.parse::<u64>().ok())
        .ok_or_else(|| odd("sockstat"))?
        * PAGE)
}

/// The machine in one line, for whoever reads the table elsewhere.
pub fn machine() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .unwrap_or("an unknown processor");
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let release: String = kernel
        .chars()
        .take_while(|&sign| sign.is_ascii_digit() || sign == '.')
        .collect();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!(
        "{cores} cores of {}, Linux {release}",
        model.trim_start_matches([' ', '\t', ':'])
    )
}

fn status(pid: u32, key: &str) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let value = status.lines().find_map(|line| line.strip_prefix(key));
    let number = value.and_then(|value| value.split_whitespace().next()?.parse().ok());
    number.ok_or_else(|| odd("status"))
}

fn odd(file: &str) -> io::Error {
    io::Error::other(format!("/proc/…/{file} is not as expected"))
}

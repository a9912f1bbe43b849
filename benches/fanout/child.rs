//! A started process, which is always ended: when its handle goes (so also on a panic), and on a
//! signal to the benchmark.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;
use std::process::{self, ChildStderr, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// The processes that run now. Only signals need it: what ends in any other way unwinds, and the
/// handles end theirs.
static RUNNING: Mutex<Vec<Running>> = Mutex::new(Vec::new());

/// A process that runs now, and the folder that it works in.
struct Running {
    pid: Pid,
    folder: Option<PathBuf>,
}

/// A process that ends with this value.
pub struct Child {
    process: process::Child,
    /// The ports that its log names, if that is read.
    ports: Option<Receiver<u16>>,
}

impl Child {
    /// Starts it. A log that is piped is read to its end, so that it never stops the process.
    pub fn start(mut command: Command, log: Stdio, folder: Option<PathBuf>) -> io::Result<Self> {
        // Its stdin stays open for as long as this value lives: the built-in servers end with it.
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|error| {
                io::Error::other(format!(
                    "{} cannot be started: {error}",
                    command.get_program().to_string_lossy()
                ))
            })?;
        let pid = Pid::from_child(&process);
        running(|all| all.push(Running { pid, folder }));
        let ports = process.stderr.take().map(read_ports);
        Ok(Self { process, ports })
    }

    /// The number of the process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// The port that it says to listen on, once it has said so.
    pub fn wait_for_port(&mut self, patience: Duration) -> io::Result<u16> {
        let ports = self
            .ports
            .as_ref()
            .expect("the log of this process is read");
        ports
            .recv_timeout(patience)
            .map_err(|_| io::Error::other("the server does not say that it listens"))
    }

    /// An error if it has ended.
    pub fn still_runs(&mut self) -> io::Result<()> {
        match self.process.try_wait()? {
            None => Ok(()),
            Some(status) => Err(io::Error::other(format!("the server has ended, {status}"))),
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // First off the list: after the wait, the number may be another process's.
        let pid = Pid::from_child(&self.process);
        let ended: Vec<Running> =
            running(|all| all.extract_if(.., |running| running.pid == pid).collect());
        let _ = self.process.kill();
        let _ = self.process.wait();
        ended.iter().for_each(Running::clear_up);
    }
}

impl Running {
    /// Removes what the process has left behind.
    fn clear_up(&self) {
        if let Some(folder) = &self.folder {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

/// From now on a signal that ends the benchmark ends what it has started first.
pub fn end_all_on_signals() -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            if signals.forever().next().is_some() {
                running(|all| {
                    for running in all.iter() {
                        let _ = kill_process(running.pid, Signal::KILL);
                        running.clear_up();
                    }
                });
                process::exit(130);
            }
        })?;
    Ok(())
}

/// Has the list of what runs, also after a panic elsewhere: it is whole whenever it is not locked.
fn running<T>(with: impl FnOnce(&mut Vec<Running>) -> T) -> T {
    with(&mut RUNNING.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Reads a log to its end and gives the port in each `listening on 127.0.0.1:PORT`.
fn read_ports(log: ChildStderr) -> Receiver<u16> {
    let (found, ports) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            let port = line
                .split_once("listening on ")
                .and_then(|(_, address)| address.rsplit_once(':'));
            // Behind it stands what else the port speaks.
            let port = port.and_then(|(_, port)| port.split_whitespace().next()?.parse().ok());
            if let Some(port) = port {
                let _ = found.send(port);
            }
        }
    });
    ports
}

//! A started process and a folder made for it, which never outlast the benchmark: they go with their
//! handles (so also on a panic), and on a signal.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{self, ChildStderr, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// The processes that run now, and the folders that there are. Only signals need it: what ends in any
/// other way unwinds, and the handles see to theirs.
static PRESENT: Mutex<Present> = Mutex::new(Present {
    processes: Vec::new(),
    folders: Vec::new(),
});

struct Present {
    processes: Vec<Pid>,
    folders: Vec<PathBuf>,
}

/// How long a process may take that is asked to end. chatd gives the disk 10 s.
const ENDS_WITHIN: Duration = Duration::from_secs(15);

/// A process that ends with this value.
pub struct Child {
    process: process::Child,
    /// The ports that its log names, if that is read.
    ports: Option<Receiver<u16>>,
    /// What goes with it.
    _folder: Option<Folder>,
}

/// A folder that is removed with this value, and everything in it.
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes an empty one among the system's temporary files.
    pub fn make(name: &str) -> io::Result<Self> {
        let own = format!("chatd-bench-{}-{name}", process::id());
        let path = std::env::temp_dir().join(own);
        fs::create_dir(&path)?;
        present(|all| all.folders.push(path.clone()));
        Ok(Self { path })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        present(|all| all.folders.retain(|path| *path != self.path));
        let _ = fs::remove_dir_all(&self.path);
    }
}

impl Child {
    /// Starts it. A log that is piped is read to its end, so that it never stops the process.
    pub fn start(mut command: Command, log: Stdio, folder: Option<Folder>) -> io::Result<Self> {
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
        present(|all| all.processes.push(pid));
        let ports = process.stderr.take().map(read_ports);
        Ok(Self {
            process,
            ports,
            _folder: folder,
        })
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

    /// Asks it to end, with SIGTERM, and waits until it has.
    pub fn end(mut self) -> io::Result<()> {
        kill_process(Pid::from_child(&self.process), Signal::TERM)?;
        let begin = Instant::now();
        while begin.elapsed() < ENDS_WITHIN {
            if self.process.try_wait()?.is_some() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Err(io::Error::other("the server does not end"))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // First off the list: after the wait, the number may be another process's.
        let pid = Pid::from_child(&self.process);
        present(|all| all.processes.retain(|running| *running != pid));
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// From now on a signal that ends the benchmark ends what it has started first.
pub fn end_all_on_signals() -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            if signals.forever().next().is_some() {
                present(|all| {
                    for &pid in &all.processes {
                        let _ = kill_process(pid, Signal::KILL);
                    }
                    for path in &all.folders {
                        let _ = fs::remove_dir_all(path);
                    }
                });
                process::exit(130);
            }
        })?;
    Ok(())
}

/// Has the lists of what there is, also after a panic elsewhere: they are whole whenever they are not
/// locked.
fn present<T>(with: impl FnOnce(&mut Present) -> T) -> T {
    with(&mut PRESENT.lock().unwrap_or_else(PoisonError::into_inner))
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

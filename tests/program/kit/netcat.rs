//! A real `nc` as a client, which can be stopped and which can live in another network namespace.

use std::io::{BufRead, BufReader, Write};
use std::net::Ipv4Addr;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};

use super::WAIT;

/// A running `nc`, ended with this value.
pub struct Netcat {
    child: Child,
    keyboard: ChildStdin,
    lines: Receiver<String>,
}

impl Netcat {
    /// Starts one that connects to a server on this machine. Nothing if it is not installed, which
    /// is said, and a failure where the tests must be complete.
    pub fn start(port: u16) -> Option<Self> {
        let mut command = Command::new("nc");
        command.args([Ipv4Addr::LOCALHOST.to_string(), port.to_string()]);
        let netcat = Self::spawn(command);
        if netcat.is_none() {
            let is_complete = std::env::var_os("CI").is_some_and(|ci| ci == "true");
            assert!(!is_complete, "nc is not installed");
            eprintln!("skipped, because nc is not installed");
        }
        netcat
    }

    /// Runs a command that becomes an `nc`. Nothing if there is no such program.
    pub fn spawn(mut command: Command) -> Option<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let keyboard = child.stdin.take().expect("its input is piped");
        let screen = BufReader::new(child.stdout.take().expect("its output is piped"));
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            let mut shown = screen.lines().map_while(Result::ok);
            // Ends when the program has, or when nobody listens any more.
            shown.all(|line| sender.send(line).is_ok())
        });
        Some(Self {
            child,
            keyboard,
            lines,
        })
    }

    /// Types a line.
    pub fn say(&mut self, text: &str) {
        writeln!(self.keyboard, "{text}").expect("nc reads its input");
    }

    /// The next line that it shows.
    pub fn read_line(&self) -> String {
        self.lines
            .recv_timeout(WAIT)
            .expect("nc shows another line")
    }

    /// Waits until it has shown a line that ends so.
    pub fn expect_end(&self, end: &str) {
        while !self.read_line().ends_with(end) {}
    }

    /// Joins under a name, and speaks so that everybody has heard of it.
    pub fn join(&mut self, name: &str) {
        self.say(&format!("/nick {name}"));
        self.expect_end(&format!(" is now {name}"));
        self.say("it is me");
    }

    /// Stops it, as Ctrl-Z does.
    pub fn stop(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("nc is there");
    }
}

impl Drop for Netcat {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

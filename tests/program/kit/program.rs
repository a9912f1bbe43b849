//! A client that people have, run as a child process and talked to as a terminal would. It can be
//! stopped, and it can live in another network namespace.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
#[cfg(feature = "data")]
use std::time::Duration;
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process_group};

#[cfg(feature = "data")]
use super::VERSION;
use super::{FIRST_WORDS, Server, WAIT, are_installed, eventually, new_command, run_to_end};

/// A running client, everything that it has shown, and its keyboard.
pub struct Program {
    child: Child,
    keyboard: Option<ChildStdin>,
    lines: Receiver<String>,
    shown: Vec<String>,
}

/// Runs a line of shell that should end by itself; `$PORT` in it is the server's.
pub fn one_shot(line: &str, server: &Server) -> Output {
    let mut shell = new_command("sh");
    shell
        .args(["-c", line])
        .env("PORT", server.port().to_string());
    run_to_end(shell)
}

/// The line of shell that connects with a client, and the other programs that this takes.
fn connecting(client: &str) -> (String, &'static [&'static str]) {
    match client {
        "socat" => ("exec socat - TCP:127.0.0.1:$PORT".to_owned(), &[]),
        // Without a terminal telnet sends nothing that it is given.
        "telnet" => {
            let line = "exec script -qfec \"telnet 127.0.0.1 $PORT\" /dev/null";
            (line.to_owned(), &["script"])
        }
        "bash" => {
            let talk = "exec 3<>/dev/tcp/127.0.0.1/$PORT; cat <&3 & cat >&3; wait";
            (format!("exec bash -c '{talk}'"), &["cat"])
        }
        netcat => (format!("exec {netcat} 127.0.0.1 $PORT"), &[]),
    }
}

impl Program {
    /// Starts a client, named as its program and options are, that connects to `server`. Nothing if
    /// it is not installed.
    pub fn start(client: &str, server: &Server) -> Option<Self> {
        let (line, helpers) = connecting(client);
        let program = client.split(' ').next().unwrap_or(client);
        if !are_installed(&[&[program], helpers].concat()) {
            return None;
        }
        let mut shell = new_command("sh");
        shell
            .args(["-c", &line])
            .env("PORT", server.port().to_string());
        Some(Self::spawn(shell))
    }

    /// Runs a command that becomes a client.
    pub fn spawn(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // A group of its own, so that whatever it starts can be ended with it.
            .process_group(0)
            .spawn()
            .expect("the client starts");
        let keyboard = child.stdin.take();
        let screen = child.stdout.take().expect("the output is piped");
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || watch(screen, &sender));
        Self {
            child,
            keyboard,
            lines,
            shown: Vec::new(),
        }
    }

    /// Types a line and presses Enter.
    pub fn say(&mut self, text: &str) {
        self.press(&format!("{text}\n"));
    }

    /// Types just that.
    pub fn press(&mut self, keys: &str) {
        let keyboard = self.keyboard.as_mut().expect("the keyboard is still there");
        keyboard
            .write_all(keys.as_bytes())
            .unwrap_or_else(|error| panic!("{error}; shown so far: {:#?}", self.shown));
    }

    /// Waits until it shows this line.
    pub fn expect(&mut self, line: &str) {
        self.expect_one(line, |shown| shown == line);
    }

    /// Waits until it has shown the whole welcome.
    pub fn wait_for_welcome(&mut self) {
        self.expect_one("the welcome", |line| {
            line.starts_with("-- /nick NAME picks")
        });
    }

    /// Waits for the welcome and takes a name.
    pub fn take_name(&mut self, name: &str) {
        self.wait_for_welcome();
        self.say(&format!("/nick {name}"));
        self.expect_renaming(name);
    }

    /// Waits until somebody, most likely who sits there, has taken the name.
    pub fn expect_renaming(&mut self, name: &str) {
        let end = format!(" is now {name}");
        self.expect_one(&end, |line| line.starts_with("-- ") && line.ends_with(&end));
    }

    /// Joins under a name, and speaks so that everybody has heard of it.
    pub fn join(&mut self, name: &str) {
        self.take_name(name);
        self.say(FIRST_WORDS);
    }

    /// The next line that it shows.
    pub fn next_line(&mut self) -> String {
        self.expect_one("another line", |_| true);
        self.shown.pop().expect("it was shown just now")
    }

    /// Types `/version` until that is answered: what is typed while a telnet negotiates may be lost.
    #[cfg(feature = "data")]
    pub fn settle(&mut self) {
        let deadline = Instant::now() + WAIT;
        while Instant::now() < deadline {
            self.say("/version");
            let again = Instant::now() + Duration::from_secs(1);
            while let Some(left) = again.checked_duration_since(Instant::now())
                && let Ok(line) = self.lines.recv_timeout(left)
            {
                let is_answer = line == VERSION;
                self.shown.push(line);
                if is_answer {
                    return;
                }
            }
        }
        panic!("/version is not answered: {:#?}", self.shown);
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
        kill_process_group(Pid::from_child(&self.child), signal).expect("the client is there");
    }

    /// It has shown this line by now.
    #[cfg(feature = "service")]
    pub fn showed(&self, line: &str) {
        let shown = &self.shown;
        assert!(shown.iter().any(|shown| shown == line), "{shown:#?}");
    }

    /// Nothing that it has shown so far has this in it.
    #[cfg(feature = "data")]
    pub fn never_showed_any(&self, text: &str) {
        let shown = &self.shown;
        assert!(!shown.iter().any(|line| line.contains(text)), "{shown:#?}");
    }

    /// Nothing that it has shown so far begins so.
    pub fn never_showed(&self, beginning: &str) {
        assert!(
            !self.shown.iter().any(|line| line.starts_with(beginning)),
            "{:#?}",
            self.shown
        );
    }

    /// Waits until it has ended, now that the server has closed the connection and there is no more
    /// to type.
    pub fn ends(&mut self) {
        self.keyboard = None;
        let child = &mut self.child;
        eventually("the client ends", || {
            child.try_wait().expect("the child is ours").is_some()
        });
    }

    fn expect_one(&mut self, wanted: &str, fits: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + WAIT;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("{wanted:?} was not shown, only {:#?}", self.shown);
            };
            let is_wanted = fits(&line);
            self.shown.push(line);
            if is_wanted {
                return;
            }
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // The number belongs to the child for as long as it has not been waited for.
        if matches!(self.child.try_wait(), Ok(None)) {
            let group = Pid::from_child(&self.child);
            // Fails only if the whole group has ended meanwhile.
            let _ = kill_process_group(group, Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

/// Hands on each line that comes, without its end, until the program closes its output or nobody
/// listens.
fn watch(screen: ChildStdout, lines: &Sender<String>) {
    let mut screen = BufReader::new(screen);
    let mut line = Vec::new();
    while matches!(screen.read_until(b'\n', &mut line), Ok(1..)) {
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        line.clear();
        if lines.send(text).is_err() {
            return;
        }
    }
}

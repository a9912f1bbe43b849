//! The harness's client: one TCP connection, read line by line.

use std::collections::VecDeque;
use std::fmt::Display;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use socket2::SockRef;

use super::{REMEMBERED, VERSION, WAIT, listed};

/// The line that ends the welcome begins so.
const LAST_OF_WELCOME: &str = "-- /nick NAME picks";

/// One end of a connection, and what came over it.
pub struct Client {
    stream: BufReader<TcpStream>,
    address: SocketAddr,
    /// The beginning of a line whose end has not come yet.
    partial: Vec<u8>,
    seen: VecDeque<String>,
}

impl Client {
    /// Wraps a connection; nothing on it waits longer than [`WAIT`] from now on.
    pub fn new(stream: TcpStream) -> Self {
        let address = stream.local_addr();
        Self::behind(address.expect("a connected socket has an address"), stream)
    }

    /// The same for one end of a connection that is known by another address, or is not TCP.
    pub fn behind(address: SocketAddr, stream: TcpStream) -> Self {
        // A second line would wait for the first to be acknowledged otherwise (Nagle's algorithm),
        // which takes 40 ms. Only TCP knows that.
        let _ = stream.set_nodelay(true);
        stream.set_read_timeout(Some(WAIT)).expect("a read timeout");
        stream
            .set_write_timeout(Some(WAIT))
            .expect("a write timeout");
        Self {
            address,
            stream: BufReader::with_capacity(32 * 1024, stream),
            partial: Vec::new(),
            seen: VecDeque::new(),
        }
    }

    /// The connection itself. What it has received but no line was read of yet may wait in a buffer
    /// here.
    pub fn stream(&self) -> &TcpStream {
        self.stream.get_ref()
    }

    /// This side's address, as the log of the server shows it.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends a line: the text and LF.
    pub fn send(&self, text: &str) {
        self.send_bytes(format!("{text}\n").as_bytes());
    }

    /// Sends bytes as they are, in one write where the system takes them in one.
    pub fn send_bytes(&self, bytes: &[u8]) {
        self.try_send(bytes)
            .unwrap_or_else(|error| self.fail(&format!("sending failed ({error})")));
    }

    /// The same for a client that may be cut off meanwhile.
    pub fn try_send(&self, bytes: &[u8]) -> io::Result<()> {
        self.stream().write_all(bytes)
    }

    /// Closes this side's half, as `nc -N` does at the end of its input.
    pub fn close_sending(&self) {
        // Fails only if the server has closed the connection already.
        let _ = self.stream().shutdown(Shutdown::Write);
    }

    /// Ends the connection with a reset instead of a close.
    pub fn reset(self) {
        SockRef::from(self.stream())
            .set_linger(Some(Duration::ZERO))
            .expect("linger of zero");
    }

    /// The next line, without its LF but with its CR if it has one.
    pub fn read_line(&mut self) -> String {
        String::from_utf8_lossy(&self.read_line_bytes()).into_owned()
    }

    /// The next `count` lines.
    pub fn read_lines(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.read_line()).collect()
    }

    /// The next line as it is, without its LF.
    pub fn read_line_bytes(&mut self) -> Vec<u8> {
        match self.try_read_line() {
            Ok(Some(line)) => line,
            Ok(None) => self.fail("the connection was closed while a line was awaited"),
            Err(error) => self.fail(&format!("reading failed ({error})")),
        }
    }

    /// The next line without its LF; nothing if the other side has closed the connection.
    pub fn try_read_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        self.stream.read_until(b'\n', &mut self.partial)?;
        if self.partial.is_empty() {
            return Ok(None);
        }
        let mut line = std::mem::take(&mut self.partial);
        if line.last() == Some(&b'\n') {
            line.pop();
        } else {
            self.partial = line;
            self.fail("the connection was closed in the middle of a line");
        }
        if self.seen.len() == REMEMBERED {
            self.seen.pop_front();
        }
        self.seen
            .push_back(String::from_utf8_lossy(&line).into_owned());
        Ok(Some(line))
    }

    /// The next `count` bytes, for what does not come in lines.
    pub fn read_bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        if let Err(error) = self.stream.read_exact(&mut bytes) {
            self.fail(&format!("reading {count} bytes failed ({error})"));
        }
        bytes
    }

    /// What comes next, at most `count` bytes. Nothing at the end, whichever way that comes.
    #[cfg(feature = "tls")]
    pub fn read_up_to(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        let read = self.stream.read(&mut bytes).unwrap_or_default();
        bytes.truncate(read);
        bytes
    }

    /// Reads lines until `line` comes.
    pub fn expect(&mut self, line: &str) {
        self.lines_until(line);
    }

    /// The very next line must be `line`.
    pub fn next_is(&mut self, line: &str) {
        let next = self.read_line();
        if next != line {
            self.fail(&format!("the next line should have been {line:?}"));
        }
    }

    /// The lines before `line`, which must come.
    pub fn lines_until(&mut self, line: &str) -> Vec<String> {
        self.lines_until_one(&format!("{line:?}"), |next| next == line)
            .0
    }

    /// The lines before the first one that fits, and that one. `wanted` says in words what is
    /// awaited.
    pub fn lines_until_one(
        &mut self,
        wanted: &dyn Display,
        fits: impl Fn(&str) -> bool,
    ) -> (Vec<String>, String) {
        let deadline = Instant::now() + WAIT;
        let mut before = Vec::new();
        loop {
            let line = match self.try_read_line() {
                Ok(Some(line)) => String::from_utf8_lossy(&line).into_owned(),
                Ok(None) => self.fail(&format!("the connection was closed before {wanted} came")),
                Err(error) => self.fail(&format!("{wanted} did not come ({error})")),
            };
            if fits(&line) {
                return (before, line);
            }
            if Instant::now() > deadline {
                self.fail(&format!("{wanted} did not come in time"));
            }
            before.push(line);
        }
    }

    /// The lines until the server closes the connection, which it must do without a reset.
    pub fn expect_eof(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            match self.try_read_line() {
                Ok(Some(line)) => lines.push(String::from_utf8_lossy(&line).into_owned()),
                Ok(None) => return lines,
                Err(error) => self.fail(&format!("no clean end of the connection ({error})")),
            }
        }
    }

    /// Reads to the end of the connection, whichever way it ends: what came, and whether it ended
    /// in a reset.
    pub fn read_to_any_end(&mut self) -> (Vec<u8>, bool) {
        let mut bytes = std::mem::take(&mut self.partial);
        match self.stream.read_to_end(&mut bytes) {
            Ok(_) => (bytes, false),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => (bytes, true),
            Err(error) => self.fail(&format!("the connection did not end ({error})")),
        }
    }

    /// Reads the welcome to its last line, and returns what came before that.
    pub fn read_welcome(&mut self) -> Vec<String> {
        self.lines_until_one(&"the end of the welcome", |line| {
            line.starts_with(LAST_OF_WELCOME)
        })
        .0
    }

    /// Takes a name and reads the confirmation.
    pub fn take_name(&mut self, name: &str) {
        self.send(&format!("/nick {name}"));
        self.read_renaming(name);
    }

    /// Reads until somebody, most likely this client, has taken the name.
    pub fn read_renaming(&mut self, name: &str) {
        let end = format!(" is now {name}");
        self.lines_until_one(&format!("\"-- …{end}\""), |line| {
            line.starts_with("-- ") && line.trim_end().ends_with(&end)
        });
    }

    /// Reads everything that was caused by what this client, or anybody whose last words it has
    /// read, did until now; returns the lines. Works by a command whose answer takes its place in
    /// the order of all events.
    pub fn settle(&mut self) -> Vec<String> {
        self.send("/version");
        self.lines_until_one(&"the answer to /version", |line| line.trim_end() == VERSION)
            .0
    }

    /// Whether anything comes within `wait`.
    fn has_something_to_read(&self, wait: Duration) -> bool {
        self.stream()
            .set_read_timeout(Some(wait))
            .expect("a read timeout");
        let came = self.stream().peek(&mut [0]).is_ok();
        self.stream()
            .set_read_timeout(Some(WAIT))
            .expect("a read timeout");
        came
    }

    /// Takes turns with `other` in a server in raw mode until both are in, and leaves nothing to
    /// read.
    ///
    /// Such a server greets nobody, and the kernel connects a client before the server has heard of
    /// it. So `other` speaks until this one has heard it.
    pub fn meet(&mut self, other: &Self) {
        let deadline = Instant::now() + WAIT;
        let mut said = String::new();
        for attempt in 0.. {
            assert!(Instant::now() < deadline, "nothing is relayed");
            said = format!("can you hear me? {attempt}");
            other.send(&said);
            if self.has_something_to_read(Duration::from_millis(20)) {
                break;
            }
        }
        self.expect(&said);
    }

    fn fail(&self, what: &str) -> ! {
        let unfinished = String::from_utf8_lossy(&self.partial);
        let seen: Vec<String> = self.seen.iter().cloned().collect();
        panic!(
            "{what}; the last lines read:\n{}\nand of the next: {unfinished:.200?}",
            listed(seen)
        );
    }
}

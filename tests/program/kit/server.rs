//! A chatd that runs as a child process.
//!
//! A [`Server`] that goes out of scope takes its process with it.

use std::io::BufReader;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};
use socket2::{Domain, Socket, Type};

use super::log::Log;
use crate::TRANSPORT;

#[cfg(feature = "service")]
use super::SocketPath;
use super::{Client, FIRST_WORDS, NARROW, REMEMBERED, Transport, WAIT, child, eventually, listed};

/// The binary that is tested.
const BINARY: &str = env!("CARGO_BIN_EXE_chatd");

/// A chatd of the test's own.
pub struct Server {
    child: Child,
    port: u16,
    speaks_tls: bool,
    /// Where its clients connect, if they come by a Unix socket.
    #[cfg(feature = "service")]
    socket: Option<SocketPath>,
    log: Arc<Log>,
    reader: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts chatd with `args`, on a port that the system chooses and on 127.0.0.1 unless `args`
    /// say otherwise.
    pub fn start(args: &[&str]) -> Self {
        Self::start_by(Self::command(), args)
    }

    /// The same behind `preparation`, a line of shell such as `ulimit -n 40` that the process
    /// inherits.
    pub fn start_after(preparation: &str, args: &[&str]) -> Self {
        Self::start_by(Self::command_after(preparation), args)
    }

    fn start_by(mut command: Command, args: &[&str]) -> Self {
        command.args(with_address(args));
        #[cfg(feature = "service")]
        if TRANSPORT == Transport::Unix {
            let socket = SocketPath::new();
            command.args(["--socket", socket.path()]);
            let mut server = Self::launch(command);
            server.socket = Some(socket);
            return server;
        }
        Self::launch(command)
    }

    /// The bare binary, in an environment that says nothing to it.
    pub fn command() -> Command {
        child::new_command(BINARY)
    }

    /// The binary, started by a shell that first does `preparation` and then becomes chatd, so that
    /// the process is the same one.
    pub fn command_after(preparation: &str) -> Command {
        let mut command = child::new_command("sh");
        let script = format!("{preparation}\nexec \"$0\" \"$@\"");
        command.args(["-c", &script, BINARY]);
        command
    }

    /// Runs a command that becomes chatd, and waits for the line that says where it listens.
    pub fn launch(mut command: Command) -> Self {
        let mut server = Self::spawn(command.stderr(Stdio::piped()));
        let pipe = server.child.stderr.take().expect("stderr is piped");
        let log = Arc::clone(&server.log);
        server.reader = Some(thread::spawn(move || log.read_from(BufReader::new(pipe))));
        let listening = server.log_line(|line| line.contains("listening on "));
        let (address, with_tls) = match listening.strip_suffix(" with TLS") {
            Some(address) => (address, true),
            None => (listening.as_str(), false),
        };
        (server.port, server.speaks_tls) = (port_of(address), with_tls);
        server
    }

    /// The same where the log cannot be read, or says less: stderr is what the command says, and
    /// the port is what the kernel says.
    pub fn launch_unheard(mut command: Command) -> Self {
        let mut server = Self::spawn(&mut command);
        eventually("chatd listens", || {
            server.port = server.listening_port().unwrap_or(0);
            server.port != 0
        });
        server
    }

    fn spawn(command: &mut Command) -> Self {
        let child = command.spawn().expect("chatd starts");
        Self {
            child,
            port: 0,
            speaks_tls: false,
            #[cfg(feature = "service")]
            socket: None,
            log: Arc::default(),
            reader: None,
        }
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address where it listens without TLS, of one that was started with `--plain-port` too.
    #[cfg(feature = "tls")]
    pub fn plain_address(&self) -> SocketAddr {
        let is_plain = |line: &str| line.contains("listening on ") && !line.ends_with(" with TLS");
        let port = port_of(&self.log_line(is_plain));
        SocketAddr::from((Ipv4Addr::LOCALHOST, port))
    }

    /// The address it listens on, where that is the default of these tests.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// The number of the process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal, named as `kill` names it: `TERM`, `INT`, `HUP`, `STOP`, `CONT`.
    pub fn signal(&self, name: &str) {
        let signal = match name {
            "TERM" => Signal::TERM,
            "INT" => Signal::INT,
            "HUP" => Signal::HUP,
            "STOP" => Signal::STOP,
            "CONT" => Signal::CONT,
            other => panic!("no test sends SIG{other}"),
        };
        kill_process(Pid::from_child(&self.child), signal).expect("the process is there");
        if name == "STOP" {
            eventually("every thread has stopped", || self.is_stopped());
        }
    }

    /// Kills it, so that it can do nothing about its end.
    #[cfg(any(feature = "service", feature = "data"))]
    pub fn kill(&mut self) {
        self.child.kill().expect("the process is there");
        self.wait_exit();
    }

    /// Waits for the process to end and for the last of its stderr.
    pub fn wait_exit(&mut self) -> ExitStatus {
        let status = child::wait_for(&mut self.child);
        if let Some(reader) = self.reader.take() {
            reader.join().expect("stderr is read");
        }
        status.unwrap_or_else(|| panic!("chatd still runs; it logged:\n{}", listed(self.log())))
    }

    /// Waits for a line on stderr, the ones already there included.
    pub fn log_line(&self, is_wanted: impl Fn(&str) -> bool) -> String {
        self.log_lines(1, is_wanted).remove(0)
    }

    /// Waits for `count` lines on stderr, and returns all such lines there are.
    pub fn log_lines(&self, count: usize, is_wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let deadline = Instant::now() + WAIT;
        let log = self.log.wait_until(deadline, |lines| {
            lines.iter().filter(|line| is_wanted(line)).count() >= count
        });
        let found: Vec<String> = log.iter().filter(|line| is_wanted(line)).cloned().collect();
        let there = found.len();
        assert!(
            there >= count,
            "{there} of {count} such lines on stderr, which says:\n{}",
            listed(log)
        );
        found
    }

    /// What has come on stderr until now.
    pub fn log(&self) -> Vec<String> {
        self.log.lines()
    }

    /// Connects, and reads nothing yet.
    pub fn connect(&self) -> Client {
        #[cfg(feature = "service")]
        if let Some(socket) = &self.socket {
            return socket.connect();
        }
        let stream = TcpStream::connect(self.address()).expect("chatd takes the connection");
        self.client(stream, None)
    }

    /// What talks to the server over this connection.
    fn client(&self, stream: TcpStream, receive_buffer: Option<usize>) -> Client {
        #[cfg(feature = "tls")]
        if self.speaks_tls {
            stream.set_nodelay(true).expect("an option of TCP");
            let address = stream.local_addr();
            let address = address.expect("a connected socket has an address");
            return Client::behind(address, super::tls::bridge(stream, receive_buffer));
        }
        // It was set before connecting.
        let _ = (self.speaks_tls, receive_buffer);
        Client::new(stream)
    }

    /// Connects with a receive buffer of about `bytes`, so that a client that does not read is soon
    /// full.
    pub fn connect_with_receive_buffer(&self, bytes: usize) -> Client {
        #[cfg(feature = "service")]
        if let Some(socket) = &self.socket {
            // There what waits to be read counts for the sender alone (unix(7)).
            return socket.connect();
        }
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        // Before connecting, because the window that the other side may use is agreed on then.
        socket
            .set_recv_buffer_size(bytes)
            .expect("a receive buffer");
        socket
            .connect(&self.address().into())
            .expect("chatd takes the connection");
        self.client(socket.into(), Some(bytes))
    }

    /// Connects and reads the welcome to its end.
    pub fn welcomed(&self) -> Client {
        let mut client = self.connect();
        client.read_welcome();
        client
    }

    /// Several clients who have read their welcome; they are all connected before the first one
    /// reads.
    pub fn crowd(&self, size: usize) -> Vec<Client> {
        let mut clients: Vec<Client> = (0..size).map(|_| self.connect()).collect();
        for client in &mut clients {
            client.read_welcome();
        }
        clients
    }

    /// Connects, reads the welcome and takes a name. The others have not heard of this client yet.
    pub fn join(&self, name: &str) -> Client {
        let mut client = self.connect();
        // Sent before the welcome is read, because chatd holds that back for a moment from those
        // who are silent.
        client.send(&format!("/nick {name}"));
        client.read_welcome();
        client.read_renaming(name);
        client
    }

    /// Joins and speaks ([`FIRST_WORDS`]), so that everybody has heard of this client when it
    /// returns.
    pub fn joined(&self, name: &str) -> Client {
        let mut client = self.join(name);
        client.send(FIRST_WORDS);
        client.settle();
        client
    }

    /// A client of whom everybody has heard and who reads nothing more.
    pub fn stalled(&self, name: &str) -> Client {
        let mut client = self.connect_with_receive_buffer(NARROW);
        client.read_welcome();
        client.take_name(name);
        client.send("I shall read no more");
        client.settle();
        client
    }

    /// Several clients who have all heard of each other, and who have nothing more to read.
    pub fn room<const N: usize>(&self, names: [&str; N]) -> [Client; N] {
        let mut clients = names.map(|name| self.joined(name));
        for client in &mut clients {
            client.settle();
        }
        clients
    }

    /// The same for a server in raw mode.
    pub fn raw_room<const N: usize>(&self) -> [Client; N] {
        let mut clients: Vec<Client> = Vec::new();
        for number in 0..N {
            let newcomer = self.connect();
            match clients.as_mut_slice() {
                [] => {}
                [first] => first.meet(&newcomer),
                earlier => {
                    let line = format!("newcomer {number}");
                    newcomer.send(&line);
                    for client in earlier {
                        client.next_is(&line);
                    }
                }
            }
            clients.push(newcomer);
        }
        clients.try_into().ok().expect("as many as asked for")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only if the process is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        if thread::panicking() {
            let log = self.log();
            eprintln!(
                "chatd logged:\n{}",
                listed(&log[log.len().saturating_sub(REMEMBERED)..])
            );
        }
    }
}

fn port_of(listening: &str) -> u16 {
    let (_, port) = listening
        .rsplit_once(':')
        .expect("an address ends in a port");
    // A Unix socket has none.
    port.trim().parse().unwrap_or_default()
}

fn with_address<'a>(args: &[&'a str]) -> Vec<&'a str> {
    let says = |option: &str, short: &str| {
        args.iter()
            .any(|arg| arg.starts_with(option) || arg.starts_with(short))
    };
    let mut all = Vec::new();
    if !says("--port", "-p") {
        all.extend(["--port", "0"]);
    }
    if !says("--bind", "-b") {
        all.extend(["--bind", "127.0.0.1"]);
    }
    if TRANSPORT == Transport::Tls {
        all.push("--tls");
    }
    all.extend(args);
    all
}

impl Server {
    /// Connects from an address of this machine, which has all of 127.0.0.0/8.
    pub fn connect_from(&self, source: Ipv4Addr) -> Client {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        // The port is chosen when the other end is known, so that addresses do not run out of ports.
        socket
            .bind(&SocketAddr::from((source, 0)).into())
            .expect("an address of this machine");
        socket
            .connect(&self.address().into())
            .expect("chatd takes the connection");
        self.client(socket.into(), None)
    }
}

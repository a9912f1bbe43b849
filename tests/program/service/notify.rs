//! What systemd is told of a service of `Type=notify`.

use std::fs;
use std::io::ErrorKind::WouldBlock;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::path::PathBuf;
use std::process;

use sd_notify::NotifyState;

use crate::kit::{GOODBYE, Server, TempFile, WAIT, answers, complaint};

/// In the place of systemd: the socket that it would listen on.
struct Systemd {
    socket: UnixDatagram,
    /// What `NOTIFY_SOCKET` says.
    name: String,
}

impl Systemd {
    fn new() -> Self {
        let name = free_path();
        let socket = UnixDatagram::bind(&name).unwrap();
        Self::at(name, socket)
    }

    fn at(name: String, socket: UnixDatagram) -> Self {
        socket.set_read_timeout(Some(WAIT)).unwrap();
        Self { socket, name }
    }

    /// The next message.
    fn hears(&self) -> String {
        let mut message = [0; 256];
        let length = self.socket.recv(&mut message);
        let length = length.expect("a message comes");
        String::from_utf8(message[..length].to_vec()).unwrap()
    }

    /// There is no other message. For when the process has ended.
    fn hears_nothing(&self) {
        self.socket.set_nonblocking(true).unwrap();
        let error = self
            .socket
            .recv(&mut [0; 256])
            .map_err(|error| error.kind());
        assert_eq!(error, Err(WouldBlock));
    }

    /// Fills its queue, and returns how many messages that took.
    fn is_busy(&self) -> usize {
        let other = UnixDatagram::unbound().unwrap();
        other.set_nonblocking(true).unwrap();
        let mut messages = 0;
        while other.send_to(b"X=1", &self.name).is_ok() {
            messages += 1;
        }
        messages
    }
}

impl Drop for Systemd {
    fn drop(&mut self) {
        // Fails where the name is abstract.
        let _ = fs::remove_file(&self.name);
    }
}

/// A path where there is nothing yet.
fn free_path() -> String {
    TempFile::with("").path().to_owned()
}

/// chatd, started as systemd does it.
fn start(name: &str, args: &[&str]) -> Server {
    let mut command = Server::command();
    command
        .args(["--port", "0", "--bind", "127.0.0.1"])
        .args(args)
        .env("NOTIFY_SOCKET", name);
    Server::launch(command)
}

/// How often the log warns of the socket.
fn warnings(server: &Server) -> usize {
    let warns = |line: &&String| line.contains("WARN") && line.contains("NOTIFY_SOCKET");
    server.log().iter().filter(warns).count()
}

/// The microsecond in a RELOADING message.
fn time_of(message: &str) -> i128 {
    let time = message.strip_prefix("RELOADING=1\nMONOTONIC_USEC=");
    let time = time.unwrap_or_else(|| panic!("{message:?}"));
    time.parse().unwrap()
}

fn now() -> i128 {
    match NotifyState::monotonic_usec_now() {
        Ok(NotifyState::MonotonicUsec(time)) => time,
        other => panic!("{other:?}"),
    }
}

#[test]
fn ready_is_told_once_it_listens_and_stopping_when_it_ends() {
    for signal in ["TERM", "INT"] {
        let systemd = Systemd::new();
        let mut server = start(&systemd.name, &[]);
        assert_eq!(systemd.hears(), "READY=1");
        server.welcomed();
        server.signal(signal);
        assert_eq!(systemd.hears(), "STOPPING=1");
        assert_eq!(server.wait_exit().code(), Some(0));
        systemd.hears_nothing();
        assert_eq!(warnings(&server), 0);
    }
}

#[test]
fn a_start_that_fails_tells_nothing() {
    let systemd = Systemd::new();
    let mut command = Server::command();
    // An address for documentation, which no machine has (RFC 5737).
    command.args(["--port", "0", "--bind", "192.0.2.1"]);
    command.env("NOTIFY_SOCKET", &systemd.name);
    complaint(command, 1);
    systemd.hears_nothing();
}

#[test]
fn stopping_is_told_when_the_shutdown_begins() {
    let systemd = Systemd::new();
    let server = start(&systemd.name, &[]);
    assert_eq!(systemd.hears(), "READY=1");
    let [mut alice] = server.room(["alice"]);
    server.signal("TERM");
    alice.expect(GOODBYE);
    // It was told before anybody was.
    systemd.socket.set_nonblocking(true).unwrap();
    assert_eq!(systemd.hears(), "STOPPING=1");
}

#[test]
fn reloading_with_its_time_and_then_ready_are_told_around_what_sighup_reads() {
    let systemd = Systemd::new();
    let motd = TempFile::with("as it was\n");
    let server = start(&systemd.name, &["--motd", motd.path()]);
    assert_eq!(systemd.hears(), "READY=1");
    let mut alice = server.joined("alice");
    for text in ["as it is", "and again"] {
        fs::write(motd.path(), text).unwrap();
        let before = now();
        server.signal("HUP");
        let time = time_of(&systemd.hears());
        assert!(
            (before..=now()).contains(&time),
            "{time}, not {before} or later"
        );
        assert_eq!(systemd.hears(), "READY=1");
        assert_eq!(answers(&mut alice, "/motd"), [format!("-- {text}")]);
    }
}

#[test]
fn what_cannot_be_read_anew_is_no_reload_without_an_end() {
    let systemd = Systemd::new();
    let motd = TempFile::with("as it was\n");
    let server = start(&systemd.name, &["--motd", motd.path()]);
    assert_eq!(systemd.hears(), "READY=1");
    fs::remove_file(motd.path()).unwrap();
    server.signal("HUP");
    time_of(&systemd.hears());
    assert_eq!(systemd.hears(), "READY=1");
}

#[test]
fn a_notify_socket_may_be_abstract() {
    let name = format!("chatd-test-notify-{}", process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let socket = UnixDatagram::bind_addr(&address).unwrap();
    let systemd = Systemd::at(format!("@{name}"), socket);
    let server = start(&systemd.name, &[]);
    assert_eq!(systemd.hears(), "READY=1");
    server.signal("TERM");
    assert_eq!(systemd.hears(), "STOPPING=1");
}

/// With this `NOTIFY_SOCKET` the server works, reads its MOTD anew and ends as it does without one.
/// Returns how often it warned.
fn works_with(name: &str) -> usize {
    let motd = TempFile::with("as it was\n");
    let mut server = start(name, &["--motd", motd.path()]);
    let mut alice = server.joined("alice");
    fs::write(motd.path(), "as it is\n").unwrap();
    server.signal("HUP");
    server.log_line(|line| line.contains("read anew"));
    assert_eq!(answers(&mut alice, "/motd"), ["-- as it is"]);
    server.signal("TERM");
    assert_eq!(alice.expect_eof(), [GOODBYE]);
    drop(alice);
    assert_eq!(server.wait_exit().code(), Some(0));
    warnings(&server)
}

#[test]
fn a_notify_socket_that_does_not_work_is_one_warning() {
    let path = PathBuf::from(free_path());
    let stream = UnixListener::bind(&path).unwrap();
    let no_socket = TempFile::with("");
    for name in [
        &free_path(),
        "/",
        "@chatd-test-where-nobody-is",
        "no path",
        "vsock:2:1234",
        no_socket.path(),
        path.to_str().unwrap(),
        &format!("/{}", "x".repeat(200)),
    ] {
        assert_eq!(works_with(name), 1, "{name}");
    }
    drop(stream);
    fs::remove_file(&path).unwrap();
}

#[test]
fn a_notify_socket_that_vanishes_is_one_warning() {
    let systemd = Systemd::new();
    let mut server = start(&systemd.name, &[]);
    assert_eq!(systemd.hears(), "READY=1");
    drop(systemd);
    server.signal("HUP");
    server.log_line(|line| line.contains("nothing to read anew"));
    server.signal("TERM");
    assert_eq!(server.wait_exit().code(), Some(0));
    assert_eq!(warnings(&server), 1);
}

#[test]
fn an_empty_notify_socket_is_none() {
    assert_eq!(works_with(""), 0);
}

#[test]
fn ready_waits_for_room_in_a_full_queue_while_people_chat() {
    let systemd = Systemd::new();
    let messages = systemd.is_busy();
    let server = start(&systemd.name, &[]);
    server.welcomed();
    for _ in 0..messages {
        assert_eq!(systemd.hears(), "X=1");
    }
    assert_eq!(systemd.hears(), "READY=1");
}

#[test]
fn a_queue_that_stays_full_is_one_warning_and_the_signal_does_not_wait_for_it() {
    let systemd = Systemd::new();
    systemd.is_busy();
    // SIGTERM comes while READY waits, or soon after.
    let mut server = start(&systemd.name, &[]);
    let [mut alice] = server.room(["alice"]);
    server.signal("TERM");
    assert_eq!(alice.expect_eof(), [GOODBYE]);
    drop(alice);
    assert_eq!(server.wait_exit().code(), Some(0));
    assert_eq!(warnings(&server), 1);
    // And where it stays so for longer.
    assert_eq!(works_with(&systemd.name), 1);
}

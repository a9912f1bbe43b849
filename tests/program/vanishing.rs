//! Section 2: hosts that vanish without a word, and those that only seem to.

use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use crate::TRANSPORT;
use crate::kit::{
    NARROW, Program, Server, Transport, are_installed, eventually, new_command, paste,
    seen_from_both_sides, server_side, skip, text,
};

/// The client whose host vanishes, or that is stopped. (Not `ncat --ssl`, which shows the last lines
/// only when more comes.)
const CLIENT: &str = match TRANSPORT {
    Transport::Tls => "openssl",
    // Nobody vanishes from a Unix socket.
    Transport::Plain | Transport::Unix => "nc",
};

/// How it connects.
fn connecting(address: &str, server: &Server) -> String {
    let port = server.port();
    match TRANSPORT {
        Transport::Tls => format!("openssl s_client -quiet -connect {address}:{port}"),
        Transport::Plain | Transport::Unix => format!("nc {address} {port}"),
    }
}

/// A network of its own, joined to this machine by a cable (a veth pair) that can be cut. It goes
/// with this value, and with the test's process however that ends.
struct Island {
    /// Keeps the network in being, until its input ends.
    keeper: Child,
    cable: String,
    /// The first three numbers of the addresses on the cable, and the fourth before this side's.
    subnet: (String, u32),
}

impl Island {
    /// Nothing where the system lets nobody make networks: the test is skipped then.
    fn new() -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        if !are_installed(&["unshare", "nsenter", "ip", CLIENT]) {
            return None;
        }
        let number = std::process::id() * 4 + NEXT.fetch_add(1, Ordering::Relaxed);
        let keeper = new_command("unshare")
            .args(["--net", "cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let island = keeper.ok().map(|keeper| Self {
            keeper,
            cable: format!("chatd{number}"),
            // 198.18.0.0/15 is for tests between networks (RFC 2544); each cable takes a /30 of it.
            subnet: (
                format!("198.{}.{}", 18 + number / 16_384 % 2, number / 64 % 256),
                number % 64 * 4,
            ),
        });
        let island = island.filter(Self::lay_cable);
        if island.is_none() {
            skip("no network namespace can be made here");
        }
        island
    }

    fn lay_cable(&self) -> bool {
        let (cable, keeper) = (&self.cable, self.keeper.id());
        let steps = [
            // The other end is never here, where it could meet another island's.
            format!("link add {cable} type veth peer name shore netns {keeper}"),
            format!("address add {}/30 dev {cable}", self.address(1)),
            format!("link set {cable} up"),
        ];
        // The keeper is in the network of this machine until it has made its own.
        let has_moved = || {
            let network = |process: &str| std::fs::read_link(format!("/proc/{process}/ns/net"));
            let here = network("self").ok();
            (0..500).any(|_| {
                thread::sleep(Duration::from_millis(10));
                network(&keeper.to_string()).ok() != here
            })
        };
        has_moved()
            && steps
                .iter()
                .all(|step| succeeds(new_command("ip").args(step.split(' '))))
            && self.does(&format!("ip address add {}/30 dev shore", self.address(2)))
            && self.does("ip link set shore up")
    }

    fn address(&self, number: u32) -> String {
        let (beginning, last) = &self.subnet;
        format!("{beginning}.{}", last + number)
    }

    /// A command that runs there.
    fn command(&self, line: &str) -> Command {
        let mut inside = new_command("nsenter");
        inside.args(["--net", "--target", &self.keeper.id().to_string()]);
        inside.args(line.split(' '));
        inside
    }

    fn does(&self, line: &str) -> bool {
        succeeds(&mut self.command(line))
    }

    /// Somebody there who joins under a name.
    fn client(&self, server: &Server, name: &str) -> Program {
        let connecting = connecting(&self.address(1), server);
        let mut client = Program::spawn(self.command(&connecting));
        client.join(name);
        client
    }

    fn cut_cable(&self) {
        assert!(
            self.does("ip link set shore down"),
            "the link can be taken down"
        );
    }
}

impl Drop for Island {
    fn drop(&mut self) {
        // What is left of connections there would keep the network for a while, but not the cable.
        succeeds(new_command("ip").args(["link", "delete", &self.cable]));
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}

fn succeeds(command: &mut Command) -> bool {
    let command = command.stdin(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn start(limits: &[&str]) -> Server {
    Server::start(&[&["--bind", "0.0.0.0"], limits].concat())
}

#[test]
fn a_host_that_vanishes_while_nothing_is_pending_is_gone_after_the_keepalive() {
    let Some(island) = Island::new() else { return };
    let server = start(&["--keepalive", "2s", "--user-timeout", "1h"]);
    let [mut watcher] = server.room(["watcher"]);
    let _robinson = island.client(&server, "robinson");
    watcher.expect("<robinson> it is me");
    island.cut_cable();
    watcher.next_is("-- robinson left (connection lost)");
    server.log_line(|line| line.contains(" robinson, ") && line.ends_with(", lost"));
}

#[test]
fn a_host_that_vanishes_while_something_is_pending_is_gone_after_the_user_timeout() {
    let Some(island) = Island::new() else { return };
    let server = start(&["--keepalive", "2s", "--user-timeout", "3s"]);
    let [mut watcher, speaker] = server.room(["watcher", "speaker"]);
    for (name, lines) in [("robinson", 1), ("friday", 4000)] {
        let _client = island.client(&server, name);
        watcher.expect(&format!("<{name}> it is me"));
        island.cut_cable();
        let paste = text((0..lines).map(|number| format!("can you hear us? {number:0>200}")));
        speaker.send_bytes(paste.as_bytes());
        watcher.expect(&format!("-- {name} left (connection lost)"));
        server.log_line(|line| line.contains(&format!(" {name}, ")) && line.ends_with(", lost"));
        assert!(
            island.does("ip link set shore up"),
            "the link can be brought up again"
        );
    }
}

#[test]
fn a_stopped_client_with_a_little_pending_is_not_given_up_after_the_keepalive() {
    let server = Server::start(&["--keepalive", "3s", "--user-timeout", "1m"]);
    let [mut speaker] = server.room(["speaker"]);
    if !are_installed(&[CLIENT]) {
        return;
    }
    let mut shell = new_command("sh");
    shell.args(["-c", &format!("exec {}", connecting("127.0.0.1", &server))]);
    let mut carl = Program::spawn(shell);
    carl.join("carl");
    speaker.expect("<carl> it is me");
    carl.stop();
    // More than its own side takes, so that the rest waits in the kernel for a window.
    let paste: Vec<String> = (0..4000).map(|number| format!("{number:0>200}")).collect();
    speaker.send_bytes(text(paste.clone()).as_bytes());
    // Twice the keepalive: a limit that counted from the last byte taken would have struck.
    thread::sleep(Duration::from_secs(7));
    assert_eq!(speaker.settle(), [""; 0], "somebody has left");
    carl.go_on();
    for line in paste {
        assert_eq!(carl.next_line(), format!("<speaker> {line}"));
    }
}

#[test]
fn who_takes_no_byte_of_what_is_pending_has_5_minutes() {
    // The option makes the server look after its clients every second instead of every 20.
    let server = Server::start(&["--keepalive", "6s"]);
    let mut sleeper = server.connect_with_receive_buffer(NARROW);
    sleeper.read_welcome();
    let mut speaker = server.joined("speaker");
    speaker.send_bytes(paste(1000).as_bytes());
    speaker.settle();
    let Some(socket) = server_side(&server, &sleeper) else {
        return;
    };
    eventually(
        "what is pending for the sleeper may wait for 5 minutes",
        || socket.tcp_user_timeout().unwrap() == Some(Duration::from_secs(300)),
    );
}

#[test]
fn a_silent_client_is_probed_by_keepalive_and_gone_within_2_minutes() {
    let server = Server::start(&[]);
    let Some((_client, socket)) = seen_from_both_sides(&server) else {
        return;
    };
    assert!(socket.keepalive().unwrap());
    let first = socket.tcp_keepalive_time().unwrap();
    let interval = socket.tcp_keepalive_interval().unwrap();
    let probes = socket.tcp_keepalive_retries().unwrap();
    let longest = match socket.tcp_user_timeout().unwrap() {
        None => first + interval * probes,
        // It overrides the number of probes (tcp(7)): the first probe that would be sent after it
        // ends the connection.
        Some(timeout) => {
            let after_first = timeout.saturating_sub(first).as_secs();
            first + interval * after_first.div_ceil(interval.as_secs()).max(1) as u32
        }
    };
    assert!(longest <= Duration::from_secs(120), "{longest:?}");
}

#[test]
fn who_takes_no_byte_of_what_is_pending_for_too_long_has_lost_the_connection() {
    // Both options are there for this test: nobody waits 5 minutes for it.
    let server = Server::start(&["--user-timeout", "1s", "--keepalive", "6s"]);
    let _alice = server.stalled("alice");
    let mut bob = server.joined("bob");
    bob.send_bytes(paste(1000).as_bytes());
    bob.expect("-- alice left (connection lost)");
    server.log_line(|line| line.contains(" alice, ") && line.ends_with(", lost"));
}

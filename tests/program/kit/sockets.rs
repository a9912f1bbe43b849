//! What the kernel shows of sockets, on the server's side and on the way there.

use std::fs;
use std::os::fd::OwnedFd;
use std::thread;
use std::time::Duration;

use super::{Client, Server, skip};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};
use socket2::Socket;

impl Server {
    /// Duplicates of its sockets, whose options can be read as the server set them. Nothing where
    /// the system forbids that, as some sandboxes do.
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
}

/// The ports of one connection's two ends: where bytes come from, and where they go.
pub type Way = [u16; 2];

impl Client {
    /// The connections on which bytes of this client are under way to a server. Between two of them
    /// stands who encrypts (see [`bridge`](super::tls::bridge)).
    pub fn ways(&self, server: &Server) -> Vec<Way> {
        let ports = [self.stream().local_addr(), self.stream().peer_addr()];
        let near = ports.map(|end| end.expect("a connected socket has two ends").port());
        let far = [self.address().port(), server.port()];
        if near == far {
            vec![far]
        } else {
            vec![near, far]
        }
    }
}

/// How many bytes of each client wait in the kernel on its ways to a server, which takes none
/// meanwhile: those to be sent on, and those to be read at the other end.
pub fn waiting_bytes(clients: &[Vec<Way>]) -> Vec<usize> {
    // What passes from one end to the other while the rows are read is in neither of them, or in
    // both.
    let mut last = read_waiting_bytes(clients);
    loop {
        thread::sleep(Duration::from_millis(5));
        let now = read_waiting_bytes(clients);
        if now == last {
            return now;
        }
        last = now;
    }
}

fn read_waiting_bytes(clients: &[Vec<Way>]) -> Vec<usize> {
    let mut waiting = vec![0; clients.len()];
    let table = fs::read_to_string("/proc/net/tcp").expect("the kernel shows its sockets");
    for line in table.lines().skip(1) {
        // Local and remote address, state, and the bytes that wait to be sent and to be read.
        let fields: Vec<&str> = line.split_whitespace().collect();
        let hexadecimal = |digits: &str| usize::from_str_radix(digits, 16).expect("a number");
        let port = |address: &str| {
            let (_, digits) = address.split_once(':').expect("a port");
            u16::from_str_radix(digits, 16).expect("a port")
        };
        let (here, there) = (port(fields[1]), port(fields[2]));
        let (to_send, to_read) = fields[4].split_once(':').expect("two numbers");
        for (ways, waiting) in clients.iter().zip(&mut waiting) {
            if ways.contains(&[here, there]) {
                *waiting += hexadecimal(to_send);
            } else if ways.contains(&[there, here]) {
                *waiting += hexadecimal(to_read);
            }
        }
    }
    waiting
}

/// The server's socket of `client`, of which the options can be read as the server has set them.
pub fn server_side(server: &Server, client: &Client) -> Option<Socket> {
    let Some(sockets) = server.sockets() else {
        skip("this system shows nobody the sockets of a child process");
        return None;
    };
    let address = client.address();
    let is_its_peer = |socket: &Socket| {
        let peer = socket.peer_addr().ok().and_then(|peer| peer.as_socket());
        peer == Some(address)
    };
    let mut sockets = sockets.into_iter().map(Socket::from);
    Some(
        sockets
            .find(is_its_peer)
            .expect("the client's socket is among those of the server"),
    )
}

/// A new client, and the server's socket of it.
pub fn seen_from_both_sides(server: &Server) -> Option<(Client, Socket)> {
    let client = server.welcomed();
    let socket = server_side(server, &client)?;
    Some((client, socket))
}

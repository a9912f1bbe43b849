//! Section 3: `--max-clients` and `--max-per-ip`, and how those are turned away for whom there is
//! no place (section 4).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::thread;

use socket2::{Domain, Socket, Type};

use crate::kit::{Chat, Client, FULL, Footprint, Server, crowd_size, crowd_turn, eventually, skip};

/// How many addresses there are, where the system allows so many descriptors.
const ADDRESSES: usize = 1000;

/// The first of them. A thousand lie in four networks of 256.
const FIRST: Ipv4Addr = Ipv4Addr::new(127, 1, 0, 1);

/// Connects from an address of this machine, which has all of 127.0.0.0/8.
fn connect_from(source: Ipv4Addr, server: &Server) -> Client {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    // The port is chosen when the other end is known, so that addresses do not run out of ports.
    socket
        .bind(&SocketAddr::from((source, 0)).into())
        .expect("an address of this machine");
    socket
        .connect(&server.address().into())
        .expect("chatd takes the connection");
    Client::new(socket.into())
}

/// Whether there is a place for a client, who reads what it is told about that.
fn is_let_in(client: &mut Client) -> bool {
    let line = client.read_line();
    assert!(line == FULL || line.starts_with("-- welcome"), "{line:?}");
    line != FULL
}

#[test]
fn from_a_thousand_addresses_max_per_ip_counts_by_address() {
    let Some(_turn) = crowd_turn() else { return };
    let count = crowd_size(ADDRESSES) as u32;
    let server = Server::start(&["--max-per-ip", "1"]);
    let sources = || (0..count).map(|n| Ipv4Addr::from_bits(FIRST.to_bits() + n));
    let mut crowd: Vec<Client> = sources()
        .map(|source| connect_from(source, &server))
        .collect();
    assert!(
        crowd.iter_mut().all(is_let_in),
        "somebody was the second from their address"
    );
    for source in sources().step_by(50) {
        assert!(
            !is_let_in(&mut connect_from(source, &server)),
            "a second one from {source}"
        );
    }
    drop(crowd);
    let source = sources().next().expect("there are some");
    eventually("the place is free again", || {
        is_let_in(&mut connect_from(source, &server))
    });
}

#[test]
fn an_ipv4_address_over_ipv6_is_that_ipv4_address() {
    let mut command = Server::command();
    command.args(["--port", "0", "--max-per-ip", "2"]);
    let server = Server::launch(command);
    // An IPv6 socket that is connected to a mapped address speaks IPv4.
    let mapped = || {
        let socket = Socket::new(Domain::IPV6, Type::STREAM, None).ok()?;
        socket.set_only_v6(false).ok()?;
        let server_there = IpAddr::from(Ipv4Addr::LOCALHOST.to_ipv6_mapped());
        let address = SocketAddr::new(server_there, server.port());
        socket.connect(&address.into()).ok()?;
        Some(Client::new(socket.into()))
    };
    let Some(mut first) = mapped() else {
        return skip("this machine has no IPv6");
    };
    let mut second = server.connect();
    assert!(is_let_in(&mut first) && is_let_in(&mut second));
    assert!(!is_let_in(&mut server.connect()), "a third one over IPv4");
    assert!(
        !is_let_in(&mut mapped().expect("it worked before")),
        "a third one over IPv6"
    );
    let over_ipv6 = SocketAddr::from((Ipv6Addr::LOCALHOST, server.port()));
    let stream = TcpStream::connect(over_ipv6).expect("::1 is listened on");
    assert!(
        is_let_in(&mut Client::new(stream)),
        "the first one from ::1"
    );
}

#[test]
fn max_clients_holds_against_a_crowd_that_comes_at_once() {
    const PLACES: usize = 50;
    let Some(_turn) = crowd_turn() else { return };
    let server = Server::start(&["--max-clients", "52"]);
    let mut chat = Chat::start(&server);
    let before = Footprint::of(&server);
    for _ in 0..2 {
        let (inside, _) = come_at_once(&server, 200);
        assert_eq!(inside.len(), PLACES);
        chat.goes_on(5);
        drop(inside);
        before.returns(&server);
    }
}

/// Lets so many connect at once. Returns those who were let in, and how many were told that they
/// are not; who comes in such a crowd may be closed without a word.
fn come_at_once(server: &Server, count: usize) -> (Vec<Client>, usize) {
    let clients: Vec<(Client, bool)> = thread::scope(|scope| {
        let come = || {
            let mut client = server.connect();
            let line = client.try_read_line().ok().flatten();
            let is_inside = line.is_some_and(|line| line != FULL.as_bytes());
            (client, is_inside)
        };
        let threads: Vec<_> = (0..count).map(|_| scope.spawn(come)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("it came"))
            .collect()
    });
    let (inside, outside): (Vec<_>, Vec<_>) = clients.into_iter().partition(|(_, inside)| *inside);
    (
        inside.into_iter().map(|(client, _)| client).collect(),
        outside.len(),
    )
}

#[test]
fn a_client_beyond_max_clients_is_told_so_and_closed() {
    let server = Server::start(&["--max-clients", "1"]);
    let [mut bob] = server.room(["bob"]);
    assert_eq!(server.connect().expect_eof(), [FULL]);
    assert_eq!(bob.settle(), [""; 0], "it is never announced");
}

#[test]
fn a_rejected_client_that_has_sent_something_reads_the_line_too() {
    let server = Server::start(&["--max-clients", "1"]);
    let _bob = server.welcomed();
    for _ in 0..20 {
        let mut rejected = server.connect();
        // The connection may be over before all of this is written.
        let _ = rejected.try_send("hello? is anybody there?\n".repeat(100).as_bytes());
        assert_eq!(rejected.expect_eof(), [FULL]);
    }
}

#[test]
fn a_crowd_of_rejected_clients_leaves_no_thread_and_no_descriptor_behind() {
    let Some(_turn) = crowd_turn() else { return };
    let server = Server::start(&["--max-clients", "1"]);
    let mut bob = server.welcomed();
    let (descriptors, threads) = (server.descriptors(), server.threads().len());
    let crowd: Vec<Client> = (0..100).map(|_| server.connect()).collect();
    eventually("the descriptors of the crowd are gone", || {
        let extra = server.threads().len().saturating_sub(threads);
        assert!(extra <= 16, "{extra} threads serve those who are rejected");
        server.descriptors() == descriptors
    });
    drop(crowd);
    eventually("the threads are gone", || server.threads().len() == threads);
    bob.settle();
}

#[test]
fn a_place_that_is_free_again_is_given_to_the_next() {
    let server = Server::start(&["--max-clients", "1"]);
    let mut bob = server.welcomed();
    bob.send("/quit");
    bob.expect_eof();
    drop(bob);
    eventually("the next is let in", || is_let_in(&mut server.connect()));
}

#[test]
fn zero_max_per_ip_means_no_limit() {
    let Some(_turn) = crowd_turn() else { return };
    let server = Server::start(&["--max-per-ip", "0"]);
    server.crowd(50);
}

//! Section 3: `--max-clients`, `--max-per-ip` and `--allow`, and how those are turned away for whom
//! there is no place (section 4).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;

use socket2::{Domain, Socket, Type};

use crate::kit::{
    Chat, Client, FULL, Footprint, Server, crowd_size, crowd_turn, eventually, only_in_plain, skip,
};

/// How many addresses there are, where the system allows so many descriptors.
const ADDRESSES: usize = 1000;

/// The first of them. A thousand lie in four networks of 256.
const FIRST: Ipv4Addr = Ipv4Addr::new(127, 1, 0, 1);

/// Whether there is a place for a client, who reads what it is told about that.
fn is_let_in(client: &mut Client) -> bool {
    let line = client.read_line();
    assert!(line == FULL || line.starts_with("-- welcome"), "{line:?}");
    line != FULL
}

#[test]
fn from_a_thousand_addresses_max_per_ip_counts_by_address() {
    if only_in_plain("before the handshake nothing can be read") {
        return;
    }
    let Some(_turn) = crowd_turn() else { return };
    let count = crowd_size(ADDRESSES) as u32;
    let server = Server::start(&["--max-per-ip", "1"]);
    let sources = || (0..count).map(|n| Ipv4Addr::from_bits(FIRST.to_bits() + n));
    let mut crowd: Vec<Client> = sources()
        .map(|source| server.connect_from(source))
        .collect();
    assert!(
        crowd.iter_mut().all(is_let_in),
        "somebody was the second from their address"
    );
    for source in sources().step_by(50) {
        assert!(
            !is_let_in(&mut server.connect_from(source)),
            "a second one from {source}"
        );
    }
    drop(crowd);
    let source = sources().next().expect("there are some");
    eventually("the place is free again", || {
        is_let_in(&mut server.connect_from(source))
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
    if only_in_plain("before the handshake nothing can be read") {
        return;
    }
    let server = Server::start(&["--max-clients", "1"]);
    let [mut bob] = server.room(["bob"]);
    assert_eq!(server.connect().expect_eof(), [FULL]);
    assert_eq!(bob.settle(), [""; 0], "it is never announced");
}

#[test]
fn a_rejected_client_that_has_sent_something_reads_the_line_too() {
    if only_in_plain("before the handshake nothing can be read") {
        return;
    }
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
fn a_thread_reads_out_what_a_rejected_client_still_sends() {
    if only_in_plain("before the handshake nothing can be read") {
        return;
    }
    let server = Server::start(&["--max-clients", "1"]);
    let _bob = server.welcomed();
    // It lasts for a second, of which a busy machine may miss one.
    eventually("there is such a thread", || {
        let mut rejected = server.connect();
        assert_eq!(rejected.expect_eof(), [FULL]);
        server.threads().iter().any(|name| name == "rejection")
    });
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
    if only_in_plain("before the handshake nothing can be read") {
        return;
    }
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

/// Whether whoever comes from `source` to a server with these options is let in. Who is not is closed and reads nothing.
fn lets_in(server: &Server, source: IpAddr) -> bool {
    let mut client = match source {
        IpAddr::V4(source) => server.connect_from(source),
        IpAddr::V6(address) => {
            let stream = TcpStream::connect((address, server.port())).expect("it listens there");
            Client::new(stream)
        }
    };
    client.close_sending();
    let (bytes, _) = client.read_to_any_end();
    let read = String::from_utf8_lossy(&bytes);
    assert!(
        read.is_empty() || read.starts_with("-- welcome"),
        "{source} read {read:?}"
    );
    !read.is_empty()
}

#[test]
fn who_comes_from_elsewhere_than_allow_says_is_closed_at_once_and_reads_nothing() {
    let several = &["--allow", "127.0.0.2", "--allow", "127.0.3.9/24"][..];
    for (args, inside, outside) in [
        (several, "127.0.0.2", "127.0.0.1"),
        (several, "127.0.3.77", "127.0.4.9"),
        (
            &["--allow", "127.0.0.2,127.0.0.3"],
            "127.0.0.3",
            "127.0.0.4",
        ),
        (&["--allow", "::ffff:127.0.0.2"], "127.0.0.2", "127.0.0.3"),
        (
            &["--allow", "::ffff:127.0.3.9/120"],
            "127.0.3.1",
            "127.0.2.9",
        ),
    ] {
        let server = Server::start(args);
        assert!(
            lets_in(&server, inside.parse().unwrap()),
            "{inside}: {args:?}"
        );
        assert!(
            !lets_in(&server, outside.parse().unwrap()),
            "{outside}: {args:?}"
        );
    }
}

#[test]
fn chatd_allow_has_commas() {
    let mut command = Server::command();
    command.env("CHATD_ALLOW", "127.0.0.2, 127.0.3.0/24").args([
        "--port",
        "0",
        "--bind",
        "127.0.0.1",
    ]);
    let server = Server::launch(command);
    for (source, is_allowed) in [
        ("127.0.0.2", true),
        ("127.0.3.3", true),
        ("127.0.0.1", false),
    ] {
        assert_eq!(
            lets_in(&server, source.parse().unwrap()),
            is_allowed,
            "{source}"
        );
    }
}

#[test]
fn without_bits_allow_matches_the_64_of_an_ipv6_address() {
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        return skip("this machine has no IPv6");
    }
    for (network, source, is_allowed) in [
        ("::2", "::1", true),
        ("::2/128", "::1", false),
        ("::1/128", "::1", true),
        ("0:0:0:1::1", "::1", false),
        ("127.0.0.1", "::1", false),
        // Over IPv6, of which it is a part.
        ("127.0.0.1", "127.0.0.1", true),
        ("::2", "127.0.0.1", false),
        ("::/0", "127.0.0.1", false),
    ] {
        let mut command = Server::command();
        command.args(["--port", "0", "--allow", network]);
        let server = Server::launch(command);
        let is_let_in = lets_in(&server, source.parse().unwrap());
        assert_eq!(
            is_let_in, is_allowed,
            "{source}, where {network} is allowed"
        );
    }
}

#[test]
fn who_is_not_allowed_takes_nobodys_place() {
    let server = Server::start(&["--allow", "127.0.0.1", "--max-clients", "1"]);
    for _ in 0..3 {
        assert!(!lets_in(&server, Ipv4Addr::new(127, 0, 0, 2).into()));
    }
    server.welcomed();
}

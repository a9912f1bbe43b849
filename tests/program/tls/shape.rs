//! What a client over TLS takes: a thread, descriptors, a pair of sockets, and no state after it.

use std::net::TcpStream;

use socket2::{Domain, SockRef};

use crate::kit::{
    Footprint, Server, TlsClient, are_installed, crowd_turn, eventually, one_shot, skip,
};

#[test]
fn one_thread_and_three_descriptors_per_client_and_all_go_with_it() {
    const CROWD: usize = 20;
    let Some(_turn) = crowd_turn() else { return };
    let server = Server::start(&["--tls"]);
    let before = (server.descriptors(), server.threads().len());
    let footprint = Footprint::of(&server);
    let crowd = server.crowd(CROWD);
    let now = (server.descriptors(), server.threads().len());
    assert_eq!(now, (before.0 + 3 * CROWD, before.1 + CROWD));
    drop(crowd);
    footprint.returns(&server);
}

#[test]
fn the_broadcaster_writes_into_a_socket_pair_with_a_send_buffer_of_64_kib_which_the_kernel_doubles()
{
    let server = Server::start(&["--tls"]);
    let _client = server.welcomed();
    let Some(sockets) = server.sockets() else {
        return skip("descriptors of other processes cannot be had here");
    };
    let pairs = sockets.iter().map(SockRef::from);
    let pairs = pairs.filter(|socket| socket.domain().is_ok_and(|domain| domain == Domain::UNIX));
    let buffers: Vec<usize> = pairs.flat_map(|pair| pair.send_buffer_size()).collect();
    assert!(buffers.contains(&(2 * 64 * 1024)), "{buffers:?}");
}

#[test]
fn there_are_no_session_tickets() {
    if !are_installed(&["openssl"]) {
        return;
    }
    let server = Server::start(&["--tls"]);
    let line = "echo /quit | openssl s_client -quiet -msg -connect 127.0.0.1:$PORT";
    let output = one_shot(line, &server);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("Handshake [length"), "{text}");
    assert!(!text.contains("NewSessionTicket"), "{text}");
}

#[test]
fn a_connection_counts_from_the_accept() {
    for limit in [["--max-clients", "1"], ["--max-per-ip", "1"]] {
        let server = Server::start(&[&["--tls"], &limit[..]].concat());
        // Which says nothing.
        let _first = TcpStream::connect(server.address()).unwrap();
        eventually("it has a thread", || {
            let threads = server.threads();
            threads.iter().any(|name| name.starts_with("client "))
        });
        let _second = TlsClient::new(&server);
        server.log_line(|line| line.contains("turned away: ") && line.ends_with(limit[0]));
    }
}

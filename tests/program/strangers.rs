//! Section 4: visitors that are no chat clients, of whom nobody in the room ever reads. No web page
//! can speak in a chat on the reader's LAN.

use std::thread;
use std::time::Instant;

use crate::kit::{Client, Footprint, Server, next_notice_is_of_a_newcomer, within_the_gathering};

/// What each of them does with its connection.
const VISITS: [fn(&Server); 7] = [
    // Browsers with a page that wants to speak here, and TLS clients.
    |server| {
        for beginning in hostile_beginnings() {
            is_refused(server.connect(), &beginning);
        }
    },
    // One that gives up in the middle of its hello.
    |server| server.connect().send_bytes(b"\x16\x03\x01"),
    // A port scanner: it connects and closes, or resets, or sends a byte to see what comes.
    |server| drop(server.connect()),
    |server| server.connect().reset(),
    |server| server.connect().send_bytes(b"\r\n\r\n"),
    // A health check: it connects and reads the first line, or closes its side and waits for ours.
    |server| drop(server.connect().read_line()),
    |server| {
        let mut client = server.connect();
        client.close_sending();
        client.expect_eof();
    },
];

#[test]
fn nobody_ever_reads_of_a_browser_a_tls_client_a_port_scanner_or_a_health_check() {
    const ROUNDS: usize = 5;
    let (server, mut watcher) = within_the_gathering(|| {
        let server = Server::start(&[]);
        let [watcher] = server.room(["watcher"]);
        let before = Footprint::of(&server);
        let since = Instant::now();
        thread::scope(|scope| {
            for visit in VISITS {
                let server = &server;
                scope.spawn(move || (0..ROUNDS).for_each(|_| visit(server)));
            }
        });
        // From here on it is certain that the server has seen all of them go.
        before.returns(&server);
        (since, (server, watcher))
    });
    next_notice_is_of_a_newcomer(&mut watcher, &server);
}

/// What browsers and TLS clients begin with, and what a malicious page would add.
fn hostile_beginnings() -> Vec<Vec<u8>> {
    let body =
        "Host: 10.0.0.7:8080\r\nContent-Length: 30\r\n\r\nbuy this\r\n/nick eve\r\n/me sells\r\n";
    let long_url = "a".repeat(8 * 1024);
    let mut all: Vec<Vec<u8>> = [
        format!("POST / HTTP/1.1\r\n{body}"),
        format!("GET / HTTP/1.0\r\n{body}"),
        format!("GET /{long_url} HTTP/1.1\r\n{body}"),
        format!("PUT /x HTTP/1.1\n{body}"),
        "GET / HTTP/1.1\r\n\r\n".to_owned(),
    ]
    .map(String::into_bytes)
    .into();
    // A TLS record: handshake, version 1.0, 512 bytes, and of these a client hello.
    let hello = [
        &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3][..],
        b"\nhello from TLS\n",
    ]
    .concat();
    all.push(hello);
    all.push(vec![0x16]);
    all
}

/// Sends `bytes` and reads the refusal to the end of the connection.
fn is_refused(mut client: Client, bytes: &[u8]) {
    // The server may close while a long request is still being sent.
    let _ = client.try_send(bytes);
    let answer = client.expect_eof();
    let beginning = bytes[..bytes.len().min(20)].escape_ascii();
    assert_eq!(
        answer[0].trim_end(),
        "HTTP/1.0 400 Bad Request",
        "{beginning}: {answer:?}"
    );
    let explanation = answer.last().expect("a line");
    assert!(
        explanation.contains("chat server") && explanation.contains("nc"),
        "{beginning}: {answer:?}"
    );
}

#[test]
fn http_and_tls_clients_are_answered_400_and_one_line_then_closed() {
    let server = Server::start(&[]);
    for beginning in hostile_beginnings() {
        is_refused(server.connect(), &beginning);
    }
}

#[test]
fn a_request_that_begins_after_the_welcome_is_refused_too() {
    let (server, mut alice) = within_the_gathering(|| {
        let server = Server::start(&[]);
        let [alice] = server.room(["alice"]);
        let since = Instant::now();
        is_refused(server.welcomed(), b"POST / HTTP/1.1\r\n\r\nbuy this\r\n");
        (since, (server, alice))
    });
    next_notice_is_of_a_newcomer(&mut alice, &server);
}

#[test]
fn a_request_that_comes_in_pieces_is_refused_too() {
    let server = Server::start(&[]);
    let client = server.connect();
    client.stream().set_nodelay(true).expect("no delay");
    let (last, first) = b"POST / HTTP/1.1\r\n".split_last().expect("bytes");
    for byte in first {
        client.send_bytes(&[*byte]);
    }
    is_refused(client, &[*last]);
}

#[test]
fn nothing_of_http_or_tls_is_passed_on_in_raw_mode_either() {
    let server = Server::start(&["--raw"]);
    let [speaker, mut listener] = server.raw_room();
    for beginning in hostile_beginnings() {
        is_refused(server.connect(), &beginning);
    }
    speaker.send("the end");
    listener.next_is("the end");
}

#[test]
fn one_who_merely_talks_about_http_is_heard() {
    let server = Server::start(&[]);
    let [mut alice, bob] = server.room(["alice", "bob"]);
    for line in ["GET / HTTP/1.1", "what is HTTP/1.0"] {
        bob.send(line);
        alice.next_is(&format!("<bob> {line}"));
    }
    bob.send_bytes(b"\x16\n");
    alice.next_is("<bob> \u{fffd}");
}

#[test]
fn a_first_line_that_mentions_http_elsewhere_is_a_line() {
    for line in ["is HTTP/1.1 still used?", "HTTP/1.1", "I like HTTP/2"] {
        let server = Server::start(&[]);
        let [mut alice] = server.room(["alice"]);
        let guest = server.welcomed();
        guest.send(line);
        alice.expect(&format!("<guest2> {line}"));
    }
}

//! Visitors that are no chat clients, of whom nobody in the room ever reads.

use std::thread;
use std::time::Instant;

use crate::kit::{Client, Footprint, Server, next_notice_is_of_a_newcomer, within_the_gathering};

/// What each of them does with its connection.
const VISITS: [fn(Client); 9] = [
    // A browser, and a page in it that wants to speak here.
    |client| is_answered(client, b"GET / HTTP/1.1\r\nHost: chat\r\n\r\n"),
    |client| {
        is_answered(
            client,
            b"POST / HTTP/1.1\r\nHost: chat\r\n\r\nbuy this\r\n/me sells\r\n",
        )
    },
    // A TLS client, and one that gives up in the middle of its hello.
    |client| {
        is_answered(
            client,
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\nhello\n",
        )
    },
    |client| client.send_bytes(b"\x16\x03\x01"),
    // A port scanner: it connects and closes, or resets, or sends a byte to see what comes.
    drop,
    Client::reset,
    |client| client.send_bytes(b"\r\n\r\n"),
    // A health check: it connects and reads the first line, or closes its side and waits for ours.
    |mut client| drop(client.read_line()),
    |mut client| {
        client.close_sending();
        client.expect_eof();
    },
];

fn is_answered(mut client: Client, request: &[u8]) {
    client.send_bytes(request);
    let answer = client.expect_eof();
    assert_eq!(
        answer[0].trim_end(),
        "HTTP/1.0 400 Bad Request",
        "{answer:?}"
    );
}

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
                scope.spawn(move || (0..ROUNDS).for_each(|_| visit(server.connect())));
            }
        });
        // From here on it is certain that the server has seen all of them go.
        before.returns(&server);
        (since, (server, watcher))
    });
    next_notice_is_of_a_newcomer(&mut watcher, &server);
}

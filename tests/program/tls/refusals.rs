//! Who is turned away, and who does not finish the handshake.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::kit::{
    Client, Footprint, Server, TlsClient, TlsEnd, are_installed, eventually,
    next_notice_is_of_a_newcomer, one_shot,
};

const NOT_TLS: &str = "-- this server speaks TLS: ncat --ssl HOST PORT, \
    or openssl s_client -quiet -connect HOST:PORT";

/// A client that does not speak TLS.
fn plain(server: &Server) -> Client {
    Client::new(TcpStream::connect(server.address()).unwrap())
}

#[test]
fn a_plain_client_on_a_tls_port_reads_one_line_and_is_closed() {
    let server = Server::start(&["--tls", "-v"]);
    let mut alice = server.joined("alice");
    let request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let all = [
        "hello\n",
        "\n",
        "\x15\x03\x01",
        "\u{ff}",
        request,
        &"x".repeat(50_000),
    ];
    for (number, bytes) in (1..).zip(all) {
        let mut client = plain(&server);
        let _ = client.try_send(bytes.as_bytes());
        assert_eq!(client.expect_eof(), [NOT_TLS], "after {bytes:.20?}");
        let log = server.log_lines(number, |line| line.contains("no handshake: "));
        let line = log.last().unwrap();
        assert!(line.contains(&client.address().to_string()), "{line}");
    }
    assert_eq!(alice.settle(), [""; 0]);
}

#[test]
fn in_raw_mode_a_plain_client_on_a_tls_port_reads_nothing() {
    let server = Server::start(&["--tls", "--raw"]);
    for bytes in [&b"hello\n"[..], b"GET / HTTP/1.1\r\n\r\n"] {
        let mut client = plain(&server);
        client.send_bytes(bytes);
        assert_eq!(client.expect_eof(), [""; 0]);
    }
}

#[test]
fn who_is_silent_for_10_s_reads_the_line_too_and_who_stops_in_the_handshake_is_closed() {
    let server = Server::start(&["--tls", "-v"]);
    let began = Instant::now();
    let mut silent = plain(&server);
    let stuck = TlsClient::new(&server);
    let mut stuck = Client::new(stuck.stream.try_clone().unwrap());
    stuck.send_bytes(b"\x16");
    assert_eq!(silent.expect_eof(), [NOT_TLS]);
    assert_eq!(stuck.read_to_any_end().0, b"");
    let passed = began.elapsed();
    assert!(passed >= Duration::from_secs(10), "{passed:?}");
    server.log_lines(2, |line| line.contains("no handshake: "));
}

#[test]
fn tls_1_2_and_older_are_refused() {
    if !are_installed(&["openssl"]) {
        return;
    }
    let server = Server::start(&["--tls"]);
    for version in ["-tls1_2", "-tls1_1", "-tls1", "-no_tls1_3"] {
        let line = format!(
            "echo /quit | openssl s_client -quiet {version} -cipher ALL:@SECLEVEL=0 \
             -connect 127.0.0.1:$PORT"
        );
        let output = one_shot(&line, &server);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("alert"), "{version}: {said}");
        assert!(output.stdout.is_empty(), "{version}: {output:?}");
    }
    let output = one_shot(
        "echo /quit | openssl s_client -quiet -connect 127.0.0.1:$PORT",
        &server,
    );
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(shown.contains("-- welcome"), "1.3: {shown}");
}

#[test]
fn inside_tls_strangers_are_strangers_whatever_they_offer() {
    let server = Server::start(&["--tls"]);
    let mut alice = server.joined("alice");
    for (protocols, bytes) in [
        (
            &[][..],
            &b"GET / HTTP/1.1\r\nHost: a\r\n\r\nbuy this\r\n"[..],
        ),
        (&["http/1.1"], b"POST / HTTP/1.1\r\n\r\nbuy this\r\n"),
        (&["h2", "http/1.1"], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        // TURN over TLS: a request to allocate (RFC 8656).
        (&["stun.turn"], b"\0\x03\0\x08\x21\x12\xa4\x42\nbuy this\n"),
        (&[], b"SSH-2.0-OpenSSH_9.9\r\n"),
        // TLS inside TLS.
        (&[], b"\x16\x03\x01\x02\0\x01\0\nbuy this\n"),
    ] {
        let mut client = TlsClient::offering(&server, protocols);
        client.shake_hands();
        client.send(bytes);
        let (read, end) = client.read_to_end();
        let answer = "HTTP/1.0 400 Bad Request\r\n\r\n\
            This is a chat server: join it with ncat --ssl HOST PORT\r\n";
        assert!(read.contains(answer), "{}: {read:?}", bytes.escape_ascii());
        assert_eq!(end, TlsEnd::CloseNotify, "{}", bytes.escape_ascii());
    }
    let read = alice.settle();
    assert!(read.iter().all(|line| !line.contains("buy")), "{read:#?}");
}

#[test]
fn tls_on_the_plain_port_is_closed_as_where_there_is_no_tls() {
    let server = Server::start(&["--tls", "--plain-port", "0"]);
    let mut client = Client::new(TcpStream::connect(server.plain_address()).unwrap());
    client.send_bytes(&TlsClient::hello());
    let read = client.expect_eof();
    assert_eq!(read[0].trim_end(), "HTTP/1.0 400 Bad Request");
}

#[test]
fn who_is_turned_away_before_the_handshake_reads_nothing() {
    for args in [
        ["--max-clients", "1"],
        ["--max-per-ip", "1"],
        ["--allow", "127.0.0.2"],
    ] {
        let server = Server::start(&[&["--tls"], &args[..]].concat());
        let _first = (args[0] != "--allow").then(|| server.welcomed());
        for bytes in [TlsClient::hello(), b"hello\n".to_vec()] {
            let mut client = plain(&server);
            let _ = client.try_send(&bytes);
            client.close_sending();
            assert_eq!(client.read_to_any_end().0, b"", "{args:?}");
        }
        server.log_line(|line| line.contains("turned away: ") && line.ends_with(args[0]));
    }
}

/// What may go wrong with a handshake.
const FAILURES: [fn(&Server); 6] = [
    |server| drop(plain(server)),
    |server| plain(server).reset(),
    |server| plain(server).send_bytes(b"\x16"),
    |server| {
        let hello = TlsClient::hello();
        let mut client = plain(server);
        client.send_bytes(&hello);
        client.read_bytes(5);
    },
    |server| {
        let mut hello = TlsClient::hello();
        hello[40..].fill(0xff);
        let mut client = plain(server);
        client.send_bytes(&hello);
        client.read_to_any_end();
    },
    // A record that is longer than any may be.
    |server| {
        let mut client = plain(server);
        client.send_bytes(b"\x16\x03\x01\xff\xff\x01");
        client.read_to_any_end();
    },
];

#[test]
fn who_does_not_finish_the_handshake_has_not_been_here() {
    let server = Server::start(&["--tls", "-v"]);
    let mut alice = server.joined("alice");
    let before = Footprint::of(&server);
    for (number, fails) in (1..).zip(FAILURES) {
        fails(&server);
        server.log_lines(number, |line| line.contains("no handshake: "));
    }
    before.returns(&server);
    let log = server.log();
    let of_handshakes = log.iter().filter(|line| line.contains("no handshake: "));
    let of_handshakes: Vec<&String> = of_handshakes.collect();
    assert_eq!(of_handshakes.len(), FAILURES.len(), "{log:#?}");
    assert!(
        of_handshakes.iter().all(|line| line.contains("DEBUG")),
        "{log:#?}"
    );
    assert_eq!(
        log.iter().filter(|line| line.contains("joined: ")).count(),
        1,
        "{log:#?}"
    );
    next_notice_is_of_a_newcomer(&mut alice, &server);
}

#[test]
fn a_handshake_that_is_not_finished_gives_its_seat_back() {
    let server = Server::start(&["--tls", "--max-clients", "1"]);
    let before = Footprint::of(&server);
    for fails in FAILURES {
        before.returns(&server);
        fails(&server);
        // The only one that there is.
        eventually("the seat is free", || {
            let mut client = plain(&server);
            let is_sent = client.try_send(&TlsClient::hello()).is_ok();
            is_sent && !client.read_up_to(1).is_empty()
        });
    }
}

#[test]
fn at_the_shutdown_who_has_not_finished_the_handshake_is_closed_and_waited_for_by_nobody() {
    let mut server = Server::start(&["--tls"]);
    let mut silent = plain(&server);
    let mut begun = plain(&server);
    begun.send_bytes(b"\x16\x03\x01");
    let alice = server.joined("alice");
    server.signal("TERM");
    assert_eq!(silent.read_to_any_end().0, b"");
    assert_eq!(begun.read_to_any_end().0, b"");
    drop(alice);
    assert_eq!(server.wait_exit().code(), Some(0));
}

//! Section 4: visitors that are no chat clients, of whom nobody in the room ever reads. No web page
//! can speak in a chat on the reader's LAN.

use std::thread;
use std::time::{Duration, Instant};

use crate::kit::{Client, Footprint, Server, next_notice_is_of_a_newcomer, within_the_gathering};

/// For how long the welcome is held back from who is silent.
const HELD_BACK: Duration = Duration::from_millis(100);

/// What each of them does with its connection.
const VISITS: [fn(&Server); 7] = [
    // Browsers with a page that wants to speak here, and TLS clients.
    |server| {
        for beginning in requests_and_tls().chain(others()) {
            let mut client = server.connect();
            // The server may close while a long request is still being sent.
            let _ = client.try_send(&beginning);
            client.read_to_any_end();
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
    const ROUNDS: usize = 3;
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

/// Requests, with what a malicious page would add, and TLS: strangers in both modes.
fn requests_and_tls() -> impl Iterator<Item = Vec<u8>> {
    let body =
        "Host: 10.0.0.7:8080\r\nContent-Length: 30\r\n\r\nbuy this\r\n/nick eve\r\n/me sells\r\n";
    let long_url = "a".repeat(8 * 1024);
    let requests = [
        format!("POST / HTTP/1.1\r\n{body}"),
        format!("GET / HTTP/1.0\r\n{body}"),
        // Longer than --max-line.
        format!("GET /{long_url} HTTP/1.1\r\n{body}"),
        format!("PUT /x HTTP/1.1\n{body}"),
        "GET / HTTP/1.1\r\n\r\n".to_owned(),
        // Behind empty lines (RFC 9112, section 2.2), and with more blanks than it should have.
        format!("\r\n\n\r\nGET / HTTP/1.1\r\n{body}"),
        format!("GET  / \tHTTP/1.1 \r\n{body}"),
        // HTTP/2 (RFC 9113, section 3.4), RTSP, SIP, SSDP.
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n".to_owned(),
        "OPTIONS sip:nm SIP/2.0\r\nVia: SIP/2.0/TCP nm;branch=foo\r\n\r\n".to_owned(),
        "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n\r\n".to_owned(),
    ];
    // A TLS record: handshake, version 1.0, 512 bytes, and of these a client hello.
    let hello = [
        &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3][..],
        b"\nhello from TLS\n",
    ]
    .concat();
    let requests = requests.map(String::into_bytes);
    requests.into_iter().chain([hello, vec![0x16]])
}

/// What else is a stranger in chat.
fn others() -> impl Iterator<Item = Vec<u8>> {
    let all: [&[u8]; 9] = [
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"SSH-",
        b"\r\nSSH-1.5-scanner\n",
        // STUN over TCP (RFC 8489): a binding request with its magic cookie.
        b"\x00\x01\x00\x00\x21\x12\xa4\x42\nbuy this\n",
        b"\0",
        b"a line with \0 in it\nbuy this\n",
        b"\r\0\0",
        b"\n\nlate\0\n",
        // The NUL is no telnet command's.
        b"\xff\xf1\0\n",
    ];
    all.into_iter().map(<[u8]>::to_vec)
}

/// What `nmap -sV` sends to a port that is silent at first, to see what answers: the probes that no
/// person would type.
const PROBES: [(&str, &[u8]); 17] = [
    ("GetRequest", b"GET / HTTP/1.0\r\n\r\n"),
    ("HTTPOptions", b"OPTIONS / HTTP/1.0\r\n\r\n"),
    ("RTSPRequest", b"OPTIONS / RTSP/1.0\r\n\r\n"),
    (
        "FourOhFourRequest",
        b"GET /nice%20ports%2C/Tri%6Eity.txt%2ebak HTTP/1.0\r\n\r\n",
    ),
    (
        "SIPOptions",
        b"OPTIONS sip:nm SIP/2.0\r\nVia: SIP/2.0/TCP nm;branch=foo\r\nCSeq: 42 OPTIONS\r\n\r\n",
    ),
    (
        "RPCCheck",
        b"\x80\0\0\x28\x72\xfe\x1d\x13\0\0\0\0\0\0\0\x02\0\x01\x86\xa0\0\x01\x97\x7c\0\0\0\0",
    ),
    (
        "DNSVersionBindReqTCP",
        b"\0\x1e\0\x06\x01\0\0\x01\0\0\0\0\0\0\x07version\x04bind\0\0\x10\0\x03",
    ),
    ("DNSStatusRequestTCP", b"\0\x0c\0\0\x10\0\0\0\0\0\0\0\0\0"),
    (
        "SSLSessionReq",
        b"\x16\x03\0\0S\x01\0\0O\x03\0?G\xd7\xf7\xba,\xee\xea\xb2`~\xf3\0\xfd\n\x82{\xb9\xd5",
    ),
    (
        "TLSSessionReq",
        b"\x16\x03\0\0i\x01\0\0e\x03\x03U\x1c\xa7\xe4random1random2",
    ),
    (
        "Kerberos",
        b"\0\0\0qj\x81n0\x81k\xa1\x03\x02\x01\x05\xa2\x03\x02\x01\n\xa4\x81^0",
    ),
    (
        "SMBProgNeg",
        b"\0\0\0\xa4\xff\x53\x4d\x42\x72\0\0\0\0\x08\x01\x40\0\0PC NETWORK PROGRAM 1.0\0",
    ),
    ("X11Probe", b"\x6c\0\x0b\0\0\0\0\0\0\0\0\0"),
    (
        "LDAPSearchReq",
        b"0\x84\0\0\0-\x02\x01\x07c\x84\0\0\0$\x04\0\n\x01\0\n\x01\0\x02\x01\0\x02\x01\x64",
    ),
    (
        "LDAPBindReq",
        b"0\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\0\x80\0",
    ),
    ("TerminalServer", b"\x03\0\0\x0b\x06\xe0\0\0\0\0\0"),
    ("JavaRMI", b"JRMI\0\x02K"),
];

/// Somebody new who does all of `first` before the server looks, however busy the machine is: so
/// nothing can stand before the answer.
fn newcomer(server: &Server, first: impl FnOnce(&Client)) -> Client {
    server.signal("STOP");
    let client = server.connect();
    first(&client);
    server.signal("CONT");
    client
}

fn who_sends_at_once(server: &Server, bytes: &[u8]) -> Client {
    newcomer(server, |client| client.send_bytes(bytes))
}

/// The rest of what `client` reads is the refusal, and then the connection ends.
fn is_refused(client: &mut Client, bytes: &[u8]) {
    let answer = client.expect_eof();
    let beginning = bytes[..bytes.len().min(20)].escape_ascii();
    let lines: Vec<&str> = answer.iter().map(|line| line.trim_end()).collect();
    let ["HTTP/1.0 400 Bad Request", "", explanation] = lines[..] else {
        panic!("{beginning}: {answer:?}");
    };
    assert!(
        explanation.contains("chat server") && explanation.contains("nc"),
        "{beginning}: {answer:?}"
    );
}

/// Everybody who sends one of these is refused, and nobody in the room reads of it.
fn are_refused<'a>(server: &Server, room: &mut [Client; 2], all: impl Iterator<Item = &'a [u8]>) {
    for bytes in all {
        is_refused(&mut who_sends_at_once(server, bytes), bytes);
    }
    let [speaker, listener] = room;
    speaker.send("the end");
    let line = listener.read_line();
    assert!(line.ends_with("the end"), "{line:?}");
}

#[test]
fn strangers_read_400_and_one_line_and_are_closed_and_nothing_that_they_sent_is_passed_on() {
    let server = Server::start(&[]);
    let mut room = server.room(["alice", "bob"]);
    let all: Vec<Vec<u8>> = requests_and_tls().chain(others()).collect();
    are_refused(&server, &mut room, all.iter().map(Vec::as_slice));
}

#[test]
fn of_the_probes_of_nmap_those_that_nobody_types_are_a_strangers() {
    let server = Server::start(&[]);
    let mut room = server.room(["alice", "bob"]);
    are_refused(&server, &mut room, PROBES.iter().map(|(_, bytes)| *bytes));
    assert_eq!(
        server
            .log()
            .iter()
            .filter(|line| line.contains("joined: "))
            .count(),
        2,
        "those of the room"
    );
}

#[test]
fn in_raw_mode_requests_and_tls_are_strangers_and_nobody_else_is() {
    let server = Server::start(&["--raw"]);
    let mut room: [Client; 2] = server.raw_room();
    let all: Vec<Vec<u8>> = requests_and_tls().collect();
    are_refused(&server, &mut room, all.iter().map(Vec::as_slice));
    let [_, mut listener] = room;
    for line in ["SSH-2.0-OpenSSH_9.9", "\0", "JRMI\0\u{2}K", "\u{1}\u{16}"] {
        let client = server.connect();
        client.send(line);
        listener.next_is(line);
    }
}

#[test]
fn a_request_without_a_line_end_is_a_strangers_when_no_more_can_come() {
    let server = Server::start(&[]);
    let [mut alice, bob] = server.room(["alice", "bob"]);
    let request = b"GET / HTTP/1.1";
    let mut at_its_end = newcomer(&server, |client| {
        client.send_bytes(request);
        client.close_sending();
    });
    is_refused(&mut at_its_end, request);
    // The telnet command EOF is an end too.
    let mut telnet = who_sends_at_once(&server, &[request, &b"\xff\xec"[..]].concat());
    is_refused(&mut telnet, request);
    bob.send("the end");
    heard_until_the_end(&mut alice);
}

/// What the room reads until bob says that this is the end is nothing that somebody else said.
fn heard_until_the_end(reader: &mut Client) {
    let heard = reader.lines_until("<bob> the end");
    assert!(
        heard.iter().all(|line| line.starts_with("-- ")),
        "{heard:?}"
    );
}

#[test]
fn a_request_that_comes_in_pieces_is_a_strangers_also_behind_the_welcome() {
    let server = Server::start(&[]);
    let [mut alice, bob] = server.room(["alice", "bob"]);
    let mut client = server.welcomed();
    let request = b"\r\nPOST / HTTP/1.1\r\n";
    let (last, first) = request.split_last().expect("bytes");
    for byte in first {
        // The answer to AYT shows that it was read before the next one is sent.
        client.send_bytes(&[*byte, 0xff, 0xf6]);
        client.lines_until_one(&"the answer to AYT", |line| line.contains("chatd is here"));
    }
    client.send_bytes(&[&[*last], &b"buy this\r\n"[..]].concat());
    is_refused(&mut client, request);
    bob.send("the end");
    heard_until_the_end(&mut alice);
}

#[test]
fn a_stranger_that_was_silent_for_a_second_first_was_announced_and_is_a_departure() {
    let server = Server::start(&[]);
    let [mut alice] = server.room(["alice"]);
    let mut client = server.connect();
    client.read_welcome();
    alice.next_is("-- guest2 joined");
    let request = b"POST / HTTP/1.1\r\n\r\nbuy this\r\n";
    client.send_bytes(request);
    is_refused(&mut client, request);
    alice.next_is("-- guest2 left");
}

#[test]
fn a_request_that_begins_after_the_welcome_is_announced_to_nobody() {
    let (server, mut alice) = within_the_gathering(|| {
        let server = Server::start(&[]);
        let [alice] = server.room(["alice"]);
        let since = Instant::now();
        let mut client = server.welcomed();
        let request = b"POST / HTTP/1.1\r\n\r\nbuy this\r\n";
        client.send_bytes(request);
        is_refused(&mut client, request);
        (since, (server, alice))
    });
    next_notice_is_of_a_newcomer(&mut alice, &server);
}

#[test]
fn the_welcome_is_held_back_for_a_moment_from_who_is_silent() {
    let server = Server::start(&[]);
    let began = Instant::now();
    let mut client = server.connect();
    client.next_is("-- welcome to chatd, you are guest1");
    let passed = began.elapsed();
    assert!(passed >= HELD_BACK, "only for {passed:?}");
}

#[test]
fn who_says_something_else_first_is_heard() {
    let server = Server::start(&[]);
    let [mut alice] = server.room(["alice"]);
    let cases: [(&[u8], &str); 14] = [
        // Probes of nmap that people may type too: Help, LPDString.
        (b"HELP\r\n", "HELP"),
        (b"\x01default\n", "\u{fffd}default"),
        // CR NUL, and the NULs of telnet's options and sub-negotiations.
        (b"\r\0hello\r\0", "hello"),
        (b"\xff\xfb\0\xff\xfa\x18\0xterm\xff\xf0hello\r\0", "hello"),
        (b"is HTTP/1.1 still used?\n", "is HTTP/1.1 still used?"),
        (b"HTTP/1.1\n", "HTTP/1.1"),
        (b"I like HTTP/2\n", "I like HTTP/2"),
        (b"see RFC HTTP/1.1\n", "see RFC HTTP/1.1"),
        (b"GET HTTP/1.1\n", "GET HTTP/1.1"),
        (b"GET / HTTP/1.1 now\n", "GET / HTTP/1.1 now"),
        (b"get / HTTP/1.1\n", "get / HTTP/1.1"),
        (b"GET / HTTP/11\n", "GET / HTTP/11"),
        (b"SSH is down\n", "SSH is down"),
        (b"my SSH-2.0\n", "my SSH-2.0"),
    ];
    for (number, (bytes, text)) in (2..).zip(cases) {
        let client = server.connect();
        client.send_bytes(bytes);
        alice.expect(&format!("<guest{number}> {text}"));
    }
}

#[test]
fn only_the_first_line_that_is_not_empty_can_be_a_strangers() {
    let server = Server::start(&[]);
    let [mut alice, bob] = server.room(["alice", "bob"]);
    for (bytes, text) in [
        (&b"GET / HTTP/1.1\n"[..], "GET / HTTP/1.1"),
        (b"SSH-2.0\n", "SSH-2.0"),
        (b"\x16\n", "\u{fffd}"),
        (b"\0\n", "\u{fffd}"),
    ] {
        bob.send_bytes(bytes);
        alice.next_is(&format!("<bob> {text}"));
    }
}

//! Section 4: telnet commands, taken out wherever they are split, and what is answered to them.

use socket2::SockRef;

use crate::kit::{Client, FIRST_WORDS, Server, crowd, only_in_plain, reads, reads_each};

const EOF: u8 = 236;
const SE: u8 = 240;
const NOP: u8 = 241;
const BRK: u8 = 243;
const IP: u8 = 244;
const AYT: u8 = 246;
const SB: u8 = 250;
const WILL: u8 = 251;
const WONT: u8 = 252;
const DO: u8 = 253;
const DONT: u8 = 254;
const IAC: u8 = 255;

const ECHO: u8 = 1;
const SUPPRESS_GO_AHEAD: u8 = 3;
const TIMING_MARK: u8 = 6;
const TERMINAL_TYPE: u8 = 24;

/// What a client is sent, byte for byte, because of `bytes`, which it sends in one piece with a
/// command after them.
fn sent_back(client: &mut Client, bytes: &[u8]) -> Vec<u8> {
    client.send_bytes(&[bytes, b"/version\n"].concat());
    let mut came = Vec::new();
    loop {
        let line = client.read_line_bytes();
        came.extend(&line);
        if let Some(at) = came.windows(9).position(|window| window == b"-- chatd ") {
            came.truncate(at);
            return came;
        }
        came.push(b'\n');
    }
}

/// The same for each of many cases. The client is one that has sent a telnet command before, so its
/// lines end in CRLF.
fn sends_back_each(cases: &[(&[u8], &[u8])]) {
    let server = Server::start(&[]);
    let mut client = server.welcomed();
    client.send_bytes(&[IAC, NOP]);
    for (bytes, expected) in cases {
        let came = sent_back(&mut client, bytes);
        assert!(
            came == *expected,
            "after {bytes:?} came {} instead of {}",
            came.escape_ascii(),
            expected.escape_ascii()
        );
    }
}

#[test]
fn telnet_commands_are_taken_out_wherever_they_are_split() {
    let server = Server::start(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    let line = [
        b"he".as_slice(),
        &[IAC, WILL, ECHO],
        b"l",
        &[
            IAC,
            SB,
            TERMINAL_TYPE,
            0,
            b'\n',
            b'x',
            IAC,
            IAC,
            b't',
            IAC,
            SE,
        ],
        b"l",
        &[IAC, NOP],
        b"o",
        &[IAC, IAC],
        b"!\r\n",
    ]
    .concat();
    for at in 0..=line.len() {
        // The answer shows that the server has read the first part before the second one is sent.
        alice.send_bytes(&[&[IAC, AYT], &line[..at]].concat());
        alice.lines_until_one(&"the answer to AYT", |line| line.contains("chatd is here"));
        let came = reads(&mut bob, &mut alice, &line[at..]);
        assert_eq!(came, ["<alice> hello\u{fffd}!"], "split at {at}");
    }
}

#[test]
fn iac_iac_is_the_byte_255() {
    let server = Server::start(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    // The byte 255 is never part of UTF-8.
    let line = [
        b"a".as_slice(),
        &[IAC, IAC],
        b"b",
        &[IAC, IAC, IAC, IAC],
        b"c\n",
    ]
    .concat();
    assert_eq!(
        reads(&mut bob, &mut alice, &line),
        ["<alice> a\u{fffd}b\u{fffd}\u{fffd}c"]
    );
}

#[test]
fn every_other_command_is_taken_out_in_silence() {
    // From suspend-process to go-ahead, without those that are answered or that other bytes follow.
    for command in (EOF + 1..SB).filter(|command| ![BRK, IP, AYT].contains(command)) {
        sends_back_each(&[(&[IAC, command], b"")]);
    }
}

#[test]
fn a_will_is_answered_dont_and_a_do_is_answered_wont_each_time() {
    sends_back_each(&[
        (&[IAC, WILL, ECHO], &[IAC, DONT, ECHO]),
        (&[IAC, WILL, ECHO], &[IAC, DONT, ECHO]),
        (&[IAC, DO, TIMING_MARK], &[IAC, WONT, TIMING_MARK]),
        (&[IAC, DO, TIMING_MARK], &[IAC, WONT, TIMING_MARK]),
        (&[IAC, WILL, 0], &[IAC, DONT, 0]),
        (&[IAC, DO, IAC], &[IAC, WONT, IAC]),
    ]);
}

#[test]
fn an_option_is_answered_at_most_once_per_read() {
    let thrice = |verb, option| [IAC, verb, option].repeat(3);
    sends_back_each(&[
        (&thrice(DO, TIMING_MARK), &[IAC, WONT, TIMING_MARK]),
        (&thrice(WILL, ECHO), &[IAC, DONT, ECHO]),
        (&thrice(DO, TIMING_MARK), &[IAC, WONT, TIMING_MARK]),
    ]);
}

#[test]
fn different_options_are_each_answered() {
    let server = Server::start(&[]);
    let mut client = server.welcomed();
    let asked = [
        [IAC, DO, ECHO],
        [IAC, DO, SUPPRESS_GO_AHEAD],
        [IAC, WILL, ECHO],
    ];
    let mut answers: Vec<Vec<u8>> = sent_back(&mut client, &asked.concat())
        .chunks(3)
        .map(<[u8]>::to_vec)
        .collect();
    answers.sort();
    assert_eq!(
        answers,
        [
            [IAC, WONT, ECHO],
            [IAC, WONT, SUPPRESS_GO_AHEAD],
            [IAC, DONT, ECHO]
        ]
    );
}

#[test]
fn wont_and_dont_are_not_answered() {
    sends_back_each(&[(&[IAC, WONT, ECHO], b""), (&[IAC, DONT, ECHO], b"")]);
}

#[test]
fn ctrl_c_is_answered_how_to_leave_and_ayt_that_chatd_is_here() {
    sends_back_each(&[
        (&[IAC, IP], b"-- to leave: /quit\r\n"),
        (&[IAC, BRK], b"-- to leave: /quit\r\n"),
        (&[IAC, AYT], b"-- yes, chatd is here\r\n"),
        (&[IAC, IP], b"-- to leave: /quit\r\n"),
    ]);
}

#[test]
fn what_is_answered_to_telnet_commands_is_read_by_nobody_else() {
    let server = Server::start(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    let bytes = [
        IAC,
        IP,
        IAC,
        BRK,
        IAC,
        AYT,
        IAC,
        DO,
        TIMING_MARK,
        IAC,
        WILL,
        ECHO,
        b'\n',
    ];
    reads_each(&mut bob, &mut alice, &[(&bytes, &[])]);
}

#[test]
fn a_sub_negotiation_over_512_bytes_is_dropped_up_to_its_end_or_the_next_lf() {
    let server = Server::start(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    for length in [0, 511, 512, 513, 2_000, 70_000] {
        let begun = [&[IAC, SB, TERMINAL_TYPE][..], &b"x".repeat(length)].concat();
        let ended = [&begun, &[IAC, SE][..], b"hello\n"].concat();
        assert_eq!(
            reads(&mut bob, &mut alice, &ended),
            ["<alice> hello"],
            "{length} bytes and its end"
        );
        // The option counts too.
        let is_over = length + 1 > 512;
        let expected: &[&str] = if is_over { &["<alice> hello"] } else { &[] };
        let cut_off = [&begun, &b"\nhello\n"[..], &[IAC, SE]].concat();
        let came = reads(&mut bob, &mut alice, &cut_off);
        assert_eq!(came, expected, "{length} bytes and LF");
    }
}

#[test]
fn urgent_bytes_stay_in_line() {
    if only_in_plain("TLS has no urgent bytes") {
        return;
    }
    let server = Server::start(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    alice.send_bytes(b"ab");
    SockRef::from(alice.stream())
        .send_out_of_band(b"c")
        .expect("an urgent byte");
    assert_eq!(reads(&mut bob, &mut alice, b"d\n"), ["<alice> abcd"]);
}

/// Each of many clients sends a beginning, `end` and a line that is never said, and leaves by that.
/// Returns what others have heard of them.
fn heard_of_those_who_leave_by(end: &[u8], beginnings: &[&[u8]]) -> Vec<String> {
    let server = Server::start(&[]);
    let [mut watcher] = server.room(["watcher"]);
    for (client, beginning) in crowd(&server, "leaver-", beginnings.len())
        .iter_mut()
        .zip(beginnings)
    {
        client.send_bytes(&[beginning, end, b"and no more\n"].concat());
        client.expect_eof();
    }
    server.log_lines(beginnings.len(), |line| {
        line.contains("leaver-") && line.ends_with("quit")
    });
    let mut heard = watcher.settle();
    heard.retain(|line| line.starts_with('<') && !line.ends_with(FIRST_WORDS));
    heard
}

#[test]
fn ctrl_d_as_the_first_byte_of_a_line_means_that_the_client_leaves() {
    let heard = heard_of_those_who_leave_by(
        b"\x04",
        &[
            b"",
            b"\n",
            b"my last words\n",
            b"my last words\r\n",
            b"my last words\r\0",
            &[IAC, NOP],
        ],
    );
    assert_eq!(
        heard,
        [
            "<leaver-2> my last words",
            "<leaver-3> my last words",
            "<leaver-4> my last words"
        ]
    );
}

#[test]
fn the_telnet_command_eof_means_that_the_client_leaves() {
    let heard = heard_of_those_who_leave_by(
        &[IAC, EOF],
        &[
            b"",
            b"my last words\n",
            b"with no end",
            b"one\ntwo",
            b"with CR\r",
        ],
    );
    assert_eq!(
        heard,
        [
            "<leaver-1> my last words",
            "<leaver-2> with no end",
            "<leaver-3> one",
            "<leaver-3> two",
            "<leaver-4> with CR\u{fffd}"
        ]
    );
}

#[test]
fn ctrl_d_anywhere_else_is_a_control_character() {
    let server = Server::start(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    reads_each(
        &mut bob,
        &mut alice,
        &[(b"a\x04b\n", &["<alice> a\u{fffd}b"])],
    );
}

/// Without the CR its terminal would show the welcome as stairs.
#[test]
fn a_telnet_that_speaks_first_gets_its_welcome_in_crlf() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.send_bytes(&[IAC, NOP]);
    let welcome = client.lines_until("-- /nick NAME picks a name, /help lists the commands\r");
    assert!(
        welcome.iter().all(|line| line.ends_with('\r')),
        "{welcome:?}"
    );
}

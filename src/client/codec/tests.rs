//! What is heard of what clients send, and what it costs.

use super::*;

/// `--max-line` of these tests.
const LONGEST: usize = 20;

/// What a client sends, and what is heard of it with the cost of each.
type Case<'a> = (&'a [u8], &'a [(&'a str, u64)]);

fn codec(grammar: Grammar) -> Codec {
    Codec::new(ClientId(1), Address::User(1), grammar, LONGEST)
}

fn shown(heard: &Heard) -> String {
    let text = |bytes: &[u8]| {
        let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        String::from_utf8_lossy(text).replace('\n', "|")
    };
    match heard {
        Heard::Event(Event::Said(_, lines)) => format!("said {}", text(lines.as_bytes())),
        Heard::Event(Event::Asked(..)) => "asked".to_owned(),
        Heard::Event(Event::Answered(_, answer)) => text(answer.as_bytes()),
        Heard::Event(Event::WantsCrlf(_)) => "sent CR".to_owned(),
        Heard::Event(_) => "something else".to_owned(),
        Heard::Left(Ending::NotChat) => "stranger".to_owned(),
        Heard::Left(_) => "left".to_owned(),
        Heard::Wish(_) => "wish".to_owned(),
        Heard::Nothing => "nothing".to_owned(),
    }
}

/// What the codec makes of these bytes, if it may pass at once what costs `most`: each with
/// its cost, up to where the client leaves.
fn heard(codec: &mut Codec, sent: &[u8], most: u64) -> Vec<(String, u64)> {
    codec.feed(&mut sent.to_vec());
    let mut all = Vec::new();
    while let Some(item) = codec.next_item(most) {
        all.push((shown(&item.heard), item.cost));
        if matches!(item.heard, Heard::Left(_)) {
            break;
        }
    }
    all
}

/// Checks that for each of many clients.
fn hears_each(grammar: Grammar, cases: &[Case<'_>]) {
    for (sent, expected) in cases {
        let found = heard(&mut codec(grammar), sent, u64::MAX);
        let found = found.iter().map(|(text, cost)| (text.as_str(), *cost));
        let sent = sent.escape_ascii();
        assert_eq!(found.collect::<Vec<_>>(), *expected, "of {sent}");
    }
}

#[test]
fn a_line_costs_its_bytes_after_clean_up_and_80() {
    hears_each(
        Grammar::Chat,
        &[
            (b"hello\n", &[("said hello", 85)]),
            (b"one\ntwo\n", &[("said one|two", 166)]),
            (b"//one\n", &[("said /one", 84)]),
            (b"\x01\xfe\n", &[("said \u{fffd}\u{fffd}", 86)]),
            (b"/me waves\n", &[("asked", 85)]),
            (b"/msg bob \x01\n", &[("asked", 85)]),
            (b"/r hush\n", &[("asked", 84)]),
        ],
    );
}

#[test]
fn any_other_command_costs_1_kib() {
    hears_each(
        Grammar::Chat,
        &[
            (b"/who\n", &[("asked", 1024)]),
            (b"/away lunch\n", &[("asked", 1024)]),
            (b"/nick alice\n", &[("asked", 1024)]),
            (b"/msg bob\n", &[("asked", 1024)]),
            (b"/frobnicate\n", &[("asked", 1024)]),
        ],
    );
}

#[test]
fn bytes_that_make_no_line_cost_their_number() {
    let too_long = "-- line too long: the limit is 20 bytes, nothing was sent";
    hears_each(
        Grammar::Chat,
        &[
            // Empty lines.
            (b"\n\n\n", &[("nothing", 3)]),
            (
                b"\r\n\r\n\r\0",
                &[("nothing", 2), ("sent CR", 0), ("nothing", 4)],
            ),
            // Telnet commands.
            (b"\xff\xf1\xff\xf1", &[("sent CR", 0), ("nothing", 4)]),
            (
                b"\xff\xfa\x18xterm\xff\xf0a\n",
                &[("sent CR", 0), ("nothing", 10), ("said a", 81)],
            ),
            // Of IAC IAC one is a byte of the line.
            (
                b"\xff\xff\n",
                &[("sent CR", 0), ("nothing", 1), ("said \u{fffd}", 83)],
            ),
            // What was taken back, with what took it back; and lines that are empty after that.
            (b"ab\x08\n", &[("nothing", 2), ("said a", 81)]),
            (b"\xc3\xa9\x7fab\n", &[("nothing", 3), ("said ab", 82)]),
            (b"a\x7f\n", &[("nothing", 3)]),
            // What is too long for a line.
            (
                b"123456789012345678901\n",
                &[("nothing", 22), (too_long, 0)],
            ),
            (
                b"123456789012345678901\r\n",
                &[("nothing", 23), (too_long, 0)],
            ),
            (b"1234567890123456789012", &[("nothing", 22)]),
            // Marks that are more than a cell has room for.
            (
                "\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\n"
                    .as_bytes(),
                &[
                    ("nothing", 4),
                    (
                        "said \u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
                        96,
                    ),
                ],
            ),
            // All of it together.
            (b"\n\na\nab\x08\n\n", &[("nothing", 5), ("said a|a", 162)]),
        ],
    );
}

#[test]
fn in_raw_mode_every_line_costs_its_bytes_and_80() {
    hears_each(
        Grammar::Raw,
        &[
            (b"one\r\n", &[("said one\r", 84)]),
            (b"\n\n", &[("said |", 160)]),
            (
                b"/who\nx\x08\n\xff\xf1\n",
                &[("said /who|x\x08|\u{fffd}\u{fffd}", 248)],
            ),
            (b"123456789012345678901\n", &[("nothing", 22)]),
        ],
    );
}

#[test]
fn lines_pass_together_up_to_what_may_pass_and_one_that_costs_more_passes_alone() {
    let long = "123456789012345\n";
    let sent = ["a\n", "b\n", long, "c\n"].concat();
    let said = |parts: &[(&str, u64)]| {
        let part = |(text, cost): &(&str, u64)| (format!("said {text}"), *cost);
        parts.iter().map(part).collect::<Vec<_>>()
    };
    let long = long.trim_end();
    for (most, expected) in [
        (0, &[("a", 81), ("b", 81), (long, 95), ("c", 81)][..]),
        (161, &[("a", 81), ("b", 81), (long, 95), ("c", 81)]),
        (162, &[("a|b", 162), (long, 95), ("c", 81)]),
        (176, &[("a|b", 162), ("123456789012345|c", 176)]),
    ] {
        let found = heard(&mut codec(Grammar::Chat), sent.as_bytes(), most);
        assert_eq!(found, said(expected), "up to {most}");
    }
    // However much may pass, an event has a bound.
    let many = heard(&mut codec(Grammar::Chat), &b"x\n".repeat(1000), u64::MAX);
    let costs = many.iter().map(|(_, cost)| *cost).collect::<Vec<_>>();
    assert!(costs.iter().all(|cost| *cost <= EVENT_COST), "{costs:?}");
    assert_eq!((costs.len(), costs.iter().sum()), (3, 81_000));
}

#[test]
fn what_a_client_sends_is_heard_in_its_order() {
    let sent = b"one\n/who\ntwo\nthree\r\nfour\n/quit\nnever\n";
    let expected = [
        ("said one", 83),
        ("asked", 1024),
        ("said two|three", 168),
        ("sent CR", 0),
        ("said four", 84),
        ("left", 0),
    ];
    hears_each(Grammar::Chat, &[(sent, &expected)]);
}

#[test]
fn the_first_cr_at_the_end_of_a_line_or_telnet_command_is_heard_once() {
    let mut codec = codec(Grammar::Chat);
    let mut hears = |sent: &[u8]| {
        let heard = heard(&mut codec, sent, u64::MAX);
        heard.iter().filter(|(text, _)| text == "sent CR").count()
    };
    assert_eq!(hears(b"a\n\r"), 0);
    assert_eq!(hears(b"\n"), 1);
    assert_eq!(hears(b"a\r\n\r\0\xff\xf1"), 0);
}

#[test]
fn telnet_commands_are_answered_in_one_piece_for_each_kind() {
    let sent = b"\xff\xf4\xff\xf3\xff\xf6\xff\xfd\x06\xff\xf6\xff\xfb\x01\n";
    let found = heard(&mut codec(Grammar::Chat), sent, u64::MAX);
    let found = found.iter().map(|(text, _)| text.as_str());
    let refusals = String::from_utf8_lossy(b"\xff\xfc\x06\xff\xfe\x01");
    let to_leave = "-- to leave: /quit";
    assert_eq!(
        found.collect::<Vec<_>>(),
        [
            "sent CR",
            &refusals,
            to_leave,
            "-- yes, chatd is here",
            "nothing"
        ]
    );
}

#[test]
fn who_says_a_bare_command_is_told_once_how_commands_begin() {
    let sent = b"help me\n QUIT \nexit\n/who\n";
    let expected = [
        ("said help me| QUIT ", 7 + 6 + 160),
        ("-- commands begin with /: /quit", 0),
        ("said exit", 84),
        ("asked", 1024),
    ];
    hears_each(Grammar::Chat, &[(sent, &expected)]);
}

#[test]
fn eot_at_the_start_of_a_line_and_the_telnet_command_eof_mean_that_the_client_leaves() {
    let (said, left) = (("said one", 83), ("left", 0));
    hears_each(
        Grammar::Chat,
        &[
            (b"one\n\x04two\n", &[said, left]),
            (b"\n\x04", &[("nothing", 1), left]),
            (
                b"one\n\xff\xectwo\n",
                &[("sent CR", 0), ("nothing", 6), said, left],
            ),
            (
                b"one\xff\xec",
                &[("sent CR", 0), ("nothing", 2), said, left],
            ),
        ],
    );
}

#[test]
fn of_a_stranger_nothing_else_is_heard() {
    let request: &[u8] = b"GET / HTTP/1.1\r\nbuy this\r\n\xff\xf6";
    let stranger: &[(&str, u64)] = &[("stranger", 0)];
    for grammar in [Grammar::Chat, Grammar::Raw] {
        let after_empty_lines = [b"\r\n\n", request].concat();
        let tls = b"\x16\x03\x01\nbuy this\n";
        hears_each(
            grammar,
            &[
                (request, stranger),
                (&after_empty_lines, stranger),
                (tls, stranger),
            ],
        );
    }
    hears_each(
        Grammar::Chat,
        &[
            (b"\xff\xf6one\0\ntwo\n", stranger),
            (b"GET / HTTP/1.1\xff\xec", stranger),
        ],
    );
}

#[test]
fn a_command_about_passwords_ends_what_is_heard_where_there_are_no_accounts() {
    let answer = ("-- this server has no accounts", 1024);
    for command in ["/login", "\x1b[A/LOGIN alice", "/password", "/register"] {
        let sent = format!("one\n{command}\nhunter2\n");
        let expected = [("said one", 83), answer, ("left", 0)];
        hears_each(Grammar::Chat, &[(sent.as_bytes(), &expected)]);
    }
}

#[test]
fn a_command_about_passwords_that_is_too_long_ends_what_is_heard() {
    let too_long = "-- line too long: the limit is 20 bytes, nothing was sent";
    let sent = b"\x1b[A/LOGIN alice hunter2 hunter2\nhunter2\n";
    let expected = [("nothing", 32), (too_long, 0), ("left", 0)];
    hears_each(Grammar::Chat, &[(sent, &expected)]);
}

#[test]
fn the_tally_has_all_bytes_and_the_lines_that_are_not_empty() {
    for (grammar, lines) in [(Grammar::Chat, 3), (Grammar::Raw, 6)] {
        let mut codec = codec(grammar);
        let sent = b"one\n/who\n\n\xff\xf1\nx\x08\n//two\n";
        heard(&mut codec, sent, u64::MAX);
        let bytes = sent.len() as u64;
        assert_eq!(codec.tally, Tally { lines, bytes });
    }
}

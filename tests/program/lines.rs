//! Section 4: how bytes become lines, what they are cleaned of, and what others read of them.

use std::iter;

use crate::kit::{Client, Server, answers, reads, reads_each};

fn alice_and_bob(args: &[&str]) -> (Server, Client, Client) {
    let server = Server::start(args);
    let [alice, bob] = server.room(["alice", "bob"]);
    (server, alice, bob)
}

#[test]
fn lf_and_crlf_and_cr_nul_end_a_line() {
    let (_server, mut alice, mut bob) = alice_and_bob(&[]);
    reads_each(
        &mut bob,
        &mut alice,
        &[
            (b"one\n", &["<alice> one"]),
            (b"one\ntwo\n", &["<alice> one", "<alice> two"]),
            (b"one\r\ntwo\r\n", &["<alice> one", "<alice> two"]),
            (b"one\r\0two\r\0", &["<alice> one", "<alice> two"]),
            (
                b"one\r\0two\nthree\r\n",
                &["<alice> one", "<alice> two", "<alice> three"],
            ),
        ],
    );
}

#[test]
fn a_line_that_comes_byte_by_byte_is_one_line() {
    let (_server, mut alice, mut bob) = alice_and_bob(&[]);
    alice.stream().set_nodelay(true).expect("no delay");
    for byte in "gr\u{fc}\u{df}e\r\n".bytes() {
        alice.send_bytes(&[byte]);
    }
    assert_eq!(
        reads(&mut bob, &mut alice, b"\n"),
        ["<alice> gr\u{fc}\u{df}e"]
    );
}

#[test]
fn one_cr_before_the_lf_is_dropped_and_any_other_is_a_control_character() {
    let (_server, mut alice, mut bob) = alice_and_bob(&[]);
    reads_each(
        &mut bob,
        &mut alice,
        &[
            (b"one\r\r\n", &["<alice> one\u{fffd}"]),
            (b"one\rtwo\n", &["<alice> one\u{fffd}two"]),
        ],
    );
}

#[test]
fn empty_lines_are_ignored() {
    let (_server, mut alice, mut bob) = alice_and_bob(&[]);
    reads_each(
        &mut bob,
        &mut alice,
        &[(b"\n\r\n\r\0\n", &[]), (b"\n\none\n\n", &["<alice> one"])],
    );
}

#[test]
fn authors_do_not_get_their_own_lines_back() {
    let (_server, mut alice, mut bob) = alice_and_bob(&[]);
    assert!(answers(&mut alice, "hello").is_empty());
    assert_eq!(bob.settle(), ["<alice> hello"]);
}

/// The characters that are never passed on. CR is left out, because what stands after it decides what it is.
fn forbidden_characters() -> impl Iterator<Item = char> {
    let c0 = ('\0'..' ').filter(|character| !['\t', '\n', '\r'].contains(character));
    let delete_and_c1 = '\u{7f}'..='\u{9f}';
    let separators = '\u{2028}'..='\u{2029}';
    let bidirectional = ['\u{61c}', '\u{200e}', '\u{200f}']
        .into_iter()
        .chain('\u{202a}'..='\u{202e}')
        .chain('\u{2066}'..='\u{2069}');
    let invisible = ['\u{2060}', '\u{feff}']
        .into_iter()
        .chain('\u{fff9}'..='\u{fffb}');
    let tags = '\u{e0000}'..='\u{e007f}';
    c0.chain(delete_and_c1)
        .chain(separators)
        .chain(bidirectional)
        .chain(invisible)
        .chain(tags)
}

/// Sends `a`, the character and `b` for each, all at once; returns the characters that were read as `wanted` does not
/// say.
fn not_read_as(characters: &[char], wanted: impl Fn(char) -> char) -> Vec<String> {
    let (_server, mut alice, mut bob) = alice_and_bob(&[]);
    let sent: String = characters
        .iter()
        .flat_map(|c| ['a', *c, 'b', '\n'])
        .collect();
    let came = reads(&mut bob, &mut alice, sent.as_bytes());
    assert_eq!(came.len(), characters.len(), "{came:?}");
    iter::zip(characters, came)
        .filter(|(character, line)| *line != format!("<alice> a{}b", wanted(**character)))
        .map(|(character, line)| format!("{character:?} came as {line:?}"))
        .collect()
}

#[test]
fn every_control_bidirectional_invisible_and_tag_character_becomes_a_replacement_character() {
    let characters: Vec<char> = forbidden_characters().collect();
    assert_eq!(not_read_as(&characters, |_| '\u{fffd}'), [""; 0]);
}

#[test]
fn the_characters_next_to_the_forbidden_ones_stay() {
    // TAB; and a joiner, without which many scripts and emoji cannot be written.
    let others = [
        '\t', ' ', '~', '\u{a0}', '\u{61b}', '\u{61d}', '\u{200d}', '\u{2027}', '\u{202f}',
    ];
    let more = [
        '\u{206a}',
        '\u{fefe}',
        '\u{ff00}',
        '\u{fff8}',
        '\u{fffc}',
        '\u{fffd}',
        '\u{dffff}',
        '\u{e0080}',
    ];
    let characters: Vec<char> = others.into_iter().chain(more).collect();
    assert_eq!(not_read_as(&characters, |character| character), [""; 0]);
}

#[test]
fn bytes_that_are_not_utf8_become_replacement_characters_as_in_from_utf8_lossy() {
    let (_server, mut alice, mut bob) = alice_and_bob(&[]);
    let cases: [&[u8]; 12] = [
        b"\x80",
        b"a\x85b",
        b"\x9b31m",
        b"\xc3",
        b"\xc3(",
        b"\xe2\x82",
        b"\xe2\x82 \xe2\x82\xac",
        b"\xf0\x90\x80",
        b"\xc0\xaf",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xfe caf\xe9",
    ];
    for bytes in cases {
        let came = reads(&mut bob, &mut alice, &[bytes, b"\n"].concat());
        let expected = format!("<alice> {}", String::from_utf8_lossy(bytes));
        assert_eq!(came, [expected], "after {}", bytes.escape_ascii());
    }
}

#[test]
fn an_escape_sequence_arrives_as_harmless_text() {
    let (_server, mut alice, mut bob) = alice_and_bob(&[]);
    let line = b"\x1b[2J\x1b]0;title\x07\x1b[31mred\n";
    assert_eq!(
        reads(&mut bob, &mut alice, line),
        ["<alice> \u{fffd}[2J\u{fffd}]0;title\u{fffd}\u{fffd}[31mred"]
    );
}

#[test]
fn of_a_run_of_combining_marks_the_first_8_stay() {
    let (_server, mut alice, mut bob) = alice_and_bob(&[]);
    let acute = |count| "\u{301}".repeat(count);
    // Marks of all three kinds: above, enclosing, beside.
    let mixed = "\u{301}\u{20dd}\u{903}".repeat(3);
    let first_8_of_mixed: String = mixed.chars().take(8).collect();
    let cases = [
        (format!("e{}x", acute(8)), format!("e{}x", acute(8))),
        (format!("e{}x", acute(9)), format!("e{}x", acute(8))),
        (format!("e{}", acute(500)), format!("e{}", acute(8))),
        (
            format!("e{0}a{0}", acute(12)),
            format!("e{0}a{0}", acute(8)),
        ),
        (format!("e{mixed}x"), format!("e{first_8_of_mixed}x")),
    ];
    for (sent, expected) in cases {
        let came = reads(&mut bob, &mut alice, format!("{sent}\n").as_bytes());
        assert_eq!(came, [format!("<alice> {expected}")], "after {sent:?}");
    }
}

#[test]
fn max_line_counts_bytes_after_telnet_before_clean_up_without_the_lines_end() {
    let (_server, mut alice, mut bob) = alice_and_bob(&["--max-line", "16"]);
    let cleaned = format!("<alice> {}", "\u{fffd}".repeat(16));
    let with_255 = format!("<alice> {}\u{fffd}", "x".repeat(15));
    reads_each(
        &mut bob,
        &mut alice,
        &[
            (b"123456789012345\n", &["<alice> 123456789012345"]),
            (b"1234567890123456\n", &["<alice> 1234567890123456"]),
            (b"12345678901234567\n", &[]),
            (b"1234567890123456\r\n", &["<alice> 1234567890123456"]),
            (b"12345678901234567\r\n", &[]),
            (b"1234567890123456\r\0", &["<alice> 1234567890123456"]),
            (b"12345678\xff\xf190123456\n", &["<alice> 1234567890123456"]),
            (b"xxxxxxxxxxxxxxx\xff\xff\n", &[&with_255]),
            (&[b"\x01".repeat(16), b"\n".to_vec()].concat(), &[&cleaned]),
            (
                "\u{20ac}\u{20ac}\u{20ac}\u{20ac}\u{20ac}xx\n".as_bytes(),
                &[],
            ),
        ],
    );
}

#[test]
fn max_line_counts_the_same_where_the_line_comes_in_two_reads() {
    let (_server, mut alice, mut bob) = alice_and_bob(&["--max-line", "16"]);
    let fits = ["<alice> 1234567890123456"];
    for (rest, expected) in [
        (&b"0123456\n"[..], &fits[..]),
        (b"0123456\r\n", &fits),
        (b"01234567\n", &[]),
        (b"01234567\r\n", &[]),
        (b"0123456\rx\n", &[]),
    ] {
        // The answer to telnet's AYT shows that the first part was read.
        alice.send_bytes(b"\xff\xf6123456789");
        alice.lines_until_one(&"the answer to AYT", |line| line.contains("chatd is here"));
        let came = reads(&mut bob, &mut alice, rest);
        assert_eq!(came, expected, "after {}", rest.escape_ascii());
    }
}

#[test]
fn the_author_of_a_line_that_is_too_long_reads_the_limit_and_the_next_line_is_fine() {
    for (args, limit) in [(&[][..], 4096), (&["--max-line", "100"], 100)] {
        let (_server, mut alice, mut bob) = alice_and_bob(args);
        let notice = format!("-- line too long: the limit is {limit} bytes, nothing was sent");
        alice.send(&"x".repeat(limit + 1));
        alice.send(&"y".repeat(limit * 3));
        assert_eq!(answers(&mut alice, "the next"), [notice.clone(), notice]);
        assert_eq!(bob.settle(), ["<alice> the next"]);
    }
}

#[test]
fn a_line_that_is_too_long_is_not_sent_either_if_it_is_the_last_and_has_no_end() {
    let (_server, mut alice, mut bob) = alice_and_bob(&["--max-line", "100"]);
    alice.send_bytes(&[b'x'; 101]);
    alice.close_sending();
    let notice = "-- line too long: the limit is 100 bytes, nothing was sent";
    assert_eq!(alice.expect_eof(), [notice]);
    bob.next_is("-- alice left");
}

#[test]
fn the_first_characters_of_a_line_say_what_it_is() {
    let server = Server::start(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    reads_each(
        &mut bob,
        &mut alice,
        &[
            (b"hello\n", &["<alice> hello"]),
            (b"/me waves\n", &["* alice waves"]),
            (b"/msg bob psst\n", &["[alice -> you] psst"]),
            (b"/nick carol\n", &["-- alice is now carol"]),
        ],
    );
    assert_eq!(answers(&mut bob, "/me bows"), ["* bob bows"]);
    assert_eq!(
        answers(&mut bob, "/msg carol hush"),
        ["[you -> carol] hush"]
    );
}

#[test]
fn lines_end_in_crlf_for_a_client_that_sent_crlf_or_cr_nul_or_telnet_from_then_on() {
    let cases: [&[u8]; 3] = [b"\r\n", b"\r\0", b"\xff\xf1\n"];
    for (number, line_end) in cases.into_iter().enumerate() {
        let server = Server::start(&[]);
        let [mut speaker, mut changed, mut other] = server.room(["speaker", "changed", "other"]);
        changed.send_bytes(&[b"hi", line_end].concat());
        changed.settle();
        // One LF does not take it back.
        changed.send("hi again");
        changed.settle();
        answers(&mut speaker, "hello");
        let expected = "<speaker> hello\r";
        assert_eq!(changed.settle(), [expected], "case {number}");
        assert_eq!(other.settle().last().expect("lines"), "<speaker> hello");
    }
}

#[test]
fn nobody_can_pass_for_another_or_for_the_server_at_the_start_of_a_line() {
    // What terminals and programs take for the end of a line, or for a way back to its start.
    let breaks = [
        "\r",
        "\u{b}",
        "\u{c}",
        "\u{85}",
        "\u{2028}",
        "\u{2029}",
        "\u{1b}E",
        "\u{1b}[1G",
        "\u{1b}[2K\r",
        "\u{8}\u{8}\u{8}",
        "\0",
        "\u{1c}",
        "\u{1d}",
        "\u{1e}",
        "\u{9b}1G",
        "\u{84}",
        "\u{8d}",
        "\u{202e}",
    ];
    let forgeries = [
        "<bob> I resign",
        "* bob resigns",
        "[bob -> you] come",
        "-- bob left",
    ];
    let ways = ["", "hello", "/me waves", "/msg bob look", "/away lunch"];
    let server = Server::start(&[]);
    let [mut mallory, mut bob] = server.room(["mallory", "bob"]);
    let sent = ways.iter().flat_map(|way| {
        let lines = breaks.iter().zip(forgeries.iter().cycle());
        lines.map(move |(line_break, forgery)| format!("{way}{line_break}{forgery}\n"))
    });
    let sent: Vec<String> = sent.collect();
    let came = reads(&mut bob, &mut mallory, sent.concat().as_bytes());
    let public = sent.len() - breaks.len();
    assert_eq!(
        came.len(),
        public,
        "one line for each, but for those that only mark as away"
    );
    let honest = ["<mallory> ", "* mallory ", "[mallory -> you] "];
    for line in came {
        assert!(
            honest.iter().any(|start| line.starts_with(start)),
            "{line:?}"
        );
        let unharmed = forbidden_characters()
            .chain(['\r'])
            .all(|c| !line.contains(c));
        assert!(unharmed, "{line:?}");
    }
}

#[test]
fn a_quit_text_cannot_forge_a_line_either() {
    let (_server, alice, mut bob) = alice_and_bob(&[]);
    alice.send_bytes(b"/quit bye\r<bob> I resign\xc2\x85-- bob left \"now\"\n");
    bob.next_is("-- alice left: \"bye\u{fffd}<bob> I resign\u{fffd}-- bob left 'now'\"");
}

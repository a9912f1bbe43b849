//! Section 4: how bytes become lines, how long a line may be, and where its end is.

use crate::kit::{
    Server, alice_and_bob, answers, only_over_tcp, passes, reads, reads_each, seen_from_both_sides,
};

/// A character that has 4 bytes in UTF-8.
const CLEF: &str = "\u{1d11e}";

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
fn bs_and_del_take_back_the_character_before_them() {
    let (_server, mut alice, mut bob) = alice_and_bob(&[]);
    reads_each(
        &mut bob,
        &mut alice,
        &[
            (b"helo\x08lo\n", &["<alice> hello"]),
            (b"helo\x7flo\n", &["<alice> hello"]),
            (
                "gr\u{fc}\u{20ac}\u{1d11e}\x08\x7f\x08u\u{df}\n".as_bytes(),
                &["<alice> gru\u{df}"],
            ),
            // Of what is not UTF-8 each byte is a character.
            (b"a\xe2\x82\x08b\n", &["<alice> a\u{fffd}b"]),
            // At the start of a line there is nothing to take back.
            (b"one\n\x08\x7ftwo\n", &["<alice> one", "<alice> two"]),
            (b"one\x08\x08\x08\x08two\n", &["<alice> two"]),
            // What is left decides what the line is.
            (b"x\x08/me waves\n", &["* alice waves"]),
            (b"/me wavez\x7fs\n", &["* alice waves"]),
            (b"/\x08hello\n", &["<alice> hello"]),
            // A line that is empty then is ignored as others are.
            (b"one\x7f\x7f\x7f\n\x08\r\nx\x08\r\0", &[]),
        ],
    );
}

#[test]
fn authors_do_not_get_their_own_lines_back() {
    let (_server, mut alice, mut bob) = alice_and_bob(&[]);
    assert!(answers(&mut alice, "hello").is_empty());
    assert_eq!(bob.settle(), ["<alice> hello"]);
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
            (b"12345678901234\x08\x08\n", &["<alice> 123456789012"]),
            (b"123456789012345\x08\x08\n", &[]),
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
fn a_line_at_max_line_or_one_under_passes_and_one_over_does_not() {
    for limit in [32, 4096, 65_536] {
        let limit_option = format!("{limit}B");
        let options = ["--rate", "0", "--max-line", &limit_option];
        for (mode, prefix) in [(&[][..], "<alice> "), (&["--raw"], "")] {
            let server = Server::start(&[&options, mode].concat());
            let [alice, mut bob] = if prefix.is_empty() {
                server.raw_room()
            } else {
                server.room(["alice", "bob"])
            };
            for length in [limit - 1, limit, limit + 1] {
                alice.send(&"x".repeat(length));
            }
            alice.send("the end");
            let lines = bob.lines_until(&format!("{prefix}the end"));
            let lengths: Vec<usize> = lines.iter().map(|line| line.len() - prefix.len()).collect();
            assert_eq!(lengths, [limit - 1, limit], "--max-line {limit}, {mode:?}");
        }
    }
}

#[test]
fn a_character_of_4_bytes_across_max_line_takes_its_line_with_it_and_no_other() {
    let (_server, alice, mut bob) = alice_and_bob(&["--max-line", "32B"]);
    for before in 25..=31 {
        let line = "x".repeat(before) + CLEF;
        if line.len() <= 32 {
            passes(&alice, &mut bob, line.as_bytes(), &line);
        } else {
            alice.send(&line);
        }
        passes(&alice, &mut bob, b"and the next one", "and the next one");
    }
}

#[test]
fn no_line_waits_until_the_one_before_it_is_acknowledged() {
    if only_over_tcp("nothing is acknowledged on a Unix socket") {
        return;
    }
    let server = Server::start(&[]);
    let Some((_client, socket)) = seen_from_both_sides(&server) else {
        return;
    };
    // Nagle's algorithm (RFC 896) would hold it back: for 40 ms, where the client has nothing to say.
    assert!(socket.tcp_nodelay().unwrap());
}

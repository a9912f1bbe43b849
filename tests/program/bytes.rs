//! Hostile bytes: lengths at the limit, every value, broken UTF-8, telnet without end.

use std::thread;
use std::time::Duration;

use crate::kit::{Client, MIB, Server, grew_by_less_than};

/// Sequences that are not UTF-8, each wrong in its own way.
const BROKEN: [&[u8]; 16] = [
    // Overlong forms of `/`, of NUL and of LF.
    b"\xc0\xaf",
    b"\xe0\x80\xaf",
    b"\xf0\x80\x80\xaf",
    b"\xc0\x80",
    b"\xe0\x80\x80",
    b"\xc0\x8a",
    b"\xf0\x80\x80\x8a",
    // Halves of surrogate pairs, and what is over U+10FFFF.
    b"\xed\xa0\x80",
    b"\xed\xbf\xbf",
    b"\xf4\x90\x80\x80",
    b"\xf7\xbf\xbf\xbf",
    // Forms of five and six bytes, and bytes that stand alone.
    b"\xf8\x88\x80\x80\x80",
    b"\xfc\x84\x80\x80\x80\x80",
    b"\x80",
    b"\xbf\xbf",
    b"\xfe",
];

/// A character that has 4 bytes in UTF-8.
const CLEF: &str = "\u{1d11e}";

/// One who sends bytes, and one who reads what becomes of them.
struct Pair {
    server: Server,
    author: Client,
    reader: Client,
}

impl Pair {
    fn start(args: &[&str]) -> Self {
        let server = Server::start(args);
        let [author, reader] = if args.contains(&"--raw") {
            server.raw_room()
        } else {
            server.room(["author", "reader"])
        };
        author.stream().set_nodelay(true).expect("no delay");
        Self {
            server,
            author,
            reader,
        }
    }

    /// What is sent as one line is read as another.
    fn passes(&mut self, sent: &[u8], read: &str) {
        self.author.send_bytes(&[sent, b"\n"].concat());
        let line = self.reader.read_line();
        assert_eq!(
            line,
            format!("<author> {read}"),
            "of {}",
            sent.escape_ascii()
        );
    }
}

#[test]
fn a_line_at_max_line_or_one_under_passes_and_one_over_does_not() {
    for limit in [32, 4096, 65_536, 1_048_576] {
        let limit_option = format!("{limit}B");
        let options = ["--rate", "0", "--max-line", &limit_option];
        for (mode, prefix) in [(&[][..], "<author> "), (&["--raw"], "")] {
            let mut pair = Pair::start(&[&options, mode].concat());
            for length in [limit - 1, limit, limit + 1] {
                pair.author.send(&"x".repeat(length));
            }
            pair.author.send("the end");
            let lines = pair.reader.lines_until(&format!("{prefix}the end"));
            let lengths: Vec<usize> = lines.iter().map(|line| line.len() - prefix.len()).collect();
            assert_eq!(lengths, [limit - 1, limit], "--max-line {limit}, {mode:?}");
        }
    }
}

#[test]
fn a_character_of_4_bytes_across_max_line_takes_its_line_with_it_and_no_other() {
    let mut pair = Pair::start(&["--max-line", "32B"]);
    for before in 25..=31 {
        let line = "x".repeat(before) + CLEF;
        if line.len() <= 32 {
            pair.passes(line.as_bytes(), &line);
        } else {
            pair.author.send(&line);
        }
        pair.passes(b"and the next one", "and the next one");
    }
}

#[test]
fn every_byte_value_arrives_as_itself_in_raw_mode() {
    let mut pair = Pair::start(&["--raw"]);
    let line: Vec<u8> = (0..=u8::MAX).filter(|byte| *byte != b'\n').collect();
    pair.author.send_bytes(&[&line[..], b"\n"].concat());
    assert_eq!(pair.reader.read_line_bytes(), line);
}

#[test]
fn every_byte_value_arrives_as_itself_or_as_a_replacement_character() {
    let mut pair = Pair::start(&[]);
    // LF ends a line, and 255 begins a telnet command unless it is doubled.
    for byte in (0..u8::MAX).filter(|byte| *byte != b'\n') {
        let character = char::from(byte);
        let is_harmless = character == '\t' || character.is_ascii() && !character.is_control();
        let read = if is_harmless { character } else { '\u{fffd}' };
        // CR NUL would end a line, and so it is not followed by NUL here.
        pair.passes(&[b'a', byte, b'z'], &format!("a{read}z"));
    }
    pair.passes(b"a\xff\xffz", "a\u{fffd}z");
}

#[test]
fn what_is_not_utf_8_arrives_as_replacement_characters_and_harms_no_other_character() {
    let mut pair = Pair::start(&[]);
    for broken in BROKEN {
        let read = String::from_utf8_lossy(broken);
        assert!(
            read.chars().all(|character| character == '\u{fffd}'),
            "{read:?}"
        );
        let sent = [b"a", broken, CLEF.as_bytes(), broken].concat();
        pair.passes(&sent, &format!("a{read}{CLEF}{read}"));
    }
}

#[test]
fn a_character_of_4_bytes_may_be_cut_at_every_place() {
    let mut pair = Pair::start(&[]);
    for cut in 1..4 {
        // Between two reads it is whole, if the server has read the first part by then or not.
        let (first, second) = CLEF.as_bytes().split_at(cut);
        pair.author.send_bytes(&[b"a", first].concat());
        thread::sleep(Duration::from_millis(20));
        pair.passes(second, &format!("a{CLEF}"));
        // Cut short for good, it is one replacement character, whatever comes behind it.
        pair.passes(first, "\u{fffd}");
        pair.passes(&[first, b"z"].concat(), "\u{fffd}z");
        pair.passes(
            &[first, CLEF.as_bytes()].concat(),
            &format!("\u{fffd}{CLEF}"),
        );
    }
}

#[test]
fn a_sub_negotiation_that_never_ends_costs_no_memory() {
    let mut pair = Pair::start(&["--rate", "0"]);
    let before = pair.server.peak_resident_bytes();
    pair.author.send_bytes(b"\xff\xfa\x18");
    let piece = vec![b'x'; MIB as usize];
    for _ in 0..16 {
        pair.author.send_bytes(&piece);
    }
    pair.author.send_bytes(b"\xff\xf0");
    pair.passes(b"it is over", "it is over");
    let after = pair.server.peak_resident_bytes();
    grew_by_less_than(4 * MIB, before, after, &"a sub-negotiation goes on and on");
}

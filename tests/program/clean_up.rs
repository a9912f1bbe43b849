//! Section 4: what a line is cleaned of, so that at its start no client can pass for another or for
//! the server, and no client can send a terminal control sequences (P4).

use std::time::Duration;
use std::{iter, thread};

use crate::kit::{Server, alice_and_bob, passes, reads};

/// Sequences that are not UTF-8, each wrong in its own way.
const BROKEN: [&[u8]; 22] = [
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
    b"\xfe\xe9",
    b"\x9b",
    b"\x85",
    // Characters that are cut short.
    b"\xc3",
    b"\xe2\x82",
    b"\xf0\x90\x80",
];

/// A character that has 4 bytes in UTF-8.
const CLEF: &str = "\u{1d11e}";

#[test]
fn every_byte_value_arrives_as_itself_or_as_a_replacement_character() {
    let (_server, alice, mut bob) = alice_and_bob(&[]);
    // LF ends a line, and 255 begins a telnet command unless it is doubled.
    for byte in (0..u8::MAX).filter(|byte| *byte != b'\n') {
        let character = char::from(byte);
        let is_harmless = character == '\t' || character.is_ascii() && !character.is_control();
        let read = if is_harmless { character } else { '\u{fffd}' };
        // CR NUL would end a line, and so it is not followed by NUL here.
        passes(&alice, &mut bob, &[b'a', byte, b'z'], &format!("a{read}z"));
    }
    passes(&alice, &mut bob, b"a\xff\xffz", "a\u{fffd}z");
}

#[test]
fn what_is_not_utf_8_arrives_as_replacement_characters_and_harms_no_other_character() {
    let (_server, alice, mut bob) = alice_and_bob(&[]);
    for broken in BROKEN {
        let read = String::from_utf8_lossy(broken);
        assert!(
            read.chars().all(|character| character == '\u{fffd}'),
            "{read:?}"
        );
        let sent = [b"a", broken, CLEF.as_bytes(), broken, b"(", broken].concat();
        passes(
            &alice,
            &mut bob,
            &sent,
            &format!("a{read}{CLEF}{read}({read}"),
        );
    }
}

#[test]
fn a_character_of_4_bytes_may_be_cut_at_every_place() {
    let (_server, alice, mut bob) = alice_and_bob(&[]);
    for cut in 1..4 {
        // Between two reads it is whole, if the server has read the first part by then or not.
        let (first, second) = CLEF.as_bytes().split_at(cut);
        alice.send_bytes(&[b"a", first].concat());
        thread::sleep(Duration::from_millis(20));
        passes(&alice, &mut bob, second, &format!("a{CLEF}"));
        // Cut short for good, it is one replacement character, whatever comes behind it.
        passes(&alice, &mut bob, first, "\u{fffd}");
        passes(&alice, &mut bob, &[first, b"z"].concat(), "\u{fffd}z");
        passes(
            &alice,
            &mut bob,
            &[first, CLEF.as_bytes()].concat(),
            &format!("\u{fffd}{CLEF}"),
        );
    }
}

/// The characters that are never passed on. CR is left out, because what stands after it decides
/// what it is.
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

/// Sends `a`, the character and `b` for each, all at once; returns the characters that were read as
/// `wanted` does not say.
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

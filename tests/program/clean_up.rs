//! Section 4: what a line is cleaned of, so that at its start no client can pass for another or for
//! the server, and no client can send control sequences to a terminal (P4).

use std::iter;

use crate::kit::{Server, TempFile, alice_and_bob, passes, reads, text};

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
    // LF ends a line, BS and DEL take back a character, and 255 begins a telnet command unless it is
    // doubled.
    let is_passed_on = |byte: &u8| ![b'\n', 8, 127].contains(byte);
    for byte in (0..u8::MAX).filter(is_passed_on) {
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
    let (_server, mut alice, mut bob) = alice_and_bob(&[]);
    for cut in 1..4 {
        // Between two reads it is whole. The answer to telnet's AYT shows that the first part was read.
        let (first, second) = CLEF.as_bytes().split_at(cut);
        alice.send_bytes(&[b"\xff\xf6a", first].concat());
        alice.lines_until_one(&"the answer to AYT", |line| line.contains("chatd is here"));
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
        .chain('\u{202a}'..='\u{202e}');
    let invisible = ('\u{2060}'..='\u{206f}')
        .chain(['\u{feff}'])
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
    // BS and DEL take back a character.
    let characters: Vec<char> = forbidden_characters()
        .filter(|character| !['\u{8}', '\u{7f}'].contains(character))
        .collect();
    assert_eq!(not_read_as(&characters, |_| '\u{fffd}'), [""; 0]);
}

#[test]
fn the_characters_next_to_the_forbidden_ones_stay() {
    // TAB; and a joiner, without which many scripts and emoji cannot be written.
    let others = [
        '\t', ' ', '~', '\u{a0}', '\u{61b}', '\u{61d}', '\u{200d}', '\u{2027}', '\u{202f}',
    ];
    let more = [
        '\u{205f}',
        '\u{2070}',
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

/// What is sent, and what is read of it, where combining marks are counted.
fn marks_as_sent_and_read() -> Vec<(String, String)> {
    let acute = |count| "\u{301}".repeat(count);
    // Marks of all three kinds: above, enclosing, beside.
    let mixed = "\u{301}\u{20dd}\u{903}".repeat(3);
    let first_8_of_mixed: String = mixed.chars().take(8).collect();
    let mut cases = vec![
        (format!("e{}x", acute(8)), format!("e{}x", acute(8))),
        (format!("e{}x", acute(9)), format!("e{}x", acute(8))),
        (format!("e{}", acute(500)), format!("e{}", acute(8))),
        (
            format!("e{0}a{0}", acute(12)),
            format!("e{0}a{0}", acute(8)),
        ),
        (format!("e{mixed}x"), format!("e{first_8_of_mixed}x")),
        // At the start of a line they stand on the blank before it.
        (format!("{}x", acute(9)), format!("{}x", acute(8))),
    ];
    // Joiners, a soft hyphen, a zero-width space, fillers of Hangul, marks of music and shorthand.
    for invisible in [
        '\u{200d}',
        '\u{200c}',
        '\u{ad}',
        '\u{200b}',
        '\u{180e}',
        '\u{115f}',
        '\u{3164}',
        '\u{ffa0}',
        '\u{1d173}',
        '\u{1bca0}',
    ] {
        let pair = format!("\u{301}{invisible}");
        let rest = invisible.to_string().repeat(4);
        let read = format!("e{}{rest}x", pair.repeat(8));
        cases.push((format!("e{}x", pair.repeat(12)), read));
    }
    // Variation selectors and vowels and finals of Hangul are marks themselves.
    for mark in ['\u{fe0f}', '\u{e0100}', '\u{1160}', '\u{11ff}', '\u{d7b0}'] {
        let pair = format!("\u{301}{mark}");
        let read = format!("e{}x", pair.repeat(4));
        cases.push((format!("e{}x", pair.repeat(12)), read));
    }
    cases
}

#[test]
fn of_the_combining_marks_on_one_cell_the_first_8_stay_whatever_stands_between_them() {
    let (_server, alice, mut bob) = alice_and_bob(&[]);
    for (sent, read) in marks_as_sent_and_read() {
        passes(&alice, &mut bob, sent.as_bytes(), &read);
    }
}

#[test]
fn what_people_write_with_marks_and_invisible_characters_stays() {
    let (_server, alice, mut bob) = alice_and_bob(&[]);
    for text in [
        // A family, one with skin tones, a heart on fire, a keycap, a flag.
        "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}\u{200d}\u{1f466}",
        "\u{1f468}\u{1f3ff}\u{200d}\u{1f469}\u{1f3fb}\u{200d}\u{1f467}\u{1f3fd}",
        "\u{2764}\u{fe0f}\u{200d}\u{1f525} 1\u{fe0f}\u{20e3} \u{1f1e9}\u{1f1ea}",
        // Thai, with a vowel and a tone on one letter; Hindi; Persian, with a non-joiner.
        "\u{e17}\u{e35}\u{e48}\u{e19}\u{e35}\u{e48}",
        "\u{915}\u{94d}\u{200d}\u{937}\u{924}\u{94d}\u{930}\u{93f}\u{92f}",
        "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645}",
        // Hangul, old Hangul and Vietnamese in their decomposed forms; Hebrew with points.
        "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}\u{1112}\u{119e}\u{11ab}",
        "Vie\u{323}\u{302}t",
        "\u{5e9}\u{5c1}\u{5b8}\u{5dc}\u{5d5}\u{5b9}\u{5dd}",
    ] {
        passes(&alice, &mut bob, text.as_bytes(), text);
    }
}

#[test]
fn the_same_goes_for_the_motd() {
    let harmful = forbidden_characters().map(|c| (format!("a{c}b"), "a\u{fffd}b".to_owned()));
    let lines: Vec<(String, String)> = harmful.chain(marks_as_sent_and_read()).collect();
    let file = TempFile::with(&text(lines.iter().map(|(written, _)| written.clone())));
    let server = Server::start(&["--motd", file.path()]);
    let mut newcomer = server.connect();
    for (written, read) in lines {
        let line = newcomer.read_line();
        assert_eq!(line, format!("-- {read}"), "of {written:?}");
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

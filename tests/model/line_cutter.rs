//! The line cutter with telnet before it and clean-up behind it, against a reference that has the
//! whole stream before its eyes and so needs no state.

use crate::bytes::Bytes;
use crate::harm::is_forbidden;
use chatd::cutter::{Cut, Cutter, End, Grammar};
use chatd::telnet::{Requests, Telnet};
use chatd::text::{Lines, take_back};

/// How many bytes of the input choose how the rest is read.
const CHOICES: usize = 6;

const IAC: u8 = 255;
/// The client leaves.
const EOF: u8 = 236;
const SE: u8 = 240;
const SB: u8 = 250;

/// The longest sub-negotiation that only its own end ends, from the specification.
const SUBNEGOTIATION_BYTES: usize = 512;

#[derive(Debug, PartialEq, Eq)]
enum Found {
    Line(Vec<u8>, End),
    TooLong,
    EndOfTransmission,
}

impl From<Cut<'_>> for Found {
    fn from(cut: Cut<'_>) -> Self {
        match cut {
            Cut::Line(line, end) => Self::Line(line.to_vec(), end),
            Cut::TooLong => Self::TooLong,
            Cut::EndOfTransmission => Self::EndOfTransmission,
        }
    }
}

/// The first bytes choose the limit, the grammar and the reads; the rest is what the client sends.
pub fn check(input: &[u8]) {
    let (choices, sent) = input.split_at(input.len().min(CHOICES));
    let mut choices = Bytes::new(choices);
    let longest = 1 + choices.below(40);
    let grammar = choices.pick(&[Grammar::Chat, Grammar::Chat, Grammar::Chat, Grammar::Raw]);
    let reads = [(); 4].map(|()| choices.pick(&[1, 2, 3, 5, 9, 17, 100, 1000]));

    let text = match grammar {
        Grammar::Chat => without_telnet(sent),
        Grammar::Raw => sent.to_vec(),
    };
    let expected = lines_of(&text, grammar, longest);
    let found = cut_in_reads(sent, grammar, longest, &reads);
    assert_eq!(found, expected, "limit {longest}, reads of {reads:?}");
    for line in &found {
        if let Found::Line(line, _) = line {
            check_clean_up(line);
            check_take_back(line);
        }
    }
}

/// What the server's own code makes of `sent`, read in pieces of these lengths, over and over.
fn cut_in_reads(sent: &[u8], grammar: Grammar, longest: usize, reads: &[usize]) -> Vec<Found> {
    let (mut telnet, mut cutter) = (Telnet::default(), Cutter::new(grammar, longest));
    let mut found = Vec::new();
    let mut rest = sent;
    for length in reads.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (read, after) = rest.split_at(rest.len().min(*length));
        rest = after;
        let mut buffer = read.to_vec();
        let text = match grammar {
            Grammar::Chat => {
                let mut asked = Requests::default();
                let length = telnet.take_out(&mut buffer, &mut asked);
                check_refusals(&asked);
                &buffer[..length]
            }
            Grammar::Raw => &buffer,
        };
        cutter.feed(text);
        cut_all(&mut cutter, &mut found);
        if found.last() == Some(&Found::EndOfTransmission) {
            return found;
        }
        check_memory(&cutter, longest);
    }
    cutter.end();
    cut_all(&mut cutter, &mut found);
    found
}

/// Nothing is cut after the end of the transmission.
fn cut_all(cutter: &mut Cutter, found: &mut Vec<Found>) {
    while let Some(cut) = cutter.next_line() {
        found.push(cut.into());
        if found.last() == Some(&Found::EndOfTransmission) {
            return;
        }
    }
}

/// No option is refused twice in a read, whatever the client sends.
fn check_refusals(asked: &Requests) {
    let refusals = asked.refusals.chunks(3).collect::<Vec<_>>();
    for (at, refusal) in refusals.iter().enumerate() {
        assert!(
            matches!(refusal, [IAC, 252 | 254, _]),
            "{refusal:?} is no refusal"
        );
        assert!(
            !refusals[..at].contains(refusal),
            "{refusal:?} was sent twice for one read"
        );
    }
    assert!(
        asked.telnet || asked.refusals.is_empty(),
        "something was refused that no telnet asked for"
    );
}

/// What the cutter holds is private, but its debug form shows it, with up to 5 characters a byte.
fn check_memory(cutter: &Cutter, longest: usize) {
    let held = format!("{cutter:?}").len();
    // Of a line that is too long it remembers 64 bytes.
    let most = 270 + 5 * (longest + 1 + 64);
    assert!(
        held <= most,
        "the cutter grew beyond its limit of {longest}"
    );
}

/// The text of a whole stream, telnet commands taken out (RFC 854, RFC 855).
fn without_telnet(mut stream: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    loop {
        stream = match stream {
            [] | [IAC] | [IAC, 251..=254] | [IAC, EOF, ..] => return text,
            [IAC, IAC, rest @ ..] => {
                text.push(IAC);
                rest
            }
            [IAC, 251..=254, _option, rest @ ..] => rest,
            [IAC, SB, rest @ ..] => after_subnegotiation(rest),
            [IAC, _command, rest @ ..] => rest,
            [byte, rest @ ..] => {
                text.push(*byte);
                rest
            }
        };
    }
}

fn after_subnegotiation(stream: &[u8]) -> &[u8] {
    let mut at = 0;
    while at < stream.len() {
        match &stream[at..] {
            [b'\n', ..] if at > SUBNEGOTIATION_BYTES => return &stream[at..],
            [IAC, b'\n', ..] if at + 1 > SUBNEGOTIATION_BYTES => return &stream[at + 1..],
            [IAC, SE, rest @ ..] => return rest,
            [IAC, _, ..] => at += 2,
            _ => at += 1,
        }
    }
    &[]
}

/// The lines of a whole text.
fn lines_of(mut text: &[u8], grammar: Grammar, longest: usize) -> Vec<Found> {
    let mut found = Vec::new();
    while !text.is_empty() {
        if grammar == Grammar::Chat && text[0] == 4 {
            found.push(Found::EndOfTransmission);
            break;
        }
        let is_end = |at: &usize| match (grammar, text[*at]) {
            (_, b'\n') => true,
            (Grammar::Chat, 0) => *at > 0 && text[at - 1] == b'\r',
            _ => false,
        };
        let end = (0..text.len()).find(is_end);
        let line = &text[..end.unwrap_or(text.len())];
        let (line, style) = match (grammar, end, line.strip_suffix(b"\r")) {
            (Grammar::Chat, Some(_), Some(line)) => (line, End::Cr),
            _ => (line, End::Lf),
        };
        found.push(if line.len() > longest {
            Found::TooLong
        } else {
            Found::Line(line.to_vec(), style)
        });
        text = end.map_or(&[], |end| &text[end + 1..]);
    }
    found
}

/// What others read of a line can do nothing to their terminals, and is otherwise what was sent.
fn check_clean_up(line: &[u8]) {
    if line.contains(&b'\n') {
        return;
    }
    let mut lines = Lines::default();
    lines.push_clean(line);
    let (cleaned, end) = lines.as_bytes().split_at(lines.as_bytes().len() - 1);
    assert_eq!(end, b"\n");
    let cleaned = std::str::from_utf8(cleaned).expect("what is passed on is UTF-8");
    assert!(
        !cleaned.chars().any(is_forbidden),
        "{line:?} became {cleaned:?}"
    );
    let mut run = 0;
    for character in cleaned.chars() {
        if is_mark(character) {
            run += 1;
        } else if !is_unseen(character) {
            run = 0;
        }
        assert!(run <= 8, "{cleaned:?} has {run} combining marks on a cell");
    }
    if line.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) {
        assert_eq!(cleaned.as_bytes(), line, "plain text stays as it is");
    }
}

/// Combining marks, or what is painted as one, of a few scripts: enough to tell whether they are
/// counted. What of them is no mark to Unicode is drawn so by terminals.
fn is_mark(character: char) -> bool {
    matches!(u32::from(character), 0x300..=0x36F | 0x1160..=0x11FF | 0x20D0..=0x20F0 | 0xFE00..=0xFE0F)
}

/// Characters that nobody sees and that take no cell of the screen, as far as they are no harm.
fn is_unseen(character: char) -> bool {
    matches!(
        u32::from(character),
        0xAD | 0x115F | 0x180E | 0x200B..=0x200D | 0x3164 | 0xFFA0
    )
}

/// BS and DEL take back a whole character, and nothing at the start of a line.
fn check_take_back(line: &[u8]) {
    let typed = take_back(line);
    assert!(!typed.iter().any(|byte| matches!(byte, 8 | 127)));
    let Ok(text) = str::from_utf8(line) else {
        return;
    };
    let mut expected = String::new();
    for character in text.chars() {
        if matches!(character, '\u{8}' | '\u{7f}') {
            expected.pop();
        } else {
            expected.push(character);
        }
    }
    assert_eq!(typed, expected.as_bytes(), "of {text:?}");
}

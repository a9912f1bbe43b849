//! Clean-up: what a client says, made harmless for every terminal.
//!
//! Only here a [`Lines`] or a [`Line`] is made of a client's bytes, so whoever holds one can send
//! it. In raw mode the lines are as they came.

use std::borrow::Cow;
use std::fmt;
use std::io::Write;
use unicode_normalization::char::is_combining_mark;

/// What a line costs beside its bytes: room for its author's name.
pub const LINE_COST: u64 = 80;

/// Of a run of combining marks so many stay; more of them paint over the lines above and below.
const COMBINING_MARKS: usize = 8;

/// Text of one line without its end, cleaned.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line(String);

impl Line {
    /// Cleans `text` and takes what stands before a line feed.
    pub fn new(text: &str) -> Self {
        let line = text.split('\n').next().unwrap_or_default();
        Self(clean(line.as_bytes()).into_owned())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Appends a line of the server: whatever it says begins so, and nothing else does.
pub fn push_server_line(text: &mut Vec<u8>, content: fmt::Arguments<'_>) {
    // Writing to a Vec cannot fail.
    let _ = writeln!(text, "-- {content}");
}

/// Whole lines of one client, each ending in LF: what passes from its thread to the broadcaster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines {
    text: Vec<u8>,
    count: usize,
}

impl Lines {
    /// No lines, with room for `bytes` of them.
    pub fn with_capacity(bytes: usize) -> Self {
        Self {
            text: Vec::with_capacity(bytes),
            count: 0,
        }
    }

    /// Adds a line, cleaned. `line` has no line feed in it.
    pub fn push_clean(&mut self, line: &[u8]) {
        // Most lines are plain, and then there is nothing to understand about them.
        if is_plain(line) {
            self.push_raw(line);
        } else {
            self.push_raw(clean(line).as_bytes());
        }
    }

    /// Adds a line as it is, for raw mode. `line` has no line feed in it.
    pub fn push_raw(&mut self, line: &[u8]) {
        self.text.extend_from_slice(line);
        self.text.push(b'\n');
        self.count += 1;
    }

    /// Takes away the last line, of which what is before it has so many bytes.
    #[must_use]
    pub fn split_off_last(&mut self, bytes: usize) -> Self {
        self.count -= 1;
        Self {
            text: self.text.split_off(bytes),
            count: 1,
        }
    }

    /// All lines with their ends.
    pub fn as_bytes(&self) -> &[u8] {
        &self.text
    }

    /// How many lines there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// What they cost: their bytes without their ends, and for each line [`LINE_COST`].
    pub fn cost(&self) -> u64 {
        (self.text.len() - self.count) as u64 + self.count as u64 * LINE_COST
    }

    /// Each line without its end.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        memchr::memchr_iter(b'\n', &self.text).map(move |end| {
            let line = &self.text[start..end];
            start = end + 1;
            line
        })
    }
}

/// The text of `line` (bytes without a line feed) as others may read it: what is not UTF-8, and
/// what could steer a terminal, hide or reorder text, is U+FFFD.
pub fn clean(line: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(line);
    if is_plain(text.as_bytes()) {
        return text;
    }
    let mut kept = String::with_capacity(text.len());
    let mut marks = 0;
    for character in text.chars() {
        let is_mark = is_combining_mark(character);
        marks = if is_mark { marks + 1 } else { 0 };
        if is_harmful(character) {
            kept.push(char::REPLACEMENT_CHARACTER);
        } else if marks <= COMBINING_MARKS {
            kept.push(character);
        }
    }
    Cow::Owned(kept)
}

/// Whether all of it is printable ASCII or TAB. This runs for every byte that anyone says, so it is
/// decided without a branch.
fn is_plain(text: &[u8]) -> bool {
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t');
    text.iter().fold(true, |plain, byte| plain & is_plain(byte))
}

/// Whether clean-up replaces the character.
pub fn is_harmful(character: char) -> bool {
    match character {
        '\t' => false,
        // Controls: C0, DEL, C1.
        _ if character.is_control() => true,
        // Line and paragraph separators.
        '\u{2028}' | '\u{2029}'
        // Bidirectional marks, embeddings, overrides and isolates (UAX #9).
        | '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}'
        // Word joiner, byte order mark, interlinear annotations, tags: seen by programs and not by
        // people.
        | '\u{2060}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}' => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_text_stays() {
        for text in [
            "",
            "hello",
            "tab\there",
            "~ !",
            "grüße",
            "こんにちは",
            "👩‍👩‍👧",
            "e\u{301}",
        ] {
            assert_eq!(clean(text.as_bytes()), text);
        }
    }

    #[test]
    fn what_could_steer_a_terminal_becomes_a_replacement_character() {
        let harmful = ('\0'..='\u{10FFFF}')
            .filter(|c| is_harmful(*c))
            .collect::<Vec<_>>();
        assert_eq!(harmful.len(), 31 + 1 + 32 + 2 + 3 + 5 + 4 + 1 + 1 + 3 + 128);
        for character in harmful {
            assert_eq!(
                clean(format!("a{character}b").as_bytes()),
                "a\u{FFFD}b",
                "{character:?}"
            );
        }
    }

    #[test]
    fn of_a_run_of_combining_marks_the_first_8_stay() {
        let marks = |n| "\u{301}".repeat(n);
        let zalgo = format!("a{}b{}c", marks(9), marks(8));
        assert_eq!(
            clean(zalgo.as_bytes()),
            format!("a{}b{}c", marks(8), marks(8))
        );
    }

    #[test]
    fn lines_come_out_as_they_went_in() {
        let mut lines = Lines::default();
        for line in ["one", "", "three"] {
            lines.push_raw(line.as_bytes());
        }
        assert_eq!(
            lines.iter().collect::<Vec<_>>(),
            [&b"one"[..], b"", b"three"]
        );
        assert_eq!(lines.as_bytes(), b"one\n\nthree\n");
    }

    proptest! {
        #[test]
        fn nothing_harmful_passes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(!clean(&bytes).chars().any(is_harmful));
        }

        #[test]
        fn what_is_not_utf8_becomes_what_from_utf8_lossy_makes_of_it(
            bytes in prop::collection::vec(prop_oneof![0x20_u8..0x7f, 0xa0_u8..=0xff], 0..100)
        ) {
            let lossy = String::from_utf8_lossy(&bytes);
            prop_assume!(!lossy.chars().any(|c| is_harmful(c) || is_combining_mark(c)));
            prop_assert_eq!(clean(&bytes), lossy);
        }
    }
}

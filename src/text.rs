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

/// Of the combining marks on one cell of the screen so many stay; more of them paint over the lines
/// above and below.
pub const COMBINING_MARKS: usize = 8;

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

/// What the server says to everybody last.
pub const GOODBYE: &str = "chatd is shutting down";

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

    /// How many bytes they take in memory.
    #[cfg(feature = "data")]
    pub fn capacity(&self) -> usize {
        self.text.capacity()
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
        let is_mark = is_mark(character);
        if is_mark {
            marks += 1;
        } else if !is_invisible(character) {
            marks = 0;
        }
        if is_harmful(character) {
            kept.push(char::REPLACEMENT_CHARACTER);
        } else if !is_mark || marks <= COMBINING_MARKS {
            kept.push(character);
        }
    }
    Cow::Owned(kept)
}

/// What is left of a line as it was typed: BS and DEL take back the character before them. Only
/// clients that send each key as it is typed send them.
pub fn take_back(line: &[u8]) -> Cow<'_, [u8]> {
    const BS: u8 = 0x08;
    const DEL: u8 = 0x7F;
    if is_plain(line) || memchr::memchr2(BS, DEL, line).is_none() {
        return Cow::Borrowed(line);
    }
    let mut kept = Vec::with_capacity(line.len());
    for byte in line {
        match *byte {
            BS | DEL => kept.truncate(before_last_character(&kept)),
            byte => kept.push(byte),
        }
    }
    Cow::Owned(kept)
}

/// Where the last character of `text` begins; of what is not UTF-8 each byte is one.
fn before_last_character(text: &[u8]) -> usize {
    let starts = (1..=4).map_while(|bytes| text.len().checked_sub(bytes));
    let is_character = |start: &usize| str::from_utf8(&text[*start..]).is_ok();
    let start = starts.clone().find(is_character);
    start.or(starts.clone().next()).unwrap_or_default()
}

/// Whether a terminal paints the character onto the cell before it: combining marks, and the vowels
/// and finals of Hangul syllables.
fn is_mark(character: char) -> bool {
    is_combining_mark(character)
        || matches!(character, '\u{1160}'..='\u{11FF}' | '\u{D7B0}'..='\u{D7FF}')
}

/// Whether a terminal gives the character no cell: `Default_Ignorable_Code_Point` and the general
/// category Cf of the Unicode Character Database, without what is harmful or a mark.
pub fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{600}'..='\u{605}' | '\u{6DD}' | '\u{70F}' | '\u{890}' | '\u{891}' | '\u{8E2}'
            | '\u{110BD}' | '\u{110CD}' | '\u{13430}'..='\u{1343F}'
            | '\u{AD}' | '\u{115F}' | '\u{180E}' | '\u{200B}'..='\u{200D}' | '\u{3164}' | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFF8}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0080}'..='\u{E00FF}' | '\u{E01F0}'..='\u{E0FFF}'
    )
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
        // Bidirectional marks, embeddings and overrides (UAX #9); the isolates are in the next.
        | '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}'
        // Word joiner and what follows it, byte order mark, interlinear annotations, tags: seen by
        // programs and not by people.
        | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}' => true,
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
            "e\u{301}",
            // A family and a flag on fire, joined by U+200D, with and without a variation selector.
            "👩‍👩‍👧 👨🏿‍👩🏻‍👧🏽‍👦 ❤\u{fe0f}\u{200d}🔥",
            // Thai and Hindi, with vowels and tones on the letters; Persian, with U+200C.
            "ที่นี่มีผู้คน क्षत्रिय नमस्ते می‌خواهم",
            // Hangul, old Hangul and Vietnamese in their decomposed forms.
            "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af} \u{1112}\u{119e}\u{11ab}",
            "Vie\u{323}\u{302}t Nam",
        ] {
            assert_eq!(clean(text.as_bytes()), text);
        }
    }

    #[test]
    fn what_could_steer_a_terminal_becomes_a_replacement_character() {
        let harmful = ('\0'..='\u{10FFFF}')
            .filter(|c| is_harmful(*c))
            .collect::<Vec<_>>();
        assert_eq!(harmful.len(), 31 + 1 + 32 + 2 + 3 + 5 + 16 + 1 + 3 + 128);
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
    fn invisible_characters_between_marks_make_no_new_cell() {
        // Of each range the first and the last.
        for between in
            "\u{ad}\u{115f}\u{180e}\u{200b}\u{200c}\u{200d}\u{3164}\u{ffa0}\u{fff0}\u{fff8}\
            \u{1bca0}\u{1bca3}\u{1d173}\u{1d17a}\u{e0080}\u{e00ff}\u{e01f0}\u{e0fff}"
                .chars()
        {
            let zalgo = format!("a{}", format!("\u{301}{between}").repeat(20));
            let marks = format!("\u{301}{between}").repeat(8);
            let rest = between.to_string().repeat(12);
            let expected = format!("a{marks}{rest}");
            assert_eq!(clean(zalgo.as_bytes()), expected, "{between:?}");
        }
    }

    #[test]
    fn what_is_painted_onto_the_cell_before_it_is_a_mark() {
        // Variation selectors, joiners of letters, and vowels and finals of Hangul without a first.
        for mark in
            "\u{fe00}\u{fe0f}\u{e0100}\u{e01ef}\u{34f}\u{17b4}\u{1160}\u{11ff}\u{d7b0}\u{d7ff}\
            \u{488}\u{903}\u{20dd}"
                .chars()
        {
            for marks in [mark.to_string(), format!("\u{301}{mark}")] {
                let zalgo = format!("a{}b", marks.repeat(20));
                let cleaned = clean(zalgo.as_bytes());
                let expected = marks.chars().cycle().take(8).collect::<String>();
                assert_eq!(cleaned, format!("a{expected}b"), "{marks:?}");
            }
        }
    }

    #[test]
    fn the_marks_of_each_cell_are_counted_apart() {
        let apart = "a\u{301}\u{308} b\u{301}".repeat(20);
        assert_eq!(clean(apart.as_bytes()), apart);
        let hangul = "\u{1112}\u{1161}\u{11ab}".repeat(20);
        assert_eq!(clean(hangul.as_bytes()), hangul);
        let harmful = format!("a{0}\u{1b}{0}", "\u{301}".repeat(8));
        assert_eq!(
            clean(harmful.as_bytes()),
            harmful.replace('\u{1b}', "\u{fffd}")
        );
    }

    #[test]
    fn bs_and_del_take_back_the_character_before_them() {
        for (typed, kept) in [
            ("helo\u{8}lo", "hello"),
            ("helo\u{7f}lo", "hello"),
            ("gr\u{fc}\u{20ac}\u{1f600}\u{8}\u{7f}\u{8}u", "gru"),
            ("\u{8}\u{7f}x\u{8}\u{8}y", "y"),
            ("x\u{8}", ""),
            ("plain", "plain"),
        ] {
            assert_eq!(take_back(typed.as_bytes()), kept.as_bytes(), "{typed:?}");
        }
        assert_eq!(take_back(b"a\xb0\x08b\xfc\x7f"), &b"ab"[..], "Latin-1");
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

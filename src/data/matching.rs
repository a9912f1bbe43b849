//! Whether a line contains a text, in any case.
//!
//! Both are folded: composed (NFC), then in upper case and that in lower case, so that `Straße` and
//! `STRASSE` are the same, and the three sigmas of Greek are. A line of ASCII, as nearly all are, is
//! compared as it is.

use memchr::memchr2_iter;
use unicode_normalization::UnicodeNormalization;

pub struct Wanted {
    folded: String,
    /// Its first byte in lower and upper case, if all of it is ASCII.
    first: Option<(u8, u8)>,
}

impl Wanted {
    pub fn new(text: &str) -> Self {
        let folded = fold(text);
        let first = folded.bytes().next().filter(|_| folded.is_ascii());
        Self {
            first: first.map(|byte| (byte, byte.to_ascii_uppercase())),
            folded,
        }
    }

    /// Whether it is in `line`, of which bytes that are no text are nothing that anybody looks for.
    pub fn is_in(&self, line: &[u8]) -> bool {
        if !line.is_ascii() {
            return fold(&String::from_utf8_lossy(line)).contains(&self.folded);
        }
        let wanted = self.folded.as_bytes();
        match self.first {
            Some((lower, upper)) => memchr2_iter(lower, upper, line).any(|start| {
                let found = line.get(start..start + wanted.len());
                found.is_some_and(|found| found.eq_ignore_ascii_case(wanted))
            }),
            None => wanted.is_empty(),
        }
    }
}

fn fold(text: &str) -> String {
    let upper = text.nfc().flat_map(char::to_uppercase);
    upper.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_in_any_case_of_any_script() {
        for (wanted, line) in [
            ("hello", "well, HELLO there"),
            ("HELLO", "hello"),
            ("straße", "STRASSE"),
            ("STRASSE", "Straße"),
            ("ὀδυσσεύς", "ὈΔΥΣΣΕΎΣ"),
            ("привет", "ПРИВЕТ"),
            ("caf\u{e9}", "CAFE\u{301}"),
            ("こんにちは", "皆さん、こんにちは！"),
            ("สวัสดี", "สวัสดีครับ"),
            ("k", "\u{212a}"),
            ("a b", "A B"),
            ("abc", "ababc"),
        ] {
            assert!(
                Wanted::new(wanted).is_in(line.as_bytes()),
                "{wanted} in {line}"
            );
        }
        for (wanted, line) in [
            ("hello", "hell"),
            ("é", "e"),
            ("e", "é"),
            ("б", "b"),
            ("abc", "ab"),
        ] {
            assert!(
                !Wanted::new(wanted).is_in(line.as_bytes()),
                "{wanted} in {line}"
            );
        }
    }
}

//! Passwords: what one is, how it is hashed, and what wrong ones cost whoever gives them. Nothing
//! here knows of clients: a client's own thread does a [`check::Check`] in steps.

pub mod check;
pub mod debts;
pub mod hash;
pub mod made_up;

use std::hint::black_box;
use unicode_normalization::UnicodeNormalization;

/// How many characters a new password has at least and at most.
const FEWEST_CHARACTERS: usize = 8;
const MOST_CHARACTERS: usize = 128;

/// How many times as many bytes text has after NFC at most (UAX #15, section 12.1).
const NFC_GROWTH: usize = 3;

/// A password in NFC. Nothing shows it, and it is overwritten when it is dropped.
pub struct Password(Vec<u8>);

/// Why a password cannot be a new one, for the one who has given it.
pub type Refusal = &'static str;

impl Password {
    /// Takes a password as it was typed. None for what can be nobody's: it is not UTF-8, or has a
    /// control character.
    pub fn read(typed: &[u8]) -> Option<Self> {
        let text = str::from_utf8(typed).ok()?;
        if text.contains(char::is_control) {
            return None;
        }
        // With room for all of it: where it grew, what it left would not be overwritten.
        let mut normal = String::with_capacity(NFC_GROWTH * text.len());
        normal.extend(text.nfc());
        Some(Self(normal.into_bytes()))
    }

    /// Whether it may be a new one.
    ///
    /// # Errors
    ///
    /// Why it may not.
    pub fn check_new(&self) -> Result<(), Refusal> {
        let is_start = |byte: &&u8| !matches!(byte, 0x80..=0xBF);
        match self.0.iter().filter(is_start).count() {
            FEWEST_CHARACTERS..=MOST_CHARACTERS => Ok(()),
            _ => Err("a password has 8 to 128 characters"),
        }
    }

    /// Whether it is `expected`, in a time that does not depend on how much of it is. Nothing is an
    /// empty password.
    pub fn is(&self, expected: &Self) -> bool {
        let mut difference = usize::from(expected.0.len() != self.0.len() || self.0.is_empty());
        for (byte, expected) in self.0.iter().zip(expected.0.iter().cycle()) {
            difference |= black_box(usize::from(byte ^ expected));
        }
        difference == 0
    }
}

impl Drop for Password {
    fn drop(&mut self) {
        self.0.fill(0);
        // So that the compiler does not leave out what nobody would notice.
        black_box(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn password(text: &str) -> Password {
        Password::read(text.as_bytes()).unwrap()
    }

    #[test]
    fn what_is_not_utf_8_or_has_a_control_character_is_no_password() {
        for typed in [
            b"\xff".as_slice(),
            b"hunter2\xc3",
            b"hun\tter2",
            b"hunter2\0",
            b"\x1b[A",
            b"\xc2\x85",
            b"\x7f",
        ] {
            assert!(Password::read(typed).is_none(), "{}", typed.escape_ascii());
        }
    }

    #[test]
    fn a_new_password_has_8_to_128_characters() {
        for (text, is_fit) in [
            ("1234567".to_owned(), false),
            ("12345678".to_owned(), true),
            ("e\u{301}".repeat(7), false),
            ("e\u{301}".repeat(8), true),
            ("愛".repeat(128), true),
            ("愛".repeat(129), false),
        ] {
            assert_eq!(password(&text).check_new().is_ok(), is_fit, "{text}");
        }
    }

    #[test]
    fn a_password_is_compared_in_nfc() {
        assert!(password("gru\u{308}ße").is(&password("gr\u{fc}ße")));
        assert!(!password("gruße").is(&password("gr\u{fc}ße")));
        assert!(!password("").is(&password("")), "nothing is no password");
    }

    proptest! {
        #[test]
        fn a_password_is_another_if_it_is_the_same(a in "[ab]{0,6}", b in "[ab]{1,6}") {
            prop_assert_eq!(password(&a).is(&password(&b)), a == b);
        }

        #[test]
        fn nfc_never_outgrows_its_room(text in "\\PC{0,40}") {
            let room = NFC_GROWTH * text.len();
            prop_assert!(text.nfc().collect::<String>().len() <= room);
            prop_assert!(password(&text).0.capacity() <= room.max(text.len()));
        }
    }
}

//! Passwords that chatd makes up: words that people can read to each other and type.

use rustix::io;
use rustix::rand::{GetRandomFlags, getrandom};

/// Five words of 16 bits: 80 random bits.
const WORDS: usize = 5;

/// Each stands for four bits, and each of the vowels for two. No two of them sound alike. Words
/// made so are known as proquints (D. S. Wilkerson, arXiv:0901.4016).
const CONSONANTS: &[u8; 16] = b"bdfghjklmnprstvz";
const VOWELS: &[u8; 4] = b"aiou";

/// Makes up a password of 80 random bits, such as `lusab-babad-gutih-tugad-mudof`.
///
/// # Errors
///
/// The system has no random numbers.
pub fn make_up() -> io::Result<String> {
    let mut random = [0; 2 * WORDS];
    // So few bytes come at once or not at all (getrandom(2)).
    getrandom(&mut random, GetRandomFlags::empty())?;
    let (bits, _) = random.as_chunks();
    let words = bits.iter().map(|bits| word(*bits)).collect::<Vec<_>>();
    Ok(words.join("-"))
}

/// The word that stands for 16 bits: three consonants with two vowels between them.
fn word(bits: [u8; 2]) -> String {
    let bits = u16::from_be_bytes(bits);
    let consonant = |shift: u16| char::from(CONSONANTS[usize::from(bits >> shift & 15)]);
    let vowel = |shift: u16| char::from(VOWELS[usize::from(bits >> shift & 3)]);
    [
        consonant(12),
        vowel(10),
        consonant(6),
        vowel(4),
        consonant(0),
    ]
    .iter()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passwords::Password;
    use std::collections::BTreeSet;

    #[test]
    fn each_word_stands_for_16_bits() {
        // The example of the paper: 127.0.0.1.
        assert_eq!([word([127, 0]), word([0, 1])], ["lusab", "babad"]);
        let words = (0..=u16::MAX).map(|bits| word(bits.to_be_bytes()));
        assert_eq!(words.collect::<BTreeSet<_>>().len(), 1 << 16);
    }

    #[test]
    fn what_is_made_up_is_a_new_password_each_time() {
        let made = [(); 3].map(|()| make_up().unwrap());
        for text in &made {
            let words = text.split('-').map(str::len).collect::<Vec<_>>();
            assert_eq!(words, [5; WORDS], "{text}");
            let password = Password::read(text.as_bytes()).unwrap();
            assert_eq!(password.check_new(), Ok(()));
        }
        assert!(made[0] != made[1] && made[1] != made[2], "{made:?}");
    }
}

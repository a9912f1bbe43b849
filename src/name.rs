//! Names: which ones there may be, and what they look like (UTS #39).

use crate::text::{COMBINING_MARKS, Line};
use std::fmt;
use std::sync::{Arc, LazyLock};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_security::{
    GeneralSecurityProfile, RestrictionLevel, RestrictionLevelDetection, skeleton,
};

/// The longest name, in characters.
const NAME_CHARACTERS: usize = 24;

/// Names that nobody may take, nor any that looks like them.
const RESERVED_NAMES: [&str; 12] = [
    "you", "server", "chatd", "system", "all", "everyone", "admin", "operator", "root", "nickserv",
    "chanserv", "services",
];

const GUEST: &str = "guest";

/// The left-to-right mark (UAX #9). It stands on both sides of a name with right-to-left letters, so
/// that a terminal that reorders cannot move what follows in front of it.
const LRM: char = '\u{200E}';

/// A name that may be shown to everybody, with what it looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(Arc<(Box<str>, Looks)>);

/// What a name looks like: its skeletons (UTS #39, section 4), in lower case first, as it is, and in
/// upper case. Two names are the same if they have a look in common.
///
/// To compute them takes tens of microseconds, so a client's own thread does it.
pub type Looks = [Box<str>; 3];

/// What the reserved names look like.
static RESERVED_LOOKS: LazyLock<Vec<Box<str>>> = LazyLock::new(|| {
    RESERVED_NAMES
        .iter()
        .flat_map(|name| looks_of(name))
        .collect()
});
static GUEST_LOOKS: LazyLock<Looks> = LazyLock::new(|| looks_of(GUEST));

/// A person as a client calls them in a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Called {
    /// By what may be a name.
    Name(Name),
    /// By what nobody can be called.
    Nobody(Line),
}

/// Why a name is refused, for the one who wants it.
pub type Refusal = &'static str;

const FORM: Refusal = "a name has 1 to 24 characters and begins with a letter";
const CHARACTER: Refusal = "a name is made of letters, digits, _ and -";
const SCRIPTS: Refusal = "a name is of one script, or of scripts that are written together";
const MARKS: Refusal = "a name has no mark twice on one letter, and at most 8 on it";
const RESERVED: Refusal = "that name is kept for the server, or looks like one that is";
/// For a name that somebody has.
pub const TAKEN: Refusal = "that name is taken, or looks like one that is";

impl Name {
    /// The name of a client that has not picked one.
    pub fn guest(number: u64) -> Self {
        Self::with_looks(&format!("{GUEST}{number}"))
    }

    /// What the server itself is called where it does what people do.
    #[cfg(feature = "data")]
    pub fn of_server() -> Self {
        Self::with_looks("chatd")
    }

    /// Takes `text` as the name of somebody who may be here.
    fn read(text: &str) -> Result<Self, Refusal> {
        let begins_well = text.starts_with(|c: char| c.is_alphabetic() && !is_combining_mark(c));
        if !begins_well || text.chars().nth(NAME_CHARACTERS).is_some() {
            return Err(FORM);
        }
        if !text.chars().all(is_allowed) {
            return Err(CHARACTER);
        }
        if !text.check_restriction_level(RestrictionLevel::HighlyRestrictive) {
            return Err(SCRIPTS);
        }
        if has_too_many_marks(text) {
            return Err(MARKS);
        }
        Ok(Self::with_looks(text))
    }

    /// Takes `text` as a name that a client wants.
    ///
    /// # Errors
    ///
    /// Why nobody may have it.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let name = Self::read(text)?;
        let is_guest = |look: &str| GUEST_LOOKS.iter().any(|guest| look.starts_with(&**guest));
        let mut looks = name.looks().iter();
        if looks.any(|look| is_guest(look) || RESERVED_LOOKS.contains(look)) {
            return Err(RESERVED);
        }
        Ok(name)
    }

    fn with_looks(text: &str) -> Self {
        Self(Arc::new((show_letters(text).into(), looks_of(text))))
    }

    /// As chatd writes it, wherever it does.
    pub fn shown(&self) -> &str {
        &self.0.0
    }

    /// Its letters alone.
    pub fn letters(&self) -> &str {
        without_lrm(self.shown())
    }

    /// Whether it is the same name as another: it looks like it in some case.
    #[cfg(feature = "data")]
    pub fn is_like(&self, other: &Self) -> bool {
        self.looks().iter().any(|look| other.looks().contains(look))
    }

    /// What it looks like.
    pub fn looks(&self) -> &Looks {
        &self.0.1
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.shown())
    }
}

/// The letters of a name as chatd writes them.
pub fn show_letters(letters: &str) -> String {
    if letters.chars().any(is_right_to_left) {
        format!("{LRM}{letters}{LRM}")
    } else {
        letters.to_owned()
    }
}

/// A name as people write it in a command: what chatd puts around it is not part of it.
pub fn without_lrm(written: &str) -> &str {
    written.trim_matches(LRM)
}

fn looks_of(name: &str) -> Looks {
    [name.to_lowercase(), name.to_owned(), name.to_uppercase()].map(|name| {
        let mut look = skeleton(&name).collect::<Vec<_>>();
        // Marks on different sides of a letter look the same in any order.
        for letter in look.chunk_by_mut(|_, next| is_combining_mark(*next)) {
            letter[1..].sort_unstable();
        }
        look.into_iter().collect::<String>().into_boxed_str()
    })
}

/// Whether a letter has the same mark twice, which looks like once, or more than a cell of the screen
/// has room for.
fn has_too_many_marks(name: &str) -> bool {
    let characters = name.nfd().collect::<Vec<_>>();
    let mut letters = characters.chunk_by(|_, next| is_combining_mark(*next));
    letters.any(|letter| {
        let is_double = |at: usize| letter[1..at].contains(&letter[at]);
        letter.len() > 1 + COMBINING_MARKS || (1..letter.len()).any(is_double)
    })
}

/// Whether the character is written from right to left: the ranges of UAX #9 (class R and AL, assigned
/// or not).
fn is_right_to_left(character: char) -> bool {
    matches!(
        character,
        '\u{590}'..='\u{8FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFF}'
            | '\u{10800}'..='\u{10FFF}' | '\u{1E800}'..='\u{1EFFF}'
    )
}

impl Called {
    /// Takes `text` as the name of somebody who may be here.
    pub fn new(text: &str) -> Self {
        match Name::read(without_lrm(text)) {
            Ok(name) => Self::Name(name),
            Err(_) => Self::Nobody(Line::new(text)),
        }
    }
}

/// A letter or digit of the General Security Profile (UTS #39, section 3.1), `_` or `-`. Marks belong
/// to the letters of many scripts; with those of Latin, Greek and Cyrillic there are letters that
/// have them.
fn is_allowed(character: char) -> bool {
    match character {
        '_' | '-' => true,
        '\u{300}'..='\u{36F}' => false,
        _ => {
            let is_letter = character.is_alphanumeric() || is_combining_mark(character);
            is_letter && character.identifier_allowed()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String, Refusal> {
        Name::parse(text).map(|name| name.letters().to_owned())
    }

    #[test]
    fn names_of_any_script_are_allowed() {
        for name in [
            "a",
            "alice",
            "Ann-Marie_2",
            "grüße",
            "алиса",
            "アリス",
            "愛丽丝",
            "한국어",
            "שרה",
            "سارة",
            "नीता",
            "अर्जुन",
            "น้อง",
            "Tokyo東京",
        ] {
            assert_eq!(parse(name).as_deref(), Ok(name));
        }
        let widest = "愛".repeat(24);
        assert_eq!(parse(&widest).as_deref(), Ok(widest.as_str()));
    }

    #[test]
    fn a_name_has_1_to_24_characters_and_begins_with_a_letter() {
        let long = "a".repeat(25);
        for name in ["", "1a", "_a", "-a", "9", &long] {
            assert_eq!(parse(name), Err(FORM), "{name}");
        }
    }

    #[test]
    fn characters_that_are_no_letters_or_not_allowed_are_refused() {
        for name in [
            "a b",
            "a.b",
            "a:b",
            "<a>",
            "ａlice",
            "a\u{301}",
            "a\u{200d}b",
            "a\u{200b}b",
            "a\u{202e}b",
            "a²",
            "aℌ",
            "a\u{3164}",
        ] {
            assert!(
                matches!(parse(name), Err(CHARACTER | FORM)),
                "{name:?}: {:?}",
                parse(name)
            );
        }
    }

    #[test]
    fn mixtures_that_are_not_highly_restrictive_are_refused() {
        for name in ["аlice", "alicе", "αlice"] {
            assert_eq!(parse(name), Err(SCRIPTS), "{name}");
        }
    }

    #[test]
    fn the_servers_own_names_and_what_looks_like_them_are_refused() {
        for name in [
            "you",
            "YOU",
            "server",
            "Chatd",
            "system",
            "all",
            "a1l",
            "aII",
            "everyone",
            "guest",
            "guest7",
            "Guestling",
            "GUEST",
            "admin",
            "Operator",
            "r00t",
            "NickServ",
            "chanserv",
            "Services",
        ] {
            assert_eq!(parse(name), Err(RESERVED), "{name}");
        }
    }

    #[test]
    fn a_name_has_no_mark_twice_on_one_letter() {
        let stack = format!("ب{}", ('\u{64b}'..='\u{652}').collect::<String>());
        assert!(parse(&stack).is_ok(), "8 on one letter");
        for name in ["กิิ", "กิุิ", &format!("{stack}\u{670}")] {
            assert_eq!(parse(name), Err(MARKS), "{name}");
        }
        assert_eq!(parse("กิกิ").as_deref(), Ok("กิกิ"));
    }

    #[test]
    fn a_name_with_right_to_left_letters_stands_between_left_to_right_marks() {
        for (name, shown) in [
            ("שרה", "\u{200e}שרה\u{200e}"),
            ("سارة", "\u{200e}سارة\u{200e}"),
            ("alice", "alice"),
            ("アリス", "アリス"),
        ] {
            let parsed = Name::parse(name).unwrap();
            assert_eq!((parsed.shown(), parsed.letters()), (shown, name));
            let called = [name, shown].map(Called::new);
            assert_eq!(called, [Called::Name(parsed.clone()), Called::Name(parsed)]);
        }
    }

    #[test]
    fn two_names_are_the_same_if_they_look_alike() {
        for (one, other, are_same) in [
            ("Bob", "bob", true),
            ("al1ce", "alIce", true),
            ("modern", "modem", true),
            ("cop", "сор", true),
            ("bob", "B0B", true),
            ("b0b", "BOB", true),
            // Marks in another order.
            ("กุิ", "กิุ", true),
            ("กิ", "กี", false),
            ("alice", "alicia", false),
        ] {
            let [one, other] = [one, other].map(|name| Name::parse(name).unwrap());
            assert_eq!(
                one.looks().iter().any(|look| other.looks().contains(look)),
                are_same,
                "{one} {other}"
            );
        }
    }
}

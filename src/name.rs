//! Names: which ones there may be, and what they look like (UTS #39).

use crate::text::Line;
use std::fmt;
use std::sync::Arc;
use unicode_normalization::char::is_combining_mark;
use unicode_security::{
    GeneralSecurityProfile, RestrictionLevel, RestrictionLevelDetection, skeleton,
};

/// The longest name, in characters.
const NAME_CHARACTERS: usize = 24;

/// Names that nobody may take, nor any that looks like them.
const SERVERS_OWN: [&str; 6] = ["you", "server", "chatd", "system", "all", "everyone"];

const GUEST: &str = "guest";

/// A name that may be shown to everybody, with what it looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(Arc<(Box<str>, Looks)>);

/// What a name looks like: its skeletons (UTS #39, section 4), of the name in lower case first and
/// of the name itself. Two names are the same if they have a look in common.
///
/// To compute them takes tens of microseconds, so a client's own thread does it.
pub type Looks = [Box<str>; 2];

/// A person as a client calls them in a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    pub text: Line,
    /// What that looks like; nothing if it is longer than any name.
    pub looks: Option<Looks>,
}

/// Why a name is refused, for the one who wants it.
pub type Refusal = &'static str;

const FORM: Refusal = "a name has 1 to 24 characters and begins with a letter";
const CHARACTER: Refusal = "a name is made of letters, digits, _ and -";
const SCRIPTS: Refusal = "a name is of one script, or of scripts that are written together";
const RESERVED: Refusal = "that name is kept for the server, or looks like one that is";
pub const TAKEN: Refusal = "that name is taken, or looks like one that is";

impl Name {
    /// The name of a client that has not picked one.
    pub fn guest(number: u64) -> Self {
        Self::with_looks(&format!("{GUEST}{number}"))
    }

    /// Takes `text` as a name that a client wants.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
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
        let name = Self::with_looks(text);
        // It looks the same in lower case.
        let [guest, _] = looks_of(GUEST);
        let reserved = SERVERS_OWN.map(looks_of).concat();
        let mut looks = name.looks().iter();
        if looks.any(|look| look.starts_with(&*guest) || reserved.contains(look)) {
            return Err(RESERVED);
        }
        Ok(name)
    }

    fn with_looks(text: &str) -> Self {
        Self(Arc::new((text.into(), looks_of(text))))
    }

    pub fn as_str(&self) -> &str {
        &self.0.0
    }

    pub fn looks(&self) -> &Looks {
        &self.0.1
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn looks_of(name: &str) -> Looks {
    let looks = [name.to_lowercase().as_str(), name].map(|name| skeleton(name).collect());
    looks.map(String::into_boxed_str)
}

impl Called {
    /// Takes `text` as the name of somebody who may be here.
    pub fn new(text: &str) -> Self {
        let is_short = text.chars().nth(NAME_CHARACTERS).is_none();
        Self {
            text: Line::new(text),
            looks: is_short.then(|| looks_of(text)),
        }
    }
}

/// A letter or digit of the General Security Profile (UTS #39, section 3.1), `_` or `-`.
fn is_allowed(character: char) -> bool {
    match character {
        '_' | '-' => true,
        _ => character.is_alphanumeric() && character.identifier_allowed(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String, Refusal> {
        Name::parse(text).map(|name| name.to_string())
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
        ] {
            assert_eq!(parse(name), Err(RESERVED), "{name}");
        }
    }

    #[test]
    fn two_names_are_the_same_if_they_look_alike() {
        for (one, other, are_same) in [
            ("Bob", "bob", true),
            ("al1ce", "alIce", true),
            ("modern", "modem", true),
            ("cop", "сор", true),
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

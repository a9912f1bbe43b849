//! Names: which ones there may be, and which look alike (UTS #39).

use crate::event::ClientId;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use unicode_normalization::char::is_combining_mark;
use unicode_security::{
    GeneralSecurityProfile, RestrictionLevel, RestrictionLevelDetection, skeleton,
};

/// The longest name, in characters.
const NAME_CHARACTERS: usize = 24;

/// Names that nobody may take, nor any that looks like them.
const RESERVED: [&str; 6] = ["you", "server", "chatd", "system", "all", "everyone"];

/// What begins like this is the server's to give.
const GUEST: &str = "guest";

/// A name that may be shown to everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(Arc<str>);

/// Why a name is refused, for the one who wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Its length or its first character.
    Form,
    /// A character that is no letter, digit, `_` or `-`, or that Unicode does not allow in
    /// identifiers.
    Character,
    /// Scripts that do not go together.
    Scripts,
    /// It is the server's, or looks like one that is.
    Reserved,
    /// Somebody has it, or one that looks like it.
    Taken,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "a name has 1 to 24 characters and begins with a letter",
            Self::Character => "a name is made of letters, digits, _ and -",
            Self::Scripts => "a name is of one script, or of scripts that are written together",
            Self::Reserved => "that name is kept for the server, or looks like one that is",
            Self::Taken => "that name is taken, or looks like one that is",
        })
    }
}

impl Name {
    /// The name of a newcomer.
    #[must_use]
    pub fn guest(number: u64) -> Self {
        Self(format!("{GUEST}{number}").into())
    }

    /// Takes `text` as a name that a client wants.
    ///
    /// # Errors
    ///
    /// Any [`Refusal`] but [`Refusal::Taken`].
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let begins_well = text.starts_with(|c: char| c.is_alphabetic() && !is_combining_mark(c));
        if !begins_well || text.chars().nth(NAME_CHARACTERS).is_some() {
            return Err(Refusal::Form);
        }
        if !text.chars().all(is_allowed) {
            return Err(Refusal::Character);
        }
        if !text.check_restriction_level(RestrictionLevel::HighlyRestrictive) {
            return Err(Refusal::Scripts);
        }
        let looks = looks_of(text);
        let guest = looks_of(GUEST);
        let is_reserved = |look: &String| {
            guest.iter().any(|guest| look.starts_with(guest))
                || RESERVED.iter().any(|name| looks_of(name).contains(look))
        };
        if looks.iter().any(is_reserved) {
            return Err(Refusal::Reserved);
        }
        Ok(Self(text.into()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A letter or digit of the General Security Profile (UTS #39, section 3.1), `_` or `-`.
fn is_allowed(character: char) -> bool {
    match character {
        '_' | '-' => true,
        _ => character.is_alphanumeric() && character.identifier_allowed(),
    }
}

/// What a name looks like: its skeletons (UTS #39, section 4), of the name itself and of the name
/// in lower case. Two names are the same if they have a look in common.
fn looks_of(name: &str) -> [String; 2] {
    [
        skeleton(name).collect(),
        skeleton(&name.to_lowercase()).collect(),
    ]
}

/// Who has which name.
#[derive(Debug, Default)]
pub struct Names {
    taken: HashMap<String, ClientId>,
}

impl Names {
    /// Gives `name` to `client`, who gives back `old`.
    ///
    /// # Errors
    ///
    /// [`Refusal::Taken`], and then nothing has changed.
    pub fn rename(&mut self, client: ClientId, old: &Name, name: &Name) -> Result<(), Refusal> {
        let looks = looks_of(name.as_str());
        let others = looks.iter().filter_map(|look| self.taken.get(look));
        if others.into_iter().any(|other| *other != client) {
            return Err(Refusal::Taken);
        }
        self.release(old);
        self.taken.extend(looks.map(|look| (look, client)));
        Ok(())
    }

    /// Gives a newcomer the name of a guest, which nobody can have: no number is used twice.
    pub fn admit(&mut self, client: ClientId, guest: &Name) {
        self.taken
            .extend(looks_of(guest.as_str()).map(|look| (look, client)));
    }

    /// Takes back the name of somebody who has left.
    pub fn release(&mut self, name: &Name) {
        for look in looks_of(name.as_str()) {
            self.taken.remove(&look);
        }
    }

    /// Who is meant by `name`.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<ClientId> {
        if name.chars().nth(NAME_CHARACTERS).is_some() {
            return None;
        }
        // In lower case first: a name that is here under another case is meant before one that
        // looks alike.
        let [look, lower] = looks_of(name);
        self.taken
            .get(&lower)
            .or_else(|| self.taken.get(&look))
            .copied()
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
            assert_eq!(parse(name), Err(Refusal::Form), "{name}");
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
                matches!(parse(name), Err(Refusal::Character | Refusal::Form)),
                "{name:?}: {:?}",
                parse(name)
            );
        }
    }

    #[test]
    fn mixtures_that_are_not_highly_restrictive_are_refused() {
        for name in ["аlice", "alicе", "αlice"] {
            assert_eq!(parse(name), Err(Refusal::Scripts), "{name}");
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
            assert_eq!(parse(name), Err(Refusal::Reserved), "{name}");
        }
    }

    #[test]
    fn two_names_that_look_alike_cannot_be_here_together() {
        for (one, other) in [
            ("Bob", "bob"),
            ("al1ce", "alIce"),
            ("modern", "modem"),
            ("cop", "сор"),
        ] {
            let mut names = Names::default();
            let [a, b] = [1, 2].map(|number| (ClientId(number), Name::guest(number)));
            let [one, other] = [one, other].map(|name| Name::parse(name).unwrap());
            names.admit(a.0, &a.1);
            names.admit(b.0, &b.1);
            names.rename(a.0, &a.1, &one).unwrap();
            assert_eq!(
                names.rename(b.0, &b.1, &other),
                Err(Refusal::Taken),
                "{one} {other}"
            );
            assert_eq!(
                names.rename(a.0, &one, &other),
                Ok(()),
                "one's own name may change its looks"
            );
            names.release(&other);
            assert_eq!(
                names.rename(b.0, &b.1, &one),
                Ok(()),
                "and a name that was left is free"
            );
        }
    }

    #[test]
    fn a_name_is_found_in_any_case() {
        let mut names = Names::default();
        let guest = Name::guest(1);
        names.admit(ClientId(1), &guest);
        assert_eq!(names.find("Guest1"), Some(ClientId(1)));
        names
            .rename(ClientId(1), &guest, &Name::parse("Alice").unwrap())
            .unwrap();
        assert_eq!(names.find("aLICE"), Some(ClientId(1)));
        assert_eq!(names.find("guest1"), None);
    }
}

//! How the server words what it says of people.

use crate::event::Ending;
use crate::name::Name;
use crate::text::Line;

/// How many names a notice of joins or departures has at most.
pub const NOTICE_NAMES: usize = 5;

/// How many characters of a client's text stand in a line of the server.
const QUOTED_CHARACTERS: usize = 200;

/// `alice joined`, `guest1, guest2, guest3, guest4, guest5 and 95 more joined`.
pub fn arrival<'a>(names: impl ExactSizeIterator<Item = &'a Name>) -> String {
    format!("{} joined", join_names(names, NOTICE_NAMES))
}

/// The same for departures, with what is `told` of why: `alice, bob left (idle)`.
pub fn departure<'a>(names: impl ExactSizeIterator<Item = &'a Name>, told: &str) -> String {
    format!("{} left{told}", join_names(names, NOTICE_NAMES))
}

pub fn told(ending: &Ending) -> &'static str {
    match ending {
        Ending::Idle => " (idle)",
        Ending::TooSlow => " (too slow)",
        Ending::Lost => " (connection lost)",
        _ => "",
    }
}

/// A client's text as it stands in a line of the server: last, between quotes, and not long.
pub fn quote(text: &Line) -> String {
    let characters = text.as_str().chars().take(QUOTED_CHARACTERS);
    let text = characters.map(|c| if c == '"' { '\'' } else { c });
    format!("\"{}\"", text.collect::<String>())
}

/// `alice, bob and 3 more`: at most `most` of the names.
pub fn join_names<'a>(names: impl ExactSizeIterator<Item = &'a Name>, most: usize) -> String {
    let more = names.len().saturating_sub(most);
    let names = names.take(most).map(Name::shown).collect::<Vec<_>>();
    match more {
        0 => names.join(", "),
        _ => format!("{} and {more} more", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_to_5_names_are_listed_and_the_rest_counted() {
        let guests = (1..=100).map(Name::guest).collect::<Vec<_>>();
        for (count, notice) in [
            (1, "guest1 joined"),
            (3, "guest1, guest2, guest3 joined"),
            (5, "guest1, guest2, guest3, guest4, guest5 joined"),
            (
                100,
                "guest1, guest2, guest3, guest4, guest5 and 95 more joined",
            ),
        ] {
            assert_eq!(arrival(guests[..count].iter()), notice);
        }
        let idle = departure(guests[..2].iter(), told(&Ending::Idle));
        assert_eq!(idle, "guest1, guest2 left (idle)");
    }

    #[test]
    fn a_clients_text_stands_in_quotes_and_is_cut_at_200_characters() {
        assert_eq!(quote(&Line::new("so \"long\"")), "\"so 'long'\"");
        assert_eq!(quote(&Line::new(&"x".repeat(201))).len(), 202);
    }
}

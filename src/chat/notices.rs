//! How the server words what it says of people.

use crate::chat::facts::Reason;
use crate::name::Name;
use crate::text::Line;

/// How many names a notice of joins or departures has at most.
const NOTICE_NAMES: usize = 5;

/// How many characters of a client's text stand in a line of the server.
const QUOTED_CHARACTERS: usize = 200;

/// `alice joined`, `guest1, guest2, guest3, guest4, guest5 and 95 more joined`.
pub fn arrival(names: &[&Name]) -> String {
    format!("{} joined", list(names))
}

/// The same for departures: `alice, bob left (idle)`, `alice left: "so long"`.
pub fn departure(names: &[&Name], reason: &Reason) -> String {
    let names = list(names);
    match reason {
        Reason::None | Reason::Untold => format!("{names} left"),
        Reason::Idle => format!("{names} left (idle)"),
        Reason::TooSlow => format!("{names} left (too slow)"),
        Reason::ConnectionLost => format!("{names} left (connection lost)"),
        Reason::Saying(text) => format!("{names} left: {}", quote(text)),
    }
}

/// A client's text as it stands in a line of the server: last, between quotes, and not long.
pub fn quote(text: &Line) -> String {
    let characters = text.as_str().chars().take(QUOTED_CHARACTERS);
    let text = characters.map(|c| if c == '"' { '\'' } else { c });
    format!("\"{}\"", text.collect::<String>())
}

/// `alice, bob and 3 more`: of `count` names, at most `most`.
pub fn join_names<'a>(names: impl Iterator<Item = &'a Name>, count: usize, most: usize) -> String {
    let names = names.take(most.min(count)).map(Name::as_str);
    let names = names.collect::<Vec<_>>().join(", ");
    if count > most {
        format!("{names} and {} more", count - most)
    } else {
        names
    }
}

fn list(names: &[&Name]) -> String {
    join_names(names.iter().copied(), names.len(), NOTICE_NAMES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_to_5_names_are_listed_and_the_rest_counted() {
        let guests = (1..=100).map(Name::guest).collect::<Vec<_>>();
        let guests = guests.iter().collect::<Vec<_>>();
        for (count, notice) in [
            (1, "guest1 joined"),
            (3, "guest1, guest2, guest3 joined"),
            (5, "guest1, guest2, guest3, guest4, guest5 joined"),
            (
                100,
                "guest1, guest2, guest3, guest4, guest5 and 95 more joined",
            ),
        ] {
            assert_eq!(arrival(&guests[..count]), notice);
        }
        let idle = departure(&guests[..2], &Reason::Idle);
        assert_eq!(idle, "guest1, guest2 left (idle)");
    }

    #[test]
    fn a_clients_text_stands_in_quotes_and_is_cut_at_200_characters() {
        assert_eq!(quote(&Line::new("so \"long\"")), "\"so 'long'\"");
        assert_eq!(quote(&Line::new(&"x".repeat(201))).len(), 202);
    }
}

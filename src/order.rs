//! What operators want of the server, as a client's own thread has read it.

use crate::address::parse_network;
use crate::command::split_word;
use crate::name::Called;
use crate::text::Line;
use crate::units::parse_duration;
use ipnet::IpNet;
use std::time::Duration;

/// What an operator wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// To end somebody's connection, and why.
    Kick(Called, Option<Line>),
    /// To keep somebody out, for how long (nothing for ever), and why.
    Ban(Whom, Option<Duration>, Option<Line>),
    /// To let them in again.
    Unban(Whom),
    /// To read who is kept out.
    Bans,
    /// That somebody says nothing.
    Mute(Called),
    /// That they may again.
    Unmute(Called),
    /// To take the last lines back that were said under a name, so many.
    Erase(Called, usize),
}

/// Whom a ban is about, as an operator writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// Somebody with a name.
    Person(Called),
    /// Whoever comes from there.
    Network(IpNet),
}

impl Order {
    /// Reads `NAME [TEXT]`.
    pub fn kick(text: &str) -> Option<Self> {
        let (name, text) = split_word(text);
        (!name.is_empty()).then(|| Self::Kick(Called::new(name), some_text(text)))
    }

    /// Reads `NAME|ADDRESS[/BITS] [DURATION] [TEXT]`.
    pub fn ban(text: &str) -> Option<Self> {
        let (whom, rest) = split_word(text);
        let (word, behind) = split_word(rest);
        let duration = parse_duration(word).filter(|duration| !duration.is_zero());
        let text = some_text(if duration.is_some() { behind } else { rest });
        Whom::read(whom).map(|whom| Self::Ban(whom, duration, text))
    }

    /// Reads `NAME|ADDRESS[/BITS]`.
    pub fn unban(text: &str) -> Option<Self> {
        let (whom, rest) = split_word(text);
        let whom = Whom::read(whom).filter(|_| rest.is_empty());
        whom.map(Self::Unban)
    }

    /// Reads nothing.
    pub fn bans(text: &str) -> Option<Self> {
        text.is_empty().then_some(Self::Bans)
    }

    /// Reads `NAME`.
    pub fn mute(text: &str) -> Option<Self> {
        only_name(text).map(Self::Mute)
    }

    /// Reads `NAME`.
    pub fn unmute(text: &str) -> Option<Self> {
        only_name(text).map(Self::Unmute)
    }

    /// Reads `NAME [N]`.
    pub fn erase(text: &str) -> Option<Self> {
        let (name, number) = split_word(text);
        let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
        let count = match number {
            "" => Some(1),
            number => number.parse().ok().filter(|count| is_number && *count > 0),
        };
        let name = only_name(name)?;
        count.map(|count| Self::Erase(name, count))
    }

    /// How many bytes of text others may read of it.
    pub fn text_bytes(&self) -> usize {
        match self {
            Self::Kick(_, text) | Self::Ban(_, _, text) => {
                text.as_ref().map_or(0, |text| text.as_str().len())
            }
            _ => 0,
        }
    }
}

impl Whom {
    fn read(word: &str) -> Option<Self> {
        let person = || only_name(word).map(Self::Person);
        parse_network(word).map(Self::Network).or_else(person)
    }
}

fn only_name(text: &str) -> Option<Called> {
    let (name, rest) = split_word(text);
    (!name.is_empty() && rest.is_empty()).then(|| Called::new(name))
}

fn some_text(text: &str) -> Option<Line> {
    (!text.is_empty()).then(|| Line::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(name: &str) -> Whom {
        Whom::Person(Called::new(name))
    }

    #[test]
    fn the_duration_of_a_ban_is_the_next_word_if_it_is_one() {
        let hour = Some(Duration::from_secs(3_600));
        let text = |text: &str| Some(Line::new(text));
        let network = Whom::Network("192.0.2.0/24".parse().unwrap());
        for (written, ban) in [
            ("bob", Order::Ban(person("bob"), None, None)),
            ("bob 1h", Order::Ban(person("bob"), hour, None)),
            ("bob 1h spam", Order::Ban(person("bob"), hour, text("spam"))),
            (
                "bob  spam 1h ",
                Order::Ban(person("bob"), None, text("spam 1h")),
            ),
            ("bob 0s", Order::Ban(person("bob"), None, text("0s"))),
            ("192.0.2.1/24 1h", Order::Ban(network, hour, None)),
        ] {
            assert_eq!(Order::ban(written), Some(ban), "{written}");
        }
    }

    #[test]
    fn an_order_used_wrongly_is_none() {
        assert_eq!(Order::kick(""), None);
        assert_eq!(Order::ban(""), None);
        assert_eq!(Order::unban("bob now"), None);
        assert_eq!(Order::bans("bob"), None);
        assert_eq!(Order::mute("two words"), None);
        for erase in ["", "bob 0", "bob x", "bob +1", "bob 1 2"] {
            assert_eq!(Order::erase(erase), None, "{erase}");
        }
        let bob = || Called::new("bob");
        assert_eq!(Order::erase("bob"), Some(Order::Erase(bob(), 1)));
        assert_eq!(Order::erase("bob 12"), Some(Order::Erase(bob(), 12)));
    }
}

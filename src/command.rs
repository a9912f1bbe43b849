//! What a line asks for: the grammar of the commands, and nothing of what they do.

use crate::text::{Line, is_harmful};
use unicode_normalization::char::is_combining_mark;

/// What a client's line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input<'a> {
    /// Something to say, not yet cleaned.
    Text(&'a [u8]),
    /// The same, where stray keys or a `/` were taken off.
    Trimmed(String),
    /// A command.
    Command(Command),
}

/// A command, its arguments cleaned. Names are as the client wrote them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Lists the commands.
    Help,
    /// Takes another name.
    Nick(String),
    /// Lists who is here, or those whose names begin with a text.
    Who(Option<String>),
    /// Tells about one person.
    Whois(String),
    /// Does something.
    Me(Line),
    /// Writes to one person.
    Msg(String, Line),
    /// Writes to whoever wrote last.
    Reply(Line),
    /// Marks oneself away, with a text or without.
    Away(Option<Line>),
    /// Takes that back.
    Back,
    /// Hides what a person says.
    Ignore(String),
    /// Lists who is ignored.
    Ignored,
    /// Hears a person again.
    Unignore(String),
    /// Turns the notices of joins and departures off and on.
    Quiet,
    /// The last lines again; all there are, or so many.
    History(Option<usize>),
    /// The message of the day again.
    Motd,
    /// What time it is.
    Time,
    /// How long the server has been running.
    Uptime,
    /// Which chatd this is.
    Version,
    /// Leaves, with a text or without.
    Quit(Option<Line>),
    /// Something else behind a `/`: its first word.
    Unknown(Line),
    /// A known command, used wrongly: how it goes.
    Misused(&'static str),
}

/// How each command goes and what it does, in the order of `/help`.
pub const HELP: [(&str, &str); 18] = [
    ("/help", "lists the commands"),
    ("/nick NAME", "renames you"),
    (
        "/who [TEXT]",
        "who is here, or those whose names begin with TEXT; also /names",
    ),
    (
        "/whois NAME",
        "when they joined, how long they have been quiet, their away text",
    ),
    ("/me ACTION", "says what you do"),
    ("/msg NAME TEXT", "a private message; also /tell"),
    (
        "/reply TEXT",
        "a private message to whoever last sent you one; also /r",
    ),
    (
        "/away [TEXT]",
        "marks you away; whoever writes to you privately is told",
    ),
    ("/back", "you are here again"),
    (
        "/ignore [NAME]",
        "hides what NAME says, does and sends you; alone, lists whom you ignore",
    ),
    ("/unignore NAME", "shows it again"),
    (
        "/quiet",
        "turns the notices of joins and departures off and on",
    ),
    ("/history [N]", "the last N lines again"),
    ("/motd", "the message of the day"),
    ("/time", "what time it is here"),
    ("/uptime", "how long chatd has been running"),
    ("/version", "which chatd this is"),
    ("/quit [TEXT]", "leaves; also /exit"),
];

/// Tells what `line` is: bytes without a line's end, as the client sent them.
#[must_use]
pub fn interpret(line: &[u8]) -> Input<'_> {
    // Nearly every line begins with a letter, and need not be looked at further.
    if line
        .first()
        .is_none_or(|byte| byte.is_ascii_graphic() && *byte != b'/')
    {
        return Input::Text(line);
    }
    let text = String::from_utf8_lossy(line);
    let rest = skip_stray_keys(&text);
    let Some(after_slash) = rest.strip_prefix('/') else {
        return Input::Text(line);
    };
    if after_slash.starts_with('/') {
        return Input::Trimmed(after_slash.to_owned());
    }
    let cleaned = Line::new(after_slash);
    let (word, arguments) = split_word(cleaned.as_str());
    if word.is_empty() || !word.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Input::Trimmed(rest.to_owned());
    }
    Input::Command(Command::parse(word, arguments))
}

/// Takes off what a terminal sends for keys that were no text: blanks, control characters,
/// characters that nobody sees, cursor-key sequences.
///
/// An incomplete sequence is taken off too; what stops it is kept.
fn skip_stray_keys(text: &str) -> &str {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c| !begins_sequence(c) && is_stray(c));
        let Some(introducer) = rest.chars().next().filter(|c| begins_sequence(*c)) else {
            return rest;
        };
        rest = skip_key_sequence(introducer, &rest[introducer.len_utf8()..]);
    }
}

/// ESC, and the characters of C1 that stand for ESC `[` and ESC `O`.
fn begins_sequence(character: char) -> bool {
    matches!(character, '\u{1B}' | '\u{9B}' | '\u{8F}')
}

fn is_stray(character: char) -> bool {
    character.is_whitespace()
        || is_harmful(character)
        || is_combining_mark(character)
        || matches!(
            character,
            '\u{AD}' | '\u{200B}'..='\u{200D}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FFFD}'
        )
}

/// Skips what follows ESC: `[` with parameters and a final character (ECMA-48, section 5.4), `O`
/// and a letter, or the letter that was pressed together with Alt. The Linux console sends `[[` and
/// a letter for some keys, and rxvt ends some with `$` or `^`. A `/` is never a part of a sequence.
fn skip_key_sequence(introducer: char, sequence: &str) -> &str {
    let is_final = |c: char| matches!(c, '@'..='~' | '$');
    let parameters = match introducer {
        '\u{1B}' => sequence
            .strip_prefix("[[")
            .or(sequence.strip_prefix(['[', 'O']))
            .unwrap_or(sequence),
        _ => sequence,
    };
    let end = parameters.trim_start_matches(|c: char| matches!(c, '0'..='?'));
    end.strip_prefix(is_final).unwrap_or(end)
}

/// The first word and what follows it, without the blanks between and at the end.
fn split_word(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim())
}

impl Command {
    fn parse(word: &str, arguments: &str) -> Self {
        let name = || {
            Some(arguments).filter(|name| !name.is_empty() && !name.contains(char::is_whitespace))
        };
        let owned = |text: &str| text.to_owned();
        let text = || {
            Some(arguments)
                .filter(|text| !text.is_empty())
                .map(Line::new)
        };
        let alone = |command| {
            if arguments.is_empty() {
                Some(command)
            } else {
                None
            }
        };

        let word = word.to_ascii_lowercase();
        let (usage, command) = match word.as_str() {
            "help" => ("/help", Some(Self::Help)),
            "nick" => ("/nick NAME", name().map(owned).map(Self::Nick)),
            "who" | "names" => (
                "/who [TEXT]",
                Some(Self::Who(name().map(owned)))
                    .filter(|_| arguments.is_empty() || name().is_some()),
            ),
            "whois" => ("/whois NAME", name().map(owned).map(Self::Whois)),
            "me" => ("/me ACTION", text().map(Self::Me)),
            "msg" | "tell" => ("/msg NAME TEXT", Self::message(arguments)),
            "reply" | "r" => ("/reply TEXT", text().map(Self::Reply)),
            "away" => ("/away [TEXT]", Some(Self::Away(text()))),
            "back" => ("/back", alone(Self::Back)),
            "ignore" if arguments.is_empty() => ("/ignore [NAME]", Some(Self::Ignored)),
            "ignore" => ("/ignore [NAME]", name().map(owned).map(Self::Ignore)),
            "unignore" => ("/unignore NAME", name().map(owned).map(Self::Unignore)),
            "quiet" => ("/quiet", alone(Self::Quiet)),
            "history" if arguments.is_empty() => ("/history [N]", Some(Self::History(None))),
            "history" => (
                "/history [N]",
                arguments.parse().ok().map(|n| Self::History(Some(n))),
            ),
            "motd" => ("/motd", alone(Self::Motd)),
            "time" => ("/time", alone(Self::Time)),
            "uptime" => ("/uptime", alone(Self::Uptime)),
            "version" => ("/version", alone(Self::Version)),
            "quit" | "exit" => ("/quit [TEXT]", Some(Self::Quit(text()))),
            _ => ("", Some(Self::Unknown(Line::new(&format!("/{word}"))))),
        };
        command.unwrap_or(Self::Misused(usage))
    }

    /// How many bytes of the client's own text others, or the client itself, are sent because of
    /// it.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        match self {
            Self::Me(text) => text.as_str().len(),
            // Its reader reads it, and its author too.
            Self::Msg(_, text) | Self::Reply(text) => 2 * text.as_str().len(),
            _ => 0,
        }
    }

    fn message(arguments: &str) -> Option<Self> {
        let (name, text) = split_word(arguments);
        (!text.is_empty()).then(|| Self::Msg(name.to_owned(), Line::new(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn command(line: &str) -> Command {
        match interpret(line.as_bytes()) {
            Input::Command(command) => command,
            text => panic!("{line:?} is {text:?}"),
        }
    }

    fn text(line: &str) -> String {
        match interpret(line.as_bytes()) {
            Input::Text(text) => String::from_utf8(text.to_vec()).unwrap(),
            Input::Trimmed(text) => text,
            Input::Command(command) => panic!("{line:?} is {command:?}"),
        }
    }

    #[test]
    fn a_line_is_a_command_if_its_first_word_is_a_slash_and_ascii_letters_only() {
        for line in [
            "/usr/bin/env: not found",
            "/",
            "/ help",
            "/1",
            "/me2 x",
            "/hélp",
            "hello /help",
            "</msg>",
        ] {
            assert_eq!(text(line), line);
        }
        assert_eq!(command("/HeLp"), Command::Help);
        assert_eq!(
            command("/frobnicate now"),
            Command::Unknown(Line::new("/frobnicate"))
        );
    }

    #[test]
    fn two_slashes_send_the_line_with_one() {
        assert_eq!(text("//help me"), "/help me");
        assert_eq!(text(" //x"), "/x");
    }

    #[test]
    fn stray_keys_do_not_make_a_private_message_public() {
        let private = Command::Msg("bob".to_owned(), Line::new("psst"));
        for keys in [
            " ",
            "\t",
            "\u{a0}",
            "\u{1b}[A",
            "\u{1b}OB",
            "\u{1b}[1;5C",
            "\u{1b}[3~",
            "\u{1b}[[A",
            "\u{1b}",
            "\u{1b}[",
            "\u{1b}b",
            "\u{1b}[7$",
            "\u{1b}[3^",
            "\u{1b}[1:3A",
            "\u{9b}A",
            "\u{8f}B",
            "\u{200b}",
            "\u{7f}",
            "\u{8}",
            "\u{9b}",
            "\u{feff}",
            "\u{200e}",
            "\r",
            "\0",
            " \u{1b}[A \u{1b}[B",
        ] {
            assert_eq!(
                command(&format!("{keys}/msg bob psst")),
                private,
                "{keys:?}"
            );
        }
        assert_eq!(command("/msg\u{a0}bob\u{3000}psst"), private);
        assert!(
            matches!(interpret(b"\x9b/msg bob psst"), Input::Command(found) if found == private)
        );
    }

    #[test]
    fn blanks_before_text_stay() {
        assert_eq!(text("  indented"), "  indented");
        assert_eq!(text("\u{1b}[A"), "\u{1b}[A");
    }

    #[test]
    fn a_command_used_wrongly_says_how_it_goes() {
        for (line, usage) in [
            ("/nick", "/nick NAME"),
            ("/nick two words", "/nick NAME"),
            ("/msg bob", "/msg NAME TEXT"),
            ("/msg", "/msg NAME TEXT"),
            ("/r", "/reply TEXT"),
            ("/me ", "/me ACTION"),
            ("/history x", "/history [N]"),
            ("/history -1", "/history [N]"),
            ("/quiet please", "/quiet"),
        ] {
            assert_eq!(command(line), Command::Misused(usage), "{line}");
        }
    }

    #[test]
    fn help_lists_every_command_that_the_grammar_knows() {
        for (usage, _) in HELP {
            let word = usage.split(' ').next().unwrap();
            assert!(!matches!(command(word), Command::Unknown(_)), "{usage}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_a_client_writes_makes_a_harmful_command(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let line = [b"/msg bob ".as_slice(), &bytes].concat();
            if let Input::Command(Command::Msg(_, text)) = interpret(&line) {
                prop_assert!(!text.as_str().chars().any(is_harmful));
            }
        }

        #[test]
        fn stray_keys_in_any_order_are_taken_off(
            keys in prop::collection::vec(prop::sample::select(
                vec![" ", "\t", "\u{1b}[A", "\u{1b}OA", "\u{1b}[5~", "\u{1b}", "\0", "\u{85}", "\u{202e}"]), 0..12)
        ) {
            let line = format!("{}/quit", keys.concat());
            prop_assert_eq!(interpret(line.as_bytes()), Input::Command(Command::Quit(None)));
        }
    }
}

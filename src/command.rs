//! Which lines are commands: the grammar, and nothing of what the commands do.

use crate::name::{Called, Name, Refusal};
#[cfg(feature = "data")]
use crate::order::Order;
use crate::text::{Line, is_harmful, is_invisible};
use std::borrow::Cow;
use unicode_normalization::char::is_combining_mark;

/// What a client's line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input<'a> {
    /// Something to say, not yet cleaned; stray keys or a `/` may have been taken off.
    Text(Cow<'a, [u8]>),
    /// A command.
    Command(Request),
}

/// A command as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its first word without the `/`, in lower case: ASCII letters only.
    pub word: String,
    /// What follows, without the blanks around it, and not yet cleaned: some of it may be ignored.
    pub arguments: String,
}

/// A command as the table of commands (`chat/commands.rs`) understands it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// The row with this number, and what it is given.
    Row(usize, Arguments),
    /// The row with this number, used wrongly.
    Misused(usize),
    /// No row: its first word, with the `/`.
    Unknown(Line),
}

/// What a command is given. A client's own thread has checked it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arguments {
    /// Nothing.
    None,
    /// Some text.
    Text(Line),
    /// A number.
    Number(usize),
    /// A name to take, or why nobody may have it, and what was written.
    NewName(Result<Name, Refusal>, Line),
    /// Somebody.
    Person(Called),
    /// Somebody, and text for them.
    Message(Called, Line),
    /// What an operator wants.
    #[cfg(feature = "data")]
    Order(Order),
}

impl Command {
    /// How many bytes of text it is given.
    pub fn text_bytes(&self) -> usize {
        match self {
            Self::Row(_, Arguments::Text(text) | Arguments::Message(_, text)) => {
                text.as_str().len()
            }
            #[cfg(feature = "data")]
            Self::Row(_, Arguments::Order(order)) => order.text_bytes(),
            _ => 0,
        }
    }
}

/// Tells what `line` is: bytes without a line's end, as the client sent them.
pub fn interpret(line: &[u8]) -> Input<'_> {
    // Nearly every line begins with a letter, and need not be looked at further.
    if line
        .first()
        .is_none_or(|byte| byte.is_ascii_graphic() && *byte != b'/')
    {
        return Input::Text(Cow::Borrowed(line));
    }
    let text = String::from_utf8_lossy(line);
    let rest = skip_stray_keys(&text);
    let Some(after_slash) = rest.strip_prefix('/') else {
        return Input::Text(Cow::Borrowed(line));
    };
    if after_slash.starts_with('/') {
        return Input::Text(Cow::Owned(after_slash.into()));
    }
    // A terminal or a script may send more than one CR before LF. What then stands behind a command is
    // often a password.
    let (word, arguments) = split_word(after_slash.trim_end_matches('\r'));
    if word.is_empty() || !word.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Input::Text(Cow::Owned(rest.into()));
    }
    Input::Command(Request {
        word: word.to_ascii_lowercase(),
        arguments: arguments.to_owned(),
    })
}

/// The command that logs in, as somebody may say it without its `/`.
pub const LOGIN: &str = "login";

/// The command that somebody may have meant who said just its name, or that and a name.
pub fn bare_command(text: &[u8]) -> Option<&'static str> {
    let text = text.trim_ascii();
    let length = text.len().min(LOGIN.len());
    let (word, rest) = text.split_at(length);
    if word.eq_ignore_ascii_case(LOGIN.as_bytes()) {
        let name = rest.trim_ascii_start();
        let is_apart = rest.is_empty() || name.len() < rest.len();
        let is_one_word = !name.iter().any(u8::is_ascii_whitespace);
        return (is_apart && is_one_word).then_some(LOGIN);
    }
    let names = ["help", "quit", "exit", "who"];
    let is_meant = |name: &&str| rest.is_empty() && word.eq_ignore_ascii_case(name.as_bytes());
    names.into_iter().find(is_meant)
}

/// The first word and what follows it, without the blanks between and at the end.
pub fn split_word(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(is_blank).unwrap_or((text, ""));
    (word, rest.trim_matches(is_blank))
}

/// Whether the character stands between words.
pub fn is_blank(character: char) -> bool {
    character.is_whitespace() && !is_harmful(character)
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
        || is_invisible(character)
        || character == char::REPLACEMENT_CHARACTER
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn command(line: &str) -> (String, String) {
        match interpret(line.as_bytes()) {
            Input::Command(Request { word, arguments }) => (word, arguments),
            Input::Text(text) => panic!("{line:?} is {text:?}"),
        }
    }

    fn request(word: &str, arguments: &str) -> (String, String) {
        (word.to_owned(), arguments.to_owned())
    }

    fn text(line: &str) -> String {
        match interpret(line.as_bytes()) {
            Input::Text(text) => String::from_utf8(text.to_vec()).unwrap(),
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
            "/me\u{2028}waves",
            "/me\u{1b}[A",
            "hello /help",
            "</msg>",
        ] {
            assert_eq!(text(line), line);
        }
        assert_eq!(command("/HeLp"), request("help", ""));
        assert_eq!(command("/frobnicate  now "), request("frobnicate", "now"));
    }

    #[test]
    fn cr_before_the_lines_end_is_no_part_of_a_command() {
        for line in ["/login alice\r", "/login alice \r\r"] {
            assert_eq!(command(line), request("login", "alice"));
        }
        assert_eq!(text("/usr/bin\r"), "/usr/bin\r");
    }

    #[test]
    fn two_slashes_send_the_line_with_one() {
        assert_eq!(text("//help me"), "/help me");
        assert_eq!(text(" //x"), "/x");
    }

    #[test]
    fn stray_keys_do_not_make_a_private_message_public() {
        let private = request("msg", "bob psst");
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
            "\u{8f}",
            "\u{200b}",
            "\u{ad}",
            "\u{301}",
            "\u{fffd}",
            "\u{202e}",
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
        assert_eq!(command("/msg\u{a0}bob psst"), private);
        let after_half_a_character = interpret(b"\x9b/msg bob psst");
        assert!(matches!(after_half_a_character, Input::Command(found) if found.word == "msg"));
    }

    #[test]
    fn blanks_before_text_stay() {
        assert_eq!(text("  indented"), "  indented");
        assert_eq!(text("\u{1b}[A"), "\u{1b}[A");
    }

    proptest! {
        #[test]
        fn stray_keys_in_any_order_are_taken_off(
            keys in prop::collection::vec(prop::sample::select(
                vec![" ", "\t", "\u{1b}[A", "\u{1b}OA", "\u{1b}[5~", "\u{1b}", "\0", "\u{85}", "\u{202e}"]), 0..12)
        ) {
            let line = format!("{}/quit", keys.concat());
            let quit = Request { word: "quit".to_owned(), arguments: String::new() };
            prop_assert_eq!(interpret(line.as_bytes()), Input::Command(quit));
        }
    }
}

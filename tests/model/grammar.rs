//! The command grammar: whatever a client types, a private message stays private.

use crate::bytes::Bytes;
use crate::harm::is_forbidden;
use chatd::command::{Arguments, Command, Input, interpret};
use chatd::commands::{Meaning, understand};
use chatd::name::Called;
#[cfg(feature = "data")]
use chatd::order::{Order, Whom};
use chatd::text::{Line, clean};
use std::borrow::Cow;

/// How many bytes of the input choose what the rest is.
const CHOICES: usize = 11;

/// What terminals send for keys that are no text. The ones that are cut short come from keys that
/// were pressed while the line was cut in two.
const STRAY_KEYS: [&[u8]; 26] = [
    b" ",
    b"\t",
    b"\r",
    b"\0",
    b"\x03",
    b"\x08",
    b"\x7f",
    b"\x1b",
    b"\x1b[",
    b"\x1b[1;",
    b"\x1b[A",
    b"\x1b[D",
    b"\x1bOC",
    b"\x1bOP",
    b"\x1b[1;5C",
    b"\x1b[3~",
    b"\x1b[200~",
    b"\x1b[[A",
    b"\x1b[<0;3;9M",
    b"\xc2\xa0",
    b"\xc2\x9b",
    b"\xe3\x80\x80",
    b"\xef\xbb\xbf",
    b"\xe2\x80\x8e",
    b"\x9b",
    b"\xff",
];

const PRIVATE_COMMANDS: [&str; 4] = ["/msg", "/MSG", "/tell", "/tElL"];

/// The first bytes choose whether the rest is a line as it is, or a private message, and behind
/// which keys.
pub fn check(input: &[u8]) {
    let (choices, text) = input.split_at(input.len().min(CHOICES));
    let mut choices = Bytes::new(choices);
    let text = as_line(text);
    if choices.below(2) == 0 {
        check_any_line(&text);
    } else {
        check_private_message(&mut choices, &text);
    }
}

/// The grammar is handed lines, so there is no line feed in them.
fn as_line(bytes: &[u8]) -> Vec<u8> {
    let is_kept = |byte: &u8| *byte != b'\n';
    bytes.iter().copied().filter(is_kept).collect()
}

fn check_private_message(choices: &mut Bytes<'_>, text: &[u8]) {
    let mut line = Vec::new();
    for _ in 0..choices.below(8) {
        line.extend_from_slice(choices.pick(&STRAY_KEYS));
    }
    line.extend_from_slice(choices.pick(&PRIVATE_COMMANDS).as_bytes());
    line.extend_from_slice(choices.pick(&[" ", "\t", "  ", "\u{a0}"]).as_bytes());
    line.extend_from_slice(b"bob ");
    line.extend_from_slice(text);

    // CR at the end is no part of it.
    let end = text.iter().rposition(|byte| *byte != b'\r');
    let cleaned = clean(&text[..end.map_or(0, |end| end + 1)]);
    let text = cleaned.trim();
    let input = interpret(&line);
    let Input::Command(request) = &input else {
        panic!("{:?} became {input:?}", line.escape_ascii().to_string());
    };
    match understand(request) {
        Meaning::Asks(Command::Row(_, Arguments::Message(called, found)), _) => {
            assert_eq!((called, found.as_str()), (Called::new("bob"), text));
        }
        Meaning::Asks(Command::Misused(_), _) if text.is_empty() => {}
        other => panic!("{:?} became {other:?}", line.escape_ascii().to_string()),
    }
}

fn check_any_line(line: &[u8]) {
    let shown = match interpret(line) {
        Input::Command(request) => return check_meaning(&understand(&request)),
        Input::Text(text) => {
            if let Cow::Borrowed(text) = &text {
                assert_eq!(*text, line, "text that is no command is not touched");
            }
            clean(&text).into_owned()
        }
    };
    // What everybody reads must not look as if it was meant for the server, unless its author
    // asked for that with two slashes.
    let is_blank = |c: char| c.is_whitespace() || c == char::REPLACEMENT_CHARACTER;
    let visible = shown.trim_start_matches(is_blank);
    let word = visible.split(char::is_whitespace).next();
    let is_command = word
        .and_then(|word| word.strip_prefix('/'))
        .is_some_and(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphabetic()));
    let is_asked_for = line.windows(2).any(|pair| pair == b"//");
    assert!(
        !is_command || is_asked_for,
        "{:?} is shown to everybody as {shown:?}",
        line.escape_ascii().to_string()
    );
}

/// Nothing in a command can do anything to a terminal, and names are single words.
fn check_meaning(meaning: &Meaning) {
    let (name, text) = match meaning {
        Meaning::Asks(Command::Row(_, arguments), _) => match arguments {
            Arguments::NewName(_, name) | Arguments::Person(Called::Nobody(name)) => {
                (Some(name), None)
            }
            Arguments::Message(Called::Nobody(name), text) => (Some(name), Some(text)),
            Arguments::Message(Called::Name(_), text) | Arguments::Text(text) => (None, Some(text)),
            #[cfg(feature = "data")]
            Arguments::Order(order) => named_in(order),
            Arguments::Person(Called::Name(_)) | Arguments::None | Arguments::Number(_) => {
                (None, None)
            }
        },
        Meaning::Asks(Command::Unknown(text), _) | Meaning::Leaves(Some(text)) => {
            (None, Some(text))
        }
        #[cfg(feature = "data")]
        Meaning::Searches(text) => (None, Some(text)),
        Meaning::Asks(Command::Misused(_), _)
        | Meaning::Leaves(None)
        // The client's own thread reads the name, and shows nobody what is none.
        | Meaning::AsksPassword(..) => (None, None),
    };
    if let Some(name) = name.map(Line::as_str) {
        assert!(
            !name.is_empty() && !name.contains(char::is_whitespace),
            "{meaning:?}"
        );
        assert!(!name.contains(is_forbidden), "{meaning:?}");
    }
    if let Some(text) = text.map(Line::as_str) {
        assert!(!text.is_empty() && text == text.trim(), "{meaning:?}");
        assert!(!text.contains(is_forbidden), "{meaning:?}");
    }
}

/// What nobody can be called, and the text, in what an operator wants.
#[cfg(feature = "data")]
fn named_in(order: &Order) -> (Option<&Line>, Option<&Line>) {
    let (called, text) = match order {
        Order::Kick(called, text) | Order::Ban(Whom::Person(called), _, text) => {
            (Some(called), text.as_ref())
        }
        Order::Ban(Whom::Network(_), _, text) => (None, text.as_ref()),
        Order::Unban(Whom::Person(called))
        | Order::Mute(called)
        | Order::Unmute(called)
        | Order::Erase(called, _) => (Some(called), None),
        Order::Unban(Whom::Network(_)) | Order::Bans => (None, None),
    };
    let name = called.and_then(|called| match called {
        Called::Name(_) => None,
        Called::Nobody(name) => Some(name),
    });
    (name, text)
}

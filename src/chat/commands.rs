//! The commands: one table says what each is called, how it goes, what its help is, who may use it
//! and what does it.

use crate::chat::asking::Asking;
use crate::chat::notices::quote;
use crate::chat::{answers, ignoring, private};
use crate::command::{Arguments, Command, Request, split_word};
use crate::name::{Called, Name};
use crate::text::Line;
use std::fmt;

/// A command.
struct Row {
    /// What it is called, its own name first.
    names: &'static [&'static str],
    /// What stands behind its name, as `/help` shows it.
    usage: &'static str,
    help: &'static str,
    who: Who,
    counts: Counts,
    /// What is made of the text behind its name; nothing where it is used wrongly.
    takes: fn(&str) -> Option<Arguments>,
    does: Does,
}

/// Who may use a command.
#[derive(Clone, Copy)]
enum Who {
    Everybody,
}

/// What a command costs (`--rate`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// As a line does: others read the text.
    AsLine,
    /// As a request to the server does.
    AsRequest,
}

enum Does {
    /// The client's own thread takes it for the client's end.
    Leave,
    /// It is done and answered by this.
    Do(fn(&mut Asking<'_>, Arguments)),
}

/// What a client's thread makes of a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The client leaves, with a text or without.
    Leaves(Option<Line>),
    /// The broadcaster is asked.
    Asks(Command, Counts),
}

const fn row(
    names: &'static [&'static str],
    usage: &'static str,
    help: &'static str,
    counts: Counts,
    takes: fn(&str) -> Option<Arguments>,
    does: Does,
) -> Row {
    Row {
        names,
        usage,
        help,
        who: Who::Everybody,
        counts,
        takes,
        does,
    }
}

use Counts::{AsLine, AsRequest};
use Does::{Do, Leave};

/// In the order of `/help`.
#[rustfmt::skip]
const TABLE: [Row; 18] = [
    row(&["help"], "", "lists the commands", AsRequest, anything, Do(help)),
    row(&["nick"], "NAME", "renames you", AsRequest, new_name, Do(answers::nick)),
    row(&["who", "names"], "[TEXT]", "who is here, or those whose names begin with TEXT; also /names", AsRequest, word_or_nothing, Do(answers::who)),
    row(&["whois"], "NAME", "when they joined, how long they have been quiet, their away text", AsRequest, person, Do(answers::whois)),
    row(&["me"], "ACTION", "says what you do", AsLine, text, Do(answers::me)),
    row(&["msg", "tell"], "NAME TEXT", "a private message; also /tell", AsLine, message, Do(private::msg)),
    row(&["reply", "r"], "TEXT", "a private message to whoever last sent you one; also /r", AsLine, text, Do(private::reply)),
    row(&["away"], "[TEXT]", "marks you away; whoever writes to you privately is told", AsRequest, text_or_nothing, Do(answers::away)),
    row(&["back"], "", "you are here again", AsRequest, nothing, Do(answers::back)),
    row(&["ignore"], "[NAME]", "hides what NAME says, does and sends you; alone, lists whom you ignore", AsRequest, person_or_nothing, Do(ignoring::ignore)),
    row(&["unignore"], "NAME", "shows it again", AsRequest, person, Do(ignoring::unignore)),
    row(&["quiet"], "", "turns the notices of joins and departures off and on", AsRequest, nothing, Do(ignoring::quiet)),
    row(&["history"], "[N]", "the last N lines again", AsRequest, number_or_nothing, Do(answers::history)),
    row(&["motd"], "", "the message of the day", AsRequest, nothing, Do(answers::motd)),
    row(&["time"], "", "what time it is here", AsRequest, nothing, Do(answers::time)),
    row(&["uptime"], "", "how long chatd has been running", AsRequest, nothing, Do(answers::uptime)),
    row(&["version"], "", "which chatd this is", AsRequest, nothing, Do(answers::version)),
    row(&["quit", "exit"], "[TEXT]", "leaves; also /exit", AsRequest, text_or_nothing, Leave),
];

/// What a client's request means. What takes time, such as the looks of a name, is done here, in
/// the client's own thread.
#[must_use]
pub fn understand(request: &Request) -> Meaning {
    let word = request.word.as_str();
    let Some(number) = TABLE.iter().position(|row| row.names.contains(&word)) else {
        let word = Line::new(&format!("/{word}"));
        return Meaning::Asks(Command::Unknown(word), AsRequest);
    };
    let row = &TABLE[number];
    match ((row.takes)(request.arguments.as_str()), &row.does) {
        (None, _) => Meaning::Asks(Command::Misused(number), AsRequest),
        (Some(Arguments::Text(text)), Leave) => Meaning::Leaves(Some(text)),
        (Some(_), Leave) => Meaning::Leaves(None),
        (Some(arguments), Do(_)) => Meaning::Asks(Command::Row(number, arguments), row.counts),
    }
}

/// Does what was asked for, and answers.
pub(super) fn answer(mut asking: Asking<'_>, command: Command) {
    match command {
        Command::Row(number, arguments) => match (&TABLE[number].does, TABLE[number].who) {
            (Do(answer), Who::Everybody) => answer(&mut asking, arguments),
            (Leave, _) => {}
        },
        Command::Misused(number) => {
            let row = &TABLE[number];
            asking.say(format_args!("usage: {row}"));
        }
        Command::Unknown(word) => {
            let word = quote(&word);
            asking.say(format_args!("no such command, /help lists them: {word}"));
        }
    }
    asking.send();
}

fn help(asking: &mut Asking<'_>, _: Arguments) {
    let usages = TABLE.iter().map(Row::to_string);
    let width = usages.map(|usage| usage.len()).max().unwrap_or_default();
    for row in &TABLE {
        let usage = row.to_string();
        asking.say(format_args!("{usage:width$}  {}", row.help));
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", self.names[0])?;
        if !self.usage.is_empty() {
            write!(f, " {}", self.usage)?;
        }
        Ok(())
    }
}

/// `/help me` is no mistake.
#[allow(clippy::unnecessary_wraps)]
fn anything(_: &str) -> Option<Arguments> {
    Some(Arguments::None)
}

fn nothing(text: &str) -> Option<Arguments> {
    text.is_empty().then_some(Arguments::None)
}

fn text(text: &str) -> Option<Arguments> {
    (!text.is_empty()).then(|| Arguments::Text(Line::new(text)))
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::is_whitespace)
}

fn new_name(text: &str) -> Option<Arguments> {
    is_word(text).then(|| Arguments::NewName(Name::parse(text), Line::new(text)))
}

fn person(text: &str) -> Option<Arguments> {
    is_word(text).then(|| Arguments::Person(Called::new(text)))
}

fn number(text: &str) -> Option<Arguments> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = is_number.then(|| text.parse().ok()).flatten();
    number.map(Arguments::Number)
}

fn message(arguments: &str) -> Option<Arguments> {
    let (name, text) = split_word(arguments);
    (!text.is_empty()).then(|| Arguments::Message(Called::new(name), Line::new(text)))
}

fn text_or_nothing(arguments: &str) -> Option<Arguments> {
    nothing(arguments).or_else(|| text(arguments))
}

fn word_or_nothing(arguments: &str) -> Option<Arguments> {
    nothing(arguments).or_else(|| text(arguments).filter(|_| is_word(arguments)))
}

fn person_or_nothing(arguments: &str) -> Option<Arguments> {
    nothing(arguments).or_else(|| person(arguments))
}

fn number_or_nothing(arguments: &str) -> Option<Arguments> {
    nothing(arguments).or_else(|| number(arguments))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Input, interpret};

    fn meaning(line: &str) -> Meaning {
        match interpret(line.as_bytes()) {
            Input::Command(request) => understand(&request),
            text => panic!("{line:?} is {text:?}"),
        }
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
            ("/history 99999999999999999999", "/history [N]"),
            ("/who two words", "/who [TEXT]"),
            ("/quiet please", "/quiet"),
        ] {
            let Meaning::Asks(Command::Misused(number), AsRequest) = meaning(line) else {
                panic!("{line}: {:?}", meaning(line));
            };
            assert_eq!(TABLE[number].to_string(), usage, "{line}");
        }
    }

    #[test]
    fn each_name_stands_for_one_command() {
        let names = TABLE.iter().flat_map(|row| row.names).collect::<Vec<_>>();
        for (at, name) in names.iter().enumerate() {
            assert!(!names[..at].contains(name), "{name}");
        }
    }

    #[test]
    fn quit_is_the_threads_own_affair() {
        assert_eq!(meaning("/quit"), Meaning::Leaves(None));
        let text = Line::new("so long");
        assert_eq!(meaning("/EXIT so long"), Meaning::Leaves(Some(text)));
    }

    #[test]
    fn what_others_read_costs_what_a_line_does() {
        for (line, counts) in [
            ("/me waves", AsLine),
            ("/msg bob psst", AsLine),
            ("/who", AsRequest),
            ("/me", AsRequest),
            ("/frobnicate", AsRequest),
        ] {
            assert!(matches!(meaning(line), Meaning::Asks(_, found) if found == counts));
        }
    }
}

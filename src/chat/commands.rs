//! The commands: one table says what each is called, how it goes, what its help is, who may use it
//! and what does it.

use crate::chat::asking::Asking;
#[cfg(feature = "data")]
use crate::chat::club::ORDERS;
use crate::chat::notices::quote;
use crate::chat::{answers, ignoring, private};
use crate::command::{Arguments, Command, Request, is_blank, split_word};
use crate::event::ClientId;
use crate::name::{Called, Name, Refusal, without_lrm};
#[cfg(feature = "data")]
use crate::order::Order;
use crate::text::{LINE_COST, Line};
use std::fmt;

/// What a request to the server costs (`--rate`).
pub const REQUEST_COST: u64 = 1 << 10;

/// A command.
pub(super) struct Row {
    /// What it is called, its own name first.
    pub names: &'static [&'static str],
    /// What stands behind its name, as `/help` shows it.
    pub usage: &'static str,
    /// Nothing for what is no command here, but may be elsewhere: `/help` does not list it.
    pub help: &'static str,
    /// What the server has to have: `/help` lists no command that is of no use.
    pub needs: Option<Offer>,
    pub who: Who,
    pub does: Does,
}

/// What only some servers have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// Accounts.
    Accounts,
    /// Anybody may make one (`--register`).
    Registration,
    /// What was said is kept, and found again.
    Archive,
}

/// Who may use a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// Who waits to be let in, too.
    Anybody,
    Everybody,
    /// Others read what it is given, so the muted may not.
    Unmuted,
    Operators,
}

/// What a command does, by what it is given.
pub(super) enum Does {
    /// The client's own thread takes it for the client's end.
    Leave,
    /// The client's own thread asks for the password.
    AskPassword(PasswordCommand),
    /// The client's own thread looks for it in what is kept.
    #[cfg(feature = "data")]
    Search,
    Alone(fn(&mut Asking<'_>)),
    Text(fn(&mut Asking<'_>, &Line)),
    MaybeText(fn(&mut Asking<'_>, Option<&Line>)),
    MaybeWord(fn(&mut Asking<'_>, Option<&Line>)),
    MaybeNumber(fn(&mut Asking<'_>, Option<usize>)),
    /// A name, or why nobody may have it, and what was written.
    NewName(fn(&mut Asking<'_>, Result<Name, Refusal>, &Line)),
    Person(fn(&mut Asking<'_>, ClientId)),
    /// The same, or the owner of an account who is not here: of those the chat knows nothing.
    PersonOrOwner(fn(&mut Asking<'_>, ClientId)),
    MaybePerson(fn(&mut Asking<'_>, Option<ClientId>)),
    /// Somebody, and text for them.
    Message(fn(&mut Asking<'_>, ClientId, &Line)),
    /// Text for whoever last wrote to them privately.
    Reply(fn(&mut Asking<'_>, &Line)),
    /// An order, made of the text behind the command's name: nothing where it is used wrongly.
    #[cfg(feature = "data")]
    Order(fn(&str) -> Option<Order>),
}

/// A command that asks for a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordCommand {
    /// `/login [NAME]`.
    Login,
    /// `/password`.
    Password,
    /// `/register NAME`.
    Register,
}

/// What a client's thread makes of a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The client leaves, with a text or without.
    Leaves(Option<Line>),
    /// It is to be asked for a password. The word behind the command is a name, if it is anything;
    /// what stands behind that may be a password already, and is thrown away.
    AsksPassword(PasswordCommand, String),
    /// The broadcaster is asked, which costs so much (`--rate`).
    Asks(Command, u64),
    /// The client's thread looks for this in what is kept.
    #[cfg(feature = "data")]
    Searches(Line),
}

#[cfg(feature = "data")]
use Does::Search;
use Does::{
    Alone, AskPassword, Leave, MaybeNumber, MaybePerson, MaybeText, MaybeWord, Message, NewName,
    Person, PersonOrOwner, Reply, Text,
};
use Who::{Anybody, Everybody, Operators, Unmuted};

/// In the order of `/help`.
#[rustfmt::skip]
const TABLE: &[Row] = &[
    Row { names: &["help"], usage: "[NAME]", help: "lists the commands; or one, with its other names", needs: None, who: Anybody, does: MaybeWord(help) },
    Row { names: &["nick"], usage: "NAME", help: "renames you", needs: None, who: Unmuted, does: NewName(answers::nick) },
    Row { names: &["who", "names", "users"], usage: "[TEXT]", help: "who is here (whose names begin with TEXT)", needs: None, who: Everybody, does: MaybeWord(answers::who) },
    Row { names: &["whois"], usage: "NAME", help: "when they joined, how long they are idle, why away", needs: None, who: Everybody, does: PersonOrOwner(answers::whois) },
    Row { names: &["me"], usage: "ACTION", help: "says what you do", needs: None, who: Unmuted, does: Text(answers::me) },
    Row { names: &["msg", "m", "tell"], usage: "NAME TEXT", help: "a private message", needs: None, who: Unmuted, does: Message(private::msg) },
    Row { names: &["reply", "r"], usage: "TEXT", help: "a private message to whoever last sent you one", needs: None, who: Unmuted, does: Reply(private::reply) },
    Row { names: &["away"], usage: "[TEXT]", help: "marks you away; who writes to you privately is told", needs: None, who: Unmuted, does: MaybeText(answers::away) },
    Row { names: &["back"], usage: "", help: "you are here again", needs: None, who: Everybody, does: Alone(answers::back) },
    Row { names: &["ignore"], usage: "[NAME]", help: "hides what NAME says, does and sends you; or lists them", needs: None, who: Everybody, does: MaybePerson(ignoring::ignore) },
    Row { names: &["unignore"], usage: "NAME", help: "shows it again", needs: None, who: Everybody, does: Person(ignoring::unignore) },
    Row { names: &["quiet"], usage: "", help: "turns the notices of joins and departures off and on", needs: None, who: Everybody, does: Alone(ignoring::quiet) },
    Row { names: &["history"], usage: "[N]", help: "the last N lines again", needs: None, who: Everybody, does: MaybeNumber(answers::history) },
    #[cfg(feature = "data")]
    Row { names: &["search"], usage: "TEXT", help: "the last 20 lines kept that contain TEXT, in any case", needs: Some(Offer::Archive), who: Everybody, does: Search },
    Row { names: &["motd"], usage: "", help: "the message of the day", needs: None, who: Everybody, does: Alone(answers::motd) },
    Row { names: &["time"], usage: "", help: "what time it is here", needs: None, who: Everybody, does: Alone(answers::time) },
    Row { names: &["uptime"], usage: "", help: "how long chatd has been running", needs: None, who: Everybody, does: Alone(answers::uptime) },
    Row { names: &["version"], usage: "", help: "which chatd this is", needs: None, who: Everybody, does: Alone(answers::version) },
    Row { names: &["quit", "q", "exit"], usage: "[TEXT]", help: "leaves", needs: None, who: Anybody, does: Leave },
    Row { names: &["login"], usage: "[NAME]", help: "asks for NAME's password, and gives you that name", needs: Some(Offer::Accounts), who: Anybody, does: AskPassword(PasswordCommand::Login) },
    Row { names: &["password"], usage: "", help: "gives your account another password", needs: Some(Offer::Accounts), who: Everybody, does: AskPassword(PasswordCommand::Password) },
    Row { names: &["register"], usage: "NAME", help: "makes an account of your own, with a password", needs: Some(Offer::Registration), who: Anybody, does: AskPassword(PasswordCommand::Register) },
    Row { names: &["join", "topic", "list"], usage: "", help: "", needs: None, who: Everybody, does: MaybeText(answers::only_room) },
];

/// Those of operators, behind the others.
#[cfg(not(feature = "data"))]
const ORDERS: [Row; 0] = [];

fn rows() -> impl Iterator<Item = &'static Row> {
    TABLE.iter().chain(&ORDERS)
}

/// The row that a command has in the tables; nothing if it has none.
pub(super) fn row(command: &Command) -> Option<&'static Row> {
    match command {
        Command::Row(number, _) | Command::Misused(number) => rows().nth(*number),
        Command::Unknown(_) => None,
    }
}

/// What a client's request means. What takes time, such as the looks of a name, is done here, in
/// the client's own thread.
pub fn understand(request: &Request) -> Meaning {
    let word = request.word.as_str();
    let found = rows()
        .enumerate()
        .find(|(_, row)| row.names.contains(&word));
    let Some((number, row)) = found else {
        let word = Line::new(&format!("/{word}"));
        return Meaning::Asks(Command::Unknown(word), REQUEST_COST);
    };
    if let AskPassword(command) = row.does {
        let (name, _) = split_word(&request.arguments);
        return Meaning::AsksPassword(command, without_lrm(name).to_owned());
    }
    match (row.does.parse(&request.arguments), &row.does) {
        (None, _) => Meaning::Asks(Command::Misused(number), REQUEST_COST),
        (Some(Arguments::Text(text)), Leave) => Meaning::Leaves(Some(text)),
        (Some(_), Leave) => Meaning::Leaves(None),
        #[cfg(feature = "data")]
        (Some(Arguments::Text(text)), Search) => Meaning::Searches(text),
        (Some(arguments), does) => {
            let command = Command::Row(number, arguments);
            // What others read costs what a line does.
            let cost = match does {
                Text(_) | Message(_) | Reply(_) => {
                    let bytes = command.text_bytes().max(request.arguments.len());
                    bytes as u64 + LINE_COST
                }
                _ => REQUEST_COST,
            };
            Meaning::Asks(command, cost)
        }
    }
}

/// Does what was asked for, and answers.
pub(super) fn answer(mut asking: Asking<'_>, command: Command) {
    match (row(&command), command) {
        (Some(row), _) if row.who == Operators && asking.may != Operators => {
            asking.say(format_args!("only operators can do that"));
        }
        (Some(row), Command::Row(_, arguments)) => row.does.call(&mut asking, arguments),
        (Some(row), _) => asking.say(format_args!("usage: {row}")),
        (None, Command::Unknown(word)) => {
            // As much of it as is quoted.
            let word = quote(&word);
            let unquoted = word.trim_matches('"');
            asking.say(format_args!(
                "no such command: {word}; /{unquoted} says it as text, /help lists the commands"
            ));
        }
        (None, _) => {}
    }
    asking.send();
}

impl Does {
    /// What is made of the text behind a command's name; nothing where it is used wrongly.
    fn parse(&self, text: &str) -> Option<Arguments> {
        let is_word = !text.contains(is_blank);
        match self {
            #[cfg(feature = "data")]
            Self::Order(parse) => parse(text).map(Arguments::Order),
            Text(_) | NewName(_) | Person(_) | PersonOrOwner(_) | Message(_) | Reply(_)
                if text.is_empty() =>
            {
                None
            }
            #[cfg(feature = "data")]
            Search => (!text.is_empty()).then(|| Arguments::Text(Line::new(text))),
            _ if text.is_empty() => Some(Arguments::None),
            // Behind the second may stand anything, and it is not looked at here.
            Alone(_) | AskPassword(_) => None,
            Leave | Text(_) | MaybeText(_) | Reply(_) => Some(Arguments::Text(Line::new(text))),
            MaybeWord(_) => is_word.then(|| Arguments::Text(Line::new(without_lrm(text)))),
            MaybeNumber(_) => {
                let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
                let number = is_number.then(|| text.parse().ok()).flatten();
                number.map(Arguments::Number)
            }
            NewName(_) => {
                let name = without_lrm(text);
                is_word.then(|| Arguments::NewName(Name::parse(name), Line::new(name)))
            }
            Person(_) | PersonOrOwner(_) | MaybePerson(_) => {
                is_word.then(|| Arguments::Person(Called::new(text)))
            }
            Message(_) => {
                let (name, text) = split_word(text);
                let message = || Arguments::Message(Called::new(name), Line::new(text));
                (!text.is_empty()).then(message)
            }
        }
    }

    /// Does it, with what [`Self::parse`] has made. Somebody who is not here is answered for here.
    fn call(&self, asking: &mut Asking<'_>, arguments: Arguments) {
        let called = match &arguments {
            Arguments::Person(called) => Some((called, "")),
            Arguments::Message(called, _) => Some((called, ", nothing was sent")),
            _ => None,
        };
        let person = called.and_then(|(called, otherwise)| asking.find(called, otherwise));
        if called.is_some() && person.is_none() {
            return;
        }
        match (self, arguments, person) {
            (Alone(does), ..) => does(asking),
            (Text(does) | Reply(does), Arguments::Text(text), _) => does(asking, &text),
            (MaybeText(does) | MaybeWord(does), Arguments::Text(text), _) => {
                does(asking, Some(&text))
            }
            (MaybeText(does) | MaybeWord(does), ..) => does(asking, None),
            (MaybeNumber(does), Arguments::Number(number), _) => does(asking, Some(number)),
            (MaybeNumber(does), ..) => does(asking, None),
            (NewName(does), Arguments::NewName(name, written), _) => does(asking, name, &written),
            (MaybePerson(does), _, person) => does(asking, person),
            (Person(does) | PersonOrOwner(does), _, Some(person)) => does(asking, person),
            (Message(does), Arguments::Message(_, text), Some(person)) => {
                does(asking, person, &text)
            }
            // Whoever owns the accounts obeys it.
            #[cfg(feature = "data")]
            (Self::Order(_), ..) => {}
            // Nothing else is parsed for it.
            (Leave | AskPassword(_) | Text(_) | NewName(_) | Reply(_), ..) => {}
            (Person(_) | PersonOrOwner(_) | Message(_), ..) => {}
            #[cfg(feature = "data")]
            (Search, ..) => {}
        }
    }
}

fn help(asking: &mut Asking<'_>, name: Option<&Line>) {
    let Some(name) = name else {
        list(asking, TABLE);
        if asking.may == Operators {
            list(asking, &ORDERS);
        }
        return;
    };
    let wanted = name.as_str().trim_start_matches('/').to_ascii_lowercase();
    let mut listed = rows().filter(|row| row.is_listed(asking));
    match listed.find(|row| row.names.contains(&wanted.as_str())) {
        Some(row) => {
            let others = row.names[1..].iter().map(|name| format!(" /{name}"));
            let others = others.collect::<Vec<_>>().join(",");
            let also = if others.is_empty() { "" } else { "; also" };
            asking.say(format_args!("{row}  {}{also}{others}", row.help));
        }
        None => asking.say(format_args!(
            "no such command, /help lists them: {}",
            quote(name)
        )),
    }
}

/// Lists the commands of a table, which are as wide as its widest.
fn list(asking: &mut Asking<'_>, table: &[Row]) {
    let listed = table.iter().filter(|row| row.is_listed(asking));
    let listed = listed.collect::<Vec<_>>();
    let width = listed.iter().map(|row| row.to_string().len()).max();
    let width = width.unwrap_or_default();
    for row in listed {
        let usage = row.to_string();
        asking.say(format_args!("{usage:width$}  {}", row.help));
    }
}

impl Row {
    fn is_listed(&self, asking: &Asking<'_>) -> bool {
        let has = |offer| asking.chat.offers.contains(&offer) && asking.lacks != Some(offer);
        !self.help.is_empty() && self.needs.is_none_or(has)
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let usage = format!("/{} {}", self.names[0], self.usage);
        f.write_str(usage.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Input, interpret};

    fn meaning(line: &str) -> Meaning {
        match interpret(line.as_bytes()) {
            Input::Command(request) => understand(&request),
            Input::Text(text) => panic!("{line:?} is {text:?}"),
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
            ("/help two words", "/help [NAME]"),
            ("/quiet please", "/quiet"),
        ] {
            let Meaning::Asks(Command::Misused(number), REQUEST_COST) = meaning(line) else {
                panic!("{line}: {:?}", meaning(line));
            };
            assert_eq!(rows().nth(number).unwrap().to_string(), usage, "{line}");
        }
    }

    #[test]
    fn each_name_stands_for_one_command() {
        let names = rows().flat_map(|row| row.names).collect::<Vec<_>>();
        for (at, name) in names.iter().enumerate() {
            assert!(!names[..at].contains(name), "{name}");
        }
    }

    #[test]
    fn each_line_of_help_has_at_most_78_columns() {
        for table in [TABLE, &ORDERS] {
            let width = table.iter().map(|row| row.to_string().len()).max();
            for row in table {
                let line = "-- ".len() + width.unwrap() + 2 + row.help.len();
                assert!(line <= 78, "{row}");
            }
        }
    }

    #[test]
    fn a_left_to_right_mark_around_a_name_is_ignored() {
        let marked = "\u{200e}bob\u{200e}";
        for line in [
            "/whois NAME",
            "/msg NAME psst",
            "/ignore NAME",
            "/nick NAME",
            "/who NAME",
        ] {
            let command = |name| match meaning(&line.replace("NAME", name)) {
                Meaning::Asks(command, _) => command,
                _ => panic!("{line}"),
            };
            assert_eq!(command("bob"), command(marked), "{line}");
        }
        let in_text = meaning("/msg bob \u{200e}psst");
        assert_eq!(in_text, meaning("/msg bob \u{fffd}psst"));
    }

    #[test]
    fn quit_is_the_threads_own_affair() {
        assert_eq!(meaning("/quit"), Meaning::Leaves(None));
        let text = Line::new("so long");
        assert_eq!(meaning("/EXIT so long"), Meaning::Leaves(Some(text)));
    }

    #[test]
    fn what_stands_behind_the_name_of_a_command_about_passwords_is_thrown_away() {
        use PasswordCommand::{Login, Password, Register};
        for (line, command, name) in [
            ("/login", Login, ""),
            ("/LOGIN  alice \u{a0} hunter2 hunter3", Login, "alice"),
            ("\u{1b}[A/login \u{200e}\u{5d0}\u{200e}", Login, "\u{5d0}"),
            ("/password", Password, ""),
            ("/register bob hunter2", Register, "bob"),
        ] {
            let expected = Meaning::AsksPassword(command, name.to_owned());
            assert_eq!(meaning(line), expected, "{line:?}");
        }
    }

    #[test]
    fn what_others_read_costs_what_a_line_does() {
        for (line, counts) in [
            ("/me waves", 85),
            ("/msg bob psst", 88),
            ("/r grüße", 87),
            ("/who", REQUEST_COST),
            ("/me", REQUEST_COST),
            ("/frobnicate", REQUEST_COST),
        ] {
            assert!(matches!(meaning(line), Meaning::Asks(_, found) if found == counts));
        }
    }
}

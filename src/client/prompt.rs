//! The prompt: what a client is asked when it gives a password, and what is made of its lines
//! meanwhile. It neither reads nor waits: it is handed each line as it was cut, and each verdict.
//!
//! Whatever happens, a line that may be a password is never said: where a command is refused the
//! client has to leave, since the password may be on its way already.

use crate::chat::commands::PasswordCommand;
use crate::client::secrets::{NextLine, NoAccounts, Reaction, Secrets};
use crate::name::{Called, Name};
use crate::passwords::Password;
use crate::text::take_back;
use std::mem;

/// How many wrong passwords a client may give before it has to leave.
const TRIES: usize = 3;

const WRONG: &str = "wrong name or password";
const UNENCRYPTED: &str = "not over an unencrypted connection";

/// Which of the commands about passwords are obeyed on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passwords {
    /// None: there are no accounts.
    None,
    /// None: others could read what is given.
    Unencrypted,
    /// `/login` and `/password`.
    OfAccounts,
    /// `/register` too.
    OfNewAccounts,
}

/// Whose password it is that a client gives to log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// That of the account with the name that the client has now.
    Own,
    /// That of the account with this name, if there is one.
    Named(Name),
    /// Nobody's: nobody can be called so. It is wrong as one without an account is.
    Nobody,
}

/// What a client has given. Where there is no password it was too long, not UTF-8 or had a control
/// character: it is a wrong one.
pub enum Credentials {
    /// To log in.
    Login(Whose, Option<Password>),
    /// The password that the account has until now, to get another one.
    Old(Option<Password>),
    /// The one that the account is to have, given twice.
    New(Password),
    /// The one that a new account is to have, given twice.
    Register(Name, Password),
    /// The password that everybody has to give (`--password-file`).
    Common(Option<Password>),
}

/// What was found of what a client has given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It was right. What follows from that the client is told by others.
    Right,
    /// It was wrong.
    Wrong,
    /// It was refused, for this reason.
    Refused(String),
}

/// What one client is asked for.
pub struct Prompt {
    passwords: Passwords,
    screen: Screen,
    state: State,
}

/// What becomes of what is typed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Screen {
    ShowsIt,
    HidesIt,
}

enum State {
    /// Nothing is asked.
    Idle,
    /// It will be asked for the password that everybody has to give, once the server knows of it.
    Newcomer,
    /// The next line is a password that somebody has already.
    Known(Known, usize),
    /// It is a new one.
    New(Purpose),
    /// It has to be the same new one again.
    Again(Purpose, Password),
    /// A password that somebody has already is checked, after so many wrong ones.
    CheckingKnown(Known, usize),
    /// A new one is on its way into an account.
    KeepingNew,
}

#[derive(Clone)]
enum Known {
    Login(Whose),
    Old,
    Common,
}

/// What a new password is for.
enum Purpose {
    Change,
    Account(Name),
}

impl Prompt {
    /// Nothing is asked until a command comes.
    pub fn new(passwords: Passwords) -> Self {
        Self {
            passwords,
            screen: Screen::ShowsIt,
            state: State::Idle,
        }
    }

    /// Every line is the password that everybody has to give, from the first one on.
    pub fn for_newcomer(passwords: Passwords) -> Self {
        Self {
            state: State::Newcomer,
            ..Self::new(passwords)
        }
    }

    fn ask(&mut self, what: &str, state: State) -> Vec<Reaction> {
        self.state = state;
        let warning = match self.screen {
            Screen::ShowsIt => " (your screen will show it)",
            Screen::HidesIt => "",
        };
        vec![Reaction::Asks(format!("{what}{warning}:"))]
    }

    fn ask_again(&mut self, known: Known, wrong: usize) -> Vec<Reaction> {
        self.state = State::Known(known, wrong);
        let text = format!("{WRONG}; again, or an empty line to stop:");
        vec![Reaction::Asks(text)]
    }

    fn ask_new(&mut self, purpose: Purpose) -> Vec<Reaction> {
        self.ask("new password", State::New(purpose))
    }

    /// The client is told why, and has to leave.
    fn refuse(&mut self, reason: &str) -> Vec<Reaction> {
        self.state = State::Idle;
        vec![
            Reaction::Ends,
            Reaction::Tells(reason.to_owned()),
            Reaction::Closes,
        ]
    }

    fn give(&mut self, credentials: Credentials, state: State) -> Vec<Reaction> {
        self.state = state;
        vec![Reaction::Gave(credentials)]
    }
}

impl Credentials {
    /// Whose account they are about: nothing for that of the client's own name.
    pub fn name(&self) -> Option<Name> {
        match self {
            Self::Login(Whose::Named(name), _) | Self::Register(name, _) => Some(name.clone()),
            _ => None,
        }
    }
}

impl Secrets for Prompt {
    fn has_accounts(&self) -> bool {
        self.passwords != Passwords::None
    }

    fn greet(&mut self) -> Vec<Reaction> {
        match (&self.state, self.passwords) {
            (State::Newcomer, Passwords::Unencrypted) => self.refuse(UNENCRYPTED),
            (State::Newcomer, _) => self.ask("password", State::Known(Known::Common, 0)),
            _ => Vec::new(),
        }
    }

    fn begin(&mut self, command: PasswordCommand, name: &str) -> Vec<Reaction> {
        match (self.passwords, command) {
            (Passwords::None, _) => NoAccounts.begin(command, name),
            (Passwords::Unencrypted, _) => self.refuse(UNENCRYPTED),
            (_, PasswordCommand::Login) => {
                let whose = match Called::new(name) {
                    _ if name.is_empty() => Whose::Own,
                    Called::Name(name) => Whose::Named(name),
                    Called::Nobody(_) => Whose::Nobody,
                };
                self.ask("password", State::Known(Known::Login(whose), 0))
            }
            (_, PasswordCommand::Password) => self.ask("password", State::Known(Known::Old, 0)),
            (Passwords::OfAccounts, PasswordCommand::Register) => {
                self.refuse("accounts are made by whoever runs this server")
            }
            (Passwords::OfNewAccounts, PasswordCommand::Register) => match Name::parse(name) {
                _ if name.is_empty() => self.refuse("usage: /register NAME"),
                Ok(name) => self.ask_new(Purpose::Account(name)),
                // What was written is not repeated: it may be a password.
                Err(refusal) => self.refuse(refusal),
            },
        }
    }

    fn next_line(&self) -> NextLine {
        match self.state {
            State::Idle => NextLine::Ordinary,
            State::Known(..) | State::New(_) | State::Again(..) => NextLine::Password,
            State::Newcomer | State::CheckingKnown(..) | State::KeepingNew => NextLine::Undecided,
        }
    }

    fn take(&mut self, line: Option<&[u8]>) -> Vec<Reaction> {
        let typed = line.map(take_back);
        let is_empty = typed.as_ref().is_some_and(|typed| typed.is_empty());
        let password = typed.and_then(|typed| Password::read(&typed));
        match (mem::replace(&mut self.state, State::Idle), password) {
            (State::Known(Known::Common, _), _) if is_empty => {
                vec![Reaction::Ends, Reaction::Closes]
            }
            _ if is_empty => vec![Reaction::Ends],
            (State::Known(known, wrong), password) => {
                let credentials = match known.clone() {
                    Known::Login(whose) => Credentials::Login(whose, password),
                    Known::Old => Credentials::Old(password),
                    Known::Common => Credentials::Common(password),
                };
                self.give(credentials, State::CheckingKnown(known, wrong))
            }
            (State::New(purpose), Some(password)) => match password.check_new() {
                Ok(()) => self.ask("again", State::Again(purpose, password)),
                Err(refusal) => self.refuse(refusal),
            },
            (State::New(_), None) => {
                self.refuse("a password has no control characters, and is UTF-8 of one line")
            }
            (State::Again(purpose, first), Some(password)) if password.is(&first) => {
                let credentials = match purpose {
                    Purpose::Change => Credentials::New(password),
                    Purpose::Account(name) => Credentials::Register(name, password),
                };
                self.give(credentials, State::KeepingNew)
            }
            (State::Again(..), _) => self.refuse("these are two passwords, nothing was changed"),
            // No password was asked for, or one is judged.
            (state, _) => {
                self.state = state;
                Vec::new()
            }
        }
    }

    fn judge(&mut self, verdict: Verdict) -> Vec<Reaction> {
        match (mem::replace(&mut self.state, State::Idle), verdict) {
            (State::CheckingKnown(Known::Old, _), Verdict::Right) => self.ask_new(Purpose::Change),
            (State::CheckingKnown(..) | State::KeepingNew, Verdict::Right) => vec![Reaction::Ends],
            (State::CheckingKnown(known, wrong), Verdict::Wrong) if wrong + 1 < TRIES => {
                self.ask_again(known, wrong + 1)
            }
            (_, Verdict::Refused(reason)) => self.refuse(&reason),
            // The last wrong one, or a verdict on nothing.
            _ => self.refuse(WRONG),
        }
    }

    fn can_hide(&mut self) {
        self.screen = Screen::HidesIt;
    }
}

#[cfg(test)]
mod tests;

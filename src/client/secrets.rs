//! The seam between what a client says and what it is asked that nobody else may read. The core
//! asks nothing: it has no accounts.

use crate::chat::commands::PasswordCommand;
#[cfg(feature = "data")]
use crate::client::prompt::{Credentials, Verdict};

/// What the client's next line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(feature = "data"), allow(dead_code))]
pub enum NextLine {
    /// Something to say, or a command.
    Ordinary,
    /// A password, whatever it looks like.
    Password,
    /// What it is depends on a verdict: nothing is cut until then.
    Undecided,
}

/// What comes of a command, a line or a verdict about passwords.
#[cfg_attr(not(feature = "data"), allow(dead_code))]
pub enum Reaction {
    /// The client is asked, by this line of the server, for what its screen had better not show.
    Asks(String),
    /// It has given this, which somebody has to judge.
    #[cfg(feature = "data")]
    Gave(Credentials),
    /// It is asked no more.
    Ends,
    /// It reads this line of the server.
    Tells(String),
    /// It has to leave, and nothing that follows is heard: the next line of a bot is its password.
    Closes,
}

/// Who asks a client for passwords.
pub trait Secrets {
    /// Whether anybody has an account here.
    fn has_accounts(&self) -> bool {
        false
    }

    /// Takes one of the commands that ask for a password, with the name behind it, if there is one.
    fn begin(&mut self, command: PasswordCommand, name: &str) -> Vec<Reaction>;

    /// What the client's next line is.
    fn next_line(&self) -> NextLine {
        NextLine::Ordinary
    }

    /// Takes a password as it came, without the line's end; None where it was too long for a line.
    fn take(&mut self, _line: Option<&[u8]>) -> Vec<Reaction> {
        Vec::new()
    }

    /// Takes what was found of that.
    #[cfg(feature = "data")]
    fn judge(&mut self, _verdict: Verdict) -> Vec<Reaction> {
        Vec::new()
    }

    /// The client's screen can be kept from showing what is typed: it speaks telnet.
    fn can_hide(&mut self) {}
}

/// Nobody has an account.
pub struct NoAccounts;

impl Secrets for NoAccounts {
    fn begin(&mut self, _: PasswordCommand, _: &str) -> Vec<Reaction> {
        let answer = "this server has no accounts".to_owned();
        vec![Reaction::Tells(answer), Reaction::Closes]
    }
}

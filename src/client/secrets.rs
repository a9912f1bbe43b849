//! The seam between what a client says and what it is asked that nobody else may read. The core
//! asks nothing: it has no accounts.

use crate::chat::commands::PasswordCommand;
use crate::client::connection::Connection;
#[cfg(feature = "data")]
use {
    crate::address::Address,
    crate::client::prompt::{Credentials, Passwords, Prompt, Verdict},
    crate::config::DataOptions,
};

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

    /// The server knows of the client now. What it is asked at once.
    fn greet(&mut self) -> Vec<Reaction> {
        Vec::new()
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

/// What asks somebody for passwords who has come by this connection.
#[cfg(feature = "data")]
pub fn of(connection: &Connection) -> Box<dyn Secrets> {
    let shared = &connection.shared;
    let DataOptions {
        directory,
        takes_registrations,
        takes_passwords_unencrypted,
        ..
    } = &shared.config.data;
    // Whoever comes by a Unix socket is known already.
    let is_known = matches!(connection.address, Address::User(_));
    let is_newcomer = shared.room_password.is_some() && !is_known;
    let passwords = match directory {
        None if !is_newcomer => Passwords::None,
        _ if !takes_passwords_unencrypted && can_be_overheard(connection) => Passwords::Unencrypted,
        None => Passwords::None,
        Some(_) if *takes_registrations => Passwords::OfNewAccounts,
        Some(_) => Passwords::OfAccounts,
    };
    Box::new(if is_newcomer {
        Prompt::for_newcomer(passwords)
    } else {
        Prompt::new(passwords)
    })
}

/// Nobody in the core has an account.
#[cfg(not(feature = "data"))]
pub fn of(_: &Connection) -> Box<dyn Secrets> {
    Box::new(NoAccounts)
}

/// Whether others could read what is sent: it comes from another machine, and is not encrypted.
#[cfg(feature = "data")]
fn can_be_overheard(connection: &Connection) -> bool {
    let Address::Tcp(peer) = connection.address else {
        return false;
    };
    let (peer, own) = (peer.ip().to_canonical(), connection.stream.local_addr());
    let own = own.ok().and_then(|own| own.as_socket());
    let is_here = peer.is_loopback() || own.is_some_and(|own| own.ip().to_canonical() == peer);
    !is_here && !connection.carriage.is_encrypted()
}

/// Nobody has an account.
pub struct NoAccounts;

impl Secrets for NoAccounts {
    fn begin(&mut self, _: PasswordCommand, _: &str) -> Vec<Reaction> {
        let answer = "this server has no accounts".to_owned();
        vec![Reaction::Tells(answer), Reaction::Closes]
    }
}

//! What chatd does beside serving: its subcommands and their options.

#[cfg(feature = "data")]
use crate::config::values::{duration, time};
#[cfg(feature = "data")]
use jiff::Timestamp;
#[cfg(any(feature = "tls", feature = "data"))]
use std::path::PathBuf;
#[cfg(feature = "data")]
use std::time::Duration;

/// What chatd does beside serving: nothing in the core alone.
#[derive(clap::Subcommand, Debug, Clone)]
pub enum Task {
    /// Makes a certificate and its key to keep, in a new file
    ///
    /// The file is for --tls-cert; it is readable by its owner alone, and lasts for ever. A file that is
    /// there already is left as it is.
    #[cfg(feature = "tls")]
    Cert {
        /// The file, for --tls-cert
        file: PathBuf,
    },

    /// Prints the manual page, in roff
    ///
    /// To read it: chatd man | man -l -
    #[cfg(feature = "service")]
    Man,

    /// Prints what completes this command line in a shell
    ///
    /// SHELL is bash, elvish, fish, powershell or zsh. To have it in this bash at once:
    /// . <(chatd completions bash)
    #[cfg(feature = "service")]
    Completions {
        /// Whose syntax it has
        shell: clap_complete::Shell,
    },

    /// Prints what was said, oldest first
    #[cfg(feature = "data")]
    Log(LogOptions),
    /// Erases what was said under a name
    #[cfg(feature = "data")]
    Erase(EraseOptions),

    /// Makes, changes and lists accounts
    #[cfg(feature = "data")]
    #[command(subcommand, arg_required_else_help = false)]
    User(UserTask),

    /// Keeps people out, and lists who is kept out
    #[cfg(feature = "data")]
    #[command(subcommand, arg_required_else_help = false)]
    Ban(BanTask),
}

/// Where everything is kept.
#[cfg(feature = "data")]
#[derive(clap::Args, Debug, Clone)]
pub struct DataDirectory {
    /// Where it is kept
    #[arg(long = "data", value_name = "DIR", env = "CHATD_DATA")]
    pub path: PathBuf,
}

/// What is to be done with accounts.
#[cfg(feature = "data")]
#[derive(clap::Subcommand, Debug, Clone)]
pub enum UserTask {
    /// Makes an account and prints the password that is made up for it
    Add {
        /// The name, which belongs to its owner alone from now on
        name: String,

        /// The owner may put others out
        #[arg(long = "op")]
        is_operator: bool,

        /// Where it is kept; made if it is missing.
        #[command(flatten)]
        data: DataDirectory,
    },

    /// Gives an account another password
    ///
    /// It asks twice for it. Where standard input is no terminal, its first line is the password.
    Password(UserOptions),

    /// Removes an account
    Remove(UserOptions),

    /// Lets the owner of an account put others out
    Op(UserOptions),

    /// Takes that back
    Deop(UserOptions),

    /// Lists all accounts, with when their owners were last here
    List {
        /// Where it is kept.
        #[command(flatten)]
        data: DataDirectory,
    },
}

/// Which account is meant.
#[cfg(feature = "data")]
#[derive(clap::Args, Debug, Clone)]
pub struct UserOptions {
    /// The name of the account, as it is spelt
    pub name: String,

    /// Where it is kept.
    #[command(flatten)]
    pub data: DataDirectory,
}

/// What is to be done with bans.
#[cfg(feature = "data")]
#[derive(clap::Subcommand, Debug, Clone)]
pub enum BanTask {
    /// Lists who is kept out
    List {
        /// Where it is kept.
        #[command(flatten)]
        data: DataDirectory,
    },

    /// Keeps an account out, or whoever comes from an address or a network
    Add {
        /// NAME, ADDRESS or ADDRESS/BITS
        what: String,

        /// For how long, such as 1h [default: for ever]
        #[arg(long = "for", value_name = "DURATION",
            value_parser = duration(Duration::from_millis(1), "a duration from 1ms to 36500d, such as 1h (ms, s, m, h, d)"))]
        time: Option<Duration>,

        /// Where it is kept.
        #[command(flatten)]
        data: DataDirectory,
    },

    /// Lets them in again
    Remove {
        /// As it is listed; NAME: everything that was banned by that name
        what: String,

        /// Where it is kept.
        #[command(flatten)]
        data: DataDirectory,
    },
}

/// What is to be printed of what was said.
#[cfg(feature = "data")]
#[derive(clap::Args, Debug, Clone)]
pub struct LogOptions {
    /// Where it is kept.
    #[command(flatten)]
    pub data: DataDirectory,

    /// From then on: 2026-11-21, 2026-11-21T14:03Z or 2h (ago)
    #[arg(long, value_name = "TIME", value_parser = time())]
    pub since: Option<Timestamp>,

    /// Up to then
    #[arg(long, value_name = "TIME", value_parser = time())]
    pub until: Option<Timestamp>,

    /// What was said under this very name
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    /// What contains this, in any case
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,

    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// What is to be erased of what was said.
#[cfg(feature = "data")]
#[derive(clap::Args, Debug, Clone)]
pub struct EraseOptions {
    /// Where it is kept.
    #[command(flatten)]
    pub data: DataDirectory,

    /// What was said under this very name
    #[arg(long, value_name = "NAME")]
    pub name: String,

    /// From then on: 2026-11-21, 2026-11-21T14:03Z or 2h (ago)
    #[arg(long, value_name = "TIME", value_parser = time())]
    pub since: Option<Timestamp>,

    /// Up to then [default: now]
    #[arg(long, value_name = "TIME", value_parser = time())]
    pub until: Option<Timestamp>,
}

//! What chatd does beside serving: its subcommands and their options.

#[cfg(feature = "data")]
use crate::config::values::time;
#[cfg(feature = "data")]
use jiff::Timestamp;
#[cfg(any(feature = "tls", feature = "data"))]
use std::path::PathBuf;

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
}

/// What is to be printed of what was said.
#[cfg(feature = "data")]
#[derive(clap::Args, Debug, Clone)]
pub struct LogOptions {
    /// Where it is kept
    #[arg(long = "data", value_name = "DIR", env = "CHATD_DATA")]
    pub directory: PathBuf,

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
    /// Where it is kept
    #[arg(long = "data", value_name = "DIR", env = "CHATD_DATA")]
    pub directory: PathBuf,

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

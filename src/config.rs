//! The command line and its environment variables, checked: a [`Config`] holds only values in their
//! ranges. The options of the features, and the limits, have files of their own.

#[cfg(feature = "tls")]
mod encryption;
#[cfg(feature = "data")]
mod keeping;
mod limits;
mod misuse;
mod tasks;
mod values;

#[cfg(feature = "tls")]
pub use encryption::TlsOptions;
#[cfg(feature = "data")]
pub use keeping::DataOptions;
pub use limits::{BacklogLimits, ClientLimits, LineLimits, SilenceLimits};
pub use tasks::*;

use crate::address::{Address, parse_network};
use crate::file::{self, When};
use crate::text::clean;
use crate::units::{KIB, MIB};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{
    Arg, ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches, Parser, ValueHint,
};
use ipnet::IpNet;
use log::LevelFilter;
use misuse::usage_of_task;
use std::env;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use values::{Takes, number, parse_boolean, size};

/// The longest text that `--motd` takes, in bytes.
const MOTD_BYTES: u64 = 64 * KIB;

/// A chat server that people join with nc or telnet.
#[derive(Parser, Debug, Clone)]
#[command(version, about, max_term_width = 100)]
pub struct Config {
    /// TCP port, 0 to 65535; 0 lets the system choose one
    #[arg(short, long, value_name = "PORT", env = "CHATD_PORT", default_value = "8080",
        value_parser = number::<u16>(0..=65535, "a number from 0 to 65535"))]
    pub port: u16,

    /// Address to listen on [default: all, IPv6 and IPv4]
    #[arg(short, long, value_name = "ADDR", env = "CHATD_BIND",
        value_parser = Takes { what: "an IPv4 or IPv6 address, such as 127.0.0.1", parse: |text: &str| text.parse::<IpAddr>().ok() })]
    pub bind: Option<IpAddr>,

    /// Relay lines as they are, for programs: no names, notices or commands
    #[arg(long, env = "CHATD_RAW", action = ArgAction::SetTrue, value_parser = Takes { what: "true or false", parse: parse_boolean })]
    raw: bool,

    /// Text shown to newcomers, up to 64 KiB [default: none]
    #[arg(long, value_name = "FILE", env = "CHATD_MOTD")]
    motd: Option<PathBuf>,

    /// Lines shown to newcomers, 0 to 10000; 0 keeps none [default: 20]
    #[arg(long, value_name = "LINES", env = "CHATD_HISTORY",
        value_parser = number::<usize>(0..=10_000, "a number from 0 to 10000"))]
    history: Option<usize>,

    /// How many clients there may be.
    #[command(flatten)]
    pub clients: ClientLimits,

    /// Longest line accepted, 1B to 64KiB [default: 4KiB, with --raw 64KiB]
    #[arg(long, value_name = "SIZE", env = "CHATD_MAX_LINE",
        value_parser = size(1..=64 * KIB, "a size from 1B to 64KiB (B, KiB)"))]
    max_line: Option<u64>,

    /// What one client may send per second, where a line costs its bytes and 80; 4 times as much
    /// may come at once; 0 means no limit [default: 1MiB, with --raw 0]
    #[arg(long, value_name = "SIZE", env = "CHATD_RATE",
        value_parser = size(0..=u64::MAX, "a size from 0, such as 64KiB (B, KiB, MiB, GiB)"))]
    rate: Option<u64>,

    /// What one client may leave unread.
    #[command(flatten)]
    pub backlog: BacklogLimits,

    /// Who may come, by address or network; given several times, any of them [default: everybody]
    #[arg(long, value_name = "ADDRESS[/BITS]", env = "CHATD_ALLOW", value_delimiter = ',',
        value_parser = Takes { what: "an address or a network, such as 192.0.2.0/24", parse: |text: &str| parse_network(text.trim()) })]
    allow: Vec<IpNet>,

    /// How long a connection may be silent or deaf.
    #[command(flatten)]
    pub silence: SilenceLimits,

    /// Encryption.
    #[cfg(feature = "tls")]
    #[command(flatten)]
    pub tls: TlsOptions,

    /// What it does as a service of its machine.
    #[cfg(feature = "service")]
    #[command(flatten)]
    pub service: ServiceOptions,

    /// What is kept.
    #[cfg(feature = "data")]
    #[command(flatten)]
    pub data: DataOptions,

    /// More logging: strangers, pressure, clients that fall behind
    #[arg(short, long, action = ArgAction::Count)]
    verbose: u8,

    /// Less logging; twice for errors only
    #[arg(short, long, action = ArgAction::Count)]
    quiet: u8,

    /// What to do in place of serving.
    #[command(subcommand)]
    pub task: Option<Task>,

    /// Whether people talk here or programs.
    #[arg(skip)]
    pub mode: Mode,

    /// What one client may send.
    #[arg(skip)]
    pub line: LineLimits,
}

/// What passes through the server.
#[derive(Debug, Clone, Default)]
pub enum Mode {
    /// People talk: names, notices, commands, clean-up.
    Chat {
        /// The lines of the message of the day, cleaned.
        motd: Vec<String>,
        /// How many lines a newcomer is shown.
        history: usize,
    },
    /// Programs pass lines, which go as they are.
    #[default]
    Raw,
}

/// What it does as a service of its machine.
#[cfg(feature = "service")]
#[derive(clap::Args, Debug, Clone)]
pub struct ServiceOptions {
    /// Listen on a Unix socket too, for people on this machine and by ssh [default: none]
    #[arg(long, value_name = "PATH", env = "CHATD_SOCKET")]
    pub socket: Option<PathBuf>,
}

/// Why there is no [`Config`], for the user.
#[derive(Debug)]
pub struct NoConfig {
    /// One line, or all that was asked for.
    pub text: String,
    /// The exit status: 2 where the command line is wrong, 1 where a file cannot be read, and 0
    /// where the help or the version was asked for.
    pub status: u8,
}

impl Config {
    /// Reads the process's command line, its environment and the MOTD.
    ///
    /// # Errors
    ///
    /// See [`NoConfig`].
    pub fn from_command_line() -> Result<Self, NoConfig> {
        let alone = Self::command().mut_args(|arg| arg.env(None));
        let is_task = |matches: ArgMatches| matches.subcommand().is_some();
        let is_task = alone.try_get_matches().is_ok_and(is_task);
        let command = Self::command().mut_subcommands(unset_all);
        let command = command.mut_args(|arg| {
            // What the environment says of a server matters only to a server.
            let arg = if is_task { arg.env(None) } else { unset(arg) };
            // So that it is told what the option takes, and not that there is no option -1. A file is
            // whatever it is told, and an option behind it a mistake.
            let is_file = arg.get_value_hint() == ValueHint::AnyPath;
            let takes_hyphen = arg.get_action().takes_values() && !is_file;
            arg.allow_hyphen_values(takes_hyphen)
        });
        let matches = command.try_get_matches();
        let parsed = matches.and_then(|matches| Ok((Self::from_arg_matches(&matches)?, matches)));
        let (mut config, matches) = parsed.map_err(|error| {
            let text = error.to_string();
            match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => NoConfig { text, status: 0 },
                _ => {
                    // What is wrong is its first paragraph. A log or a unit file has room for a line.
                    let first = text.lines().take_while(|line| !line.trim().is_empty());
                    let line = first.map(str::trim).collect::<Vec<_>>().join(" ");
                    let wrong = line.trim_start_matches("error: ");
                    match usage_of_task(&error) {
                        Some(takes) => usage(&format!("{wrong}; usage: {takes}")),
                        None => usage(wrong),
                    }
                }
            }
        })?;
        if config.task.is_some() {
            return Ok(config);
        }
        let (longest, rate) = if config.raw {
            (64 * KIB, 0)
        } else {
            (4 * KIB, MIB)
        };
        config.line = LineLimits {
            longest: config.max_line.unwrap_or(longest) as usize,
            rate: config.rate.unwrap_or(rate),
        };
        config.mode = config.read_mode(&matches)?;
        #[cfg(feature = "tls")]
        config.check_tls(&matches)?;
        #[cfg(feature = "data")]
        config.check_data(&matches)?;
        Ok(config)
    }

    /// Whether a client may come from there: everybody may where nothing is said of it, and who is
    /// on this machine already.
    pub fn allows(&self, address: Address) -> bool {
        let Address::Tcp(address) = address else {
            return true;
        };
        let is_in = |network: &IpNet| network.contains(&address.ip());
        self.allow.is_empty() || self.allow.iter().any(is_in)
    }

    /// Reads the lines of the MOTD anew, or says why that cannot be done. Nothing if there is none.
    pub fn reread_motd(&self) -> Option<Result<Vec<String>, NoConfig>> {
        let path = self.motd.as_deref()?;
        Some(read_motd(path, "--motd", When::Reload))
    }

    /// Which log lines are written, unless `RUST_LOG` says otherwise.
    pub fn log_level(&self) -> LevelFilter {
        match i16::from(self.verbose) - i16::from(self.quiet) {
            ..=-2 => LevelFilter::Error,
            -1 => LevelFilter::Warn,
            0 => LevelFilter::Info,
            1 => LevelFilter::Debug,
            2.. => LevelFilter::Trace,
        }
    }

    /// Not clap's `conflicts_with`, which would take `CHATD_RAW=false` for `--raw`.
    fn read_mode(&self, matches: &ArgMatches) -> Result<Mode, NoConfig> {
        let [raw, motd, history] = ["raw", "motd", "history"].map(|id| said_by(matches, id, id));
        let beside_raw = |name| Err(usage(&format!("{name} cannot be used with {raw}")));
        match (&self.motd, self.history) {
            (Some(_), _) if self.raw => beside_raw(motd),
            (_, Some(_)) if self.raw => beside_raw(history),
            _ if self.raw => Ok(Mode::Raw),
            (path, lines) => Ok(Mode::Chat {
                motd: match path {
                    Some(path) => read_motd(path, &motd, When::Start)?,
                    None => Vec::new(),
                },
                history: lines.unwrap_or(20),
            }),
        }
    }
}

/// An empty variable counts as not set.
fn unset(arg: Arg) -> Arg {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    match arg.get_env() {
        Some(name) if !is_set(name) => arg.env(None),
        _ => arg,
    }
}

fn unset_all(command: Command) -> Command {
    command.mut_args(unset).mut_subcommands(unset_all)
}

/// The MOTD's lines, cleaned as what clients say is. `name` is what said where it is.
fn read_motd(path: &Path, name: &str, when: When) -> Result<Vec<String>, NoConfig> {
    let read = file::read(path, MOTD_BYTES + 1, when);
    let path = show_path(path);
    let bytes = read.map_err(|error| {
        let text = format!("{path}: {error}");
        NoConfig { text, status: 1 }
    })?;
    if bytes.len() as u64 > MOTD_BYTES {
        let text = format!("{name} takes a file of up to 64 KiB, '{path}' is larger");
        return Err(usage(&text));
    }
    let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let lines = text.split(|byte| *byte == b'\n');
    Ok(lines
        .map(|line| clean(line.strip_suffix(b"\r").unwrap_or(line)).into_owned())
        .collect())
}

/// The option by its name, or the variable that was set in its place.
fn said_by(matches: &ArgMatches, id: &str, option: &str) -> String {
    if matches.value_source(id) == Some(ValueSource::EnvVariable) {
        format!("CHATD_{}", option.to_uppercase().replace('-', "_"))
    } else {
        format!("--{option}")
    }
}

/// On one line, whatever is in it.
pub(crate) fn show_path(path: &Path) -> String {
    on_one_line(path.display())
}

fn on_one_line(text: impl fmt::Display) -> String {
    text.to_string().escape_debug().to_string()
}

fn usage(text: &str) -> NoConfig {
    let text = text.to_owned();
    NoConfig { text, status: 2 }
}

//! The command line and its environment variables, checked: a [`Config`] holds only values in their
//! ranges.

use crate::text::clean;
use crate::units::{GIB, KIB, MIB, parse_duration, parse_size};
use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::{ArgAction, CommandFactory, Parser};
use log::LevelFilter;
use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The longest text that `--motd` takes, in bytes.
const MOTD_BYTES: u64 = 64 * KIB;

/// What the user asked for.
#[derive(Debug, Clone)]
pub struct Config {
    /// The address to listen on; without one, all of them.
    pub bind: Option<IpAddr>,
    /// TCP port; 0 lets the system choose.
    pub port: u16,
    /// Whether people talk here or programs.
    pub mode: Mode,
    /// How many clients there may be, and from one address.
    pub clients: ClientLimits,
    /// What one client may send.
    pub line: LineLimits,
    /// What one client may leave unread.
    pub backlog: BacklogLimits,
    /// How long a connection may be silent or deaf.
    pub silence: SilenceLimits,
    /// Which log lines are written, unless `RUST_LOG` says otherwise.
    pub log_level: LevelFilter,
}

/// What passes through the server.
#[derive(Debug, Clone)]
pub enum Mode {
    /// People talk: names, notices, commands, clean-up (sections 3 and 4 of the specification).
    Chat {
        /// The lines of the message of the day, cleaned.
        motd: Vec<String>,
        /// How many lines a newcomer is shown.
        history: usize,
    },
    /// Programs pass lines, which go as they are (section 5).
    Raw,
}

/// How many clients there may be.
#[derive(Debug, Clone, Copy)]
pub struct ClientLimits {
    /// In all.
    pub total: usize,
    /// From one address; 0 means no limit.
    pub per_ip: usize,
}

/// What one client may send.
#[derive(Debug, Clone, Copy)]
pub struct LineLimits {
    /// The longest line, in bytes without its end.
    pub longest: usize,
    /// Cost per second; 0 means no limit.
    pub rate: u64,
}

/// What one client may leave unread.
#[derive(Debug, Clone, Copy)]
pub struct BacklogLimits {
    /// Of what all read, as a cost: a line costs its bytes and 80.
    pub most: u64,
    /// How long the others wait for a client that reads too slowly.
    pub patience: Duration,
}

/// How long a connection may be silent or deaf.
#[derive(Debug, Clone, Copy)]
pub struct SilenceLimits {
    /// A client that sends no byte for so long is disconnected.
    pub idle: Option<Duration>,
    /// A host that answers no probe for so long is given up while nothing is pending for it.
    pub keepalive: Duration,
    /// A client that takes none of what is pending for it for so long is given up.
    pub user_timeout: Duration,
}

/// Why there is no [`Config`].
#[derive(Debug)]
pub enum ConfigError {
    /// The user asked for the help or the version, which is this text.
    Asked(String),
    /// The command line is wrong: one line for stderr, exit status 2.
    Usage(String),
    /// A file cannot be read: one line for stderr, exit status 1.
    File(PathBuf, io::Error),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked(text) | Self::Usage(text) => f.write_str(text),
            Self::File(path, error) => write!(f, "{}: {error}", on_one_line(path.display())),
        }
    }
}

/// A chat server that people join with nc or telnet.
#[derive(Parser, Debug)]
#[command(version, about, max_term_width = 100)]
struct Args {
    /// TCP port; 0 lets the system choose one
    #[arg(short, long, value_name = "PORT", env = "CHATD_PORT", default_value = "8080",
        value_parser = number(0..=65535, "a number from 0 to 65535"))]
    port: u64,

    /// Address to listen on [default: all, IPv6 and IPv4]
    #[arg(short, long, value_name = "ADDR", env = "CHATD_BIND", value_parser = address())]
    bind: Option<IpAddr>,

    /// Relay lines as they are, for programs: no names, notices or commands
    #[arg(long, env = "CHATD_RAW", action = ArgAction::SetTrue, value_parser = boolean())]
    raw: bool,

    /// Text shown to newcomers, up to 64 KiB
    #[arg(long, value_name = "FILE", env = "CHATD_MOTD")]
    motd: Option<PathBuf>,

    /// Lines replayed to newcomers, up to 10000; 0 turns it off [default: 20]
    #[arg(long, value_name = "LINES", env = "CHATD_HISTORY",
        value_parser = number(0..=10_000, "a number from 0 to 10000"))]
    history: Option<u64>,

    /// Clients at the same time; more are told so and closed
    #[arg(long, value_name = "N", env = "CHATD_MAX_CLIENTS", default_value = "10000",
        value_parser = number(1..=u64::MAX, "a number from 1"))]
    max_clients: u64,

    /// The same, per address (an IPv6 /64 counts as one); 0 means no limit
    #[arg(long, value_name = "N", env = "CHATD_MAX_PER_IP", default_value = "0",
        value_parser = number(0..=u64::MAX, "a number from 0"))]
    max_per_ip: u64,

    /// Longest line accepted, 1B to 1MiB [default: 4KiB, with --raw 64KiB]
    #[arg(long, value_name = "SIZE", env = "CHATD_MAX_LINE",
        value_parser = size(1..=MIB, "a size from 1B to 1MiB"))]
    max_line: Option<u64>,

    /// What one client may send per second, where a line costs its bytes and 80; 4 times as much
    /// may come at once; 0 means no limit [default: 1MiB, with --raw 0]
    #[arg(long, value_name = "SIZE", env = "CHATD_RATE",
        value_parser = size(0..=u64::MAX, "a size from 0, such as 64KiB"))]
    rate: Option<u64>,

    /// What a client may leave unread, from 1MiB
    #[arg(long, value_name = "SIZE", env = "CHATD_MAX_BACKLOG", default_value = "16MiB",
        value_parser = size(MIB..=u64::MAX, "a size from 1MiB"))]
    max_backlog: u64,

    /// How long the others wait for a client that reads too slowly, from 100ms
    #[arg(long, value_name = "DURATION", env = "CHATD_PATIENCE", default_value = "10s",
        value_parser = duration(Duration::from_millis(100), "a duration from 100ms, such as 10s"))]
    patience: Duration,

    /// Disconnect a client that has sent no byte for so long, from 1s [default: off]
    #[arg(long, value_name = "DURATION", env = "CHATD_IDLE_TIMEOUT",
        value_parser = duration(Duration::from_secs(1), "a duration from 1s, such as 10m"))]
    idle_timeout: Option<Duration>,

    /// For tests: give up a silent host after so long
    #[arg(long, hide = true, default_value = "2m",
        value_parser = duration(Duration::from_secs(1), "a duration from 1s"))]
    keepalive: Duration,

    /// For tests: give up a client that takes nothing after so long
    #[arg(long, hide = true, default_value = "5m",
        value_parser = duration(Duration::from_secs(1), "a duration from 1s"))]
    user_timeout: Duration,

    /// More logging; twice for all of it
    #[arg(short, long, action = ArgAction::Count)]
    verbose: u8,

    /// Less logging; twice for errors only
    #[arg(short, long, action = ArgAction::Count)]
    quiet: u8,
}

impl Config {
    /// Reads the process's command line, its environment and the MOTD.
    ///
    /// # Errors
    ///
    /// See [`ConfigError`].
    pub fn from_command_line() -> Result<Self, ConfigError> {
        let args = Args::try_parse().map_err(|error| match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                ConfigError::Asked(error.to_string())
            }
            _ => ConfigError::Usage(first_line(&error)),
        })?;
        args.into_config()
    }
}

impl Args {
    fn into_config(self) -> Result<Config, ConfigError> {
        let (mode, longest, rate) = if self.raw {
            self.refuse_beside_raw()?;
            (Mode::Raw, 64 * KIB, 0)
        } else {
            let motd = self
                .motd
                .as_deref()
                .map(read_motd)
                .transpose()?
                .unwrap_or_default();
            let history = self.history.unwrap_or(20) as usize;
            (Mode::Chat { motd, history }, 4 * KIB, MIB)
        };
        Ok(Config {
            bind: self.bind,
            port: self.port as u16,
            mode,
            clients: ClientLimits {
                total: usize::try_from(self.max_clients).unwrap_or(usize::MAX),
                per_ip: usize::try_from(self.max_per_ip).unwrap_or(usize::MAX),
            },
            line: LineLimits {
                longest: self.max_line.unwrap_or(longest) as usize,
                rate: self.rate.unwrap_or(rate),
            },
            backlog: BacklogLimits {
                most: self.max_backlog,
                patience: self.patience,
            },
            silence: SilenceLimits {
                idle: self.idle_timeout,
                keepalive: self.keepalive,
                user_timeout: self.user_timeout,
            },
            log_level: match i16::from(self.verbose) - i16::from(self.quiet) {
                ..=-2 => LevelFilter::Error,
                -1 => LevelFilter::Warn,
                0 => LevelFilter::Info,
                1 => LevelFilter::Debug,
                2.. => LevelFilter::Trace,
            },
        })
    }

    /// Not clap's `conflicts_with`, which would take `CHATD_RAW=false` for `--raw`.
    fn refuse_beside_raw(&self) -> Result<(), ConfigError> {
        let given = [
            ("--motd", self.motd.is_some()),
            ("--history", self.history.is_some()),
        ];
        match given.iter().find(|(_, is_given)| *is_given) {
            Some((option, _)) => Err(usage(&format!("{option} cannot be used with --raw"))),
            None => Ok(()),
        }
    }
}

/// The MOTD's lines, cleaned as what clients say is.
fn read_motd(path: &Path) -> Result<Vec<String>, ConfigError> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MOTD_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| ConfigError::File(path.to_owned(), error))?;
    if bytes.len() as u64 > MOTD_BYTES {
        let path = on_one_line(path.display());
        return Err(usage(&format!(
            "--motd takes a file of up to 64 KiB, '{path}' is larger"
        )));
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

/// On one line, whatever is in it.
fn on_one_line(text: impl fmt::Display) -> String {
    text.to_string().escape_debug().to_string()
}

fn usage(message: &str) -> ConfigError {
    let error = Args::command().error(ErrorKind::ArgumentConflict, message);
    ConfigError::Usage(first_line(&error))
}

/// clap explains an error in a paragraph; a log or a unit file has room for its first line.
fn first_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.trim_start_matches("error: ").to_owned()
}

/// What an option takes. Not clap's own parsers, which say neither what would be right nor, of
/// bytes that are no text, which option they are about.
#[derive(Clone)]
struct Takes<F> {
    what: &'static str,
    parse: F,
}

impl<T, F> TypedValueParser for Takes<F>
where
    T: Clone + Send + Sync + 'static,
    F: Fn(&str) -> Option<T> + Clone + Send + Sync + 'static,
{
    type Value = T;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<T, clap::Error> {
        value.to_str().and_then(&self.parse).ok_or_else(|| {
            let option = argument.map(ToString::to_string).unwrap_or_default();
            let value = on_one_line(value.display());
            let message = format!(
                "invalid value '{value}' for '{option}': takes {}",
                self.what
            );
            command.clone().error(ErrorKind::InvalidValue, message)
        })
    }
}

fn number(range: RangeInclusive<u64>, what: &'static str) -> impl TypedValueParser<Value = u64> {
    let parse = move |text: &str| {
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|_| is_number);
        number.filter(|number| range.contains(number))
    };
    Takes { what, parse }
}

fn size(range: RangeInclusive<u64>, what: &'static str) -> impl TypedValueParser<Value = u64> {
    let parse = move |text: &str| parse_size(text).filter(|size| range.contains(size));
    Takes { what, parse }
}

fn duration(least: Duration, what: &'static str) -> impl TypedValueParser<Value = Duration> {
    // A century of milliseconds: no timer of the system takes much more.
    let range = least..=Duration::from_millis(3 * 1_024 * GIB);
    let parse = move |text: &str| parse_duration(text).filter(|time| range.contains(time));
    Takes { what, parse }
}

fn boolean() -> impl TypedValueParser<Value = bool> {
    let parse = |text: &str| match text {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" | "" => Some(false),
        _ => None,
    };
    let what = "true or false";
    Takes { what, parse }
}

fn address() -> impl TypedValueParser<Value = IpAddr> {
    let parse = |text: &str| text.parse().ok();
    let what = "an IPv4 or IPv6 address, such as 127.0.0.1";
    Takes { what, parse }
}

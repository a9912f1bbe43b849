//! The options of accounts and of what is kept.

use super::values::{Takes, duration, parse_boolean, size};
use super::{Config, NoConfig, said_by, usage};
use crate::units::MIB;
use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches};
use std::path::PathBuf;
use std::time::Duration;

/// What is kept.
#[derive(clap::Args, Debug, Clone)]
pub struct DataOptions {
    /// Keep accounts, bans and what is said in this directory [default: none]
    #[arg(long = "data", value_name = "DIR", env = "CHATD_DATA")]
    pub directory: Option<PathBuf>,

    /// Only people with an account come in
    #[arg(long, env = "CHATD_MEMBERS_ONLY", action = ArgAction::SetTrue,
        value_parser = Takes { what: "true or false", parse: parse_boolean })]
    pub members_only: bool,

    /// Anybody may make an account (/register); otherwise: chatd user add
    #[arg(long = "register", env = "CHATD_REGISTER", action = ArgAction::SetTrue,
        value_parser = Takes { what: "true or false", parse: parse_boolean })]
    pub takes_registrations: bool,

    /// One password for everybody: newcomers must give what stands in FILE's first line
    /// [default: none]
    #[arg(long, value_name = "FILE", env = "CHATD_PASSWORD_FILE")]
    pub password_file: Option<PathBuf>,

    /// Take passwords from other machines over connections that are not encrypted
    #[arg(long = "insecure-passwords", env = "CHATD_INSECURE_PASSWORDS", action = ArgAction::SetTrue,
        value_parser = Takes { what: "true or false", parse: parse_boolean })]
    pub takes_passwords_unencrypted: bool,

    /// How long what was said is kept; 0s: not at all
    #[arg(long, value_name = "DURATION", env = "CHATD_KEEP", default_value = "30d",
        value_parser = duration(Duration::ZERO, "a duration from 0s, such as 30d (ms, s, m, h, d)"))]
    pub keep: Duration,

    /// How large the database may grow, from 1MiB; the oldest lines go first
    #[arg(long, value_name = "SIZE", env = "CHATD_KEEP_SIZE", default_value = "1GiB",
        value_parser = size(MIB..=u64::MAX, "a size from 1MiB (B, KiB, MiB, GiB)"))]
    pub keep_size: u64,

    /// For tests: how often what was deleted is overwritten in the files
    #[arg(long, hide = true, default_value = "1m",
        value_parser = duration(Duration::from_millis(100), "a duration from 100ms"))]
    pub overwriting: Duration,
}

impl Config {
    /// What of these options fits together, with the others.
    ///
    /// # Errors
    ///
    /// A usage error.
    pub(super) fn check_data(&self, matches: &ArgMatches) -> Result<(), NoConfig> {
        let data = &self.data;
        let is_said = |id| matches.value_source(id) != Some(ValueSource::DefaultValue);
        // Each option, whether it is used, and whether that takes --data.
        let options = [
            ("directory", "data", data.directory.is_some(), false),
            ("keep", "keep", is_said("keep"), true),
            ("keep_size", "keep-size", is_said("keep_size"), true),
            ("members_only", "members-only", data.members_only, true),
            (
                "takes_registrations",
                "register",
                data.takes_registrations,
                true,
            ),
            (
                "password_file",
                "password-file",
                data.password_file.is_some(),
                false,
            ),
            (
                "takes_passwords_unencrypted",
                "insecure-passwords",
                data.takes_passwords_unencrypted,
                false,
            ),
        ];
        for (id, option, _, takes_data) in options.into_iter().filter(|option| option.2) {
            let name = said_by(matches, id, option);
            if self.raw {
                let raw = said_by(matches, "raw", "raw");
                return Err(usage(&format!("{name} cannot be used with {raw}")));
            }
            if takes_data && data.directory.is_none() {
                return Err(usage(&format!("{name} cannot be used without --data")));
            }
            if option == "password-file" && data.members_only {
                let members = said_by(matches, "members_only", "members-only");
                return Err(usage(&format!("{name} cannot be used with {members}")));
            }
        }
        Ok(())
    }
}

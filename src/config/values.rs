//! What options take, and how it is told to whoever gave something else.

#[cfg(feature = "data")]
use crate::clock::parse_time;
use crate::config::on_one_line;
use crate::units::{parse_duration, parse_size};
use clap::Arg;
use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
#[cfg(feature = "data")]
use jiff::Timestamp;
use std::ffi::OsStr;
use std::ops::RangeInclusive;
use std::time::Duration;

/// What an option takes. Not clap's own parsers, which say neither what would be right nor, of
/// bytes that are no text, which option they are about.
#[derive(Clone)]
pub struct Takes<F> {
    pub what: &'static str,
    pub parse: F,
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
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<T, clap::Error> {
        self.parse_ref_(command, argument, value, ValueSource::CommandLine)
    }

    fn parse_ref_(
        &self,
        command: &clap::Command,
        argument: Option<&Arg>,
        value: &OsStr,
        source: ValueSource,
    ) -> Result<T, clap::Error> {
        value.to_str().and_then(&self.parse).ok_or_else(|| {
            let variable = argument.and_then(Arg::get_env);
            let option = match variable.filter(|_| source == ValueSource::EnvVariable) {
                Some(variable) => variable.display().to_string(),
                None => argument.map(ToString::to_string).unwrap_or_default(),
            };
            let (value, what) = (on_one_line(value.display()), self.what);
            let message = format!("invalid value '{value}' for '{option}': takes {what}");
            command.clone().error(ErrorKind::InvalidValue, message)
        })
    }
}

pub fn number<T: TryFrom<u64> + Clone + Send + Sync + 'static>(
    range: RangeInclusive<u64>,
    what: &'static str,
) -> impl TypedValueParser<Value = T> {
    let parse = move |text: &str| {
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|_| is_number)?;
        range.contains(&number).then(|| number.try_into().ok())?
    };
    Takes { what, parse }
}

pub fn size(range: RangeInclusive<u64>, what: &'static str) -> impl TypedValueParser<Value = u64> {
    let parse = move |text: &str| parse_size(text).filter(|size| range.contains(size));
    Takes { what, parse }
}

pub fn duration(least: Duration, what: &'static str) -> impl TypedValueParser<Value = Duration> {
    // A century: no timer of the system takes much more.
    let range = least..=Duration::from_secs(100 * 365 * 86_400);
    let parse = move |text: &str| parse_duration(text).filter(|time| range.contains(time));
    Takes { what, parse }
}

#[cfg(feature = "data")]
pub fn time() -> impl TypedValueParser<Value = Timestamp> {
    let what = "a time, such as 2026-11-21, 2026-11-21T14:03Z or 2h (ago)";
    let parse = |text: &str| parse_time(text, Timestamp::now());
    Takes { what, parse }
}

/// How `CHATD_RAW` may be written.
pub fn parse_boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

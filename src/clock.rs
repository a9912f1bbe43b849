//! The time, handed to whoever needs it, and how people read it.

#[cfg(feature = "data")]
use crate::units::parse_duration;
use jiff::Timestamp;
#[cfg(feature = "data")]
use jiff::{civil::Date, tz::TimeZone};
use std::time::{Duration, Instant};

/// The time, by both clocks.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// For what is due.
    pub instant: Instant,
    /// For people.
    pub time: Timestamp,
}

impl Clock {
    /// The time now.
    pub fn now() -> Self {
        Self {
            instant: Instant::now(),
            time: Timestamp::now(),
        }
    }

    /// How long ago something was; nothing if that is still to come.
    pub fn since(&self, then: Instant) -> Duration {
        self.instant.saturating_duration_since(then)
    }
}

/// A moment as people read it, in UTC: `2026-11-21 14:03Z`. Where it is [today's](show_day) they
/// read no date.
pub fn show_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%MZ").to_string()
}

/// A day as [`show_time`] begins with it.
pub fn show_day(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d ").to_string()
}

/// A moment to the second: `2026-11-21 14:03:05Z`.
#[cfg(feature = "data")]
pub fn show_second(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// A moment as people write it: a day, which begins in UTC (`2026-11-21`), a minute or a second
/// (`2026-11-21T14:03Z`), or how long ago it was (`2h`).
#[cfg(feature = "data")]
pub fn parse_time(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Some(ago) = parse_duration(text) {
        return now.checked_sub(ago).ok();
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    // A date that is followed by something is no day.
    let is_day = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'-');
    let day = text.parse::<Date>().ok().filter(|_| is_day)?;
    Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(all(test, feature = "data"))]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_day_a_moment_or_how_long_ago() {
        let now = "2026-11-21T14:03:05Z".parse().unwrap();
        for (text, time) in [
            ("2026-11-21", Some("2026-11-21T00:00:00Z")),
            ("2026-11-21T14:03Z", Some("2026-11-21T14:03:00Z")),
            ("2026-11-21T14:03:05Z", Some("2026-11-21T14:03:05Z")),
            ("2026-11-21 14:03:05Z", Some("2026-11-21T14:03:05Z")),
            ("2h", Some("2026-11-21T12:03:05Z")),
            ("0s", Some("2026-11-21T14:03:05Z")),
            ("2026-11-21T14:03", None),
            ("2026-13-01", None),
            ("yesterday", None),
            ("", None),
            ("-2h", None),
        ] {
            let time = time.map(|time| time.parse::<Timestamp>().unwrap());
            assert_eq!(parse_time(text, now), time, "{text:?}");
        }
    }
}

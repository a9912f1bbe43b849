//! The time, handed to whoever needs it, and how people read it.

#[cfg(feature = "data")]
use crate::units::parse_duration;
use jiff::Timestamp;
#[cfg(feature = "data")]
use jiff::{
    civil::{DateTime, Time},
    fmt::temporal::Pieces,
    tz::Offset,
};
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
/// (`2026-11-21T14:03Z`), or how long ago it was (`2h`). What is before the first moment that a
/// [`Timestamp`] can be, or after the last, is that one.
#[cfg(feature = "data")]
pub fn parse_time(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Some(ago) = parse_duration(text) {
        return Some(now.checked_sub(ago).unwrap_or(Timestamp::MIN));
    }
    let pieces = Pieces::parse(text).ok()?;
    let offset = pieces.to_numeric_offset();
    let (time, offset) = match (pieces.time(), offset, pieces.time_zone_annotation()) {
        (None, None, None) => (Time::midnight(), Offset::UTC),
        (Some(time), Some(offset), None) => (time, offset),
        _ => return None,
    };
    let moment = DateTime::from_parts(pieces.date(), time);
    let end = match moment.year() {
        ..0 => Timestamp::MIN,
        0.. => Timestamp::MAX,
    };
    Some(offset.to_timestamp(moment).unwrap_or(end))
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
            ("99999999d", Some("-009999-01-02T01:59:59Z")),
            ("0001-01-01", Some("0001-01-01T00:00:00Z")),
            ("-009999-01-01", Some("-009999-01-02T01:59:59Z")),
            ("9999-12-30", Some("9999-12-30T00:00:00Z")),
            ("9999-12-31", Some("9999-12-30T22:00:00.999999999Z")),
            ("9999-12-31T23:59Z", Some("9999-12-30T22:00:00.999999999Z")),
            (
                "9999-12-31T23:59:59Z",
                Some("9999-12-30T22:00:00.999999999Z"),
            ),
            ("10000-01-01", None),
            ("9999-12-31T24:00Z", None),
            ("2026-11-21Z", None),
            ("2026-11-21[UTC]", None),
            ("2026-11-21T14:03+01:00", Some("2026-11-21T13:03:00Z")),
            ("2026-11-21T14:03+01:00Z", None),
            ("99999999999999999999d", None),
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

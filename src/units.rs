//! Sizes and durations as people write them: `16MiB`, `500ms`.

use std::time::Duration;

pub const KIB: u64 = 1 << 10;
pub const MIB: u64 = 1 << 20;
pub const GIB: u64 = 1 << 30;

/// Reads digits with `B`, `KiB`, `MiB`, `GiB` or nothing behind them, as a number of bytes. `None`
/// for anything else, and for what does not fit into 64 bits.
pub fn parse_size(text: &str) -> Option<u64> {
    parse(
        text,
        &[("", 1), ("B", 1), ("KiB", KIB), ("MiB", MIB), ("GiB", GIB)],
    )
}

/// Reads digits with `ms`, `s`, `m`, `h` or `d` behind them. `None` for anything else, and for what does
/// not fit into 64 bits of milliseconds.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let (hour, day) = (3_600_000, 86_400_000);
    let units = [
        ("ms", 1),
        ("s", 1_000),
        ("m", 60_000),
        ("h", hour),
        ("d", day),
    ];
    parse(text, &units).map(Duration::from_millis)
}

/// Reads digits with one of the units behind them, each of which stands for so much.
fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

/// Writes a duration for people, with its two largest units, as far as there is something of them:
/// `3h 5m`, `12s`, `10m`.
pub fn show_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes, seconds % 60) {
        (0, 0, 0, s) => format!("{s}s"),
        (0, 0, m, 0) => format!("{m}m"),
        (0, 0, m, s) => format!("{m}m {s}s"),
        (0, h, 0, _) => format!("{h}h"),
        (0, h, m, _) => format!("{h}h {m}m"),
        (d, 0, _, _) => format!("{d}d"),
        (d, h, _, _) => format!("{d}d {h}h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_digits_and_optionally_a_unit() {
        for (text, bytes) in [
            ("0", Some(0)),
            ("17", Some(17)),
            ("17B", Some(17)),
            ("4KiB", Some(4096)),
            ("16MiB", Some(16 << 20)),
            ("2GiB", Some(2 << 30)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("17179869184GiB", None),
            ("", None),
            ("KiB", None),
            ("4kib", None),
            ("4 KiB", None),
            ("4K", None),
            ("-1", None),
            ("+1", None),
            ("1.5MiB", None),
        ] {
            assert_eq!(parse_size(text), bytes, "{text:?}");
        }
    }

    #[test]
    fn durations_are_digits_and_a_unit() {
        for (text, milliseconds) in [
            ("500ms", Some(500)),
            ("5s", Some(5_000)),
            ("10m", Some(600_000)),
            ("1h", Some(3_600_000)),
            ("30d", Some(2_592_000_000)),
            ("5", None),
            ("s", None),
            ("5S", None),
            ("18446744073709551615h", None),
        ] {
            let duration = milliseconds.map(Duration::from_millis);
            assert_eq!(parse_duration(text), duration, "{text:?}");
        }
    }

    #[test]
    fn a_duration_shows_its_two_largest_units() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (61, "1m 1s"),
            (600, "10m"),
            (3_600, "1h"),
            (3_661, "1h 1m"),
            (86_400, "1d"),
            (90_061, "1d 1h"),
        ] {
            assert_eq!(show_duration(Duration::from_secs(seconds)), text);
        }
    }
}

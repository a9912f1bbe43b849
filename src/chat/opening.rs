//! What newcomers read first: the message of the day and the history.

use crate::chat::history::{Entry, History};
use crate::text::push_server_line;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::sync::Arc;

/// What those read who come one after the other while nothing is said. It is kept once for all of
/// them, so that those who read nothing cost nothing.
#[derive(Default)]
pub struct Opening {
    text: Arc<[u8]>,
    /// When it was made: the history's version, and the day.
    made: Option<(u64, Date)>,
}

impl Opening {
    /// The lines, made anew if something was said since.
    pub fn text(&mut self, motd: &[String], history: &History, now: Timestamp) -> Arc<[u8]> {
        let today = TimeZone::UTC.to_datetime(now).date();
        let made = Some((history.version(), today));
        if self.made != made {
            let mut text = Vec::new();
            push_motd(&mut text, motd);
            push_history(&mut text, &history.last(usize::MAX, |_| true), now);
            self.text = text.into();
            self.made = made;
        }
        Arc::clone(&self.text)
    }
}

/// Appends the message of the day.
pub fn push_motd(text: &mut Vec<u8>, motd: &[String]) {
    for line in motd {
        push_server_line(text, format_args!("{line}"));
    }
}

/// Appends lines of the history behind a line that says what they are, unless there are none.
pub fn push_history(text: &mut Vec<u8>, entries: &[&Entry], now: Timestamp) {
    if entries.is_empty() {
        return;
    }
    // Always in this form, which a script can look for.
    push_server_line(
        text,
        format_args!("the last {} lines, times in UTC:", entries.len()),
    );
    for entry in entries {
        entry.write_to(now, text);
        text.push(b'\n');
    }
}

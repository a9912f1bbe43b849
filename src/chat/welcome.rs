//! What a newcomer reads.

use crate::chat::Chat;
use crate::chat::history::Entry;
use crate::chat::notices::join_names;
use crate::clock::Clock;
use crate::event::Answer;
use crate::name::Name;
use crate::text::push_server_line;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::sync::Arc;

/// How many names a newcomer is shown.
const WELCOME_NAMES: usize = 20;

/// What newcomers read who come one after the other while nothing is said: the message of the day
/// and the history. It is kept once for all of them, so that those who read nothing cost nothing.
#[derive(Default)]
pub struct Opening {
    text: Arc<[u8]>,
    /// When it was made: the history's version, and the day.
    made: Option<(u64, Date)>,
}

impl Chat {
    /// The welcome for somebody who is called `name` and whom nobody knows yet.
    pub fn welcome(&mut self, name: &Name, clock: Clock) -> [Answer; 2] {
        let mut text = Vec::new();
        push_server_line(&mut text, format_args!("welcome to chatd, you are {name}"));
        let here = self.room.here();
        match here.len() {
            0 => push_server_line(&mut text, format_args!("nobody else is here")),
            count => {
                let names = join_names(here.values(), count, WELCOME_NAMES);
                push_server_line(&mut text, format_args!("here: {names}"));
            }
        }
        push_server_line(
            &mut text,
            format_args!("/nick NAME picks a name, /help lists the commands"),
        );
        [
            Answer::SharedLines(self.opening(clock.time)),
            Answer::Lines(text),
        ]
    }

    fn opening(&mut self, now: Timestamp) -> Arc<[u8]> {
        let today = TimeZone::UTC.to_datetime(now).date();
        let made = Some((self.room.history.version(), today));
        if self.opening.made != made {
            let mut text = Vec::new();
            push_motd(&mut text, &self.motd);
            let history = self.room.history.last(usize::MAX, |_| true);
            push_history(&mut text, &history, now);
            self.opening = Opening {
                text: text.into(),
                made,
            };
        }
        Arc::clone(&self.opening.text)
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

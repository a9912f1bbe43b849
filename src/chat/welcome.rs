//! What a newcomer reads.

use crate::chat::history::History;
use crate::chat::notices::join_names;
use crate::clock::show_day;
use crate::event::ClientId;
use crate::name::Name;
use crate::text::push_server_line;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many names a newcomer is shown.
const WELCOME_NAMES: usize = 20;

/// The message of the day, the history and what is told of how long it is kept, for those who come
/// one after the other while nothing is said. It is kept once for all of them, so that those who read
/// nothing cost nothing.
#[derive(Default)]
pub struct Opening {
    text: Arc<[u8]>,
    /// When it was made: the history's version, and the day.
    made: Option<(u64, String)>,
    notice: Option<String>,
}

impl Opening {
    /// Its last line says `notice`, where there is something to say.
    pub fn new(notice: Option<String>) -> Self {
        Self {
            notice,
            ..Self::default()
        }
    }

    /// It is to be made anew.
    pub fn forget(&mut self) {
        self.made = None;
    }

    /// The lines, made anew if something was said since.
    pub fn text(&mut self, motd: &[u8], history: &History, now: Timestamp) -> Arc<[u8]> {
        let made = Some((history.version, show_day(now)));
        if self.made != made {
            let mut text = motd.to_vec();
            history.push_last(&mut text, history.shown, now, |_| true);
            if let Some(notice) = &self.notice {
                push_server_line(&mut text, format_args!("{notice}"));
            }
            self.text = text.into();
            self.made = made;
        }
        Arc::clone(&self.text)
    }
}

/// What follows, for somebody who is called `name` and whom nobody knows yet.
pub fn welcome(name: &Name, here: &BTreeMap<ClientId, Name>) -> Vec<u8> {
    let mut text = Vec::new();
    push_server_line(&mut text, format_args!("welcome to chatd, you are {name}"));
    if here.is_empty() {
        push_server_line(&mut text, format_args!("nobody else is here"));
    } else {
        let names = join_names(here.values(), WELCOME_NAMES);
        push_server_line(&mut text, format_args!("here: {names}"));
    }
    text
}

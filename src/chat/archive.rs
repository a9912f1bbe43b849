//! Where what is said goes to be kept for longer than memory lasts. The chat does not know what that
//! is, and does not wait for it.

use crate::name::{Name, show_letters};
use crate::text::Lines;
use crate::units::show_duration;
use jiff::Timestamp;
use std::time::Duration;

/// Takes what is said. None of it may wait for anything.
pub trait Archive: Send {
    /// Takes what was said or done, to keep it.
    fn keep(&mut self, utterance: Utterance);

    /// What was kept last before the server started, oldest first. Nothing when asked again.
    fn recall(&mut self) -> Vec<Recalled>;

    /// How long what is said is kept: nothing if it is not.
    fn lasts(&self) -> Option<Duration>;
}

/// What newcomers are told of it, without the `-- `.
pub fn notice(archive: &dyn Archive) -> Option<String> {
    let lasts = show_duration(archive.lasts()?);
    Some(format!("what is said here is kept for {lasts}"))
}

/// What somebody said or did at once.
pub struct Utterance {
    /// When the broadcaster took it.
    pub time: Timestamp,
    /// Whose it is, by the name of that time.
    pub name: Name,
    /// Whether it was said or done.
    pub kind: Kind,
    /// Cleaned.
    pub lines: Lines,
}

/// A line that was said or done before the server started.
pub struct Recalled {
    /// When it was kept.
    pub time: Timestamp,
    /// The letters of its author's name.
    pub name: String,
    /// Whether it was said or done.
    pub kind: Kind,
    /// Cleaned, and without an end.
    pub text: String,
}

/// In which way something is somebody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// They said it.
    Said,
    /// They did it (`/me`).
    Did,
}

impl Kind {
    /// What stands before such a line: `<alice> `, `* alice `.
    pub fn prefix(self, shown_name: &str) -> String {
        match self {
            Self::Said => format!("<{shown_name}> "),
            Self::Did => format!("* {shown_name} "),
        }
    }
}

impl Recalled {
    /// What stands before it.
    pub fn prefix(&self) -> String {
        self.kind.prefix(&show_letters(&self.name))
    }
}

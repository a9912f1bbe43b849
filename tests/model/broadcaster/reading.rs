//! What one client has still to read, line by line, and the comparison with what it did read.

use chatd::event::Style;
use std::collections::VecDeque;

/// Where a line comes from, which decides who reads it. People are numbers, in the order of their
/// joining.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    Said(usize),
    Done(usize),
    Presence(usize),
    Gathered,
    Server,
    /// It is for this client alone.
    Alone,
}

/// How something ends.
const LF: &str = "\n";
const CRLF: &str = "\r\n";
const NOTHING: &str = "";

/// Whether a client reads something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Yes,
    No,
    /// It hid its author, or showed them again, while this was on its way to it.
    Perhaps,
}

#[derive(Debug)]
struct Due {
    origin: Origin,
    text: Vec<u8>,
    /// How it ends: telnet's answers are no lines and end in nothing.
    end: &'static str,
    shown: Shown,
    /// What was logged for everybody up to the end of it, as a cost.
    logged: u64,
}

impl Due {
    /// How much it is of what is for this client alone, in bytes.
    fn alone(&self) -> usize {
        match self.origin {
            Origin::Alone => self.text.len() + self.end.len(),
            _ => 0,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        [&self.text, self.end.as_bytes()].concat()
    }
}

/// What one client has still to read.
#[derive(Debug)]
pub struct Reading {
    due: VecDeque<Due>,
    /// The beginning of a line whose rest it has not read yet.
    begun: Vec<u8>,
    end: &'static str,
    /// How much of what is logged for everybody it has surely read.
    pub read_to: u64,
    /// How much is pending for it alone, in bytes, what it has read of it included.
    alone: usize,
}

impl Reading {
    pub fn from(logged: u64, style: Style) -> Self {
        Self {
            due: VecDeque::new(),
            begun: Vec::new(),
            end: match style {
                Style::Lf => LF,
                Style::CrLf => CRLF,
            },
            read_to: logged,
            alone: 0,
        }
    }

    /// It is to read a line.
    pub fn expect(&mut self, origin: Origin, text: &str, is_shown: bool, logged: u64) {
        let text = text.as_bytes().to_vec();
        self.push(Due {
            origin,
            text,
            end: self.end,
            shown: if is_shown { Shown::Yes } else { Shown::No },
            logged,
        });
    }

    /// It is to read bytes that are no line.
    pub fn expect_bytes(&mut self, bytes: &[u8], logged: u64) {
        self.push(Due {
            origin: Origin::Alone,
            text: bytes.to_vec(),
            end: NOTHING,
            shown: Shown::Yes,
            logged,
        });
    }

    fn push(&mut self, due: Due) {
        self.alone += due.alone();
        self.due.push_back(due);
    }

    /// What it is to read from now on ends in CR LF.
    pub fn want_crlf(&mut self) {
        self.end = CRLF;
    }

    /// It has read `bytes`: they must be the next that it was to read.
    pub fn read(&mut self, bytes: &[u8]) {
        self.begun.extend_from_slice(bytes);
        while !self.begun.is_empty() {
            let Some((at, length)) = self.find_begun() else {
                return;
            };
            for due in self.due.drain(..=at) {
                self.read_to = self.read_to.max(due.logged);
                self.alone -= due.alone();
            }
            self.begun.drain(..length);
        }
    }

    /// From now on it does not read what they say and do, or reads it again.
    pub fn change_authors(&mut self, authors: &[usize]) {
        self.change(|origin| match origin {
            Origin::Said(author) | Origin::Done(author) => authors.contains(&author),
            _ => false,
        });
    }

    /// The same with the notices of joins and departures, but for its own.
    pub fn change_presence(&mut self, me: usize) {
        self.change(|origin| match origin {
            Origin::Presence(other) => other != me,
            Origin::Gathered => true,
            _ => false,
        });
    }

    fn change(&mut self, comes_from: impl Fn(Origin) -> bool) {
        for due in self.due.iter_mut().filter(|due| comes_from(due.origin)) {
            due.shown = Shown::Perhaps;
        }
    }

    /// The line that it has read, and its length; nothing if it has not read it whole.
    fn find_begun(&self) -> Option<(usize, usize)> {
        let begun = self.begun.escape_ascii();
        let shown = self.due.iter().enumerate();
        for (at, due) in shown.filter(|(_, due)| due.shown != Shown::No) {
            let bytes = due.bytes();
            if self.begun.starts_with(&bytes) || bytes.starts_with(&self.begun) {
                return self.begun.starts_with(&bytes).then_some((at, bytes.len()));
            }
            let text = bytes.escape_ascii();
            let is_skipped = due.shown == Shown::Perhaps;
            assert!(is_skipped, "it was to read \"{text}\" and read \"{begun}\"");
        }
        panic!("it was to read no more and read \"{begun}\"");
    }

    /// What it has still to read, if that is anything.
    pub fn next_due(&self) -> Option<String> {
        let due = self.due.iter().find(|due| due.shown == Shown::Yes)?;
        Some(due.text.escape_ascii().to_string())
    }

    /// It has read everything.
    pub fn catch_up(&mut self, logged: u64) {
        assert_eq!(self.next_due(), None, "it was to read more");
        assert_eq!(self.begun, b"", "it read half a line");
        self.forget(logged);
    }

    /// Nobody writes to it any more.
    pub fn forget(&mut self, logged: u64) {
        self.due.clear();
        self.begun.clear();
        self.read_to = logged;
        self.alone = 0;
    }

    /// How much is pending for it alone that it has not read, in bytes.
    pub fn alone_unread(&self) -> usize {
        let is_begun = |due: &&Due| due.shown != Shown::No && due.bytes().starts_with(&self.begun);
        match self.due.iter().find(is_begun) {
            Some(due) if due.origin == Origin::Alone => self.alone - self.begun.len(),
            _ => self.alone,
        }
    }
}

//! `chatd log`: what was said, printed page by page.

use crate::clock::show_second;
use crate::config::LogOptions;
use crate::data::command_line::{PATIENCE, show};
use crate::data::directory::{complaint, database_in};
use crate::data::lines::{RawLine, Walk, first_from, walk, walk_on};
use crate::data::matching::Wanted;
use crate::data::schema::open_to_read;
use crate::name::without_lrm;
use jiff::Timestamp;
use rusqlite::Connection;
use std::fmt::Write as _;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::ops::ControlFlow;

/// How many rows are read in one transaction.
const PAGE: i64 = 1_000;

/// Prints what was said, oldest first.
///
/// # Errors
///
/// For the user, on one line. That nobody reads on is none.
pub fn print_log(options: &LogOptions) -> Result<(), String> {
    let path = database_in(&options.data.path);
    let connection = open_to_read(&path, PATIENCE)?;
    let mut output = BufWriter::new(io::stdout().lock());
    let mut page = Page::new(options);
    let since = options.since.map(Timestamp::as_millisecond);
    let complain = |error: rusqlite::Error| complaint(&path, &error);
    let start = since.map_or(Ok(0), |since| first_from(&connection, since));
    let mut next = Some(Walk::Up(start.map_err(complain)?));
    while let Some(from) = next {
        let walked = page.read(&connection, from);
        let text = std::mem::take(&mut page.text);
        match output
            .write_all(text.as_bytes())
            .and_then(|()| output.flush())
        {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
            Err(error) => return Err(format!("cannot print: {error}")),
            Ok(()) => {}
        }
        next = walked.map_err(complain)?;
    }
    match &options.name {
        Some(name) if !page.is_named && !has_spoken(&connection, name).map_err(complain)? => {
            Err(format!("nothing was said by {}", show(without_lrm(name))))
        }
        _ => Ok(()),
    }
}

/// Whether anything was ever said under a name.
fn has_spoken(connection: &Connection, name: &str) -> rusqlite::Result<bool> {
    let name = without_lrm(name);
    let mut has_spoken = false;
    walk_on(connection, Walk::Up(0), PAGE, |line| {
        has_spoken = line.is_by(name);
        if has_spoken {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })?;
    Ok(has_spoken)
}

/// Lines as they are printed.
struct Page<'a> {
    options: &'a LogOptions,
    wanted: Option<Wanted>,
    text: String,
    /// Something was said under the name that is wanted.
    is_named: bool,
}

impl<'a> Page<'a> {
    fn new(options: &'a LogOptions) -> Self {
        Self {
            options,
            wanted: options.search.as_deref().map(Wanted::new),
            text: String::new(),
            is_named: false,
        }
    }

    fn read(&mut self, connection: &Connection, from: Walk) -> rusqlite::Result<Option<Walk>> {
        let until = self.options.until.map(Timestamp::as_millisecond);
        walk(connection, from, PAGE, |line| {
            if until.is_some_and(|until| line.time >= until) {
                return ControlFlow::Break(());
            }
            if self.is_wanted(&line) {
                self.print(&line);
            }
            ControlFlow::Continue(())
        })
    }

    fn is_wanted(&mut self, line: &RawLine<'_>) -> bool {
        let name = self.options.name.as_deref().map(without_lrm);
        let is_theirs = name.is_none_or(|name| name.as_bytes() == line.name);
        if line.gap().is_some() {
            // Whose the missing lines are nobody knows.
            return name.is_none() && self.wanted.is_none();
        }
        self.is_named |= is_theirs;
        let wanted = self.wanted.as_ref();
        is_theirs && wanted.is_none_or(|wanted| wanted.is_in(line.text))
    }

    /// Nothing in it can harm a terminal, whatever is in the database.
    fn print(&mut self, line: &RawLine<'_>) {
        let time = show_second(line.timestamp());
        let text = &mut self.text;
        // Writing to a String cannot fail.
        let _ = match (line.recalled(), self.options.json) {
            (None, false) => {
                let missing = line.gap().unwrap_or_default();
                let are = if missing == 1 {
                    "line was"
                } else {
                    "lines were"
                };
                writeln!(text, "{time} -- {missing} {are} not kept")
            }
            (None, true) => {
                let missing = line.gap().unwrap_or_default();
                let (n, time) = (line.n, json_time(&time));
                writeln!(text, r#"{{"gap":{missing},"n":{n},"time":"{time}"}}"#)
            }
            (Some(said), false) => writeln!(text, "{time} {}{}", said.prefix(), said.text),
            (Some(said), true) => {
                let kind = if line.kind == 0 { "said" } else { "did" };
                let (n, time, account) = (line.n, json_time(&time), line.account);
                let (name, content) = (json(&said.name), json(&said.text));
                writeln!(
                    text,
                    r#"{{"n":{n},"time":"{time}","name":{name},"account":{account},"kind":"{kind}","text":{content}}}"#
                )
            }
        };
    }
}

fn json_time(time: &str) -> String {
    time.replace(' ', "T")
}

/// A string (RFC 8259, section 7).
fn json(text: &str) -> String {
    let mut string = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => string.extend(['\\', character]),
            // Of the controls, clean-up leaves this one.
            '\t' => string.push_str("\\t"),
            _ => string.push(character),
        }
    }
    string.push('"');
    string
}

//! What the room is told of those who come and go.

use std::time::{Duration, Instant};

use super::{Client, Server, WAIT, given_name};

/// How long chatd gathers joins and departures before it tells of them.
pub const GATHERING: Duration = Duration::from_secs(1);

/// How quickly people must come or go for it to be sure that they are told of in one line: a
/// newcomer who came just before the others are announced is given time to pick a name.
const TOGETHER: Duration = Duration::from_millis(700);

/// How often a test tries again whose clients were not quick enough, because the machine had other
/// things to do.
const ATTEMPTS: u32 = 20;

/// A notice of joins or departures, as `-- a, b, c, d, e and 95 more left (too slow)`.
pub struct Notice<'a> {
    /// The names in it.
    pub names: Vec<&'a str>,
    /// How many there are without a name.
    pub more: usize,
}

impl<'a> Notice<'a> {
    /// Takes apart a line that ends in `what`, if it is such a notice.
    pub fn of(line: &'a str, what: &str) -> Option<Self> {
        let list = line.strip_prefix("-- ")?.strip_suffix(what)?;
        let (list, more) = match list.rsplit_once(" and ") {
            Some((list, more)) => (list, more.strip_suffix(" more")?.parse().ok()?),
            None => (list, 0),
        };
        let names = list.split(", ").collect();
        Some(Self { names, more })
    }

    /// Of how many it tells.
    pub fn people(&self) -> usize {
        self.names.len() + self.more
    }
}

/// Reads until so many people have been told of by notices that end in `what`, and hands every
/// other line to `other`.
pub fn read_notices(reader: &mut Client, what: &str, people: usize, mut other: impl FnMut(&str)) {
    let deadline = Instant::now() + WAIT;
    let mut told = 0;
    while told < people {
        let line = reader.read_line();
        match Notice::of(&line, what) {
            Some(notice) => told += notice.people(),
            None => other(&line),
        }
        let is_late = Instant::now() > deadline;
        assert!(
            !is_late,
            "only {told} of {people} people are said to have{what}"
        );
    }
    assert_eq!(told, people, "people who are said to have{what}");
}

/// Somebody new who says nothing, and so is announced when the time has come.
///
/// With `watcher`, who must read of nothing before that: what should never have been told would
/// have been told by then.
pub fn next_notice_is_of_a_newcomer(watcher: &mut Client, server: &Server) {
    let mut newcomer = server.connect();
    let name = given_name(&mut newcomer);
    watcher.next_is(&format!("-- {name} joined"));
}

/// Tries until it was done before the gathering that began at the returned instant can have ended.
///
/// What is gathered depends on what comes within a second, and no machine promises a second.
pub fn within_the_gathering<T>(mut attempt: impl FnMut() -> (Instant, T)) -> T {
    for _ in 0..ATTEMPTS {
        let (since, result) = attempt();
        if since.elapsed() < TOGETHER {
            return result;
        }
    }
    panic!("none of {ATTEMPTS} attempts was over within {TOGETHER:?}");
}

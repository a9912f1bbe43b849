//! Everybody joins, renames themselves and leaves as fast as they can.

use std::collections::HashMap;
use std::thread;
use std::time::{Duration, Instant};

use crate::kit::{Client, Footprint, Notice, Server, crowd_turn, nobody_panicked, text};

/// As many at once as a notice has names.
const THREADS: usize = 5;

/// What was last told of somebody under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Here,
    Renamed,
    Left,
}

/// How names are used in a storm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    /// Each once, and some by people who are only told of as one of so many more.
    Once,
    /// Over and over, and nobody is told of without a name.
    Again,
}

/// What a reader knows of everybody from the notices.
struct Register {
    names: Names,
    last: HashMap<String, Told>,
}

impl Register {
    /// Takes in a line, which must not come after a later event about someone in it.
    fn take(&mut self, line: &str) {
        if let Some((old, new)) = line
            .strip_prefix("-- ")
            .and_then(|l| l.split_once(" is now "))
        {
            self.hears_of_one_who_is_here(old, Told::Renamed, line);
            self.arrives(new, line);
        } else if let Some(notice) = Notice::of(line, " joined") {
            for name in self.all_names(&notice, line) {
                self.arrives(name, line);
            }
        } else if let Some(notice) = Notice::of(line, " left") {
            for name in self.all_names(&notice, line) {
                self.hears_of_one_who_is_here(name, Told::Left, line);
            }
        } else if let Some((name, _)) = line
            .strip_prefix("-- ")
            .and_then(|l| l.split_once(" left:"))
        {
            self.hears_of_one_who_is_here(name, Told::Left, line);
        } else if let Some((name, _)) = line.strip_prefix('<').and_then(|l| l.split_once("> ")) {
            self.hears_of_one_who_is_here(name, Told::Here, line);
        } else {
            panic!("an unexpected line: {line:?}");
        }
    }

    fn all_names<'a>(&self, notice: &Notice<'a>, line: &str) -> Vec<&'a str> {
        let is_complete = self.names == Names::Once || notice.more == 0;
        assert!(is_complete, "a notice with too many names: {line:?}");
        notice.names.clone()
    }

    fn arrives(&mut self, name: &str, line: &str) {
        let before = self.last.insert(name.to_owned(), Told::Here);
        let is_possible = match self.names {
            Names::Once => before.is_none(),
            Names::Again => before != Some(Told::Here),
        };
        assert!(
            is_possible,
            "{name}, of whom was told {before:?}, arrives: {line:?}"
        );
    }

    fn hears_of_one_who_is_here(&mut self, name: &str, told: Told, line: &str) {
        let before = self.last.insert(name.to_owned(), told);
        let is_here = match self.names {
            Names::Once => before.is_none_or(|before| before == Told::Here),
            Names::Again => before == Some(Told::Here),
        };
        assert!(
            is_here,
            "{name}, of whom was told {before:?}, is told of: {line:?}"
        );
    }
}

/// Comes, does one of several things as fast as possible, and goes in one of several ways.
fn rush(server: &Server, name: &str, kind: usize) {
    let client = server.connect();
    let doings = match kind % 6 {
        0 => format!("/nick {name}a\nhi\n/nick {name}b\nhi\n/nick {name}c\n"),
        1 => format!("/nick {name}a\n/nick {name}b\n/quit so long\n"),
        2 => format!("hi\n/nick {name}a\n/quit\n"),
        3 => format!("/nick {name}a\nhi\n/quit so long\n"),
        4 => format!("/nick {name}a\n"),
        _ => "hi\n".to_owned(),
    };
    client.send_bytes(doings.as_bytes());
    if kind.is_multiple_of(2) {
        client.close_sending();
    } else {
        client.reset();
    }
}

/// Lets several threads do something so many times each.
fn all_at_once(times: usize, doing: impl Fn(usize, usize) + Sync) {
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let doing = &doing;
            scope.spawn(move || (0..times).for_each(|number| doing(thread, number)));
        }
    });
}

/// What `watcher` reads until all have gone and everything has been told of them.
fn read_to_the_end(server: &Server, watcher: &mut Client, before: Footprint) -> Vec<String> {
    before.returns(server);
    // Departures that wait are told before this arrival.
    let marker = server.joined("marker");
    let mut lines = watcher.lines_until("<marker> it is me");
    assert_eq!(lines.pop().as_deref(), Some("-- marker joined"));
    drop(marker);
    lines
}

/// Checks all notices that somebody has read, and returns of how many names they tell.
fn told_of(names: Names, lines: &[String]) -> usize {
    let last = HashMap::new();
    let mut register = Register { names, last };
    for line in lines {
        register.take(line);
    }
    register.last.len()
}

#[test]
fn gathered_joins_and_departures_are_never_told_after_a_later_event_about_the_same_person() {
    const EACH: usize = 60;
    let server = Server::start(&["--history", "0"]);
    let [mut watcher] = server.room(["watcher"]);
    let before = Footprint::of(&server);
    // Some are there for long enough to be announced by the clock, and go in the middle of it all.
    let parked: Vec<Client> = (0..30).map(|_| server.connect()).collect();
    all_at_once(EACH, |thread, number| {
        rush(&server, &format!("t{thread}n{number}"), number + thread);
    });
    drop(parked);
    all_at_once(EACH, |thread, number| {
        rush(&server, &format!("u{thread}n{number}"), number + thread);
    });
    let lines = read_to_the_end(&server, &mut watcher, before);
    assert!(told_of(Names::Once, &lines) > EACH, "{lines:#?}");
    nobody_panicked(&server);
}

#[test]
fn somebody_who_has_left_is_told_of_before_the_next_one_of_that_name() {
    let server = Server::start(&["--history", "0"]);
    let [mut watcher] = server.room(["watcher"]);
    let before = Footprint::of(&server);
    all_at_once(60, |thread, number| {
        let mut client = server.connect();
        // Whoever speaks is told of at once, and before them those who have left. So no notice has
        // more names than there are threads. Where the last one of that name is still here, the
        // next stays a guest.
        client.send_bytes(format!("/nick name{}\nhi\n/quit\n", (thread + number) % 4).as_bytes());
        client.expect_eof();
    });
    let lines = read_to_the_end(&server, &mut watcher, before);
    assert!(told_of(Names::Again, &lines) >= 4, "{lines:#?}");
}

#[test]
fn a_storm_of_joins_and_departures_makes_a_few_notices_a_second() {
    let Some(_turn) = crowd_turn() else { return };
    let server = Server::start(&["--history", "0"]);
    let [mut watcher] = server.room(["watcher"]);
    let before = Footprint::of(&server);
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(1500) {
        all_at_once(20, |_, _| drop(server.connect()));
    }
    let parked: Vec<Client> = (0..100).map(|_| server.connect()).collect();
    let (mut lines, last) = watcher.lines_until_one(&"the arrival of all who stay", |line| {
        Notice::of(line, " joined").is_some_and(|notice| notice.people() >= parked.len())
    });
    lines.push(last);
    drop(parked);
    lines.extend(read_to_the_end(&server, &mut watcher, before));
    let seconds = start.elapsed().as_secs() as usize + 1;
    // Arrivals are told once a second, and departures too, and before arrivals.
    assert!(
        lines.len() <= 3 * seconds,
        "in {seconds} seconds: {lines:#?}"
    );
    let people = |what: &str| -> usize {
        let notices = lines.iter().filter_map(|line| Notice::of(line, what));
        notices.map(|notice| notice.people()).sum()
    };
    let (came, went) = (people(" joined"), people(" left"));
    assert_eq!(came, went, "who came and who went: {lines:#?}");
}

#[test]
fn a_storm_of_renames_is_told_no_faster_than_the_rate_of_its_author_allows() {
    const RENAMES: u64 = 400;
    // A rename costs 1 KiB: 256 may come at once, and 64 a second after that.
    let server = Server::start(&["--rate", "64KiB"]);
    let [mut watcher, author] = server.room(["watcher", "author"]);
    let start = Instant::now();
    let renames = text((0..RENAMES).map(|number| format!("/nick n{number}x")));
    author.send_bytes(renames.as_bytes());
    let mut name = "author".to_owned();
    for number in 0..RENAMES {
        let new = format!("n{number}x");
        watcher.next_is(&format!("-- {name} is now {new}"));
        name = new;
    }
    let least = Duration::from_secs((RENAMES - 256) / 64);
    assert!(
        start.elapsed() >= least,
        "told within {:?}",
        start.elapsed()
    );
}

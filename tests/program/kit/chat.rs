//! What the tests of the chat share beside the harness.

use std::time::{Duration, Instant};

use super::{Client, FIRST_WORDS, Server};

/// How long chatd gathers joins and departures before it tells of them.
pub const GATHERING: Duration = Duration::from_secs(1);

/// What `/version` answers.
pub const VERSION: &str = concat!("-- chatd ", env!("CARGO_PKG_VERSION"));

/// How quickly people must come or go for it to be sure that they are told of in one line: a newcomer who came just
/// before the others are announced is given time to pick a name.
const TOGETHER: Duration = Duration::from_millis(700);

/// How often a test tries again whose clients were not quick enough, because the machine had other things to do.
const ATTEMPTS: u32 = 20;

/// So many clients, named by `beginning` and a number from 0, whom everybody has heard of in this order.
///
/// Quicker than to join one by one: a client that speaks at once does not wait until the server has seen that it is no
/// web browser.
pub fn crowd(server: &Server, beginning: &str, count: usize) -> Vec<Client> {
    let join = |number| {
        let mut client = server.connect();
        client.send(&format!(
            "/nick {beginning}{number}\n{FIRST_WORDS}\n/version"
        ));
        client.expect(VERSION);
        client
    };
    (0..count).map(join).collect()
}

/// What `reader` reads of what `author` brings about by sending `bytes`.
pub fn reads(reader: &mut Client, author: &mut Client, bytes: &[u8]) -> Vec<String> {
    // In one piece, because a second one would wait for the first to be acknowledged (Nagle's algorithm).
    author.send_bytes(&[bytes, b"/version\n"].concat());
    // What telnet commands are answered with stands before the answer, on the same line.
    author.lines_until_one(&"the answer to /version", |line| {
        line.trim_end().ends_with(VERSION)
    });
    reader.settle()
}

/// The same for each of many cases, with what `reader` should read of each.
pub fn reads_each(reader: &mut Client, author: &mut Client, cases: &[(&[u8], &[&str])]) {
    for (bytes, expected) in cases {
        let came = reads(reader, author, bytes);
        assert_eq!(came, *expected, "after {}", bytes.escape_ascii());
    }
}

/// What `client` itself is answered to a line.
pub fn answers(client: &mut Client, line: &str) -> Vec<String> {
    client.send(&format!("{line}\n/version"));
    client.lines_until(VERSION)
}

/// The same for each of many lines, with what the answer should be.
pub fn answers_each(client: &mut Client, cases: &[(&str, &[&str])]) {
    for (line, expected) in cases {
        assert_eq!(answers(client, line), *expected, "after {line:?}");
    }
}

/// What should be a single line.
pub fn only(lines: Vec<String>) -> String {
    let [line] = <[String; 1]>::try_from(lines).expect("one line");
    line
}

/// The name that chatd gave to a client that has read nothing yet. Reads the welcome.
pub fn given_name(client: &mut Client) -> String {
    let welcome = client.read_welcome();
    let name = welcome
        .iter()
        .find_map(|line| line.strip_prefix("-- welcome to chatd, you are "));
    name.unwrap_or_else(|| panic!("no name in {welcome:?}"))
        .to_owned()
}

/// Somebody new who says nothing, and so is announced when the time has come.
///
/// With `watcher`, who must read of nothing before that: what should never have been told would have been told by then.
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

/// A line with every number in it replaced by `#`, for answers that tell times.
pub fn without_numbers(line: &str) -> String {
    let mut text = String::new();
    for character in line.chars() {
        if !character.is_ascii_digit() {
            text.push(character);
        } else if !text.ends_with('#') {
            text.push('#');
        }
    }
    text
}

/// Splits a line of history, `-- 14:03Z <alice> hello`, into its time and what was said.
pub fn stamp_and_text(line: &str) -> (&str, &str) {
    line.strip_prefix("-- ")
        .and_then(|rest| rest.split_once("Z "))
        .unwrap_or_else(|| panic!("no line of history: {line:?}"))
}

/// What was said, of each line of history among `lines`.
pub fn texts_of_history(lines: &[String]) -> Vec<&str> {
    lines
        .iter()
        .filter(|line| line.starts_with("-- ") && without_numbers(line).contains("#:#Z "))
        .map(|line| stamp_and_text(line).1)
        .collect()
}

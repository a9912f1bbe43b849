//! What the tests of the chat share: who reads what of whom, and what the answers to commands say.

use super::{Client, Server, VERSION};

/// What `reader` reads of what `author` brings about by sending `bytes`.
pub fn reads(reader: &mut Client, author: &mut Client, bytes: &[u8]) -> Vec<String> {
    // In one piece, because a second one would wait for the first to be acknowledged (Nagle's
    // algorithm).
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

/// Two people who chat while things happen to others.
pub struct Chat {
    speaker: Client,
    reader: Client,
    said: usize,
}

impl Chat {
    /// Both have joined, and want to read nothing but what is said.
    pub fn start(server: &Server) -> Self {
        let [mut speaker, mut reader] = server.room(["chatting", "reading"]);
        for client in [&mut speaker, &mut reader] {
            client.send("/quiet");
            client.settle();
        }
        Self {
            speaker,
            reader,
            said: 0,
        }
    }

    /// Passes on so many lines one by one: each arrives, and nothing else does.
    pub fn goes_on(&mut self, lines: usize) {
        for _ in 0..lines {
            self.said += 1;
            let text = format!("line {}", self.said);
            self.speaker.send(&text);
            self.reader.next_is(&format!("<chatting> {text}"));
        }
    }

    /// The server has closed both connections, and this is the last line of both.
    pub fn ends_with(mut self, last: &str) {
        for client in [&mut self.speaker, &mut self.reader] {
            let lines = client.expect_eof();
            assert_eq!(lines.last().map(String::as_str), Some(last));
        }
    }

    /// What somebody else says next, without their name.
    pub fn hears(&mut self) -> String {
        let line = self.reader.read_line();
        let (_, text) = line.split_once("> ").expect("a line that somebody said");
        self.speaker.expect(&line);
        text.to_owned()
    }
}

/// Two people, of whom everybody has heard, and who have nothing more to read.
pub fn alice_and_bob(args: &[&str]) -> (Server, Client, Client) {
    let server = Server::start(args);
    let [alice, bob] = server.room(["alice", "bob"]);
    (server, alice, bob)
}

/// What alice sends as one line is read by bob as another.
pub fn passes(alice: &Client, bob: &mut Client, sent: &[u8], read: &str) {
    alice.send_bytes(&[sent, b"\n"].concat());
    let line = bob.read_line();
    assert_eq!(
        line,
        format!("<alice> {read}"),
        "of {}",
        sent.escape_ascii()
    );
}

//! From the bytes that a client sends to what it says and asks for. No I/O: a codec is fed what was
//! read, and asked for what that means, as much of it at a time as may pass.

use crate::address::Address;
use crate::channel::EVENT_COST;
use crate::chat::commands::{Meaning, REQUEST_COST, understand};
use crate::client::cutter::{Cut, Cutter, End, Grammar};
use crate::client::errand::Wish;
#[cfg(feature = "data")]
use crate::client::prompt::Verdict;
use crate::client::secrets::{NextLine, NoAccounts, Reaction, Secrets};
use crate::client::strangers::Strangers;
use crate::client::telnet::{Requests, Telnet};
use crate::command::{Input, Request, interpret};
#[cfg(feature = "data")]
use crate::event::Inquiry;
use crate::event::{Answer, ClientId, Ending, Event, Tally};
use crate::text::{LINE_COST, Lines, push_server_line, take_back};
#[cfg(feature = "data")]
use crossbeam_channel::bounded;
use std::collections::VecDeque;
use std::mem;

/// Something that a client has sent, and what that costs (`--rate`).
pub struct Item {
    pub heard: Heard,
    pub cost: u64,
}

pub enum Heard {
    /// Something that the broadcaster is to know.
    Event(Event),
    /// That something is to be done for it by its own thread, before what follows is looked at.
    #[cfg_attr(not(feature = "data"), allow(dead_code))]
    Wish(Wish),
    /// Nothing that means anything.
    Nothing,
    /// That it leaves. What follows means nothing.
    Left(Ending),
}

impl Item {
    fn said(client: ClientId, lines: Lines) -> Self {
        Self {
            cost: lines.cost(),
            heard: Heard::Event(Event::Said(client, lines)),
        }
    }
}

/// Understands what a client sends: in chat telnet commands are taken out, lines are cleaned, and
/// some are commands; in raw mode every line is passed on as it is.
pub struct Codec {
    client: ClientId,
    address: Address,
    grammar: Grammar,
    longest: usize,
    strangers: Strangers,
    telnet: Telnet,
    cutter: Cutter,
    secrets: Box<dyn Secrets>,
    wants_crlf: bool,
    /// It was told once how commands begin.
    has_been_taught: bool,
    /// The client has said that it leaves, behind what was fed.
    is_leaving: bool,
    /// What comes before everything that was not cut yet.
    queue: VecDeque<Item>,
    /// Bytes that make no line and were not charged yet.
    uncounted: u64,
    /// What was fed.
    pub tally: Tally,
}

impl Codec {
    pub fn new(client: ClientId, address: Address, grammar: Grammar, longest: usize) -> Self {
        Self {
            client,
            address,
            grammar,
            longest,
            strangers: Strangers::new(grammar),
            telnet: Telnet::default(),
            cutter: Cutter::new(grammar, longest),
            secrets: Box::new(NoAccounts),
            wants_crlf: false,
            has_been_taught: false,
            is_leaving: false,
            queue: VecDeque::new(),
            uncounted: 0,
            tally: Tally::default(),
        }
    }

    /// The same for a client that may be asked for passwords.
    pub fn with_secrets(self, secrets: Box<dyn Secrets>) -> Self {
        Self { secrets, ..self }
    }

    /// The server knows of the client now.
    pub fn greet(&mut self) {
        let reactions = self.secrets.greet();
        self.follow(reactions, 0);
    }

    /// Takes what was found of the password that was given last, and what the broadcaster is to know
    /// of that, once the client's screen shows again what is typed.
    #[cfg(feature = "data")]
    pub fn judge(&mut self, verdict: Verdict, event: Option<Event>) {
        let reactions = self.secrets.judge(verdict);
        self.follow(reactions, 0);
        if let Some(event) = event {
            self.push(Heard::Event(event), 0);
        }
    }

    /// Takes bytes as they came. They may be changed.
    pub fn feed(&mut self, bytes: &mut [u8]) {
        self.tally.bytes += bytes.len() as u64;
        let is_tls = self.strangers.judge_first_bytes(bytes);
        let text = if self.grammar == Grammar::Raw {
            bytes
        } else {
            let mut asked = Requests::default();
            let length = self.telnet.take_out(bytes, &mut asked);
            self.uncounted += (bytes.len() - length) as u64;
            self.is_leaving = self.telnet.has_ended();
            self.hear_telnet(asked);
            &mut bytes[..length]
        };
        if is_tls || self.strangers.judge(text) {
            self.turn_out_strange();
        }
        self.cutter.feed(text);
        if self.is_leaving {
            self.end();
        }
    }

    /// Takes notice of bytes that say nothing.
    pub fn charge(&mut self, bytes: u64) {
        self.uncounted += bytes;
    }

    /// Takes the end of the stream.
    pub fn end(&mut self) {
        if self.strangers.judge_end() {
            self.turn_out_strange();
        }
        self.cutter.end();
    }

    /// The client is none of ours, and gets no answer to anything else that it may have meant.
    fn turn_out_strange(&mut self) {
        let heard = Heard::Left(Ending::NotChat);
        self.queue.push_front(Item { heard, cost: 0 });
    }

    /// What comes next: lines that cost at most `most` together, or a single one that costs more,
    /// or something else. Nothing if it takes more bytes to tell.
    pub fn next_item(&mut self, most: u64) -> Option<Item> {
        let most = most.min(EVENT_COST);
        let mut said = match self.queue.pop_front() {
            // The line that was one too many for the event before.
            Some(Item {
                heard: Heard::Event(Event::Said(_, lines)),
                ..
            }) => lines,
            Some(item) => return Some(item),
            None => Lines::with_capacity(self.cutter.pending().min(EVENT_COST as usize)),
        };
        while self.queue.is_empty() && self.cut(&mut said, most) {}
        if said.count() > 0 {
            self.queue.push_front(Item::said(self.client, said));
        }
        // What makes no line is paid for before the lines that it stands between: else one of them
        // would pass at once, however much of it stands there.
        let cost = mem::take(&mut self.uncounted) + self.cutter.take_dropped();
        if cost > 0 {
            let heard = Heard::Nothing;
            return Some(Item { heard, cost });
        }
        let leaves = || Item {
            heard: Heard::Left(Ending::Quit(None)),
            cost: 0,
        };
        let leaves_now = self.is_leaving && self.secrets.next_line() != NextLine::Undecided;
        self.queue.pop_front().or(leaves_now.then(leaves))
    }

    /// Cuts one line and adds it to `said`, or to what comes behind that. Returns whether there was
    /// one.
    fn cut(&mut self, said: &mut Lines, most: u64) -> bool {
        let next_line = self.secrets.next_line();
        if next_line == NextLine::Undecided {
            return false;
        }
        let before = said.as_bytes().len();
        let Some(cut) = self.cutter.next_line() else {
            return false;
        };
        let (mut line_end, mut taught) = (End::Lf, None);
        match cut {
            Cut::EndOfTransmission => self.push(Heard::Left(Ending::Quit(None)), 0),
            Cut::TooLong if next_line == NextLine::Password => {
                let reactions = self.secrets.take(None);
                self.follow(reactions, LINE_COST);
            }
            Cut::Line(line, end) if next_line == NextLine::Password => {
                let cost = line.len() as u64 + LINE_COST;
                let reactions = self.secrets.take(Some(line));
                self.tally.lines += u64::from(!line.is_empty());
                line_end = end;
                self.follow(reactions, cost);
            }
            Cut::TooLong if self.grammar == Grammar::Raw => {
                let address = self.address;
                log::warn!(target: "chatd::dropped", "dropped: a line over --max-line of {address}");
            }
            Cut::TooLong => {
                let limit = self.longest;
                let told = format!("line too long: the limit is {limit} bytes, nothing was sent");
                let asks_password = asks_password(self.cutter.overlong_beginning());
                self.answer(&told, 0);
                if asks_password {
                    // The next line of a bot is its password.
                    self.push(Heard::Left(Ending::Closed), 0);
                }
            }
            Cut::Line(line, _) if self.grammar == Grammar::Raw => {
                self.tally.lines += 1;
                said.push_raw(line);
            }
            Cut::Line(line, end) => {
                let typed = take_back(line);
                self.uncounted += (line.len() - typed.len()) as u64;
                line_end = end;
                if typed.is_empty() {
                    self.uncounted += if end == End::Cr { 2 } else { 1 };
                } else {
                    self.tally.lines += 1;
                    match interpret(&typed) {
                        Input::Text(text) => {
                            let has_accounts = self.secrets.has_accounts();
                            let is_command = |word: &&str| *word != LOGIN || has_accounts;
                            taught = bare_command(&text).filter(is_command);
                            said.push_clean(&text);
                            // What clean-up takes away makes no line either.
                            let kept = said.as_bytes().len() - before - 1;
                            self.uncounted += text.len().saturating_sub(kept) as u64;
                        }
                        Input::Command(request) => self.obey(&request),
                    }
                }
            }
        }
        if 0 < before && before < said.as_bytes().len() && said.cost() > most {
            let last = said.split_off_last(before);
            self.queue.push_back(Item::said(self.client, last));
        }
        if line_end == End::Cr {
            self.want_crlf();
        }
        if let Some(word) = taught
            && !mem::replace(&mut self.has_been_taught, true)
        {
            self.answer(&format!("commands begin with /: /{word}"), 0);
        }
        true
    }

    fn obey(&mut self, request: &Request) {
        match understand(request) {
            Meaning::Leaves(text) => self.push(Heard::Left(Ending::Quit(text)), 0),
            Meaning::AsksPassword(command, name) => {
                let reactions = self.secrets.begin(command, &name);
                self.follow(reactions, REQUEST_COST);
            }
            #[cfg(feature = "data")]
            Meaning::Searches(text) => {
                let (wants, ignored) = bounded(1);
                let began = Heard::Event(Event::BeganSearch(self.client, wants));
                self.push(began, REQUEST_COST);
                self.push(Heard::Wish(Wish::Search(text, ignored)), 0);
            }
            Meaning::Asks(command, cost) => {
                #[cfg(feature = "fault-injection")]
                crate::faults::panic_at("/faultpanicclient", &command);
                self.push(Heard::Event(Event::Asked(self.client, command)), cost);
            }
        }
    }

    /// Does what comes of something about passwords that costs so much.
    fn follow(&mut self, reactions: Vec<Reaction>, mut cost: u64) {
        for reaction in reactions {
            match reaction {
                Reaction::Asks(text) => {
                    self.answer(&text, mem::take(&mut cost));
                    self.hide_what_is_typed();
                }
                #[cfg(feature = "data")]
                Reaction::Gave(credentials) => {
                    let (reply, knowledge) = bounded(1);
                    let name = credentials.name();
                    let inquired = Event::Inquired(self.client, Inquiry { name, reply });
                    self.push(Heard::Event(inquired), mem::take(&mut cost));
                    self.push(Heard::Wish(Wish::Check(credentials, knowledge)), 0);
                }
                Reaction::Ends => {
                    if let Some(bytes) = self.telnet.withdraw_echo() {
                        self.tell(Answer::Bytes(bytes), mem::take(&mut cost));
                    }
                }
                Reaction::Tells(text) => self.answer(&text, mem::take(&mut cost)),
                Reaction::Closes => self.push(Heard::Left(Ending::Closed), 0),
            }
        }
        self.uncounted += cost;
    }

    /// Asks a telnet not to show what is typed. What speaks no telnet would show that.
    fn hide_what_is_typed(&mut self) {
        if let Some(bytes) = self.telnet.offer_echo() {
            self.tell(Answer::Bytes(bytes), 0);
        }
    }

    /// The first CR at the end of a line, or telnet command, tells what the client's terminal wants.
    fn want_crlf(&mut self) {
        if !mem::replace(&mut self.wants_crlf, true) {
            self.push(Heard::Event(Event::WantsCrlf(self.client)), 0);
        }
    }

    /// Answers telnet commands, once for each kind.
    fn hear_telnet(&mut self, asked: Requests) {
        if asked.telnet {
            self.want_crlf();
        }
        if !asked.refusals.is_empty() {
            self.tell(Answer::Bytes(asked.refusals), 0);
        }
        if asked.telnet && !self.telnet.offers_echo() {
            self.secrets.can_hide();
            if self.secrets.next_line() == NextLine::Password {
                self.hide_what_is_typed();
            }
        }
        if asked.interrupted {
            self.answer("to leave: /quit", 0);
        }
        if asked.are_you_there {
            self.answer("yes, chatd is here", 0);
        }
    }

    fn answer(&mut self, content: &str, cost: u64) {
        let mut text = Vec::new();
        push_server_line(&mut text, format_args!("{content}"));
        self.tell(Answer::Lines(text), cost);
    }

    fn tell(&mut self, answer: Answer, cost: u64) {
        self.push(Heard::Event(Event::Answered(self.client, answer)), cost);
    }

    fn push(&mut self, heard: Heard, cost: u64) {
        self.queue.push_back(Item { heard, cost });
    }
}

/// Whether a line that begins so is one of the commands about passwords.
fn asks_password(beginning: &[u8]) -> bool {
    match interpret(&take_back(beginning)) {
        Input::Command(request) => matches!(understand(&request), Meaning::AsksPassword(..)),
        Input::Text(_) => false,
    }
}

const LOGIN: &str = "login";

/// The command that somebody may have meant who said just its name, or that and a name.
fn bare_command(text: &[u8]) -> Option<&'static str> {
    let text = text.trim_ascii();
    let length = text.len().min(LOGIN.len());
    let (word, rest) = text.split_at(length);
    if word.eq_ignore_ascii_case(LOGIN.as_bytes()) {
        let name = rest.trim_ascii_start();
        let is_apart = rest.is_empty() || name.len() < rest.len();
        let is_one_word = !name.iter().any(u8::is_ascii_whitespace);
        return (is_apart && is_one_word).then_some(LOGIN);
    }
    let names = ["help", "quit", "exit", "who"];
    let is_meant = |name: &&str| rest.is_empty() && word.eq_ignore_ascii_case(name.as_bytes());
    names.into_iter().find(is_meant)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `--max-line` of these tests.
    const LONGEST: usize = 20;

    /// What a client sends, and what is heard of it with the cost of each.
    type Case<'a> = (&'a [u8], &'a [(&'a str, u64)]);

    fn codec(grammar: Grammar) -> Codec {
        Codec::new(ClientId(1), Address::User(1), grammar, LONGEST)
    }

    fn shown(heard: &Heard) -> String {
        let text = |bytes: &[u8]| {
            let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
            String::from_utf8_lossy(text).replace('\n', "|")
        };
        match heard {
            Heard::Event(Event::Said(_, lines)) => format!("said {}", text(lines.as_bytes())),
            Heard::Event(Event::Asked(..)) => "asked".to_owned(),
            Heard::Event(Event::Answered(_, answer)) => text(answer.as_bytes()),
            Heard::Event(Event::WantsCrlf(_)) => "sent CR".to_owned(),
            Heard::Event(_) => "something else".to_owned(),
            Heard::Left(Ending::NotChat) => "stranger".to_owned(),
            Heard::Left(_) => "left".to_owned(),
            Heard::Wish(_) => "wish".to_owned(),
            Heard::Nothing => "nothing".to_owned(),
        }
    }

    /// What the codec makes of these bytes, if it may pass at once what costs `most`: each with
    /// its cost, up to where the client leaves.
    fn heard(codec: &mut Codec, sent: &[u8], most: u64) -> Vec<(String, u64)> {
        codec.feed(&mut sent.to_vec());
        let mut all = Vec::new();
        while let Some(item) = codec.next_item(most) {
            all.push((shown(&item.heard), item.cost));
            if matches!(item.heard, Heard::Left(_)) {
                break;
            }
        }
        all
    }

    /// Checks that for each of many clients.
    fn hears_each(grammar: Grammar, cases: &[Case<'_>]) {
        for (sent, expected) in cases {
            let found = heard(&mut codec(grammar), sent, u64::MAX);
            let found = found.iter().map(|(text, cost)| (text.as_str(), *cost));
            let sent = sent.escape_ascii();
            assert_eq!(found.collect::<Vec<_>>(), *expected, "of {sent}");
        }
    }

    #[test]
    fn a_line_costs_its_bytes_after_clean_up_and_80() {
        hears_each(
            Grammar::Chat,
            &[
                (b"hello\n", &[("said hello", 85)]),
                (b"one\ntwo\n", &[("said one|two", 166)]),
                (b"//one\n", &[("said /one", 84)]),
                (b"\x01\xfe\n", &[("said \u{fffd}\u{fffd}", 86)]),
                (b"/me waves\n", &[("asked", 85)]),
                (b"/msg bob \x01\n", &[("asked", 85)]),
                (b"/r hush\n", &[("asked", 84)]),
            ],
        );
    }

    #[test]
    fn any_other_command_costs_1_kib() {
        hears_each(
            Grammar::Chat,
            &[
                (b"/who\n", &[("asked", 1024)]),
                (b"/away lunch\n", &[("asked", 1024)]),
                (b"/nick alice\n", &[("asked", 1024)]),
                (b"/msg bob\n", &[("asked", 1024)]),
                (b"/frobnicate\n", &[("asked", 1024)]),
            ],
        );
    }

    #[test]
    fn bytes_that_make_no_line_cost_their_number() {
        let too_long = "-- line too long: the limit is 20 bytes, nothing was sent";
        hears_each(
            Grammar::Chat,
            &[
                // Empty lines.
                (b"\n\n\n", &[("nothing", 3)]),
                (
                    b"\r\n\r\n\r\0",
                    &[("nothing", 2), ("sent CR", 0), ("nothing", 4)],
                ),
                // Telnet commands.
                (b"\xff\xf1\xff\xf1", &[("sent CR", 0), ("nothing", 4)]),
                (
                    b"\xff\xfa\x18xterm\xff\xf0a\n",
                    &[("sent CR", 0), ("nothing", 10), ("said a", 81)],
                ),
                // Of IAC IAC one is a byte of the line.
                (
                    b"\xff\xff\n",
                    &[("sent CR", 0), ("nothing", 1), ("said \u{fffd}", 83)],
                ),
                // What was taken back, with what took it back; and lines that are empty after that.
                (b"ab\x08\n", &[("nothing", 2), ("said a", 81)]),
                (b"\xc3\xa9\x7fab\n", &[("nothing", 3), ("said ab", 82)]),
                (b"a\x7f\n", &[("nothing", 3)]),
                // What is too long for a line.
                (
                    b"123456789012345678901\n",
                    &[("nothing", 22), (too_long, 0)],
                ),
                (
                    b"123456789012345678901\r\n",
                    &[("nothing", 23), (too_long, 0)],
                ),
                (b"1234567890123456789012", &[("nothing", 22)]),
                // Marks that are more than a cell has room for.
                (
                    "\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\n"
                        .as_bytes(),
                    &[
                        ("nothing", 4),
                        (
                            "said \u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
                            96,
                        ),
                    ],
                ),
                // All of it together.
                (b"\n\na\nab\x08\n\n", &[("nothing", 5), ("said a|a", 162)]),
            ],
        );
    }

    #[test]
    fn in_raw_mode_every_line_costs_its_bytes_and_80() {
        hears_each(
            Grammar::Raw,
            &[
                (b"one\r\n", &[("said one\r", 84)]),
                (b"\n\n", &[("said |", 160)]),
                (
                    b"/who\nx\x08\n\xff\xf1\n",
                    &[("said /who|x\x08|\u{fffd}\u{fffd}", 248)],
                ),
                (b"123456789012345678901\n", &[("nothing", 22)]),
            ],
        );
    }

    #[test]
    fn lines_pass_together_up_to_what_may_pass_and_one_that_costs_more_passes_alone() {
        let long = "123456789012345\n";
        let sent = ["a\n", "b\n", long, "c\n"].concat();
        let said = |parts: &[(&str, u64)]| {
            let part = |(text, cost): &(&str, u64)| (format!("said {text}"), *cost);
            parts.iter().map(part).collect::<Vec<_>>()
        };
        let long = long.trim_end();
        for (most, expected) in [
            (0, &[("a", 81), ("b", 81), (long, 95), ("c", 81)][..]),
            (161, &[("a", 81), ("b", 81), (long, 95), ("c", 81)]),
            (162, &[("a|b", 162), (long, 95), ("c", 81)]),
            (176, &[("a|b", 162), ("123456789012345|c", 176)]),
        ] {
            let found = heard(&mut codec(Grammar::Chat), sent.as_bytes(), most);
            assert_eq!(found, said(expected), "up to {most}");
        }
        // However much may pass, an event has a bound.
        let many = heard(&mut codec(Grammar::Chat), &b"x\n".repeat(1000), u64::MAX);
        let costs = many.iter().map(|(_, cost)| *cost).collect::<Vec<_>>();
        assert!(costs.iter().all(|cost| *cost <= EVENT_COST), "{costs:?}");
        assert_eq!((costs.len(), costs.iter().sum()), (3, 81_000));
    }

    #[test]
    fn what_a_client_sends_is_heard_in_its_order() {
        let sent = b"one\n/who\ntwo\nthree\r\nfour\n/quit\nnever\n";
        let expected = [
            ("said one", 83),
            ("asked", 1024),
            ("said two|three", 168),
            ("sent CR", 0),
            ("said four", 84),
            ("left", 0),
        ];
        hears_each(Grammar::Chat, &[(sent, &expected)]);
    }

    #[test]
    fn the_first_cr_at_the_end_of_a_line_or_telnet_command_is_heard_once() {
        let mut codec = codec(Grammar::Chat);
        let mut hears = |sent: &[u8]| {
            let heard = heard(&mut codec, sent, u64::MAX);
            heard.iter().filter(|(text, _)| text == "sent CR").count()
        };
        assert_eq!(hears(b"a\n\r"), 0);
        assert_eq!(hears(b"\n"), 1);
        assert_eq!(hears(b"a\r\n\r\0\xff\xf1"), 0);
    }

    #[test]
    fn telnet_commands_are_answered_in_one_piece_for_each_kind() {
        let sent = b"\xff\xf4\xff\xf3\xff\xf6\xff\xfd\x06\xff\xf6\xff\xfb\x01\n";
        let found = heard(&mut codec(Grammar::Chat), sent, u64::MAX);
        let found = found.iter().map(|(text, _)| text.as_str());
        let refusals = String::from_utf8_lossy(b"\xff\xfc\x06\xff\xfe\x01");
        let to_leave = "-- to leave: /quit";
        assert_eq!(
            found.collect::<Vec<_>>(),
            [
                "sent CR",
                &refusals,
                to_leave,
                "-- yes, chatd is here",
                "nothing"
            ]
        );
    }

    #[test]
    fn who_says_a_bare_command_is_told_once_how_commands_begin() {
        let sent = b"help me\n QUIT \nexit\n/who\n";
        let expected = [
            ("said help me| QUIT ", 7 + 6 + 160),
            ("-- commands begin with /: /quit", 0),
            ("said exit", 84),
            ("asked", 1024),
        ];
        hears_each(Grammar::Chat, &[(sent, &expected)]);
    }

    #[test]
    fn eot_at_the_start_of_a_line_and_the_telnet_command_eof_mean_that_the_client_leaves() {
        let (said, left) = (("said one", 83), ("left", 0));
        hears_each(
            Grammar::Chat,
            &[
                (b"one\n\x04two\n", &[said, left]),
                (b"\n\x04", &[("nothing", 1), left]),
                (
                    b"one\n\xff\xectwo\n",
                    &[("sent CR", 0), ("nothing", 6), said, left],
                ),
                (
                    b"one\xff\xec",
                    &[("sent CR", 0), ("nothing", 2), said, left],
                ),
            ],
        );
    }

    #[test]
    fn of_a_stranger_nothing_else_is_heard() {
        let request: &[u8] = b"GET / HTTP/1.1\r\nbuy this\r\n\xff\xf6";
        let stranger: &[(&str, u64)] = &[("stranger", 0)];
        for grammar in [Grammar::Chat, Grammar::Raw] {
            let after_empty_lines = [b"\r\n\n", request].concat();
            let tls = b"\x16\x03\x01\nbuy this\n";
            hears_each(
                grammar,
                &[
                    (request, stranger),
                    (&after_empty_lines, stranger),
                    (tls, stranger),
                ],
            );
        }
        hears_each(
            Grammar::Chat,
            &[
                (b"\xff\xf6one\0\ntwo\n", stranger),
                (b"GET / HTTP/1.1\xff\xec", stranger),
            ],
        );
    }

    #[test]
    fn a_command_about_passwords_ends_what_is_heard_where_there_are_no_accounts() {
        let answer = ("-- this server has no accounts", 1024);
        for command in ["/login", "\x1b[A/LOGIN alice", "/password", "/register"] {
            let sent = format!("one\n{command}\nhunter2\n");
            let expected = [("said one", 83), answer, ("left", 0)];
            hears_each(Grammar::Chat, &[(sent.as_bytes(), &expected)]);
        }
    }

    #[test]
    fn a_command_about_passwords_that_is_too_long_ends_what_is_heard() {
        let too_long = "-- line too long: the limit is 20 bytes, nothing was sent";
        let sent = b"\x1b[A/LOGIN alice hunter2 hunter2\nhunter2\n";
        let expected = [("nothing", 32), (too_long, 0), ("left", 0)];
        hears_each(Grammar::Chat, &[(sent, &expected)]);
    }

    #[test]
    fn the_tally_has_all_bytes_and_the_lines_that_are_not_empty() {
        for (grammar, lines) in [(Grammar::Chat, 3), (Grammar::Raw, 6)] {
            let mut codec = codec(grammar);
            let sent = b"one\n/who\n\n\xff\xf1\nx\x08\n//two\n";
            heard(&mut codec, sent, u64::MAX);
            let bytes = sent.len() as u64;
            assert_eq!(codec.tally, Tally { lines, bytes });
        }
    }
}

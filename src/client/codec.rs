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
use crate::command::{Input, LOGIN, Request, bare_command, interpret};
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

    /// Cuts one line, and adds it to `said` if it is one that others read. Returns whether there was
    /// one.
    fn cut(&mut self, said: &mut Lines, most: u64) -> bool {
        let before = said.as_bytes().len();
        let was_cut = match self.secrets.next_line() {
            NextLine::Undecided => false,
            NextLine::Password => self.cut_password(),
            NextLine::Ordinary if self.grammar == Grammar::Raw => self.cut_raw(said),
            NextLine::Ordinary => self.cut_ordinary(said),
        };
        let has_grown = said.as_bytes().len() > before;
        if has_grown && before > 0 && said.cost() > most {
            // It comes before everything that was heard of it.
            let last = said.split_off_last(before);
            self.queue.push_front(Item::said(self.client, last));
        }
        was_cut
    }

    fn cut_password(&mut self) -> bool {
        let Some(cut) = self.cutter.next_line() else {
            return false;
        };
        let (line, end) = match cut {
            Cut::EndOfTransmission => {
                self.push(Heard::Left(Ending::Quit(None)), 0);
                return true;
            }
            Cut::TooLong => (None, End::Lf),
            Cut::Line(line, end) => (Some(line), end),
        };
        let bytes = line.map_or(0, <[u8]>::len) as u64;
        let reactions = self.secrets.take(line);
        self.tally.lines += u64::from(bytes > 0);
        self.follow(reactions, bytes + LINE_COST);
        self.notice(end);
        true
    }

    fn cut_raw(&mut self, said: &mut Lines) -> bool {
        match self.cutter.next_line() {
            None => return false,
            Some(Cut::EndOfTransmission) => self.push(Heard::Left(Ending::Quit(None)), 0),
            Some(Cut::TooLong) => {
                let address = self.address;
                log::warn!(target: "chatd::dropped", "dropped: a line over --max-line of {address}");
            }
            Some(Cut::Line(line, _)) => {
                self.tally.lines += 1;
                said.push_raw(line);
            }
        }
        true
    }

    fn cut_ordinary(&mut self, said: &mut Lines) -> bool {
        let (line, end) = match self.cutter.next_line() {
            None => return false,
            Some(Cut::EndOfTransmission) => {
                self.push(Heard::Left(Ending::Quit(None)), 0);
                return true;
            }
            Some(Cut::TooLong) => {
                self.refuse_overlong();
                return true;
            }
            Some(Cut::Line(line, end)) => (line, end),
        };
        let typed = take_back(line);
        self.uncounted += (line.len() - typed.len()) as u64;
        if typed.is_empty() {
            self.uncounted += if end == End::Cr { 2 } else { 1 };
            self.notice(end);
            return true;
        }
        self.tally.lines += 1;
        match interpret(&typed) {
            Input::Text(text) => {
                let before = said.as_bytes().len();
                said.push_clean(&text);
                // What clean-up takes away makes no line either.
                let kept = said.as_bytes().len() - before - 1;
                self.uncounted += text.len().saturating_sub(kept) as u64;
                let meant = bare_command(&text);
                self.notice(end);
                self.teach(meant.filter(|word| *word != LOGIN || self.secrets.has_accounts()));
            }
            Input::Command(request) => {
                self.obey(&request);
                self.notice(end);
            }
        }
        true
    }

    fn refuse_overlong(&mut self) {
        let limit = self.longest;
        self.answer(
            &format!("line too long: the limit is {limit} bytes, nothing was sent"),
            0,
        );
        if asks_password(self.cutter.overlong_beginning()) {
            // The next line of a bot is its password.
            self.push(Heard::Left(Ending::Closed), 0);
        }
    }

    /// Tells once how commands begin, to who has said just the name of one.
    fn teach(&mut self, meant: Option<&str>) {
        if let Some(word) = meant
            && !mem::replace(&mut self.has_been_taught, true)
        {
            self.answer(&format!("commands begin with /: /{word}"), 0);
        }
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
                let (reply, ignored) = bounded(1);
                self.inquire(Inquiry::Ignored(reply), REQUEST_COST);
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
                    self.inquire(Inquiry::Account(name, reply), mem::take(&mut cost));
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

    /// Takes notice of how a line ended.
    fn notice(&mut self, end: End) {
        if end == End::Cr {
            self.want_crlf();
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

    #[cfg(feature = "data")]
    fn inquire(&mut self, inquiry: Inquiry, cost: u64) {
        self.push(Heard::Event(Event::Inquired(self.client, inquiry)), cost);
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

#[cfg(test)]
mod tests;

//! From the bytes that a client sends to what it says and asks for. No I/O: a codec is fed what was
//! read, and asked for what that means, as much of it at a time as may pass.

use crate::channel::EVENT_COST;
use crate::chat::commands::{Meaning, understand};
use crate::client::cutter::{Cut, Cutter, End, Grammar};
use crate::client::strangers::Strangers;
use crate::client::telnet::{Requests, Telnet};
use crate::command::{Input, Request, interpret};
use crate::event::{Answer, ClientId, Ending, Event, Tally};
use crate::text::{Lines, push_server_line, take_back};
use std::collections::VecDeque;
use std::mem;
use std::net::SocketAddr;

/// Something that a client has sent, and what that costs (`--rate`).
pub struct Item {
    pub heard: Heard,
    pub cost: u64,
}

pub enum Heard {
    /// Something that the broadcaster is to know.
    Event(Event),
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
    address: SocketAddr,
    grammar: Grammar,
    longest: usize,
    strangers: Strangers,
    telnet: Telnet,
    cutter: Cutter,
    has_sent_cr: bool,
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
    pub fn new(client: ClientId, address: SocketAddr, grammar: Grammar, longest: usize) -> Self {
        Self {
            client,
            address,
            grammar,
            longest,
            strangers: Strangers::new(grammar),
            telnet: Telnet::default(),
            cutter: Cutter::new(grammar, longest),
            has_sent_cr: false,
            has_been_taught: false,
            is_leaving: false,
            queue: VecDeque::new(),
            uncounted: 0,
            tally: Tally::default(),
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
            return Some(Item::said(self.client, said));
        }
        if !self.queue.is_empty() {
            return self.queue.pop_front();
        }
        let cost = mem::take(&mut self.uncounted) + self.cutter.take_dropped();
        let heard = if self.is_leaving {
            Heard::Left(Ending::Quit(None))
        } else {
            Heard::Nothing
        };
        (cost > 0 || self.is_leaving).then_some(Item { heard, cost })
    }

    /// Cuts one line and adds it to `said`, or to what comes behind that. Returns whether there was
    /// one.
    fn cut(&mut self, said: &mut Lines, most: u64) -> bool {
        let before = said.as_bytes().len();
        let Some(cut) = self.cutter.next_line() else {
            return false;
        };
        let (mut line_end, mut taught) = (End::Lf, None);
        match cut {
            Cut::EndOfTransmission => self.push(Heard::Left(Ending::Quit(None)), 0),
            Cut::TooLong if self.grammar == Grammar::Raw => {
                let address = self.address;
                log::warn!(target: "chatd::dropped", "dropped: a line over --max-line of {address}");
            }
            Cut::TooLong => self.answer(&format!(
                "line too long: the limit is {} bytes, nothing was sent",
                self.longest
            )),
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
                            taught = bare_command(&text);
                            said.push_clean(&text);
                        }
                        Input::Command(request) => {
                            self.queue.push_back(understood(self.client, &request));
                        }
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
            self.answer(&format!("commands begin with /: /{word}"));
        }
        true
    }

    /// The first CR at the end of a line, or telnet command, tells what the client's terminal wants.
    fn want_crlf(&mut self) {
        if !mem::replace(&mut self.has_sent_cr, true) {
            self.push(Heard::Event(Event::SentCr(self.client)), 0);
        }
    }

    /// Answers telnet commands, once for each kind.
    fn hear_telnet(&mut self, asked: Requests) {
        if asked.telnet {
            self.want_crlf();
        }
        if !asked.refusals.is_empty() {
            self.tell(Answer::Bytes(asked.refusals));
        }
        if asked.interrupted {
            self.answer("to leave: /quit");
        }
        if asked.are_you_there {
            self.answer("yes, chatd is here");
        }
    }

    fn answer(&mut self, content: &str) {
        let mut text = Vec::new();
        push_server_line(&mut text, format_args!("{content}"));
        self.tell(Answer::Lines(text));
    }

    fn tell(&mut self, answer: Answer) {
        self.push(Heard::Event(Event::Answered(self.client, answer)), 0);
    }

    fn push(&mut self, heard: Heard, cost: u64) {
        self.queue.push_back(Item { heard, cost });
    }
}

/// The command that somebody may have meant who said just its name.
fn bare_command(text: &[u8]) -> Option<&'static str> {
    let names = ["help", "quit", "exit", "who"];
    let is_meant = |name: &&str| text.trim_ascii().eq_ignore_ascii_case(name.as_bytes());
    names.into_iter().find(is_meant)
}

fn understood(client: ClientId, request: &Request) -> Item {
    match understand(request) {
        Meaning::Leaves(text) => Item {
            heard: Heard::Left(Ending::Quit(text)),
            cost: 0,
        },
        Meaning::Asks(command, cost) => {
            #[cfg(feature = "fault-injection")]
            crate::faults::panic_at("/faultpanicclient", &command);
            Item {
                heard: Heard::Event(Event::Asked(client, command)),
                cost,
            }
        }
    }
}

//! From the bytes that a client sends to what it says and asks for. No I/O: a codec is fed what was
//! read, and asked for what that means, as much of it at a time as may pass.

use crate::channel::EVENT_COST;
use crate::chat::commands::{Meaning, understand};
use crate::client::cutter::{Cut, Cutter, End, Grammar};
use crate::client::strangers::Strangers;
use crate::client::telnet::{Requests, Telnet};
use crate::command::{Input, Request, interpret};
use crate::event::{Answer, ClientId, Ending, Event, Tally};
use crate::text::{Lines, push_server_line};
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
    grammar: Grammar,
    longest: usize,
    strangers: Strangers,
    telnet: Telnet,
    cutter: Cutter,
    has_sent_cr: bool,
    /// What comes before everything that was not cut yet.
    queue: VecDeque<Item>,
    /// Bytes that make no line and were not charged yet.
    uncounted: u64,
    /// What was fed.
    pub tally: Tally,
}

impl Codec {
    pub fn new(client: ClientId, grammar: Grammar, longest: usize) -> Self {
        Self {
            client,
            grammar,
            longest,
            strangers: Strangers::default(),
            telnet: Telnet::default(),
            cutter: Cutter::new(grammar, longest),
            has_sent_cr: false,
            queue: VecDeque::new(),
            uncounted: 0,
            tally: Tally::default(),
        }
    }

    /// Takes bytes as they came. They may be changed.
    pub fn feed(&mut self, bytes: &mut [u8]) {
        self.tally.bytes += bytes.len() as u64;
        if self.strangers.judge_first_bytes(bytes) {
            self.push(Heard::Left(Ending::NotChat), 0);
        } else if self.grammar == Grammar::Raw {
            self.cutter.feed(bytes);
        } else {
            let mut asked = Requests::default();
            let length = self.telnet.take_out(bytes, &mut asked);
            self.uncounted += (bytes.len() - length) as u64;
            self.hear_telnet(asked);
            self.cutter.feed(&bytes[..length]);
        }
    }

    pub fn end(&mut self) {
        self.cutter.end();
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
        self.queue.pop_front().or_else(|| {
            let cost = mem::take(&mut self.uncounted) + self.cutter.take_dropped();
            (cost > 0).then_some(Item {
                heard: Heard::Nothing,
                cost,
            })
        })
    }

    /// Cuts one line and adds it to `said`, or to what comes behind that. Returns whether there was
    /// one.
    fn cut(&mut self, said: &mut Lines, most: u64) -> bool {
        let Some(cut) = self.cutter.next_line() else {
            return false;
        };
        match cut {
            Cut::Line(line, _) | Cut::TooLong(line) if self.strangers.judge_line(line) => {
                self.push(Heard::Left(Ending::NotChat), 0);
            }
            Cut::EndOfTransmission => self.push(Heard::Left(Ending::Quit(None)), 0),
            Cut::TooLong(_) if self.grammar == Grammar::Raw => {
                log::warn!(target: "chatd::dropped", "a line over --max-line was dropped");
            }
            Cut::TooLong(_) => self.answer(&format!(
                "line too long: the limit is {} bytes, nothing was sent",
                self.longest
            )),
            Cut::Line(b"", end) if self.grammar == Grammar::Chat => {
                self.uncounted += 1;
                self.hear_end(end);
            }
            Cut::Line(line, end) => {
                self.tally.lines += 1;
                let before = said.as_bytes().len();
                if self.grammar == Grammar::Raw {
                    said.push_raw(line);
                } else {
                    match interpret(line) {
                        Input::Text(text) => said.push_clean(&text),
                        Input::Command(request) => {
                            self.queue.push_back(understood(self.client, &request));
                        }
                    }
                }
                if 0 < before && before < said.as_bytes().len() && said.cost() > most {
                    let last = said.split_off_last(before);
                    self.queue.push_back(Item::said(self.client, last));
                }
                self.hear_end(end);
            }
        }
        true
    }

    /// The first CR at the end of a line tells what the client's terminal wants.
    fn hear_end(&mut self, end: End) {
        if end == End::Cr && !mem::replace(&mut self.has_sent_cr, true) {
            self.push(Heard::Event(Event::SentCr(self.client)), 0);
        }
    }

    /// Answers telnet commands, once for each kind.
    fn hear_telnet(&mut self, asked: Requests) {
        if asked.telnet {
            // A telnet's terminal wants CR LF.
            self.hear_end(End::Cr);
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

//! From the bytes that a client sends to what it says and asks for. No I/O: a codec is fed what was
//! read, and asked for what that means, as much of it at a time as may pass.

use crate::chat::commands::{Counts, Meaning, understand};
use crate::client::lines::{Cut, Cutter, End, Grammar};
use crate::client::rate::REQUEST_COST;
use crate::client::strangers::Strangers;
use crate::client::telnet::{Requests, Telnet};
use crate::command::{Command, Input, Request, interpret};
use crate::event::{Answer, Ending};
use crate::text::{LINE_COST, Lines, push_server_line};
use std::collections::VecDeque;
use std::mem;

/// What one event of lines costs at most, unless a single line costs more: 16 KiB of lines of 64
/// bytes.
const EVENT_COST: u64 = 36 << 10;

/// Something that a client has sent, and what that costs.
#[derive(Debug, PartialEq, Eq)]
pub struct Item {
    /// What it was.
    pub heard: Heard,
    /// Its cost (`--rate`).
    pub cost: u64,
    /// How many lines it was, commands included.
    pub lines: u64,
}

/// What a client has sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// Lines.
    Said(Lines),
    /// A command.
    Asked(Command),
    /// Something that needs no more than this answer.
    Answered(Answer),
    /// A line with CR at its end, for the first time.
    SentCr,
    /// That it leaves. What follows means nothing.
    Left(Ending),
    /// Another protocol. What follows means nothing.
    Stranger,
    /// A line over the limit, of which nobody is told.
    Dropped,
    /// Nothing that means anything.
    Nothing,
}

/// Adds the line that `push` appends to `said`, or returns it if it costs too much beside the others.
fn add(said: &mut Lines, most: u64, push: impl FnOnce(&mut Lines)) -> Lines {
    let before = said.len();
    push(said);
    if before > 0 && said.cost() > most {
        said.split_off_last(before)
    } else {
        Lines::default()
    }
}

impl Item {
    fn free(heard: Heard) -> Self {
        Self {
            heard,
            cost: 0,
            lines: 0,
        }
    }

    fn said(lines: Lines) -> Option<Self> {
        (!lines.is_empty()).then(|| Self {
            cost: lines.cost(),
            lines: lines.count() as u64,
            heard: Heard::Said(lines),
        })
    }

    fn request(request: &Request) -> Self {
        let (heard, cost) = match understand(request) {
            Meaning::Leaves(text) => (Heard::Left(Ending::Quit(text)), 0),
            Meaning::Asks(command, Counts::AsRequest) => (Heard::Asked(command), REQUEST_COST),
            Meaning::Asks(command, Counts::AsLine) => {
                let length = request.arguments.as_str().len() as u64;
                (Heard::Asked(command), length + LINE_COST)
            }
        };
        Self {
            heard,
            cost,
            lines: 1,
        }
    }

    fn answer(content: &str) -> Self {
        let mut text = Vec::new();
        push_server_line(&mut text, format_args!("{content}"));
        Self::free(Heard::Answered(Answer::Lines(text)))
    }
}

/// Understands what a client sends: in chat telnet commands are taken out, lines are cleaned, and
/// some are commands; in raw mode every line is passed on as it is.
pub struct Codec {
    grammar: Grammar,
    longest: usize,
    strangers: Strangers,
    telnet: Telnet,
    cutter: Cutter,
    has_sent_cr: bool,
    /// What comes before everything that was not cut yet.
    queue: VecDeque<Item>,
    /// A line that comes behind that.
    held: Lines,
    /// Bytes that make no line and were not counted yet.
    uncounted: u64,
}

impl Codec {
    /// For lines of up to so many bytes.
    #[must_use]
    pub fn new(grammar: Grammar, longest: usize) -> Self {
        Self {
            grammar,
            longest,
            strangers: Strangers::default(),
            telnet: Telnet::default(),
            cutter: Cutter::new(grammar, longest),
            has_sent_cr: false,
            queue: VecDeque::new(),
            held: Lines::default(),
            uncounted: 0,
        }
    }

    /// Takes bytes as they came. They may be changed.
    pub fn feed(&mut self, bytes: &mut [u8]) {
        if self.strangers.begins(bytes) {
            self.queue.push_back(Item::free(Heard::Stranger));
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

    /// Takes the end of the stream.
    pub fn end(&mut self) {
        self.cutter.end();
    }

    /// The client is silent: gives back memory.
    pub fn rest(&mut self) {
        self.cutter.rest();
    }

    /// What comes next: lines that cost at most `most` together, or a single one that costs more, or
    /// something else. Nothing if that takes more bytes.
    pub fn next_item(&mut self, most: u64) -> Option<Item> {
        let most = most.min(EVENT_COST);
        let mut said = mem::take(&mut self.held);
        if said.is_empty() {
            said = Lines::with_capacity(self.cutter.pending().min(EVENT_COST as usize));
        }
        while self.held.is_empty() && (said.is_empty() || self.queue.is_empty()) {
            if let Some(item) = self.queue.pop_front() {
                return Some(item);
            }
            if !self.cut(&mut said, most) {
                break;
            }
        }
        self.uncounted += self.cutter.take_dropped();
        Item::said(said).or_else(|| {
            let cost = mem::take(&mut self.uncounted);
            (cost > 0).then_some(Item {
                cost,
                ..Item::free(Heard::Nothing)
            })
        })
    }

    /// Cuts one line and adds it to `said`, or to what comes behind that. Returns whether there was
    /// one.
    fn cut(&mut self, said: &mut Lines, most: u64) -> bool {
        let Some(cut) = self.cutter.next_line() else {
            return false;
        };
        let (line, end) = match cut {
            Cut::EndOfTransmission => {
                let ending = Ending::Quit(None);
                self.queue.push_back(Item::free(Heard::Left(ending)));
                return true;
            }
            Cut::Line(line, _) | Cut::TooLong(line) if self.strangers.says(line) => {
                self.queue.push_back(Item::free(Heard::Stranger));
                return true;
            }
            Cut::TooLong(_) => {
                self.queue.push_back(match self.grammar {
                    Grammar::Chat => Item::answer(&format!(
                        "line too long: the limit is {} bytes, nothing was sent",
                        self.longest
                    )),
                    Grammar::Raw => Item::free(Heard::Dropped),
                });
                return true;
            }
            Cut::Line(line, end) => (line, end),
        };
        if self.grammar == Grammar::Raw {
            self.held = add(said, most, |lines| lines.push_raw(line));
        } else if line.is_empty() {
            self.uncounted += 1;
        } else {
            match interpret(line) {
                Input::Text(text) => self.held = add(said, most, |lines| lines.push_clean(text)),
                Input::Trimmed(text) => {
                    self.held = add(said, most, |lines| lines.push_clean(text.as_bytes()));
                }
                Input::Command(request) => self.queue.push_back(Item::request(&request)),
            }
        }
        if end == End::Cr {
            self.hear_cr();
        }
        true
    }

    fn hear_cr(&mut self) {
        if !mem::replace(&mut self.has_sent_cr, true) {
            self.queue.push_back(Item::free(Heard::SentCr));
        }
    }

    /// Answers telnet commands, once for each kind.
    fn hear_telnet(&mut self, asked: Requests) {
        if asked.telnet {
            self.hear_cr();
        }
        if !asked.refusals.is_empty() {
            let answer = Heard::Answered(Answer::Bytes(asked.refusals));
            self.queue.push_back(Item::free(answer));
        }
        if asked.interrupted {
            self.queue.push_back(Item::answer("to leave: /quit"));
        }
        if asked.are_you_there {
            self.queue.push_back(Item::answer("yes, chatd is here"));
        }
    }
}

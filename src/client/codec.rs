//! From the bytes that a client sends to what it says and asks for. No I/O: a codec is fed what was
//! read, and asked for what that means, as much of it at a time as may pass.

use crate::chat::commands::{Counts, Meaning, understand};
use crate::client::lines::{Cut, Cutter, End, Grammar};
use crate::client::rate::REQUEST_COST;
use crate::client::strangers::Strangers;
use crate::client::telnet::{Asked, Telnet};
use crate::command::{Command, Input, interpret};
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

/// Understands what clients send.
pub trait Codec {
    /// Takes bytes as they came. They may be changed.
    fn feed(&mut self, bytes: &mut [u8]);

    /// Takes the end of the stream.
    fn end(&mut self);

    /// What comes next: lines that cost at most `most` together, or a single one that costs more, or
    /// something else. Nothing if that takes more bytes.
    fn next(&mut self, most: u64) -> Option<Item>;

    /// The client is silent: gives back memory.
    fn rest(&mut self);
}

/// Adds the line that `push` appends to `said`. Returns that line alone if it costs too much beside
/// the others.
fn add(said: &mut Lines, most: u64, push: impl FnOnce(&mut Lines)) -> Option<Lines> {
    let before = said.len();
    push(said);
    let is_too_much = before > 0 && said.cost() > most;
    is_too_much.then(|| said.split_off_last(before))
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

    fn answer(content: &str) -> Self {
        let mut text = Vec::new();
        push_server_line(&mut text, format_args!("{content}"));
        Self::free(Heard::Answered(Answer::Lines(text)))
    }
}

/// Chat: telnet commands are taken out, lines are cleaned, and some are commands.
pub struct Terminal {
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

impl Terminal {
    /// For lines of up to so many bytes.
    #[must_use]
    pub fn new(longest: usize) -> Self {
        Self {
            longest,
            strangers: Strangers::default(),
            telnet: Telnet::default(),
            cutter: Cutter::new(Grammar::Chat, longest),
            has_sent_cr: false,
            queue: VecDeque::new(),
            held: Lines::default(),
            uncounted: 0,
        }
    }

    fn hear_cr(&mut self) {
        if !mem::replace(&mut self.has_sent_cr, true) {
            self.queue.push_back(Item::free(Heard::SentCr));
        }
    }
}

impl Codec for Terminal {
    fn feed(&mut self, bytes: &mut [u8]) {
        if self.strangers.begins(bytes) {
            return self.queue.push_back(Item::free(Heard::Stranger));
        }
        let mut asked = Asked::default();
        let length = self.telnet.take_out(bytes, &mut asked);
        self.uncounted += (bytes.len() - length) as u64;
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
        self.cutter.feed(&bytes[..length]);
    }

    fn end(&mut self) {
        self.cutter.end();
    }

    fn next(&mut self, most: u64) -> Option<Item> {
        let most = most.min(EVENT_COST);
        let mut said = mem::take(&mut self.held);
        if said.is_empty() {
            said = Lines::with_capacity(self.cutter.pending().min(EVENT_COST as usize));
        }
        while said.is_empty() || self.queue.is_empty() {
            if let Some(item) = self.queue.pop_front() {
                return Some(item);
            }
            let Some(cut) = self.cutter.next_line() else {
                break;
            };
            if let Cut::Line(line, _) | Cut::TooLong(line) = cut
                && self.strangers.says(line)
            {
                self.queue.push_back(Item::free(Heard::Stranger));
                continue;
            }
            let ends_in_cr = matches!(cut, Cut::Line(_, End::Cr));
            let item = match cut {
                Cut::EndOfTransmission => Some(Item::free(Heard::Left(Ending::Quit(None)))),
                Cut::TooLong(_) => Some(Item::answer(&format!(
                    "line too long: the limit is {} bytes, nothing was sent",
                    self.longest
                ))),
                Cut::Line(b"", _) => {
                    self.uncounted += 1;
                    None
                }
                Cut::Line(line, _) => match interpret(line) {
                    Input::Text(text) => {
                        self.held = add(&mut said, most, |lines| lines.push_clean(text))
                            .unwrap_or_default();
                        None
                    }
                    Input::Trimmed(text) => {
                        let push = |lines: &mut Lines| lines.push_clean(text.as_bytes());
                        self.held = add(&mut said, most, push).unwrap_or_default();
                        None
                    }
                    Input::Command(request) => {
                        let length = request.arguments.as_str().len() as u64;
                        Some(match understand(&request) {
                            Meaning::Leaves(text) => Item {
                                heard: Heard::Left(Ending::Quit(text)),
                                cost: 0,
                                lines: 1,
                            },
                            Meaning::Asks(command, counts) => Item {
                                heard: Heard::Asked(command),
                                cost: match counts {
                                    Counts::AsLine => length + LINE_COST,
                                    Counts::AsRequest => REQUEST_COST,
                                },
                                lines: 1,
                            },
                        })
                    }
                },
            };
            if ends_in_cr {
                self.hear_cr();
            }
            self.queue.extend(item);
            if !self.held.is_empty() {
                break;
            }
        }
        self.uncounted += self.cutter.take_dropped();
        Item::said(said).or_else(|| {
            let cost = mem::take(&mut self.uncounted);
            (cost > 0).then_some(Item {
                heard: Heard::Nothing,
                cost,
                lines: 0,
            })
        })
    }

    fn rest(&mut self) {
        self.cutter.rest();
    }
}

/// Raw mode: every line as it is.
pub struct Verbatim {
    strangers: Strangers,
    cutter: Cutter,
    queue: VecDeque<Item>,
    held: Lines,
}

impl Verbatim {
    /// For lines of up to so many bytes.
    #[must_use]
    pub fn new(longest: usize) -> Self {
        Self {
            strangers: Strangers::default(),
            cutter: Cutter::new(Grammar::Raw, longest),
            queue: VecDeque::new(),
            held: Lines::default(),
        }
    }
}

impl Codec for Verbatim {
    fn feed(&mut self, bytes: &mut [u8]) {
        if self.strangers.begins(bytes) {
            return self.queue.push_back(Item::free(Heard::Stranger));
        }
        self.cutter.feed(bytes);
    }

    fn end(&mut self) {
        self.cutter.end();
    }

    fn next(&mut self, most: u64) -> Option<Item> {
        let most = most.min(EVENT_COST);
        let mut said = mem::take(&mut self.held);
        if said.is_empty() {
            said = Lines::with_capacity(self.cutter.pending().min(EVENT_COST as usize));
        }
        while said.is_empty() || self.queue.is_empty() {
            if let Some(item) = self.queue.pop_front() {
                return Some(item);
            }
            match self.cutter.next_line() {
                None => break,
                Some(Cut::Line(line, _) | Cut::TooLong(line)) if self.strangers.says(line) => {
                    self.queue.push_back(Item::free(Heard::Stranger));
                }
                Some(Cut::Line(line, _)) => {
                    self.held =
                        add(&mut said, most, |lines| lines.push_raw(line)).unwrap_or_default();
                    if !self.held.is_empty() {
                        break;
                    }
                }
                Some(Cut::TooLong(_)) => self.queue.push_back(Item::free(Heard::Dropped)),
                Some(Cut::EndOfTransmission) => {}
            }
        }
        let dropped = self.cutter.take_dropped();
        if dropped > 0 {
            self.queue.push_back(Item {
                heard: Heard::Nothing,
                cost: dropped,
                lines: 0,
            });
        }
        Item::said(said).or_else(|| self.queue.pop_front())
    }

    fn rest(&mut self) {
        self.cutter.rest();
    }
}

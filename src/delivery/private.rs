//! Text for one client alone: answers, private messages, the welcome.

use crate::delivery::block::push_crlf;
use crate::delivery::shared_log::Position;
use crate::event::{Answer, Style};
use std::borrow::Cow;
use std::sync::Arc;

/// Text for one client alone, with LF, and how much of it the client has read.
pub struct Private {
    /// It is read before what stands here in the log.
    pub at: Position,
    text: Text,
    /// How many bytes were read.
    read: usize,
    /// The CR before the LF that comes next was read too.
    is_cr_read: bool,
}

enum Text {
    Lines(Vec<u8>),
    /// Lines that many clients read, and that are kept once for all of them.
    SharedLines(Arc<[u8]>),
    /// No lines: a 10 in it is no LF.
    Bytes(Vec<u8>),
}

impl Private {
    /// Text to be read before what stands at `at`.
    pub fn new(at: Position, answer: Answer) -> Self {
        Self::with(
            at,
            match answer {
                Answer::Lines(lines) => Text::Lines(lines),
                Answer::SharedLines(lines) => Text::SharedLines(lines),
                Answer::Bytes(bytes) => Text::Bytes(bytes),
            },
        )
    }

    fn with(at: Position, text: Text) -> Self {
        Self {
            at,
            text,
            read: 0,
            is_cr_read: false,
        }
    }

    /// Adds more text of the same form. Returns it if it is of another.
    pub fn append(&mut self, answer: Answer) -> Option<Answer> {
        match (&mut self.text, answer) {
            (Text::Lines(text), Answer::Lines(more)) | (Text::Bytes(text), Answer::Bytes(more)) => {
                text.extend_from_slice(&more);
                None
            }
            (_, answer) => Some(answer),
        }
    }

    /// How many bytes are pending, with LF.
    pub fn pending(&self) -> usize {
        self.text().len() - self.read
    }

    /// What is pending, as the client reads it: as much as `most` bytes of it become.
    pub fn render(&self, style: Style, most: usize) -> Cow<'_, [u8]> {
        let pending = &self.text()[self.read..];
        let pending = &pending[..most.min(pending.len())];
        if !self.is_rendered(style) {
            return Cow::Borrowed(pending);
        }
        let mut text = Vec::with_capacity(pending.len() + 64);
        // Whole lines, and what is left of the last one.
        let lines = memchr::memrchr(b'\n', pending).map_or(0, |end| end + 1);
        push_crlf(&mut text, &pending[..lines]);
        text.extend_from_slice(&pending[lines..]);
        if self.is_cr_read {
            text.remove(0);
        }
        Cow::Owned(text)
    }

    /// The client has read `bytes` of what was rendered.
    pub fn advance(&mut self, style: Style, mut bytes: usize) {
        if !self.is_rendered(style) {
            self.read += bytes;
            return;
        }
        while bytes > 0 {
            let pending = &self.text()[self.read..];
            let line = memchr::memchr(b'\n', pending).unwrap_or(pending.len());
            if bytes <= line {
                self.read += bytes;
                return;
            }
            bytes -= line;
            self.read += line;
            let end = 2 - usize::from(self.is_cr_read);
            self.is_cr_read = bytes < end;
            if self.is_cr_read {
                return;
            }
            self.read += 1;
            bytes -= end;
        }
    }

    /// Whether the lines are read with another end than the one that they have here.
    fn is_rendered(&self, style: Style) -> bool {
        style == Style::CrLf && !matches!(self.text, Text::Bytes(_))
    }

    fn text(&self) -> &[u8] {
        match &self.text {
            Text::Lines(text) | Text::Bytes(text) => text,
            Text::SharedLines(text) => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::shared_log::SharedLog;

    #[test]
    fn it_is_read_in_either_style_wherever_the_reads_end() {
        let at = SharedLog::default().seal();
        for (style, text) in [
            (Style::Lf, "one\n\nthree\n"),
            (Style::CrLf, "one\r\n\r\nthree\r\n"),
        ] {
            for step in 1..text.len() {
                for most in 1..text.len() {
                    let lines = Answer::Lines(b"one\n\nthree\n".to_vec());
                    let mut private = Private::new(at, lines);
                    let mut read = Vec::new();
                    while private.pending() > 0 {
                        let next = private.render(style, most).into_owned();
                        let part = &next[..step.min(next.len())];
                        assert!(!part.is_empty(), "of {:?}", private.pending());
                        read.extend_from_slice(part);
                        private.advance(style, part.len());
                    }
                    assert_eq!(String::from_utf8(read).unwrap(), text);
                }
            }
        }
    }

    #[test]
    fn a_10_among_bytes_is_no_line_feed() {
        let at = SharedLog::default().seal();
        let private = Private::new(at, Answer::Bytes(b"\xff\xfc\n".to_vec()));
        assert_eq!(&*private.render(Style::CrLf, 9), b"\xff\xfc\n");
    }
}

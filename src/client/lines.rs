//! Bytes to lines: where each line ends, and which are too long.

/// What ends a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// LF, or nothing more to come.
    Lf,
    /// CR LF, or CR NUL (a telnet's Enter key, RFC 854): this client's terminal wants CR LF too.
    Cr,
}

/// What the cutter found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut<'a> {
    /// A line without its end.
    Line(&'a [u8], End),
    /// A line was longer than allowed, and is gone but for its last bytes.
    TooLong(&'a [u8]),
    /// Ctrl-D at the start of a line: the client wants to leave. Nothing after it is cut.
    EndOfTransmission,
}

/// How many last bytes of a line that is too long are kept: enough to tell an HTTP request by.
pub const TAIL_BYTES: usize = 10;

const END_OF_TRANSMISSION: u8 = 4;

/// What counts as the end of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grammar {
    /// LF, CR LF, CR NUL, and Ctrl-D at the start of a line.
    Chat,
    /// LF alone.
    Raw,
}

/// Cuts a stream of bytes into lines, however it is split into reads, and keeps at most one line's
/// bytes.
#[derive(Debug)]
pub struct Cutter {
    grammar: Grammar,
    /// The longest line, in bytes without its end.
    longest: usize,
    /// The line so far; of one that is too long, its last bytes.
    partial: Vec<u8>,
    overlong: bool,
    ended: bool,
}

impl Cutter {
    /// A cutter for lines of up to `longest` bytes without their ends.
    #[must_use]
    pub fn new(grammar: Grammar, longest: usize) -> Self {
        Self {
            grammar,
            longest,
            partial: Vec::new(),
            overlong: false,
            ended: false,
        }
    }

    /// Whether the bytes that come are thrown away, because their line is too long already.
    #[must_use]
    pub fn is_overlong(&self) -> bool {
        self.overlong
    }

    /// Takes the next bytes and hands each line that ends in them to `found`.
    pub fn push(&mut self, bytes: &[u8], mut found: impl FnMut(Cut<'_>)) {
        let mut rest = bytes;
        while !rest.is_empty() && !self.ended {
            if self.partial.is_empty()
                && self.grammar == Grammar::Chat
                && rest[0] == END_OF_TRANSMISSION
            {
                self.ended = true;
                return found(Cut::EndOfTransmission);
            }
            let Some((line, end, after)) = self.split(rest) else {
                break;
            };
            rest = after;
            if self.partial.is_empty() && line.len() <= self.longest {
                found(Cut::Line(line, end));
            } else {
                self.keep(line);
                self.hand_over(end, &mut found);
            }
        }
        if !self.ended {
            self.keep(rest);
        }
    }

    /// What stands without an end when the client closes its sending side is a line too.
    pub fn finish(&mut self, mut found: impl FnMut(Cut<'_>)) {
        if !self.partial.is_empty() && !self.ended {
            self.hand_over(End::Lf, &mut found);
        }
    }

    /// The first line of `bytes`, its end, and what comes after it.
    fn split<'a>(&mut self, bytes: &'a [u8]) -> Option<(&'a [u8], End, &'a [u8])> {
        if self.grammar == Grammar::Raw {
            let at = memchr::memchr(b'\n', bytes)?;
            return Some((&bytes[..at], End::Lf, &bytes[at + 1..]));
        }
        for at in memchr::memchr2_iter(b'\n', 0, bytes) {
            let line = &bytes[..at];
            let after = &bytes[at + 1..];
            if let Some(line) = line.strip_suffix(b"\r") {
                return Some((line, End::Cr, after));
            }
            if line.is_empty() && self.partial.last() == Some(&b'\r') {
                self.partial.pop();
                return Some((line, End::Cr, after));
            }
            if bytes[at] == b'\n' {
                return Some((line, End::Lf, after));
            }
        }
        None
    }

    fn hand_over(&mut self, end: End, found: &mut impl FnMut(Cut<'_>)) {
        // A CR that was kept as a possible end, and was none, may be one byte too many.
        if self.overlong || self.partial.len() > self.longest {
            let tail = self.partial.len().saturating_sub(TAIL_BYTES);
            found(Cut::TooLong(&self.partial[tail..]));
        } else {
            found(Cut::Line(&self.partial, end));
        }
        self.overlong = false;
        // A long line's memory is not kept for the short ones that follow it.
        self.partial = Vec::new();
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.partial.extend_from_slice(bytes);
        let may_be_end = usize::from(self.partial.last() == Some(&b'\r'));
        if self.overlong || self.partial.len() > self.longest + may_be_end {
            self.overlong = true;
            let tail = self.partial.len().saturating_sub(TAIL_BYTES + 1);
            self.partial.drain(..tail);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Clone, PartialEq, Eq)]
    enum Owned {
        Line(Vec<u8>, End),
        TooLong,
        EndOfTransmission,
    }

    fn cut_in_pieces(grammar: Grammar, longest: usize, input: &[u8], cuts: &[usize]) -> Vec<Owned> {
        let mut cutter = Cutter::new(grammar, longest);
        let mut all = Vec::new();
        let mut found = |cut: Cut<'_>| {
            all.push(match cut {
                Cut::Line(line, end) => Owned::Line(line.to_vec(), end),
                Cut::TooLong(_) => Owned::TooLong,
                Cut::EndOfTransmission => Owned::EndOfTransmission,
            });
        };
        let mut start = 0;
        for end in cuts.iter().copied().chain([input.len()]) {
            let end = end.clamp(start, input.len());
            cutter.push(&input[start..end], &mut found);
            assert!(
                cutter.partial.len() <= longest.max(TAIL_BYTES) + 1,
                "grew beyond the limit"
            );
            start = end;
        }
        cutter.finish(&mut found);
        all
    }

    fn chat(longest: usize, input: &[u8]) -> Vec<Owned> {
        cut_in_pieces(Grammar::Chat, longest, input, &[])
    }

    fn line(text: &[u8], end: End) -> Owned {
        Owned::Line(text.to_vec(), end)
    }

    #[test]
    fn lf_cr_lf_and_cr_nul_end_a_line_and_so_does_the_end_of_the_stream() {
        assert_eq!(
            chat(9, b"a\nb\r\nc\r\0d\r\r\n\ne"),
            [
                line(b"a", End::Lf),
                line(b"b", End::Cr),
                line(b"c", End::Cr),
                line(b"d\r", End::Cr),
                line(b"", End::Lf),
                line(b"e", End::Lf),
            ]
        );
    }

    #[test]
    fn a_bare_cr_and_a_bare_nul_are_part_of_the_line() {
        assert_eq!(chat(9, b"a\rb\0c\n"), [line(b"a\rb\0c", End::Lf)]);
    }

    #[test]
    fn in_raw_mode_only_lf_ends_a_line() {
        let cuts = cut_in_pieces(Grammar::Raw, 9, b"\x04a\r\nb\r\0c\n\n", &[]);
        assert_eq!(
            cuts,
            [
                line(b"\x04a\r", End::Lf),
                line(b"b\r\0c", End::Lf),
                line(b"", End::Lf)
            ]
        );
    }

    #[test]
    fn the_limit_counts_bytes_without_the_end_and_the_next_line_is_fine() {
        for end in ["\n", "\r\n", "\r\0"] {
            let input = format!("12345{end}123456{end}1234{end}");
            let found = chat(5, input.as_bytes());
            let end = if end == "\n" { End::Lf } else { End::Cr };
            assert_eq!(
                found,
                [line(b"12345", end), Owned::TooLong, line(b"1234", end)]
            );
        }
    }

    #[test]
    fn the_tail_of_a_line_that_is_too_long_is_kept() {
        let mut cutter = Cutter::new(Grammar::Chat, 20);
        let mut tails = Vec::new();
        let request = [&b"GET /"[..], &[b'a'; 5000], b" HTTP/1.1\r\n"].concat();
        for piece in request.chunks(7) {
            cutter.push(piece, |cut| {
                if let Cut::TooLong(tail) = cut {
                    tails.push(tail.to_vec());
                }
            });
        }
        assert_eq!(tails, [b"a HTTP/1.1"]);
    }

    #[test]
    fn ctrl_d_as_the_first_byte_of_a_line_ends_everything() {
        assert_eq!(
            chat(9, b"a\x04\n\x04b\n"),
            [line(b"a\x04", End::Lf), Owned::EndOfTransmission]
        );
    }

    proptest! {
        #[test]
        fn the_same_lines_come_out_wherever_the_bytes_are_split(
            input in prop::collection::vec(prop_oneof![
                Just(b'\r'), Just(b'\n'), Just(0), 1_u8..6, Just(b'x')
            ], 0..300),
            mut cuts in prop::collection::vec(0_usize..300, 0..20),
            longest in 1_usize..30,
            grammar in prop_oneof![Just(Grammar::Chat), Just(Grammar::Raw)],
        ) {
            cuts.sort_unstable();
            let whole = cut_in_pieces(grammar, longest, &input, &[]);
            prop_assert_eq!(cut_in_pieces(grammar, longest, &input, &cuts), whole);
        }
    }
}

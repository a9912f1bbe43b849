//! Bytes to lines: where each line ends, and which are too long.

use std::mem;
use std::ops::Range;

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
    /// A line was longer than allowed, and is gone.
    TooLong,
    /// Ctrl-D at the start of a line: the client wants to leave. Nothing after it is ever cut.
    EndOfTransmission,
}

/// How much memory is kept while nothing is held.
const KEPT_BYTES: usize = 1 << 10;

const END_OF_TRANSMISSION: u8 = 4;

/// How many bytes are remembered of a line that was too long: enough to tell which command it was.
const BEGINNING_BYTES: usize = 64;

/// What counts as the end of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grammar {
    /// LF, CR LF, CR NUL, and Ctrl-D at the start of a line.
    Chat,
    /// LF alone.
    Raw,
}

/// Cuts a stream of bytes into lines, however it is split into reads. It holds what it was fed
/// until that is cut, and of an unfinished line at most as much as a line may have.
#[derive(Debug)]
pub struct Cutter {
    grammar: Grammar,
    /// The longest line, in bytes without its end.
    longest: usize,
    /// What was fed; of an unfinished line that is too long, what may be its end.
    input: Vec<u8>,
    /// How much of it was cut.
    cut: usize,
    /// How much of it was looked at: the unfinished line has no end before that.
    searched: usize,
    is_overlong: bool,
    /// How the last line begins that was too long.
    beginning: Vec<u8>,
    has_ended: bool,
    /// Bytes that were thrown away since [`Self::take_dropped`].
    dropped: u64,
}

impl Cutter {
    /// A cutter for lines of up to `longest` bytes without their ends.
    pub fn new(grammar: Grammar, longest: usize) -> Self {
        Self {
            grammar,
            longest,
            input: Vec::new(),
            cut: 0,
            searched: 0,
            is_overlong: false,
            beginning: Vec::new(),
            has_ended: false,
            dropped: 0,
        }
    }

    /// Takes the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
    }

    /// Takes the end of the stream: what stands without an end is a line too.
    pub fn end(&mut self) {
        self.has_ended = true;
    }

    /// How many bytes were fed and not cut yet.
    pub fn pending(&self) -> usize {
        self.input.len() - self.cut
    }

    /// How many bytes of lines that are too long were thrown away since this was asked last.
    pub fn take_dropped(&mut self) -> u64 {
        mem::take(&mut self.dropped)
    }

    /// How the last line began that was [too long](Cut::TooLong), as far as that is remembered.
    pub fn overlong_beginning(&self) -> &[u8] {
        &self.beginning
    }

    /// The next line of what was fed.
    pub fn next_line(&mut self) -> Option<Cut<'_>> {
        let begins_with = self.input.get(self.cut).filter(|_| !self.is_overlong);
        if self.grammar == Grammar::Chat && begins_with == Some(&END_OF_TRANSMISSION) {
            return Some(Cut::EndOfTransmission);
        }
        let (line, end, next) = if let Some(found) = self.find_end() {
            found
        } else {
            self.keep_unfinished();
            let length = self.input.len();
            if !self.has_ended || length == 0 && !self.is_overlong {
                return None;
            }
            (0..length, End::Lf, length)
        };
        let start = mem::replace(&mut self.cut, next);
        self.searched = next;
        // A CR that was kept as a possible end, and was none, may be one byte too many.
        if self.is_overlong || line.len() > self.longest {
            self.remember_beginning(line);
            self.is_overlong = false;
            self.dropped += (next - start) as u64;
            Some(Cut::TooLong)
        } else {
            Some(Cut::Line(&self.input[line], end))
        }
    }

    /// The line that is too long has this too.
    fn remember_beginning(&mut self, part: Range<usize>) {
        if !mem::replace(&mut self.is_overlong, true) {
            self.beginning.clear();
        }
        let room = BEGINNING_BYTES - self.beginning.len();
        self.beginning.extend(self.input[part].iter().take(room));
    }

    /// Where the next line is in the input, what ends it, and where the one after it begins.
    fn find_end(&self) -> Option<(Range<usize>, End, usize)> {
        let rest = &self.input[self.searched..];
        if self.grammar == Grammar::Raw {
            let at = self.searched + memchr::memchr(b'\n', rest)?;
            return Some((self.cut..at, End::Lf, at + 1));
        }
        for at in memchr::memchr2_iter(b'\n', 0, rest) {
            let at = self.searched + at;
            if self.input[self.cut..at].ends_with(b"\r") {
                return Some((self.cut..at - 1, End::Cr, at + 1));
            }
            if self.input[at] == b'\n' {
                return Some((self.cut..at, End::Lf, at + 1));
            }
        }
        None
    }

    /// Forgets what is cut, and what is left if it is too long for a line.
    fn keep_unfinished(&mut self) {
        self.input.drain(..self.cut);
        let length = self.input.len();
        let may_be_end = usize::from(self.input.last() == Some(&b'\r'));
        if self.is_overlong || length > self.longest + may_be_end {
            self.remember_beginning(0..length - may_be_end);
            self.input.drain(..length - may_be_end);
            self.dropped += (length - may_be_end) as u64;
        }
        // Many clients are silent, and need no memory for what they sent once.
        self.input.shrink_to(KEPT_BYTES);
        (self.cut, self.searched) = (0, self.input.len());
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
        let mut start = 0;
        for end in cuts.iter().copied().chain([input.len()]) {
            let end = end.clamp(start, input.len());
            cutter.feed(&input[start..end]);
            cut_all(&mut cutter, &mut all);
            if all.last() == Some(&Owned::EndOfTransmission) {
                return all;
            }
            assert!(cutter.input.len() <= longest + 1, "grew beyond the limit");
            start = end;
        }
        cutter.end();
        cut_all(&mut cutter, &mut all);
        all
    }

    fn cut_all(cutter: &mut Cutter, all: &mut Vec<Owned>) {
        while let Some(cut) = cutter.next_line() {
            all.push(match cut {
                Cut::Line(line, end) => Owned::Line(line.to_vec(), end),
                Cut::TooLong => Owned::TooLong,
                Cut::EndOfTransmission => return all.push(Owned::EndOfTransmission),
            });
        }
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
    fn what_is_thrown_away_of_a_line_that_is_too_long_is_counted_with_its_end() {
        let line = [&[b'a'; 5000][..], b"\r\n"].concat();
        for piece_bytes in [1, 7, 5001, 5002] {
            let mut cutter = Cutter::new(Grammar::Chat, 20);
            let mut too_long = 0;
            for piece in line.chunks(piece_bytes) {
                cutter.feed(piece);
                while let Some(cut) = cutter.next_line() {
                    assert_eq!(cut, Cut::TooLong);
                    too_long += 1;
                }
            }
            assert_eq!((too_long, cutter.take_dropped()), (1, 5002));
            assert_eq!(cutter.take_dropped(), 0, "each byte once");
        }
    }

    #[test]
    fn who_is_silent_needs_no_memory_for_what_was_sent_once() {
        let line = b"x".repeat(50_000);
        for rest in [&b"\n"[..], b"\nhalf"] {
            let mut cutter = Cutter::new(Grammar::Chat, 60_000);
            cutter.feed(&line);
            cutter.feed(rest);
            assert_eq!(cutter.pending(), line.len() + rest.len());
            while cutter.next_line().is_some() {}
            let kept = cutter.input.capacity();
            assert!(kept <= KEPT_BYTES, "{kept} bytes");
            assert_eq!(cutter.pending(), rest.len() - 1);
        }
    }

    #[test]
    fn ctrl_d_as_the_first_byte_of_a_line_ends_everything() {
        assert_eq!(
            chat(9, b"a\x04\n\x04b\n"),
            [line(b"a\x04", End::Lf), Owned::EndOfTransmission]
        );
    }

    #[test]
    fn of_a_line_that_is_too_long_the_beginning_is_remembered_however_it_is_split() {
        let long = ["/login alice ", &"x".repeat(200)].concat();
        for size in [1, 7, 11, 63, 64, 65, 999] {
            let mut cutter = Cutter::new(Grammar::Chat, 10);
            for line in [&long, "another one that is too long"] {
                for piece in format!("ok\n{line}\r\n").as_bytes().chunks(size) {
                    cutter.feed(piece);
                    while cutter.next_line().is_some() {}
                }
                let found = String::from_utf8_lossy(cutter.overlong_beginning());
                assert_eq!(found, line[..line.len().min(64)], "in pieces of {size}");
            }
        }
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

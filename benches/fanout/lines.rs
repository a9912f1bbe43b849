//! The lines that are sent, all of one size, and how what arrives is checked against them.

/// The bytes of a line as it is sent, its LF included.
pub const LINE: usize = 64;

/// The numbers in the lines begin again after so many. That keeps what is sent and what is expected
/// small enough for the cache, and a loss of exactly so many lines would still show in the count.
pub const PERIOD: usize = 8192;

/// Ends each line, and stands nowhere else in it.
pub const MARK: u8 = b'~';

/// The line of this number.
pub fn text(number: usize) -> [u8; LINE] {
    let mut line = [0; LINE];
    let words =
        format!("#{number:08} the quick brown fox jumps over the lazy dog, again and again");
    line.copy_from_slice(&words.as_bytes()[..LINE]);
    line[LINE - 2] = MARK;
    line[LINE - 1] = b'\n';
    line
}

/// The number in each line of a stream that holds whole lines, in whatever frames, and anything
/// between them.
pub fn numbers(stream: &[u8]) -> impl Iterator<Item = Option<usize>> {
    memchr::memchr_iter(MARK, stream).map(|end| {
        let line = &stream[(end + 2).checked_sub(LINE)?..end];
        let digits = std::str::from_utf8(line.strip_prefix(b"#")?.get(..8)?).ok()?;
        let number = digits.parse().ok()?;
        (text(number)[..LINE - 2] == *line).then_some(number)
    })
}

/// An endless stream of the same lines over and over, each in some server's frame.
pub struct Pattern {
    bytes: Vec<u8>,
    /// The bytes of one line in its frame: the same for all.
    line: usize,
}

impl Pattern {
    /// The stream of what `frame` makes of each line.
    pub fn of(frame: impl Fn(&[u8]) -> Vec<u8>) -> Self {
        let bytes: Vec<u8> = (0..PERIOD)
            .flat_map(|number| frame(&text(number)))
            .collect();
        let line = bytes.len() / PERIOD;
        assert!(
            bytes.len().is_multiple_of(PERIOD),
            "every line is framed in the same number of bytes"
        );
        Self { bytes, line }
    }

    /// The bytes of one line in its frame.
    pub fn line(&self) -> usize {
        self.line
    }

    /// What stands at an offset of the stream, up to `most` bytes of it, at least one.
    pub fn at(&self, offset: usize, most: usize) -> &[u8] {
        let start = offset % self.bytes.len();
        &self.bytes[start..self.bytes.len().min(start + most)]
    }

    /// Whether these bytes are what stands at an offset of the stream.
    pub fn is_at(&self, mut offset: usize, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            let expected = self.at(offset, bytes.len());
            let (now, later) = bytes.split_at(expected.len());
            if now != expected {
                return false;
            }
            offset += now.len();
            bytes = later;
        }
        true
    }
}

/// Follows what one client reads, line by line, and passes over notices of the server between the
/// lines.
#[derive(Clone, Default)]
pub struct Follower {
    /// How much of the pattern has come.
    offset: usize,
    /// Whether what comes is a notice, up to its LF.
    in_notice: bool,
}

/// What came was not what was sent.
#[derive(Debug)]
pub struct Garbled;

impl Follower {
    /// How many whole lines have come.
    pub fn lines(&self, pattern: &Pattern) -> usize {
        self.offset / pattern.line
    }

    /// Takes in what was read next.
    ///
    /// # Errors
    ///
    /// `Garbled` if a line differs from the one that was sent.
    pub fn follow(&mut self, mut bytes: &[u8], pattern: &Pattern) -> Result<(), Garbled> {
        while let Some(&first) = bytes.first() {
            // No line in any server's frame begins like a notice of chatd, which has a dash, or a
            // PING of NATS.
            if self.offset.is_multiple_of(pattern.line) && matches!(first, b'-' | b'P') {
                self.in_notice = true;
            }
            let taken = if self.in_notice {
                let end = memchr::memchr(b'\n', bytes);
                self.in_notice = end.is_none();
                end.map_or(bytes.len(), |end| end + 1)
            } else {
                let rest_of_line = pattern.line - self.offset % pattern.line;
                let taken = rest_of_line.min(bytes.len());
                if !pattern.is_at(self.offset, &bytes[..taken]) {
                    return Err(Garbled);
                }
                self.offset += taken;
                taken
            };
            bytes = &bytes[taken..];
        }
        Ok(())
    }
}

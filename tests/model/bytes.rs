//! Choices, made out of bytes: the property tests draw the bytes at random and shrink them, and the
//! fuzzers mutate them, so both drive the same code.

/// Bytes that decide what happens next.
pub struct Bytes<'a> {
    rest: &'a [u8],
}

impl<'a> Bytes<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// A number below `limit`, 0 if there are no bytes left.
    pub fn below(&mut self, limit: usize) -> usize {
        let Some((first, rest)) = self.rest.split_first() else {
            return 0;
        };
        self.rest = rest;
        usize::from(*first) % limit
    }

    /// One of `values`.
    pub fn pick<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())]
    }
}

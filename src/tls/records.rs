//! Counts the bytes of whole records (RFC 8446, section 5.1) that a client has sent: rustls does not
//! tell how many bytes those had that say nothing.

/// How far the client is with its records.
#[derive(Default)]
pub struct Records {
    /// How many bytes came of those that are whole, their headers included.
    pub whole: u64,
    header: [u8; 5],
    /// How many bytes came of the one that has begun, its header included.
    begun: usize,
}

impl Records {
    pub fn take(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let [.., high, low] = self.header;
            let header = self.header.len();
            let length = if self.begun < header {
                header
            } else {
                header + usize::from(u16::from_be_bytes([high, low]))
            };
            let (now, rest) = bytes.split_at(bytes.len().min(length - self.begun));
            if self.begun < header {
                self.header[self.begun..self.begun + now.len()].copy_from_slice(now);
            }
            self.begun += now.len();
            bytes = rest;
            self.finish();
        }
    }

    fn finish(&mut self) {
        let [.., high, low] = self.header;
        let length = self.header.len() + usize::from(u16::from_be_bytes([high, low]));
        if self.begun >= self.header.len() && self.begun == length {
            self.whole += self.begun as u64;
            self.begun = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_counted_when_they_are_whole_however_they_come() {
        // Of 3 bytes, of none, of 300, and one that has begun.
        let long = [&[23, 3, 3, 1, 44][..], &[7; 300]].concat();
        let bytes = [
            &b"\x17\x03\x03\0\x03abc\x17\x03\x03\0\0"[..],
            &long,
            b"\x17\x03",
        ]
        .concat();
        for piece in [1, 2, 3, 5, 7, 300, 999] {
            let mut records = Records::default();
            bytes.chunks(piece).for_each(|bytes| records.take(bytes));
            assert_eq!(records.whole, 8 + 5 + 305, "in pieces of {piece}");
            assert_eq!(records.begun, 2, "in pieces of {piece}");
        }
    }
}

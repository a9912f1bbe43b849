//! Counts the plaintext of a connection over TLS 1.3 without decrypting it: the headers of the records
//! say how long each is (RFC 8446, section 5.2), and the rest is thrown away by the kernel, as
//! where nothing is encrypted. That is exact, as long as no server pads its records.

use std::io;
use std::net::TcpStream;

use rustix::net::{RecvFlags, recv};

/// Of the data of an application, as of all that is sent once hands were shaken.
const HEADER: [u8; 3] = [23, 3, 3];

/// What a record is longer by than what it says, its header left out: its kind, and the tag of any of
/// the ciphers.
const OVERHEAD: usize = 1 + 16;

/// How much is copied where a header is expected: with it come the small records behind it.
const COPIED: usize = 512;

/// How many records are counted before it is another client's turn.
const TURN: usize = 64;

/// How far one client is.
#[derive(Default)]
pub struct Records {
    header: [u8; 5],
    /// How many bytes of the header have come.
    begun: usize,
    /// How many bytes of the body have not.
    left: usize,
    /// How many bytes of plaintext that body holds.
    plaintext: usize,
}

impl Records {
    /// Reads what has come, and gives the bytes of plaintext in the records that are whole by now.
    /// None at the end of the stream.
    pub fn count(&mut self, socket: &TcpStream, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let mut count = 0;
        for turn in 0..TURN {
            let (wanted, how) = if self.left > 0 {
                (self.left, RecvFlags::TRUNC | RecvFlags::DONTWAIT)
            } else {
                (COPIED, RecvFlags::DONTWAIT)
            };
            let came = match recv(socket, &mut buffer[..wanted], how) {
                Ok((_, 0)) if turn == 0 => return Ok(None),
                Ok((_, came)) => came,
                Err(error) if turn == 0 => return Err(error.into()),
                // It is told of at the next turn, with what else there is.
                Err(_) => break,
            };
            count += if self.left > 0 {
                self.pass(came)
            } else {
                self.take(&buffer[..came])?
            };
            if came < wanted {
                break;
            }
        }
        Ok(Some(count))
    }

    /// Takes bytes of which the first belong to a header.
    fn take(&mut self, mut bytes: &[u8]) -> io::Result<usize> {
        let mut count = 0;
        while !bytes.is_empty() {
            let missing = self.header.len() - self.begun;
            let (now, rest) = bytes.split_at(bytes.len().min(missing));
            self.header[self.begun..][..now.len()].copy_from_slice(now);
            self.begun += now.len();
            if self.begun < self.header.len() {
                break;
            }
            self.begin_body()?;
            let body = rest.len().min(self.left);
            count += self.pass(body);
            bytes = &rest[body..];
        }
        Ok(count)
    }

    fn begin_body(&mut self) -> io::Result<()> {
        let [kind, major, minor, high, low] = self.header;
        let length = usize::from(u16::from_be_bytes([high, low]));
        if [kind, major, minor] != HEADER || length < OVERHEAD {
            return Err(io::Error::other("no record begins where one ended"));
        }
        (self.begun, self.left, self.plaintext) = (0, length, length - OVERHEAD);
        Ok(())
    }

    /// Passes over bytes of a body, and gives the bytes of plaintext in it once it is whole.
    fn pass(&mut self, bytes: usize) -> usize {
        self.left -= bytes;
        if self.left == 0 { self.plaintext } else { 0 }
    }
}

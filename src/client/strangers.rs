//! Who is no chat client: browsers and other programs that speak first, and not to us.
//!
//! Any web page can make a browser send a request here, and what follows in it would be said in the
//! chat on its reader's network.

/// The first byte of a TLS connection: a handshake record (RFC 8446, section 5.1).
const TLS_HANDSHAKE: u8 = 0x16;

pub const ANSWER: &[u8] =
    b"HTTP/1.0 400 Bad Request\r\n\r\nThis is a chat server: join it with nc HOST PORT\r\n";

#[derive(Debug, Default)]
pub struct Strangers {
    has_sent: bool,
    has_spoken: bool,
}

impl Strangers {
    /// Whether these bytes, of which none came before the first call, are a stranger's.
    pub fn judge_first_bytes(&mut self, bytes: &[u8]) -> bool {
        !std::mem::replace(&mut self.has_sent, true) && bytes.first() == Some(&TLS_HANDSHAKE)
    }

    /// Whether this line, or the end of one that was too long, is a stranger's: the request line of
    /// HTTP (RFC 9112, sections 2.2 and 3) as the first line that is not empty.
    pub fn judge_line(&mut self, line: &[u8]) -> bool {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if self.has_spoken || line.is_empty() {
            return false;
        }
        self.has_spoken = true;
        line.ends_with(b" HTTP/1.0") || line.ends_with(b" HTTP/1.1")
    }
}

//! Who is no chat client: browsers, scanners and other programs that speak first, and not to us.
//!
//! Any web page can make a browser connect here, and what follows its request would be said in the
//! chat on its reader's network.

use crate::client::cutter::Grammar;

/// The first byte of a TLS connection: a handshake record (RFC 8446, section 5.1).
pub const TLS_HANDSHAKE: u8 = 0x16;

/// How an SSH client begins (RFC 4253, section 4.2).
const SSH: &[u8] = b"SSH-";

/// What a stranger reads; `client` is with what people join here.
pub fn answer(client: &str) -> Vec<u8> {
    let text = format!("This is a chat server: join it with {client}");
    format!("HTTP/1.0 400 Bad Request\r\n\r\n{text}\r\n").into_bytes()
}

/// Judges a client by the first line that is not empty, however long it is and however it comes.
#[derive(Debug)]
pub struct Strangers {
    grammar: Grammar,
    has_sent: bool,
    has_spoken: bool,
    line: FirstLine,
}

/// What is to be known of a line that may be the request line of HTTP (RFC 9112, section 3), RTSP or
/// SIP: `GET / HTTP/1.1`.
#[derive(Debug, Default)]
struct FirstLine {
    bytes: usize,
    last: u8,
    begins_as_ssh: bool,
    words: usize,
    /// Its first word has nothing but capitals and `-`.
    has_method: bool,
    /// How far the third word is a protocol and its version.
    version: Version,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Version {
    #[default]
    Nothing,
    Protocol,
    Slash,
    Major,
    Dot,
    Whole,
    Other,
}

impl Strangers {
    pub fn new(grammar: Grammar) -> Self {
        Self {
            grammar,
            has_sent: false,
            has_spoken: false,
            line: FirstLine::default(),
        }
    }

    /// Whether these bytes, as they came and of which none came before the first call, are a
    /// stranger's.
    pub fn judge_first_bytes(&mut self, bytes: &[u8]) -> bool {
        !std::mem::replace(&mut self.has_sent, true) && bytes.first() == Some(&TLS_HANDSHAKE)
    }

    /// Whether the client turns out to be a stranger by what comes next, without telnet commands.
    pub fn judge(&mut self, text: &[u8]) -> bool {
        let mut rest = text.iter();
        while !self.has_spoken
            && let Some(byte) = rest.next()
        {
            if self.step(*byte) {
                return true;
            }
        }
        false
    }

    /// The same at the end of the stream.
    pub fn judge_end(&self) -> bool {
        !self.has_spoken && self.line.is_request()
    }

    fn step(&mut self, byte: u8) -> bool {
        let is_chat = self.grammar == Grammar::Chat;
        let after_cr = self.line.last == b'\r';
        match byte {
            b'\n' => {
                // Empty lines may stand before a request (RFC 9112, section 2.2).
                self.has_spoken = self.line.bytes > usize::from(after_cr);
                let line = std::mem::take(&mut self.line);
                return line.is_request();
            }
            // CR NUL ends a line too (RFC 854). No text has another NUL.
            0 if is_chat && after_cr => return self.step(b'\n'),
            0 if is_chat => return true,
            _ => self.line.step(byte),
        }
        is_chat && self.line.begins_as_ssh && self.line.bytes == SSH.len()
    }
}

impl FirstLine {
    fn step(&mut self, byte: u8) {
        let is_blank = |byte: u8| byte.is_ascii_whitespace();
        let begins_word = !is_blank(byte) && (self.bytes == 0 || is_blank(self.last));
        self.words += usize::from(begins_word);
        let begins_line = self.bytes == 0;
        self.begins_as_ssh = (begins_line || self.begins_as_ssh)
            && SSH.get(self.bytes).is_none_or(|expected| *expected == byte);
        match (self.words, is_blank(byte)) {
            (1, false) => {
                let is_method = matches!(byte, b'A'..=b'Z' | b'-');
                self.has_method = (begins_word || self.has_method) && is_method;
            }
            (3, false) => self.version = self.version.step(byte),
            _ => {}
        }
        self.bytes += 1;
        self.last = byte;
    }

    fn is_request(&self) -> bool {
        self.words == 3 && self.has_method && self.version == Version::Whole
    }
}

impl Version {
    fn step(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Nothing | Self::Protocol, b'A'..=b'Z') => Self::Protocol,
            (Self::Protocol, b'/') => Self::Slash,
            (Self::Slash, b'0'..=b'9') => Self::Major,
            (Self::Major, b'.') => Self::Dot,
            (Self::Dot, b'0'..=b'9') => Self::Whole,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a client that sends this, in pieces of so many bytes, and closes is a stranger.
    fn is_stranger(grammar: Grammar, text: &[u8], piece: usize) -> bool {
        let mut strangers = Strangers::new(grammar);
        let is_known = text.chunks(piece).any(|piece| strangers.judge(piece));
        is_known || strangers.judge_end()
    }

    fn assert_each(grammar: Grammar, texts: &[&str], expected: bool) {
        for text in texts {
            for piece in [1, 2, 3, 999] {
                let found = is_stranger(grammar, text.as_bytes(), piece);
                assert_eq!(found, expected, "{text:?} in pieces of {piece}");
            }
        }
    }

    const REQUESTS: [&str; 9] = [
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.0",
        "POST /a?b=c%20d HTTP/1.1\nContent-Length: 5\n\nhello\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "OPTIONS / RTSP/1.0\r\n\r\n",
        "OPTIONS sip:nm SIP/2.0\r\n",
        "M-SEARCH * HTTP/1.1\r\n",
        "\r\n\n\r\nGET / HTTP/1.1\r\n",
        "GET  /  HTTP/1.1 \r\n",
    ];

    #[test]
    fn who_begins_with_a_request_line_is_a_stranger() {
        assert_each(Grammar::Chat, &REQUESTS, true);
        assert_each(Grammar::Raw, &REQUESTS, true);
        let long = format!("GET /{} HTTP/1.1\r\n", "x".repeat(99_999));
        assert_each(Grammar::Chat, &[&long], true);
    }

    #[test]
    fn who_begins_with_ssh_or_sends_nul_is_a_stranger_in_chat() {
        let texts = [
            "SSH-2.0-OpenSSH_9.9\r\n",
            "SSH-",
            "\r\nSSH-2.0\n",
            "\0\u{1}\0\0!\u{12}",
            "JRMI\0\u{2}K",
            "a\0\n",
            "\r\0a\0",
        ];
        assert_each(Grammar::Chat, &texts, true);
        assert_each(Grammar::Raw, &texts, false);
    }

    #[test]
    fn who_says_something_else_is_none() {
        let texts = [
            "",
            "\n\r\n",
            "hello\n",
            "get / HTTP/1.1\n",
            "GET / HTTP/1.1 now\n",
            "GET HTTP/1.1\n",
            "GET / HTTP/1.12\n",
            "GET / HTTP/11\n",
            "GET / HTTP/.1\n",
            "GET / /1.1\n",
            "GET / HTTp/1.1\n",
            "GET / HTTP/a.1\n",
            "GET / HTTP/1.a\n",
            "GET / HTTP1/1.1\n",
            "GET / HTTP/1.\n",
            "GeT / HTTP/1.1\n",
            "SSH is broken\n",
            "XSSH-2.0\n",
            "hello\nGET / HTTP/1.1\nSSH-2.0\n",
            " \nGET / HTTP/1.1\n",
            "hello\r\0",
        ];
        assert_each(Grammar::Chat, &texts, false);
        assert!(
            !is_stranger(Grammar::Chat, b"hello\n\0", 1),
            "only the first line"
        );
    }

    #[test]
    fn whose_first_byte_is_a_tls_handshake_is_a_stranger() {
        let mut strangers = Strangers::new(Grammar::Raw);
        assert!(strangers.judge_first_bytes(&[TLS_HANDSHAKE, 3, 1]));
        assert!(!strangers.judge_first_bytes(&[TLS_HANDSHAKE, 3, 1]), "once");
    }
}

//! The client at the other end: rustls makes its records, and the test delivers them.

use super::suite::{NOTHING, SUITE};
use chatd::{Tls, config::TlsOptions, make_certificate};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use rustls::version::TLS13;
use rustls::{ClientConfig, ClientConnection, RootCertStore, SupportedCipherSuite};
use socket2::Socket;
use std::io::{ErrorKind, Read, Write};
use std::sync::{Arc, LazyLock};
use std::{env, fs, process};

/// The longest records that a client sends, their headers included.
const RECORDS: [Option<usize>; 4] = [None, Some(32), Some(100), Some(3000)];

/// Of these in a row rustls takes no more.
const MOST_IN_A_ROW: usize = 32;

/// How long a header is, and what encryption adds to what a record says (RFC 8446, section 5.2).
const HEADER: usize = 5;
const ADDED: usize = HEADER + 1 + 16;

/// What everybody says at this place.
pub fn said_at(place: u64) -> u8 {
    // Never what stands for nothing.
    ((place.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) % 224) as u8
}

pub fn said(from: u64, length: usize) -> Vec<u8> {
    (from..).take(length).map(said_at).collect()
}

/// Fails unless this is what was said from there on.
pub fn check_said(from: u64, bytes: &[u8]) {
    let wrong = (from..)
        .zip(bytes)
        .find(|(at, byte)| said_at(*at) != **byte);
    if let Some((at, _)) = wrong {
        panic!("byte {at} is another than was said");
    }
}

/// Both sides of TLS, which know each other.
pub struct Identity {
    pub server: Tls,
    /// One for each of [`RECORDS`].
    clients: Vec<Arc<ClientConfig>>,
}

pub static IDENTITY: LazyLock<Identity> = LazyLock::new(|| {
    let path = env::temp_dir().join(format!("chatd-pump-{}", process::id()));
    make_certificate(&path).expect("a certificate can be made");
    let options = TlsOptions {
        is_on: true,
        certificate: Some(path.clone()),
        key: None,
        plain_port: None,
    };
    let server = Tls::new(&options).expect("it is a certificate");
    let certificate = CertificateDer::from_pem_file(&path).expect("it is a certificate");
    fs::remove_file(&path).expect("the file is there");
    let mut roots = RootCertStore::empty();
    roots.add(certificate).expect("it may be a root");
    let roots = Arc::new(roots);
    let clients = RECORDS.map(|longest| {
        let mut provider = default_provider();
        provider.cipher_suites = vec![SupportedCipherSuite::Tls13(&SUITE)];
        let builder = ClientConfig::builder_with_provider(Arc::new(provider));
        let builder = builder.with_protocol_versions(&[&TLS13]).unwrap();
        let builder = builder.with_root_certificates(Arc::clone(&roots));
        let mut config = builder.with_no_client_auth();
        config.max_fragment_size = longest;
        Arc::new(config)
    });
    Identity {
        server,
        clients: clients.into(),
    }
});

/// How far the client's records are.
#[derive(Debug, Clone, Copy, Default)]
pub struct Record {
    /// Where it ends, in bytes of all that the client has made.
    pub end: usize,
    /// How many bytes of plaintext it and those before it say.
    pub says: u64,
}

impl Record {
    /// How many bytes up to here are no plaintext.
    pub fn says_nothing(self) -> u64 {
        self.end as u64 - self.says
    }
}

/// Somebody on the way has changed something.
#[derive(Debug, Clone, Copy)]
pub struct Damage {
    /// The record in which that begins.
    start: usize,
    /// Where the damaged record ends. None if its header may say something else.
    pub end: Option<usize>,
}

pub struct Client {
    session: ClientConnection,
    made: Vec<u8>,
    pub delivered: usize,
    records: Vec<Record>,
    updates: usize,
    empties: usize,
    pub damage: Option<Damage>,
    /// Where its `close_notify` ends, after which it says nothing.
    farewell: Option<usize>,
    /// How many bytes it has read, as they came, and what they said.
    pub read: u64,
    pub heard: u64,
    /// A `close_notify`, and the end of the stream.
    pub has_heard_the_end: bool,
    pub has_read_to_the_end: bool,
    /// What it has read makes no sense to it, or it was told of damage.
    is_broken: bool,
}

impl Client {
    /// `records` chooses how long they are.
    pub fn new(records: usize) -> Self {
        let config = Arc::clone(&IDENTITY.clients[records % RECORDS.len()]);
        let name = ServerName::try_from("localhost").expect("a name");
        Self {
            session: ClientConnection::new(config, name).expect("a client's side of TLS"),
            made: Vec::new(),
            delivered: 0,
            records: Vec::new(),
            updates: 0,
            empties: 0,
            damage: None,
            farewell: None,
            read: 0,
            heard: 0,
            has_heard_the_end: false,
            has_read_to_the_end: false,
            is_broken: false,
        }
    }

    pub fn is_handshaking(&self) -> bool {
        self.session.is_handshaking()
    }

    /// How many bytes it has said in all.
    pub fn said(&self) -> u64 {
        self.records.last().map_or(0, |record| record.says)
    }

    /// The last record before any damage that was delivered whole.
    pub fn whole(&self) -> Record {
        self.whole_of(self.delivered)
    }

    /// The last record before any damage that is whole in so many bytes.
    pub fn whole_of(&self, bytes: usize) -> Record {
        let start = self.damage.map_or(usize::MAX, |damage| damage.start);
        let end = bytes.min(start);
        let is_whole = |record: &&Record| record.end <= end;
        let last = self.records.iter().rev().find(is_whole);
        last.copied().unwrap_or_default()
    }

    /// Makes records of what it wants to send. Those of data say something.
    fn make(&mut self, is_data: impl Fn(usize) -> usize) {
        let mut at = self.made.len();
        while self.session.wants_write() {
            self.session.write_tls(&mut self.made).expect("memory");
        }
        let mut says = self.said();
        while at < self.made.len() {
            let length = u16::from_be_bytes([self.made[at + 3], self.made[at + 4]]);
            let length = HEADER + usize::from(length);
            at += length;
            says += is_data(length) as u64;
            self.records.push(Record { end: at, says });
        }
    }

    /// Makes what belongs to the handshake.
    pub fn shake(&mut self) {
        self.make(|_| 0);
    }

    pub fn say(&mut self, length: usize) {
        if self.farewell.is_some() || self.is_broken || length == 0 {
            return;
        }
        let text = said(self.said(), length);
        let mut writer = self.session.writer();
        // More than rustls holds at a time is for the next time.
        let _ = writer.write(&text).expect("it may speak");
        self.make(|length| length - ADDED);
        (self.updates, self.empties) = (0, 0);
    }

    pub fn say_nothing(&mut self) {
        if self.farewell.is_some() || self.is_broken || self.empties == MOST_IN_A_ROW {
            return;
        }
        let mut writer = self.session.writer();
        writer.write_all(NOTHING).expect("it may speak");
        self.make(|_| 0);
        (self.updates, self.empties) = (0, self.empties + 1);
    }

    pub fn update_keys(&mut self) {
        if self.farewell.is_some() || self.is_broken || self.updates == MOST_IN_A_ROW {
            return;
        }
        self.session.refresh_traffic_keys().expect("it may");
        self.make(|_| 0);
        (self.updates, self.empties) = (self.updates + 1, 0);
    }

    pub fn say_goodbye(&mut self) {
        if self.farewell.is_none() && !self.is_broken {
            self.session.send_close_notify();
            self.make(|_| 0);
            self.farewell = Some(self.made.len());
        }
    }

    /// Changes a bit of what was not delivered yet: the one at `place` of as many parts.
    pub fn flip(&mut self, place: usize, of: usize) {
        let rest = self.made.len() - self.delivered;
        if rest == 0 || self.damage.is_some() {
            return;
        }
        let at = self.delivered + rest * place / of;
        self.made[at] ^= 1 << (place % 8);
        let after = self.records.iter().position(|record| record.end > at);
        let after = after.expect("all of it is records");
        let start = after
            .checked_sub(1)
            .map_or(0, |last| self.records[last].end);
        let is_header = at < start + HEADER;
        let end = (!is_header).then_some(self.records[after].end);
        self.damage = Some(Damage { start, end });
    }

    /// Sends what is no record at all.
    pub fn babble(&mut self, length: usize) {
        if self.damage.is_none() {
            let start = self.made.len();
            self.made.extend(said(length as u64, length));
            let end = None;
            self.damage = Some(Damage { start, end });
            self.is_broken = true;
        }
    }

    /// Whether the server has been delivered what cannot be decrypted, with a length that is right.
    pub fn has_done_damage(&self) -> bool {
        let end = self.damage.and_then(|damage| damage.end);
        end.is_some_and(|end| end <= self.delivered)
    }

    /// Whether its `close_notify` was delivered, and nothing was changed before it.
    pub fn has_said_goodbye(&self) -> bool {
        self.farewell.is_some_and(|end| end <= self.whole().end)
    }

    /// Sends so many bytes of what it has made, as far as there is room.
    pub fn deliver(&mut self, stream: &Socket, most: usize) {
        let rest = &self.made[self.delivered..];
        let rest = &rest[..rest.len().min(most)];
        if rest.is_empty() {
            return;
        }
        match send(stream, rest, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
            Ok(sent) => self.delivered += sent,
            // The server has closed the connection.
            Err(Errno::AGAIN | Errno::PIPE | Errno::CONNRESET) => {}
            Err(error) => panic!("the client cannot send: {error}"),
        }
    }

    /// Reads up to so many bytes.
    pub fn hear(&mut self, stream: &Socket, most: usize) {
        let mut bytes = vec![0; most.min(100_000)];
        let bytes = match recv(stream, &mut *bytes, RecvFlags::DONTWAIT) {
            Ok((_, 0)) | Err(Errno::CONNRESET) => {
                self.has_read_to_the_end = true;
                return;
            }
            Ok((_, length)) => &bytes[..length],
            Err(Errno::AGAIN) => return,
            Err(error) => panic!("the client cannot read: {error}"),
        };
        self.read += bytes.len() as u64;
        let mut rest = bytes;
        while !rest.is_empty() && !self.is_broken {
            self.session.read_tls(&mut rest).expect("memory");
            self.understand();
        }
    }

    fn understand(&mut self) {
        let Ok(state) = self.session.process_new_packets() else {
            assert!(self.damage.is_some(), "the client was told of damage");
            self.is_broken = true;
            return;
        };
        self.has_heard_the_end = state.peer_has_closed();
        let mut text = [0; 4096];
        loop {
            match self.session.reader().read(&mut text) {
                Ok(0) => break,
                Ok(length) => {
                    check_said(self.heard, &text[..length]);
                    self.heard += length as u64;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("the client cannot read: {error}"),
            }
        }
    }
}

//! TLS as the tests speak it: a client whose ciphertext the test has in its hands, and a bridge by
//! which a [`Client`](super::Client) talks to a port that speaks TLS.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use rustix::event::{PollFd, PollFlags, poll};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring::{cipher_suite::TLS13_AES_128_GCM_SHA256, default_provider};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::version::TLS13;
use rustls::{
    ClientConfig, ClientConnection, ConnectionTrafficSecrets, DigitallySignedStruct, Error,
    SignatureScheme,
};
use socket2::{Domain, SockRef, Socket, Type};

use super::{Server, VERSION, WAIT};

/// Takes any certificate, as people do who compare its fingerprint.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        unreachable!("only TLS 1.3 is offered")
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.0.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

/// A client's side of TLS that offers these protocols of the application (ALPN).
fn session(protocols: &[&str]) -> ClientConnection {
    let mut provider = default_provider();
    // The one for which [`Sealer`] encrypts.
    provider.cipher_suites = vec![TLS13_AES_128_GCM_SHA256];
    let provider = Arc::new(provider);
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
    let mut config = builder
        .with_protocol_versions(&[&TLS13])
        .expect("the provider knows TLS 1.3")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        .with_no_client_auth();
    config.enable_secret_extraction = true;
    let protocols = protocols.iter().map(|name| name.as_bytes().to_vec());
    config.alpn_protocols = protocols.collect();
    let name = ServerName::from(std::net::IpAddr::from(Ipv4Addr::LOCALHOST));
    ClientConnection::new(Arc::new(config), name).expect("a client's side of TLS")
}

/// How a connection ended.
#[derive(Debug, PartialEq, Eq)]
pub enum TlsEnd {
    CloseNotify,
    /// A FIN, and no `close_notify` before it.
    Cut,
    Reset,
}

/// A client that encrypts what the test sends when the test wants it.
pub struct TlsClient {
    pub stream: TcpStream,
    session: ClientConnection,
    read: Vec<u8>,
}

impl TlsClient {
    /// Connects, and sends nothing yet.
    pub fn new(server: &Server) -> Self {
        Self::offering(server, &[])
    }

    /// The same, offering these protocols of the application (ALPN).
    pub fn offering(server: &Server, protocols: &[&str]) -> Self {
        let stream = TcpStream::connect(server.address()).expect("chatd takes the connection");
        Self::over(stream, protocols)
    }

    /// The same with a receive buffer of about `bytes`.
    pub fn narrow(server: &Server, bytes: usize) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket
            .set_recv_buffer_size(bytes)
            .expect("a receive buffer");
        socket
            .connect(&server.address().into())
            .expect("chatd takes the connection");
        Self::over(socket.into(), &[])
    }

    fn over(stream: TcpStream, protocols: &[&str]) -> Self {
        stream.set_nodelay(true).expect("an option of TCP");
        stream.set_read_timeout(Some(WAIT)).expect("a read timeout");
        stream
            .set_write_timeout(Some(WAIT))
            .expect("a write timeout");
        Self {
            stream,
            session: session(protocols),
            read: Vec::new(),
        }
    }

    /// Connects and finishes the handshake.
    pub fn shaken(server: &Server) -> Self {
        let mut client = Self::new(server);
        client.shake_hands();
        client
    }

    /// Connects, reads the welcome and takes a name.
    pub fn join(server: &Server, name: &str) -> Self {
        let mut client = Self::shaken(server);
        client.send(format!("/nick {name}\nit is me\n/version\n").as_bytes());
        client.expect(VERSION);
        client
    }

    /// With what a client begins.
    pub fn hello() -> Vec<u8> {
        let mut bytes = Vec::new();
        session(&[]).write_tls(&mut bytes).expect("memory");
        bytes
    }

    pub fn shake_hands(&mut self) {
        while self.session.is_handshaking() {
            self.session
                .complete_io(&mut self.stream)
                .expect("the handshake is finished");
        }
        // The last flight.
        let rest = self.ciphertext();
        self.stream.write_all(&rest).expect("chatd takes it");
    }

    /// The certificate that the server showed.
    pub fn certificate(&self) -> CertificateDer<'static> {
        let chain = self.session.peer_certificates().expect("one was shown");
        chain[0].clone().into_owned()
    }

    /// What is to be sent now.
    pub fn ciphertext(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        while self.session.wants_write() {
            self.session.write_tls(&mut bytes).expect("memory");
        }
        bytes
    }

    /// What is to be sent in order to say this.
    pub fn seal(&mut self, text: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for piece in text.chunks(1 << 14) {
            let mut writer = self.session.writer();
            writer.write_all(piece).expect("TLS takes it");
            bytes.extend(self.ciphertext());
        }
        bytes
    }

    pub fn seal_key_update(&mut self) -> Vec<u8> {
        let updated = self.session.refresh_traffic_keys();
        updated.expect("the handshake is over");
        self.ciphertext()
    }

    pub fn seal_close_notify(&mut self) -> Vec<u8> {
        self.session.send_close_notify();
        self.ciphertext()
    }

    pub fn send(&mut self, text: &[u8]) {
        let bytes = self.seal(text);
        self.stream.write_all(&bytes).expect("chatd takes it");
    }

    /// Reads until this line comes. Returns those before it.
    pub fn expect(&mut self, line: &str) -> Vec<String> {
        let mut before = Vec::new();
        loop {
            while let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let next: Vec<u8> = self.read.drain(..=end).collect();
                let next = String::from_utf8_lossy(&next[..end]).into_owned();
                if next == line {
                    return before;
                }
                before.push(next);
            }
            if let Some(end) = self.read_some() {
                panic!("{end:?} before {line:?} came, after {before:#?}");
            }
        }
    }

    /// Reads to the end: what came, and how it ended.
    pub fn read_to_end(&mut self) -> (String, TlsEnd) {
        loop {
            if let Some(end) = self.read_some() {
                let read = std::mem::take(&mut self.read);
                return (String::from_utf8_lossy(&read).into_owned(), end);
            }
        }
    }

    /// Reads what comes next, or the end.
    fn read_some(&mut self) -> Option<TlsEnd> {
        let mut buffer = [0; 1 << 14];
        match rustls::Stream::new(&mut self.session, &mut self.stream).read(&mut buffer) {
            Ok(0) => Some(TlsEnd::CloseNotify),
            Ok(bytes) => {
                self.read.extend(&buffer[..bytes]);
                None
            }
            Err(error) => match error.kind() {
                ErrorKind::UnexpectedEof => Some(TlsEnd::Cut),
                ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => Some(TlsEnd::Reset),
                _ => panic!("reading failed ({error})"),
            },
        }
    }

    /// Ends the connection with a reset.
    pub fn reset(self) {
        let linger = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
        linger.expect("linger of zero");
    }

    /// From now on the test makes the records itself, and reads none.
    pub fn into_sealer(self) -> Sealer {
        let secrets = self.session.dangerous_extract_secrets();
        let (sequence, secrets) = secrets.expect("they may be extracted").tx;
        let ConnectionTrafficSecrets::Aes128Gcm { key, iv } = secrets else {
            panic!("another cipher than was offered");
        };
        let key = UnboundKey::new(&AES_128_GCM, key.as_ref()).expect("a key of its length");
        Sealer {
            stream: self.stream,
            key: LessSafeKey::new(key),
            iv: iv.as_ref().try_into().expect("12 bytes"),
            sequence,
        }
    }
}

/// Makes records of TLS 1.3 (RFC 8446, section 5.2) that no library would make.
pub struct Sealer {
    pub stream: TcpStream,
    key: LessSafeKey,
    iv: [u8; 12],
    sequence: u64,
}

impl Sealer {
    /// A record of data of the application, which may be empty.
    pub fn record(&mut self, text: &[u8]) -> Vec<u8> {
        const DATA: u8 = 23;
        let mut nonce = self.iv;
        for (byte, of_sequence) in nonce[4..].iter_mut().zip(self.sequence.to_be_bytes()) {
            *byte ^= of_sequence;
        }
        self.sequence += 1;
        let mut content = [text, &[DATA]].concat();
        let length = u16::try_from(content.len() + AES_128_GCM.tag_len()).expect("a record");
        let [high, low] = length.to_be_bytes();
        let header = [DATA, 3, 3, high, low];
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.key
            .seal_in_place_append_tag(nonce, Aad::from(header), &mut content)
            .expect("it is short enough");
        [&header[..], &content].concat()
    }
}

/// How many bytes of each direction the bridge has in its hands.
const IN_HAND: usize = 16 << 10;

/// A connection to the other end of `server`, which speaks TLS: what is sent into it arrives there
/// encrypted. A FIN becomes a `close_notify` and a FIN, and the other way round; a reset stays one.
pub fn bridge(server: TcpStream, receive_buffer: Option<usize>) -> TcpStream {
    let (near, far) = pair(receive_buffer).expect("a connection of this machine with itself");
    let bridge = Bridge {
        server,
        client: far,
        session: session(&[]),
        to_client: VecDeque::new(),
        client_has_ended: false,
        server_has_ended: false,
        unread: 0,
        is_closed: [false; 2],
    };
    thread::Builder::new()
        .name("bridge".to_owned())
        .stack_size(256 << 10)
        .spawn(|| bridge.run())
        .expect("a thread");
    near
}

fn pair(receive_buffer: Option<usize>) -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    SockRef::from(&listener).set_recv_buffer_size(IN_HAND)?;
    if let Some(bytes) = receive_buffer {
        SockRef::from(&listener).set_send_buffer_size(bytes)?;
    }
    let near = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    near.set_send_buffer_size(IN_HAND)?;
    if let Some(bytes) = receive_buffer {
        near.set_recv_buffer_size(bytes)?;
    }
    near.connect(&listener.local_addr()?.into())?;
    let near = TcpStream::from(near);
    loop {
        let (far, address): (_, SocketAddr) = listener.accept()?;
        if address == near.local_addr()? {
            far.set_nodelay(true)?;
            return Ok((near, far));
        }
    }
}

struct Bridge {
    server: TcpStream,
    client: TcpStream,
    session: ClientConnection,
    to_client: VecDeque<u8>,
    client_has_ended: bool,
    server_has_ended: bool,
    /// How many bytes were decrypted and not read.
    unread: usize,
    /// The sending sides, to the server and to the client.
    is_closed: [bool; 2],
}

impl Bridge {
    fn run(mut self) {
        let nonblocking = |stream: &TcpStream| stream.set_nonblocking(true);
        nonblocking(&self.server).expect("a socket can be non-blocking");
        nonblocking(&self.client).expect("a socket can be non-blocking");
        // Who was reset on one side is reset on the other.
        if self.pass_on().is_err() {
            for stream in [&self.server, &self.client] {
                let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
            }
        }
    }

    /// Until both have closed.
    fn pass_on(&mut self) -> io::Result<()> {
        while self.is_closed != [true; 2] {
            self.wait();
            self.write_to_server()?;
            self.read_from_client()?;
            self.write_to_server()?;
            self.read_from_server()?;
            self.write_to_client()?;
        }
        Ok(())
    }

    fn wants_client(&self) -> bool {
        !self.client_has_ended && !self.session.is_handshaking() && !self.session.wants_write()
    }

    fn wants_server(&self) -> bool {
        !self.server_has_ended && self.to_client.is_empty()
    }

    fn wait(&self) {
        if self.unread > 0 && self.wants_server() {
            return;
        }
        let flags = |read, write| {
            let read = if read {
                PollFlags::IN
            } else {
                PollFlags::empty()
            };
            read | if write {
                PollFlags::OUT
            } else {
                PollFlags::empty()
            }
        };
        let of_server = flags(self.wants_server(), self.session.wants_write());
        let of_client = flags(self.wants_client(), !self.to_client.is_empty());
        let mut set = Vec::new();
        // What is wanted of neither would report its end for ever.
        for (stream, flags) in [(&self.server, of_server), (&self.client, of_client)] {
            if !flags.is_empty() {
                set.push(PollFd::new(stream, flags));
            }
        }
        let _ = poll(&mut set, None);
    }

    fn read_from_client(&mut self) -> io::Result<()> {
        if !self.wants_client() {
            return Ok(());
        }
        let mut buffer = [0; IN_HAND];
        match waits(self.client.read(&mut buffer))? {
            None => {}
            Some(0) => {
                self.client_has_ended = true;
                self.session.send_close_notify();
            }
            Some(bytes) => self.session.writer().write_all(&buffer[..bytes])?,
        }
        Ok(())
    }

    fn write_to_server(&mut self) -> io::Result<()> {
        while self.session.wants_write() {
            if waits(self.session.write_tls(&mut self.server))?.is_none() {
                return Ok(());
            }
        }
        if self.client_has_ended && !self.is_closed[0] {
            self.is_closed[0] = true;
            let _ = self.server.shutdown(Shutdown::Write);
        }
        Ok(())
    }

    fn read_from_server(&mut self) -> io::Result<()> {
        if !self.wants_server() {
            return Ok(());
        }
        if self.unread == 0 {
            if waits(self.session.read_tls(&mut self.server))?.is_none() {
                return Ok(());
            }
            let state = self.session.process_new_packets();
            self.unread = state.map_err(io::Error::other)?.plaintext_bytes_to_read();
        }
        let mut buffer = [0; IN_HAND];
        match waits(self.session.reader().read(&mut buffer))? {
            None => {}
            Some(0) => self.server_has_ended = true,
            Some(bytes) => {
                self.unread -= bytes;
                self.to_client.extend(&buffer[..bytes]);
            }
        }
        Ok(())
    }

    fn write_to_client(&mut self) -> io::Result<()> {
        while !self.to_client.is_empty() {
            match waits(self.client.write(self.to_client.as_slices().0))? {
                None => return Ok(()),
                Some(bytes) => drop(self.to_client.drain(..bytes)),
            }
        }
        if self.server_has_ended && !self.is_closed[1] {
            self.is_closed[1] = true;
            let _ = self.client.shutdown(Shutdown::Write);
        }
        Ok(())
    }
}

/// Nothing where the call would have waited.
fn waits<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(done) => Ok(Some(done)),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

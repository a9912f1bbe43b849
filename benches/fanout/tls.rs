//! TLS 1.3 as the clients speak it, with the library that chatd has. It computes as any client does,
//! but takes every certificate.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::version::TLS13;
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme};

use crate::link::Room;
use crate::wire::Opening;

/// How much is encrypted at a time.
const PIECE: usize = 64 << 10;

/// Begins sessions, each with a handshake of its own.
pub struct Speaker(Arc<ClientConfig>);

/// The client's side of one connection.
pub struct Session {
    connection: ClientConnection,
    /// Whether a line still comes that is not encrypted.
    opening: Opening,
}

impl Speaker {
    pub fn new() -> io::Result<Self> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
        let mut config = builder
            .with_protocol_versions(&[&TLS13])
            .map_err(io::Error::other)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(EveryCertificate(provider)))
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        Ok(Self(Arc::new(config)))
    }

    pub fn begin(&self, opening: Opening) -> io::Result<Box<Session>> {
        let server = ServerName::from(std::net::IpAddr::from(Ipv4Addr::LOCALHOST));
        let mut connection =
            ClientConnection::new(Arc::clone(&self.0), server).map_err(io::Error::other)?;
        // What is said before hands were shaken waits for that.
        connection.set_buffer_limit(None);
        Ok(Box::new(Session {
            connection,
            opening,
        }))
    }
}

impl Session {
    /// Whether the handshake is done, as far as the client is concerned.
    pub fn is_shaken(&self) -> bool {
        !self.connection.is_handshaking() && !self.connection.wants_write()
    }

    /// The number of the cipher suite (RFC 8446, section B.4), once that is agreed on.
    pub fn cipher(&self) -> Option<u16> {
        let suite = self.connection.negotiated_cipher_suite()?;
        Some(u16::from(suite.suite()))
    }

    /// Encrypts some of these bytes, to be flushed, and gives their number.
    pub fn encrypt(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = &bytes[..bytes.len().min(PIECE)];
        self.connection.writer().write_all(piece)?;
        Ok(piece.len())
    }

    /// Sends what is encrypted.
    pub fn flush(&mut self, socket: &mut TcpStream) -> io::Result<Room> {
        if self.opening == Opening::Line {
            return Ok(Room::Enough);
        }
        while self.connection.wants_write() {
            match self.connection.write_tls(socket) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Room::None),
                result => result?,
            };
        }
        Ok(Room::Enough)
    }

    /// Adds the plaintext of what came to `plaintext`. What the server is to be told has to be
    /// flushed.
    pub fn decrypt(&mut self, mut bytes: &[u8], plaintext: &mut Vec<u8>) -> io::Result<()> {
        if self.opening == Opening::Line {
            let Some(end) = memchr::memchr(b'\n', bytes) else {
                return Ok(());
            };
            self.opening = Opening::Silent;
            bytes = &bytes[end + 1..];
        }
        while !bytes.is_empty() {
            self.connection.read_tls(&mut bytes)?;
            let state = self.connection.process_new_packets();
            let count = state.map_err(io::Error::other)?.plaintext_bytes_to_read();
            let begin = plaintext.len();
            plaintext.resize(begin + count, 0);
            self.connection
                .reader()
                .read_exact(&mut plaintext[begin..])?;
        }
        Ok(())
    }

    /// Tells the server that nothing more comes.
    pub fn say_goodbye(&mut self) {
        self.connection.send_close_notify();
    }
}

/// Has no trust to lose: the server was started by this very process. That it has the certificate's
/// key is checked.
#[derive(Debug)]
struct EveryCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for EveryCertificate {
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
        signed: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls12_signature(signed, certificate, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        signed: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls13_signature(signed, certificate, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

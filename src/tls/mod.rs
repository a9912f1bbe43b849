//! Encryption: TLS 1.3 (RFC 8446), one more way in which a client's bytes are carried. What is said
//! by it is for the client's thread alone to encrypt: nothing else knows of it.

mod carrier;
pub mod certificate;
mod handshake;
mod records;
mod turns;

use crate::client::carrier::{Carriage, Carrier, Protocol};
use crate::client::connection::Connection;
use crate::config::{TlsOptions, show_path};
use crate::file::When;
use crate::reload::{Renewable, Renewal};
pub use carrier::TlsCarrier;
use certificate::Identity;
use handshake::shake_hands;
use log::{info, warn};
use rustls::crypto::ring::default_provider;
use rustls::version::TLS13;
use rustls::{InconsistentKeys, ServerConfig};
use socket2::{Domain, Socket, Type};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use turns::Turns;

/// How many bytes of plaintext may wait to be encrypted for one client (the kernel doubles this,
/// socket(7)).
const PAIR_BUFFER: usize = 64 << 10;

/// The longest record, its header of 5 bytes included: `ncat --ssl` reads 8 KiB at a time, and shows
/// what is left of a longer one only when more comes.
const RECORD: usize = 5 + (8 << 10);

/// The keys that are taken: what ring can sign with.
const KEYS: &str = "ECDSA P-256 or P-384, Ed25519, RSA of 2048 to 4096 bits";

/// What the server shows to those who connect, and how many of them it computes for at a time.
pub struct Tls {
    options: TlsOptions,
    current: Mutex<Shown>,
    /// As many as there are cores. A handshake computes while it has one.
    turns: Turns,
}

struct Shown {
    config: Arc<ServerConfig>,
    /// Of the certificate, in hexadecimal.
    sha256: String,
    sha1: String,
}

impl Tls {
    /// Reads the certificate and its key, or makes them.
    ///
    /// # Errors
    ///
    /// For the user, on one line.
    pub fn new(options: &TlsOptions) -> Result<Self, String> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            options: options.clone(),
            current: Mutex::new(load(options, When::Start)?),
            turns: Turns::new(cores),
        })
    }

    fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current().config)
    }

    fn current(&self) -> MutexGuard<'_, Shown> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Renewable for Arc<Tls> {
    fn announce(&self) {
        let current = self.current();
        info!(
            "the certificate's SHA-256 fingerprint is {}",
            current.sha256
        );
        info!("the certificate's SHA-1 fingerprint is {}", current.sha1);
        if self.options.certificate.is_none() {
            info!("the certificate lasts until the server ends; to keep one: chatd cert FILE");
        }
    }

    /// Who connects from now on is shown a certificate that was renewed. If it cannot be read nothing
    /// changes.
    fn renew(&self) -> Option<Renewal> {
        self.options.certificate.as_ref()?;
        Some(match load(&self.options, When::Reload) {
            Ok(shown) => {
                *self.current() = shown;
                Ok("the certificate was read anew".to_owned())
            }
            Err(text) => Err(format!("the certificate stays as it was: {text}")),
        })
    }
}

impl Protocol for Arc<Tls> {
    fn name(&self) -> &'static str {
        " with TLS"
    }

    fn client(&self) -> &'static str {
        "ncat --ssl"
    }

    fn descriptors(&self) -> u64 {
        3
    }

    fn carriage(&self) -> io::Result<Box<dyn Carriage>> {
        let (inlet, outlet) = Socket::pair(Domain::UNIX, Type::STREAM, None)?;
        inlet.set_send_buffer_size(PAIR_BUFFER)?;
        Ok(Box::new(Pair {
            inlet,
            outlet,
            tls: Arc::clone(self),
        }))
    }

    fn is_encrypted(&self) -> bool {
        true
    }

    fn refusal(&self, _: &'static [u8]) -> &'static [u8] {
        // Before the handshake that would be no TLS.
        b""
    }
}

/// The broadcaster writes plaintext into one end of a socket pair, and the client's thread encrypts
/// what comes out of the other.
struct Pair {
    inlet: Socket,
    outlet: Socket,
    tls: Arc<Tls>,
}

impl Carriage for Pair {
    fn client(&self) -> &'static str {
        "ncat --ssl HOST PORT"
    }

    fn inlet<'a>(&'a self, _: &'a Socket) -> &'a Socket {
        &self.inlet
    }

    fn is_encrypted(&self) -> bool {
        true
    }

    fn carry<'a>(&'a self, connection: &'a Connection) -> Option<Box<dyn Carrier + 'a>> {
        let carrier = shake_hands(&self.tls, connection, &self.outlet)?;
        Some(Box::new(carrier))
    }
}

fn load(options: &TlsOptions, when: When) -> Result<Shown, String> {
    let key = options.key.as_ref().or(options.certificate.as_ref());
    let name = key.map_or_else(String::new, |key| show_path(key));
    let identity = match (&options.certificate, key) {
        (Some(file), Some(key)) => certificate::read(file, key, when)?,
        _ => certificate::make()?,
    };
    let (sha256, sha1) = (identity.sha256(), identity.sha1());
    let config = configure(identity).map_err(|error| match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            format!("{name}: the key does not fit the certificate")
        }
        rustls::Error::InvalidCertificate(error) => {
            let file = options.certificate.as_deref().map(show_path);
            format!("{}: {error:?}", file.unwrap_or_default())
        }
        // Nothing else is said of a key that cannot be used.
        rustls::Error::General(_) => format!("{name}: the private key is none of {KEYS}"),
        error => format!("{name}: {error}"),
    })?;
    if key.is_some_and(|key| certificate::is_open_to_others(key)) {
        warn!("{name}: others can read this key");
    }
    Ok(Shown {
        config: Arc::new(config),
        sha256,
        sha1,
    })
}

fn configure(identity: Identity) -> Result<ServerConfig, rustls::Error> {
    let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_protocol_versions(&[&TLS13])?;
    let builder = builder.with_no_client_auth();
    let mut config = builder.with_single_cert(identity.chain, identity.key)?;
    // A session is as good as forgotten when its client leaves.
    config.send_tls13_tickets = 0;
    config.max_fragment_size = Some(RECORD);
    Ok(config)
}

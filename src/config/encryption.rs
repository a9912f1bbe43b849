//! The options of encryption.

use super::values::{Takes, number, parse_boolean};
use super::{Config, NoConfig, said_by, usage};
use clap::{ArgAction, ArgMatches};
use std::path::PathBuf;

/// Encryption.
#[derive(clap::Args, Debug, Clone)]
pub struct TlsOptions {
    /// Speak TLS 1.3, and nothing else
    #[arg(long = "tls", env = "CHATD_TLS", action = ArgAction::SetTrue,
        value_parser = Takes { what: "true or false", parse: parse_boolean })]
    pub is_on: bool,

    /// Certificate chain in PEM, implies --tls [default: made for this run]
    #[arg(long = "tls-cert", value_name = "FILE", env = "CHATD_TLS_CERT")]
    pub certificate: Option<PathBuf>,

    /// Its private key in PEM [default: in the file of the certificate]
    #[arg(long = "tls-key", value_name = "FILE", env = "CHATD_TLS_KEY")]
    pub key: Option<PathBuf>,

    /// Listen here too, without TLS: a port, 0 to 65535 [default: none]
    #[arg(long, value_name = "PORT", env = "CHATD_PLAIN_PORT",
        value_parser = number::<u16>(0..=65535, "a number from 0 to 65535"))]
    pub plain_port: Option<u16>,
}

impl Config {
    /// What of these options fits together, with the others.
    ///
    /// # Errors
    ///
    /// A usage error.
    pub(super) fn check_tls(&mut self, matches: &ArgMatches) -> Result<(), NoConfig> {
        let tls = &mut self.tls;
        let key = said_by(matches, "key", "tls-key");
        let plain = said_by(matches, "plain_port", "plain-port");
        tls.is_on |= tls.certificate.is_some();
        if tls.key.is_some() && tls.certificate.is_none() {
            return Err(usage(&format!("{key} cannot be used without --tls-cert")));
        }
        match tls.plain_port {
            Some(_) if !tls.is_on => Err(usage(&format!("{plain} cannot be used without --tls"))),
            Some(port) if port == self.port && port != 0 && is_port_used() => {
                Err(usage(&format!("{plain} takes another port than --port")))
            }
            _ => Ok(()),
        }
    }
}

/// Whether `--port` is listened on: not where sockets were handed down.
fn is_port_used() -> bool {
    #[cfg(feature = "service")]
    return !crate::service::activation::is_used();
    #[cfg(not(feature = "service"))]
    true
}

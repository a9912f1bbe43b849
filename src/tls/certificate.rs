//! Certificates and their keys: made, read, and told apart.

use crate::address::host_name;
use crate::config::show_path;
use crate::file::{self, When};
use memchr::memmem::find;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SanType, date_time_ymd};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

/// The longest file that is read, in bytes: a chain and its key have a few thousand.
const MOST_BYTES: u64 = 1 << 20;

/// What every host calls itself.
const LOCALHOST: &str = "localhost";

/// What a server shows and what it signs with.
pub struct Identity {
    /// The server's own certificate first.
    pub chain: Vec<CertificateDer<'static>>,
    pub key: PrivateKeyDer<'static>,
}

/// A certificate and its key in PEM.
struct Made {
    certificate: String,
    key: String,
}

/// Makes an identity that lasts as long as the server.
pub fn make() -> Result<Identity, String> {
    let Made { certificate, key } = make_pem()?;
    let name = "the certificate that was made";
    Ok(Identity {
        chain: parse_chain(name, certificate.as_bytes())?,
        key: parse_key(name, key.as_bytes())?,
    })
}

/// Writes a certificate and its key into a new file that only its owner can read.
///
/// # Errors
///
/// For the user, on one line: where there is such a file already, it is left as it is.
pub fn write_new(path: &Path) -> Result<(), String> {
    let Made { certificate, key } = make_pem()?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let write = || {
        let mut file = options.open(path)?;
        let written = file.write_all((certificate + &key).as_bytes());
        // What is not whole would be in the way of the next try.
        written.inspect_err(|_| drop(fs::remove_file(path)))
    };
    write().map_err(|error: io::Error| format!("{}: {error}", show_path(path)))
}

/// Self-signed, for this host's names, without a beginning that a wrong clock would not have reached
/// and without an end (RFC 5280, section 4.1.2.5).
fn make_pem() -> Result<Made, String> {
    let mut params = CertificateParams::default();
    let names = names(host_name());
    let names = names.map(|name| Ok(SanType::DnsName(name.try_into()?)));
    let addresses = [
        IpAddr::from(Ipv4Addr::LOCALHOST),
        Ipv6Addr::LOCALHOST.into(),
    ];
    let make = || {
        params.subject_alt_names = names.collect::<Result<_, rcgen::Error>>()?;
        let addresses = addresses.map(SanType::IpAddress);
        params.subject_alt_names.extend(addresses);
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "chatd");
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(9999, 12, 31) + Duration::from_secs(86_399);
        let key = KeyPair::generate()?;
        Ok(Made {
            certificate: params.self_signed(&key)?.pem(),
            key: key.serialize_pem(),
        })
    };
    make().map_err(|error: rcgen::Error| format!("cannot make a certificate: {error}"))
}

/// The DNS names of a host that is called so.
fn names(host: String) -> impl Iterator<Item = String> {
    let host = Some(host).filter(|host| is_dns_name(host) && host != LOCALHOST);
    host.into_iter().chain([LOCALHOST.to_owned()])
}

/// Letters, digits and hyphens between dots, and no address (RFC 1123, section 2.1).
fn is_dns_name(name: &str) -> bool {
    let is_label = |label: &str| {
        let bytes = label.as_bytes();
        (1..=63).contains(&bytes.len())
            && bytes
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(is_label) && name.parse::<Ipv4Addr>().is_err()
}

/// Reads an identity: the key from the file of the certificate where it has no file of its own.
///
/// # Errors
///
/// For the user, on one line that names the file.
pub fn read(certificate: &Path, key: &Path, when: When) -> Result<Identity, String> {
    Ok(Identity {
        chain: parse_chain(&show_path(certificate), &read_pem(certificate, when)?)?,
        key: parse_key(&show_path(key), &read_pem(key, when)?)?,
    })
}

/// Whether others than its owner can read a file.
pub fn is_open_to_others(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.mode() & 0o044 != 0)
}

fn read_pem(path: &Path, when: When) -> Result<Vec<u8>, String> {
    file::read(path, MOST_BYTES, when).map_err(|error| format!("{}: {error}", show_path(path)))
}

fn parse_chain(name: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates = CertificateDer::pem_slice_iter(pem);
    let chain = certificates
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| describe(name, pem, &error))?;
    if chain.is_empty() {
        return Err(format!("{name}: there is no certificate in it"));
    }
    Ok(chain)
}

fn parse_key(name: &str, pem: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| describe(name, pem, &error))
}

/// What is wrong with a PEM file.
fn describe(name: &str, pem: &[u8], error: &PemError) -> String {
    let what = match error {
        // Of an older key this is no PEM block (RFC 1421, section 4.6.1.1), of one in PKCS #8 it is
        // another (RFC 7468, section 11).
        _ if find(pem, b"ENCRYPTED").is_some() => {
            "the private key in it is encrypted, openssl pkey decrypts it"
        }
        PemError::NoItemsFound => "there is no private key in it",
        PemError::MissingSectionEnd { .. } => "it is cut off, there is no END line",
        PemError::IllegalSectionStart { .. } => "there is a wrong BEGIN line in it",
        error => return format!("{name}: {error}"),
    };
    format!("{name}: {what}")
}

impl Identity {
    /// The certificate's SHA-256, as `openssl x509 -fingerprint -sha256` prints it.
    pub fn sha256(&self) -> String {
        show(digest(&SHA256, &self.chain[0]).as_ref(), 1, ":")
    }

    /// The certificate's SHA-1, as `ncat -v --ssl` prints it.
    pub fn sha1(&self) -> String {
        show(
            digest(&SHA1_FOR_LEGACY_USE_ONLY, &self.chain[0]).as_ref(),
            2,
            " ",
        )
    }
}

/// In hexadecimal, in groups of so many bytes.
fn show(bytes: &[u8], group: usize, between: &str) -> String {
    let groups = bytes.chunks(group).map(|bytes| {
        let digits = bytes.iter().map(|byte| format!("{byte:02X}"));
        digits.collect::<String>()
    });
    groups.collect::<Vec<_>>().join(between)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_has_the_hosts_name_where_that_is_a_dns_name_and_localhost_once() {
        for (host, expected) in [
            ("lab-1.example", &["lab-1.example", "localhost"][..]),
            ("localhost", &["localhost"]),
            ("192.0.2.7", &["localhost"]),
            ("(none)", &["localhost"]),
            ("-lab", &["localhost"]),
            ("", &["localhost"]),
        ] {
            let names: Vec<String> = names(host.to_owned()).collect();
            assert_eq!(names, expected, "{host}");
        }
    }
}

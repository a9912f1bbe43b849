//! Addresses: what this machine is called, and how clients' addresses are counted and matched. An
//! IPv4 address that is seen over IPv6 is that IPv4 address, and an IPv6 address its /64, because one
//! host can have all of it (RFC 4291, section 2.5.1).

use ipnet::IpNet;
use rustix::system::uname;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// Where a client comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Address {
    /// Another machine, or this one by TCP: IPv4 as IPv4.
    Tcp(SocketAddr),
    /// A Unix socket of this machine: the number of the user (unix(7), `SO_PEERCRED`).
    User(u32),
}

/// What all clients have in common that count as one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Host {
    /// An IPv4 address, or an IPv6 /64.
    Ip(IpAddr),
    /// The number of a user of this machine.
    User(u32),
}

impl Address {
    /// What it counts as.
    pub fn host(self) -> Host {
        match self {
            Self::Tcp(address) => Host::Ip(counted_as(address.ip())),
            Self::User(number) => Host::User(number),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::User(number) => write!(f, "uid:{number}"),
        }
    }
}

/// How many bits of an IPv6 address tell hosts apart.
const HOST_BITS: u8 = 64;

/// What is before the IPv4 address in one that is mapped (RFC 4291, section 2.5.5.2).
const MAPPED_BITS: u8 = 96;

/// The name of this machine, as far as it is text (uname(2)).
pub fn host_name() -> String {
    uname().nodename().to_string_lossy().into_owned()
}

fn counted_as(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

/// Reads `ADDRESS` or `ADDRESS/BITS`; what is behind the bits is ignored.
pub fn parse_network(text: &str) -> Option<IpNet> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (text, None),
    };
    let written = address.parse::<IpAddr>().ok()?;
    let address = written.to_canonical();
    let bits = match bits {
        Some(bits) => {
            let is_number = bits.bytes().all(|byte| byte.is_ascii_digit());
            let bits = bits.parse::<u8>().ok().filter(|_| is_number)?;
            if written == address {
                bits
            } else {
                bits.checked_sub(MAPPED_BITS)?
            }
        }
        None if address.is_ipv4() => 32,
        None => HOST_BITS,
    };
    Some(IpNet::new(address, bits).ok()?.trunc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_bits_an_ipv6_address_is_its_64_and_a_mapped_one_that_ipv4_address() {
        for (text, network) in [
            ("192.0.2.1", "192.0.2.1/32"),
            ("2001:db8::1", "2001:db8::/64"),
            ("::ffff:192.0.2.1", "192.0.2.1/32"),
            ("192.0.2.77/24", "192.0.2.0/24"),
            ("::ffff:192.0.2.77/120", "192.0.2.0/24"),
            ("2001:db8::1/128", "2001:db8::1/128"),
            ("0.0.0.0/0", "0.0.0.0/0"),
        ] {
            let parsed = parse_network(text).map(|network| network.to_string());
            assert_eq!(parsed.as_deref(), Some(network), "{text}");
        }
    }

    #[test]
    fn what_is_no_network_is_none() {
        for text in [
            "",
            "/",
            "192.0.2.1/",
            "192.0.2.1/33",
            "192.0.2.1/+8",
            "192.0.2.1/-1",
            "192.0.2",
            "::1/129",
            "::ffff:192.0.2.1/95",
            "localhost",
            "192.0.2.1 ",
        ] {
            assert_eq!(parse_network(text), None, "{text}");
        }
    }
}

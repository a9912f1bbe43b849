//! Everything that is listened on, as the user wants it, and how people join there.

use crate::address::host_name;
use crate::client::carrier::{Plain, Protocol};
use crate::config::Config;
use crate::listener::{Port, listen};
use crate::reload::Renewables;
#[cfg(feature = "service")]
use crate::service::{activation, unix_socket::UnixSocket};
#[cfg(feature = "tls")]
use crate::tls::Tls;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Listens on everything that the user wants, the main port first; and what of that can be renewed.
/// An error is for the user, on one line.
pub fn open(config: &Config) -> Result<(Vec<Port>, Renewables), String> {
    #[cfg(feature = "tls")]
    if config.tls.is_on {
        let tls = Arc::new(Tls::new(&config.tls)?);
        let ports = listen_on_all(config, Arc::new(Arc::clone(&tls)))?;
        return Ok((ports, vec![Box::new(tls)]));
    }
    Ok((listen_on_all(config, Arc::new(Plain))?, Vec::new()))
}

#[cfg(feature = "service")]
fn listen_on_all(config: &Config, main: Arc<dyn Protocol>) -> Result<Vec<Port>, String> {
    let mut ports = match activation::ports(config.silence, &main)? {
        Some(mut inherited) => {
            // `--bind` is not used then.
            inherited.extend(plain_port(config, None)?);
            inherited
        }
        None => listen_on_ports(config, main)?,
    };
    if let Some(path) = &config.service.socket {
        ports.push(UnixSocket::open(path)?);
    }
    Ok(ports)
}

#[cfg(not(feature = "service"))]
use listen_on_ports as listen_on_all;

fn listen_on_ports(config: &Config, main: Arc<dyn Protocol>) -> Result<Vec<Port>, String> {
    let mut ports = vec![open_port(config, config.bind, config.port, main)?];
    ports.extend(plain_port(config, config.bind)?);
    Ok(ports)
}

/// The port of `--plain-port`, if there is to be one.
fn plain_port(config: &Config, bind: Option<IpAddr>) -> Result<Option<Port>, String> {
    #[cfg(feature = "tls")]
    let number = config.tls.plain_port;
    #[cfg(not(feature = "tls"))]
    let number = None;
    let open = |number| open_port(config, bind, number, Arc::new(Plain));
    number.map(open).transpose()
}

fn open_port(
    config: &Config,
    bind: Option<IpAddr>,
    number: u16,
    protocol: Arc<dyn Protocol>,
) -> Result<Port, String> {
    match listen(bind, number, config.silence) {
        Ok(listener) => Ok(Port {
            listener: Box::new(listener),
            protocol,
        }),
        Err((address, error)) => Err(format!("cannot listen on {address}: {error}")),
    }
}

/// How people on other machines join.
pub fn invitation(ports: &[Port]) -> io::Result<Option<String>> {
    for port in ports {
        if let Some(address) = port.public_address()? {
            let (client, host, port) = (port.protocol.client(), host(address), address.port());
            return Ok(Some(format!("join with: {client} {host} {port}")));
        }
    }
    Ok(None)
}

/// What others call this machine.
fn host(address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        host_name()
    } else {
        address.ip().to_string()
    }
}

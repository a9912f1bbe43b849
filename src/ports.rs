//! Everything that is listened on, as the user wants it, and how people join there.

use crate::address::host_name;
use crate::client::carrier::{Plain, Protocol};
use crate::config::Config;
use crate::listener::{Port, listen};
use crate::reload::Renewables;
use crate::server::ServerError;
#[cfg(feature = "tls")]
use crate::tls::Tls;
use std::io;
use std::net::SocketAddr;
#[cfg(feature = "tls")]
use std::sync::Arc;

/// Listens on all ports that the user wants, the main one first; and what of that can be renewed.
pub fn open(config: &Config) -> Result<(Vec<Port>, Renewables), ServerError> {
    let open = |port, protocol: Box<dyn Protocol>| match listen(config, port) {
        Ok(listener) => Ok(Port {
            listener: Box::new(listener),
            protocol,
        }),
        Err((address, error)) => {
            let text = format!("cannot listen on {address}: {error}");
            Err(ServerError::Refused(text))
        }
    };
    #[cfg(feature = "tls")]
    if config.tls.is_on {
        let tls = Arc::new(Tls::new(&config.tls).map_err(ServerError::Refused)?);
        let mut ports = vec![open(config.port, Box::new(Arc::clone(&tls)))?];
        if let Some(port) = config.tls.plain_port {
            ports.push(open(port, Box::new(Plain))?);
        }
        return Ok((ports, vec![Box::new(tls)]));
    }
    Ok((vec![open(config.port, Box::new(Plain))?], Vec::new()))
}

/// How people on other machines join.
pub fn invitation(ports: &[Port]) -> io::Result<Option<String>> {
    for Port { listener, protocol } in ports {
        if let Some(address) = listener.tcp_address()?
            && !address.ip().to_canonical().is_loopback()
        {
            let (client, host, port) = (protocol.client(), host(address), address.port());
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

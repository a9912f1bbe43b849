//! How a connection begins: the handshake, or a line for those who do not speak TLS.

use crate::client::carrier::Carrier;
use crate::client::connection::Connection;
use crate::client::lingering;
use crate::client::strangers::TLS_HANDSHAKE;
use crate::config::Mode;
use crate::tls::Tls;
use crate::tls::carrier::TlsCarrier;
use log::debug;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use socket2::Socket;
use std::fmt;
use std::time::{Duration, Instant};

/// How long a client may take for its handshake.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

const NOT_TLS: &[u8] = b"-- this server speaks TLS: ncat --ssl HOST PORT, \
    or openssl s_client -quiet -connect HOST:PORT\n";

/// Makes a carrier of a client that has just connected. None if that is not possible: a client that
/// does not speak TLS is told so.
pub fn shake_hands<'a>(
    tls: &Tls,
    connection: &'a Connection,
    outlet: &'a Socket,
) -> Option<TlsCarrier<'a>> {
    let failed = |why: &dyn fmt::Display| {
        let address = connection.address;
        debug!(target: "chatd::handshakes", "no handshake: {address}, {why}");
    };
    let (stream, bell) = (&connection.stream, &connection.shared.bell);
    let mut carrier = match TlsCarrier::new(tls, stream, outlet) {
        Ok(carrier) => carrier,
        Err(error) => {
            failed(&error);
            return None;
        }
    };
    let end = Instant::now() + HANDSHAKE_TIME;
    let mut first = [0];
    while !bell.has_rung() && Instant::now() < end {
        let wanted = carrier.interest(PollFlags::IN).stream;
        let mut set = [
            PollFd::from_borrowed_fd(bell.descriptor(), PollFlags::IN),
            PollFd::new(stream, wanted),
        ];
        let wait = end.saturating_duration_since(Instant::now());
        let _ = poll(&mut set, Timespec::try_from(wait).ok().as_ref());
        if first[0] != TLS_HANDSHAKE {
            match recv(stream, &mut first, RecvFlags::DONTWAIT | RecvFlags::PEEK) {
                Err(Errno::AGAIN | Errno::INTR) => continue,
                Ok((_, 1)) if first[0] == TLS_HANDSHAKE => {}
                Ok((_, 0)) | Err(_) => {
                    failed(&"closed");
                    return None;
                }
                Ok(_) => break,
            }
        }
        match carrier.begin(tls, end) {
            Ok(true) => return Some(carrier),
            Ok(false) => {}
            Err(error) => {
                failed(&error);
                // Behind what it was told of that.
                lingering::turn_away(stream, b"");
                lingering::read_out(stream, || true);
                return None;
            }
        }
    }
    if bell.has_rung() {
        failed(&"the server stops");
    } else if first[0] == TLS_HANDSHAKE {
        failed(&"it took too long");
    } else {
        failed(&"it does not speak TLS");
        let text = match connection.shared.config.mode {
            Mode::Chat { .. } => NOT_TLS,
            Mode::Raw => b"",
        };
        lingering::turn_away(stream, text);
        lingering::read_out(stream, || true);
    }
    None
}

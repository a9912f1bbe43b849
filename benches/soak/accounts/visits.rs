//! Clients with accounts, and clients that come again and again, each on a thread of its own, until
//! what they disturb is over.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::nice;

use super::data::Account;
use crate::client::{Client, connect_with};
use crate::pair::End;
use crate::server::PATIENCE;

/// How long somebody rests who could not connect.
const REST: Duration = Duration::from_millis(50);

/// How much less of the processor they are given than the server.
const NICENESS: i32 = 10;

/// An address of loopback at which no attacker is.
pub const HOME: Ipv4Addr = Ipv4Addr::new(127, 3, 0, 1);

/// One of many others.
pub fn address(number: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 2, (number / 250) as u8, 1 + (number % 250) as u8)
}

/// Lets each of these do what it does again and again while `meanwhile` happens.
pub fn beside<T>(
    visitors: impl IntoIterator<Item = impl FnMut() + Send>,
    meanwhile: impl FnOnce() -> T,
) -> T {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for mut visitor in visitors {
            let is_over = &is_over;
            scope.spawn(move || {
                // They would not be on the server's machine. This is of the thread (nice(2)).
                let _ = nice(NICENESS);
                while !is_over.load(Ordering::Relaxed) {
                    visitor();
                }
            });
        }
        let _end = End(&is_over);
        meanwhile()
    })
}

/// Connects, sends this and reads to the end. Returns the lines that came: none where it could not
/// connect.
pub fn visit(source: Ipv4Addr, server: SocketAddr, text: &str) -> Vec<String> {
    let Ok(mut client) = Client::connect_from(source, server) else {
        thread::sleep(REST);
        return Vec::new();
    };
    // It may be closed before all of it is sent.
    let _ = client.send(text);
    client.read_to_end()
}

impl Client {
    /// Connects from an address of loopback.
    pub fn connect_from(source: Ipv4Addr, server: SocketAddr) -> io::Result<Self> {
        let stream = connect_with(source, server)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Self::over(stream)
    }

    /// Connects from an address of loopback and logs in.
    ///
    /// # Errors
    ///
    /// The last line that it has read, and what the system says.
    pub fn log_in(source: Ipv4Addr, server: SocketAddr, account: &Account) -> Result<Self, String> {
        let Account { name, password } = account;
        let ends = [format!(" is now {name}"), format!(", you are {name}")];
        let mut last = String::new();
        let mut log_in = || {
            let mut client = Self::connect_from(source, server)?;
            client.send(&format!("/login {name}\n{password}\n"))?;
            while !ends.iter().any(|end| last.ends_with(end)) {
                last = String::from_utf8_lossy(client.read_line()?).into_owned();
            }
            io::Result::Ok(client)
        };
        let client = log_in();
        client.map_err(|error| format!("{last} ({error})"))
    }

    /// Leaves, and waits until that is done.
    pub fn leave(mut self) {
        // Whoever was put out has left already.
        let _ = self.send("/quit\n");
        self.read_to_end();
    }

    /// Reads to the end, whatever that is. Returns the lines.
    pub fn read_to_end(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Ok(line) = self.read_line() {
            lines.push(String::from_utf8_lossy(line).into_owned());
        }
        lines
    }
}

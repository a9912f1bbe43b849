//! Clients of this machine, who come by a Unix socket. The kernel knows who they are, and they are
//! called so. What differs from TCP is here.

use crate::address::Address;
use crate::client::carrier::{Carriage, Carrier, Interest, Plain, Protocol, Received};
use crate::client::connection::Connection;
use crate::config::Mode;
use crate::event::Ending;
use crate::name::Name;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::Socket;
use std::io::ErrorKind::{BrokenPipe, ConnectionReset};
use std::io::{self, IoSlice};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

/// The stack of a look-up of a name, in bytes: it runs what is configured on this machine
/// (nsswitch.conf(5)), which may need more than a client's thread has.
const LOOK_UP_STACK_BYTES: usize = 1 << 20;

/// What is spoken on a Unix socket: bytes go as they are.
pub struct Local;

impl Protocol for Local {
    fn client(&self) -> &'static str {
        "nc -NU"
    }

    fn carriage(&self) -> io::Result<Box<dyn Carriage>> {
        Ok(Box::new(LocalCarriage::default()))
    }
}

#[derive(Default)]
struct LocalCarriage {
    /// How many bytes the broadcaster has written.
    written: AtomicU64,
}

impl Carriage for LocalCarriage {
    fn client(&self) -> &'static str {
        "nc -NU PATH"
    }

    fn inlet<'a>(&'a self, stream: &'a Socket) -> &'a Socket {
        stream
    }

    /// To write to a client that has closed succeeds, as it does by TCP: its thread may still have
    /// to read what it sent before, and says how it left.
    fn send(&self, stream: &Socket, text: &[IoSlice<'_>]) -> io::Result<usize> {
        let sent = match Plain.send(stream, text) {
            Err(error) if matches!(error.kind(), BrokenPipe | ConnectionReset) => {
                text.iter().map(|piece| piece.len()).sum()
            }
            result => result?,
        };
        self.written.fetch_add(sent as u64, Ordering::Relaxed);
        Ok(sent)
    }

    fn carry<'a>(&'a self, connection: &'a Connection) -> Option<Box<dyn Carrier + 'a>> {
        let login_name = match (connection.address, &connection.shared.config.mode) {
            (Address::User(number), Mode::Chat { .. }) => login_name(number),
            _ => None,
        };
        Some(Box::new(LocalCarrier {
            stream: &connection.stream,
            carriage: self,
            login_name,
            seen_written: 0,
            has_taken: Instant::now(),
        }))
    }
}

struct LocalCarrier<'a> {
    stream: &'a Socket,
    carriage: &'a LocalCarriage,
    login_name: Option<Name>,
    /// How much the broadcaster had written, and when it was last seen that the client has taken
    /// something.
    seen_written: u64,
    has_taken: Instant,
}

impl Carrier for LocalCarrier<'_> {
    fn login_name(&self) -> Option<Name> {
        self.login_name.clone()
    }

    /// There is no host that could vanish. But nothing like `TCP_USER_TIMEOUT` ends a client that
    /// takes nothing: there is room in its socket when it has taken three quarters of what it
    /// holds, and then it is written to.
    fn look_after(&mut self, connection: &Connection) -> Result<(), Ending> {
        let written = self.carriage.written.load(Ordering::Relaxed);
        let mut set = [PollFd::new(self.stream, PollFlags::OUT)];
        let is_full = matches!(poll(&mut set, Some(&Timespec::default())), Ok(0));
        if !is_full || written != self.seen_written {
            (self.seen_written, self.has_taken) = (written, Instant::now());
        }
        let limit = connection.shared.config.silence.user_timeout;
        if self.has_taken.elapsed() < limit {
            Ok(())
        } else {
            Err(Ending::TooSlow)
        }
    }

    fn interest(&self, wanted: PollFlags) -> Interest<'_> {
        self.stream.interest(wanted)
    }

    /// A reset is an error here (unix(7)), and an end is none.
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Received> {
        match self.stream.receive(buffer)? {
            Received::End => Ok(Received::CleanEnd),
            received => Ok(received),
        }
    }

    fn turn_away(&mut self, text: &[u8]) {
        self.stream.turn_away(text);
    }

    fn close(&mut self, connection: &Connection) {
        self.stream.close(connection);
    }
}

/// What the user with this number is called, if chatd can call them so. It may take its time: the
/// machine may have to ask another one.
fn login_name(number: u32) -> Option<Name> {
    let look_up = move || {
        let user = uzers::get_user_by_uid(number)?;
        Name::parse(user.name().to_str()?).ok()
    };
    let thread = thread::Builder::new().name("login name".to_owned());
    let looking = thread.stack_size(LOOK_UP_STACK_BYTES).spawn(look_up);
    looking.ok()?.join().ok()?
}

//! The accept loop, and everything that has to run before and after it.

use crate::broadcaster::{Broadcaster, FULL};
use crate::client::connection::{Connection, NOTSENT_LOWAT};
use crate::client::{self, quiet_timeout};
use crate::clock::Clock;
use crate::config::{Config, Mode, SilenceLimits};
use crate::event::{CHANNEL_EVENTS, ClientId, Ending, Event};
use crate::logging::Logging;
use crate::logging::lines as log_lines;
use crate::seats::{Seat, Seats};
use crate::shutdown::{Shutdown, handle_signals};
use crate::wire::Wire;
use crate::{logging, rejection};
use crossbeam_channel::{Sender, bounded};
use log::{error, info, warn};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// How many connections may wait to be accepted. std's 128 makes a burst of them retry for seconds.
const BACKLOG: i32 = 4096;

/// How many bytes the kernel may hold for the server from one client.
const RECEIVE_BUFFER: usize = 64 << 10;

/// The stack of a client's thread, in bytes. Only what is used of it is memory.
const STACK_BYTES: usize = 128 << 10;

/// How many descriptors are needed beside the clients': standard streams, listener, signals,
/// clients that are turned away.
const OWN_DESCRIPTORS: u64 = 32;

/// How long to wait when accepting fails, which it does when there are no descriptors or no memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long clients have at the end to close their side, after everything was written to them.
const CLOSING_TIME: Duration = Duration::from_millis(800);

/// Why the server could not start, or did not end well.
#[derive(Debug)]
pub enum ServerError {
    /// An address cannot be listened on.
    Listen(SocketAddr, io::Error),
    /// The system refused something else.
    System(&'static str, io::Error),
    /// A thread that all depends on panicked; the log says why.
    Broken,
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen(address, error) => write!(f, "cannot listen on {address}: {error}"),
            Self::System(what, error) => write!(f, "{what}: {error}"),
            Self::Broken => f.write_str("internal error"),
        }
    }
}

/// Serves until a signal ends it.
///
/// # Errors
///
/// See [`ServerError`].
pub fn serve(mut config: Config) -> Result<(), ServerError> {
    let logging = logging::start(config.log_level)
        .map(Arc::new)
        .map_err(|error| ServerError::System("cannot log", error))?;
    let result = listen(&config).and_then(|listener| {
        fit_into_open_files(&mut config);
        serve_clients(Arc::new(listener), config, &logging)
    });
    logging.finish();
    result
}

fn serve_clients(
    listener: Arc<TcpListener>,
    config: Config,
    logging: &Arc<Logging>,
) -> Result<(), ServerError> {
    let system = |what| move |error| ServerError::System(what, error);
    let address = listener
        .local_addr()
        .map_err(system("cannot tell the address"))?;
    let seats = Seats::new(config.clients);
    let (events, received) = bounded(CHANNEL_EVENTS);
    let shutdown = Arc::new(Shutdown::new(Arc::clone(&listener), events.clone()));
    handle_signals(Arc::clone(&shutdown)).map_err(system("cannot handle signals"))?;

    let broadcaster = Broadcaster::new(&config.mode, config.backlog, Clock::now());
    let broadcaster = {
        let shutdown = Arc::clone(&shutdown);
        let run = move || broadcaster.run(&received, &shutdown);
        spawn("broadcaster", run).map_err(system("cannot start the broadcaster"))?
    };
    {
        let accepting = Accepting {
            listener,
            seats: Arc::clone(&seats),
            events,
            config: Arc::new(config),
        };
        let logging = Arc::clone(logging);
        // Nobody could join a server whose accept loop has ended, so the process ends with it.
        let run = move || {
            let ended = catch_unwind(AssertUnwindSafe(|| accepting.run(&shutdown)));
            if ended.is_err() || !shutdown.is_requested() {
                error!("the accept loop has ended");
                logging.finish();
                process::exit(1);
            }
        };
        spawn("accept", run).map_err(system("cannot start the accept loop"))?;
    }
    info!("listening on {address}");

    if broadcaster.join().is_err() {
        return Err(ServerError::Broken);
    }
    seats.wait_until_free(CLOSING_TIME);
    Ok(())
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<thread::JoinHandle<()>> {
    thread::Builder::new().name(name.to_owned()).spawn(run)
}

/// Listens on the address that the user gave, or on all: IPv6 and IPv4, or IPv4 where there is no
/// IPv6.
fn listen(config: &Config) -> Result<TcpListener, ServerError> {
    let any = IpAddr::from(Ipv6Addr::UNSPECIFIED);
    let on = |ip| {
        let address = SocketAddr::new(ip, config.port);
        open_listener(address, config.silence).map_err(|error| (address, error))
    };
    let listener = match (config.bind, on(config.bind.unwrap_or(any))) {
        (None, Err((_, error))) if has_no_ipv6(&error) => on(Ipv4Addr::UNSPECIFIED.into()),
        (_, result) => result,
    };
    listener.map_err(|(address, error)| ServerError::Listen(address, error))
}

fn has_no_ipv6(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EAFNOSUPPORT | libc::EADDRNOTAVAIL)
    )
}

/// Linux gives an accepted socket the options of its listener, so they are set once, here.
fn open_listener(address: SocketAddr, silence: SilenceLimits) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.ip() == IpAddr::from(Ipv6Addr::UNSPECIFIED) {
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    socket.set_tcp_notsent_lowat(NOTSENT_LOWAT)?;
    socket.set_tcp_nodelay(true)?;
    socket.set_out_of_band_inline(true)?;
    socket.set_keepalive(true)?;
    let second = Duration::from_secs(1);
    let keepalive = TcpKeepalive::new()
        .with_time((silence.keepalive / 2).max(second))
        .with_interval((silence.keepalive / 12).max(second));
    socket.set_tcp_keepalive(&keepalive)?;
    socket.set_tcp_user_timeout(Some(quiet_timeout(silence)))?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Raises the limit on open files, and lowers `--max-clients` to what fits under it, so that those
/// beyond it can be told.
fn fit_into_open_files(config: &mut Config) {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let limit = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let Some(limit) = limit else { return };
    let room = usize::try_from(limit.saturating_sub(OWN_DESCRIPTORS).max(1)).unwrap_or(usize::MAX);
    if config.clients.total > room {
        warn!("--max-clients is lowered to {room}: no more than {limit} files may be open");
        config.clients.total = room;
    }
}

/// The accept loop.
struct Accepting {
    listener: Arc<TcpListener>,
    seats: Arc<Seats>,
    events: Sender<Event>,
    config: Arc<Config>,
}

impl Accepting {
    fn run(&self, shutdown: &Shutdown) {
        let mut next_id = 1;
        let mut was_told = false;
        while !shutdown.is_requested() {
            match self.listener.accept() {
                Ok((stream, peer)) => {
                    was_told = false;
                    match self.seats.take(peer.ip()) {
                        Some(seat) => self.admit(ClientId(next_id), stream, peer, seat),
                        None => self.turn_away(stream, peer),
                    }
                    next_id += 1;
                }
                Err(_) if shutdown.is_requested() => return,
                Err(error) if is_about_one_client(&error) => {}
                Err(error) => {
                    if !was_told {
                        warn!("cannot accept clients: {error}");
                        was_told = true;
                    }
                    thread::sleep(ACCEPT_PAUSE);
                }
            }
        }
    }

    /// Tells the broadcaster of a client, then starts its thread: who connected first is here
    /// first, and reads what those say who come later.
    fn admit(&self, id: ClientId, stream: TcpStream, peer: SocketAddr, seat: Seat) {
        let connection = Arc::new(Connection::new(id, stream, peer));
        let wire: Arc<dyn Wire> = connection.clone();
        if self.events.send(Event::Joined(id, wire)).is_err() {
            return;
        }
        let (events, config) = (self.events.clone(), Arc::clone(&self.config));
        let talk = move || {
            client::run(&connection, &events, &config);
            drop(connection);
            drop(seat);
        };
        let thread = thread::Builder::new()
            .name(format!("client {}", id.0))
            .stack_size(STACK_BYTES);
        if let Err(error) = thread.spawn(talk) {
            warn!("cannot start a client's thread: {error}");
            let _ = self.events.send(Event::Left(id, Ending::NoThread));
        }
    }

    fn turn_away(&self, stream: TcpStream, peer: SocketAddr) {
        log_lines::turned_away(peer);
        match self.config.mode {
            Mode::Chat { .. } => rejection::turn_away(stream, FULL),
            Mode::Raw => rejection::turn_away(stream, b""),
        }
    }
}

/// The connection was gone before it was accepted (accept(2)): the next one may be fine.
fn is_about_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, TimedOut};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionReset | Interrupted | TimedOut
    )
}

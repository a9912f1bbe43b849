//! The life of the process: what has to run before the first client and after the last.

use crate::broadcaster::Broadcaster;
use crate::channel::channel;
use crate::client::Shared;
use crate::clock::Clock;
use crate::config::Config;
use crate::counted::Count;
use crate::delivery::writability::Writability;
use crate::listener::{Accepting, listen};
use crate::logging::{self, Logging};
use crate::pressure::Pressure;
use crate::seats::Seats;
use crate::shutdown::{Bell, handle_signals};
use log::{error, info, warn};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// How many descriptors are needed beside the clients': standard streams, listener, signals, bells,
/// clients that are turned away.
const OWN_DESCRIPTORS: u64 = 32;

/// How long clients have at the end to close their side, after everything was written to them.
const LINGERING_TIME: Duration = Duration::from_millis(800);

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
    let logging = logging::start(config.log_level())
        .map(Arc::new)
        .map_err(system("cannot log"))?;
    let listener = listen(&config).map_err(|(address, error)| ServerError::Listen(address, error));
    let result = listener.and_then(|listener| {
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
    let address = listener
        .local_addr()
        .map_err(system("cannot tell the address"))?;
    let seats = Seats::new(config.clients);
    let (events, received) = channel(config.backlog.most).map_err(system("cannot wait"))?;
    let bell = Bell::new(Arc::clone(&listener)).map_err(system("cannot wait"))?;
    let bell = Arc::new(bell);
    let writability = Writability::new().map_err(system("cannot wait"))?;
    let writability = Arc::new(writability);
    for rung in [bell.descriptor(), received.doorbell()] {
        writability.wake_by(rung).map_err(system("cannot wait"))?;
    }
    handle_signals(Arc::clone(&bell)).map_err(system("cannot handle signals"))?;

    let pressure = Arc::new(Pressure::new(config.backlog));
    let broadcaster = Broadcaster::new(
        &config.mode,
        config.backlog,
        Arc::clone(&pressure),
        Clock::now(),
    );
    let broadcaster = {
        let (bell, writability) = (Arc::clone(&bell), Arc::clone(&writability));
        let run = move || broadcaster.run(&received, &writability, &bell);
        spawn("broadcaster", run).map_err(system("cannot start the broadcaster"))?
    };
    let accepting = Accepting {
        listener,
        seats: Arc::clone(&seats),
        writability,
        shared: Arc::new(Shared {
            events,
            bell,
            pressure,
            config,
            at_the_door: Count::default(),
        }),
    };
    start_accepting(accepting, Arc::clone(logging))?;
    info!("listening on {address}");

    if broadcaster.join().is_err() {
        return Err(ServerError::Broken);
    }
    seats.wait_until_free(LINGERING_TIME);
    Ok(())
}

/// Nobody could join a server whose accept loop has ended, so the process ends with it.
fn start_accepting(accepting: Accepting, logging: Arc<Logging>) -> Result<(), ServerError> {
    let run = move || {
        let ended = catch_unwind(AssertUnwindSafe(|| accepting.run()));
        if ended.is_err() || !accepting.shared.bell.has_rung() {
            error!("the accept loop has ended");
            logging.finish();
            process::exit(1);
        }
    };
    spawn("accept", run).map_err(system("cannot start the accept loop"))?;
    Ok(())
}

fn system(what: &'static str) -> impl Fn(io::Error) -> ServerError {
    move |error| ServerError::System(what, error)
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<thread::JoinHandle<()>> {
    thread::Builder::new().name(name.to_owned()).spawn(run)
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

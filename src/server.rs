//! The life of the process: what has to run before the first client and after the last.

use crate::accept::accept;
#[cfg(not(feature = "data"))]
use crate::broadcaster::Broadcaster;
use crate::channel::channel;
#[cfg(not(feature = "data"))]
use crate::clock::Clock;
use crate::config::Config;
use crate::counted::Count;
use crate::delivery::writability::Writability;
#[cfg(feature = "data")]
use crate::foundation;
use crate::listener::Port;
use crate::logging::{self, Logging};
#[cfg(feature = "data")]
use crate::passwords::check::Means;
use crate::ports;
use crate::pressure::Pressure;
use crate::reload::{self, Renewables};
use crate::seats::Seats;
#[cfg(feature = "service")]
use crate::service::notify::Systemd;
use crate::shared::Shared;
use crate::shutdown::{Bell, handle_signals};
use crate::supervisor::{Stage, Supervisor};
use log::{error, info, warn};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How many descriptors are needed beside those of clients and ports: standard streams, signals,
/// bells, clients that are turned away.
const OWN_DESCRIPTORS: u64 = 31;

/// How long clients have at the end to close their side, after everything was written to them.
const LINGERING_TIME: Duration = Duration::from_millis(800);

/// Why the server could not start, or did not end well.
#[derive(Debug)]
pub enum ServerError {
    /// The system refused an address, a thread, a descriptor or the like: one line for the user.
    Refused(String),
    /// A thread that all depends on panicked; the log says why.
    Broken,
}

impl From<io::Error> for ServerError {
    fn from(error: io::Error) -> Self {
        Self::Refused(format!("cannot start: {error}"))
    }
}

/// Serves until a signal ends it.
///
/// # Errors
///
/// See [`ServerError`].
pub fn serve(config: Config) -> Result<(), ServerError> {
    let logging = Arc::new(logging::start(config.log_level())?);
    let opened = ports::open(&config).map_err(ServerError::Refused);
    let result =
        opened.and_then(|(ports, renewals)| serve_clients(ports, renewals, config, &logging));
    logging.finish();
    result
}

fn serve_clients(
    ports: Vec<Port>,
    renewals: Renewables,
    mut config: Config,
    logging: &Arc<Logging>,
) -> Result<(), ServerError> {
    let mut lines = Vec::new();
    for Port { listener, protocol } in &ports {
        lines.push(format!(
            "listening on {}{}",
            listener.name()?,
            protocol.name()
        ));
    }
    lines.extend(ports::invitation(&ports)?);
    let (events, received) = channel(config.backlog.most)?;
    let pressure = Arc::new(Pressure::new(config.backlog));
    let slowing = Arc::clone(&pressure);
    #[cfg(feature = "data")]
    let (broadcaster, mut kept) =
        foundation::lay(&config, slowing).map_err(ServerError::Refused)?;
    #[cfg(not(feature = "data"))]
    let broadcaster = Broadcaster::new(&config.mode, config.backlog, slowing, Clock::now(), None);
    #[cfg(feature = "data")]
    let advice = kept.advice(&config.data, &ports);
    // Behind everything that may refuse the start, which says so on one line.
    fit_into_open_files(&mut config, &ports);
    let shared = Arc::new(Shared {
        events,
        bell: Arc::new(Bell::new()?),
        pressure,
        writability: Writability::new()?,
        seats: Seats::new(config.clients),
        config,
        #[cfg(feature = "data")]
        readers: kept.readers.take(),
        #[cfg(feature = "data")]
        means: Means::default(),
        #[cfg(feature = "data")]
        room_password: kept.room_password.clone(),
        at_the_door: Count::default(),
        turned_away: Count::default(),
    });
    for bell in [shared.bell.descriptor(), received.doorbell()] {
        shared.writability.wake_by(bell)?;
    }
    let renewals = Arc::new(renewals);
    let supervisor = supervisor(&shared.bell);
    let reloads = reload::start(
        Arc::clone(&shared),
        Arc::clone(&renewals),
        Arc::clone(&supervisor),
    )?;
    handle_signals(Arc::clone(&shared.bell), reloads, Arc::clone(&supervisor))?;
    #[cfg(feature = "data")]
    let keeping = match kept.keeping.take() {
        Some(begin) => Some(begin(Arc::clone(&shared))?),
        None => None,
    };

    let broadcasting = Arc::clone(&shared);
    let broadcaster = spawn("broadcaster", move || {
        broadcaster.run(&received, &broadcasting.writability, &broadcasting.bell)
    })?;
    let (serving, finishing) = (Arc::clone(&shared), Arc::clone(logging));
    let accepting = spawn("accept", move || {
        let ended = catch_unwind(AssertUnwindSafe(|| accept(&ports, &serving)));
        if ended.is_err() || !serving.bell.has_rung() {
            // Nobody could join any more.
            error!("the accept loop has ended");
            finishing.finish();
            process::exit(1);
        }
    })?;
    for line in lines {
        info!("{line}");
    }
    for renewable in &*renewals {
        renewable.announce();
    }
    #[cfg(feature = "data")]
    for line in advice {
        info!("{line}");
    }
    supervisor.tell(Stage::Ready);

    let Ok(until) = broadcaster.join() else {
        return Err(ServerError::Broken);
    };
    // It has closed what it listened on, and what it leaves behind is gone. Who came last has a seat.
    let _ = accepting.join();
    let wait = until.saturating_duration_since(Instant::now()) + LINGERING_TIME;
    shared.seats.wait_until_free(wait);
    #[cfg(feature = "data")]
    if let Some(keeping) = keeping {
        keeping.finish();
    }
    logging.tell_left_out();
    info!("stopped");
    Ok(())
}

/// Who is told when everything runs, is read anew, and ends.
#[cfg(feature = "service")]
fn supervisor(bell: &Arc<Bell>) -> Arc<dyn Supervisor> {
    Arc::new(Systemd::from_environment(Arc::clone(bell)))
}

#[cfg(not(feature = "service"))]
fn supervisor(_: &Arc<Bell>) -> Arc<dyn Supervisor> {
    Arc::new(())
}

fn spawn<T: Send + 'static>(
    name: &str,
    run: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    thread::Builder::new().name(name.to_owned()).spawn(run)
}

/// Raises the limit on open files, and lowers `--max-clients` to what fits under it, so that those
/// beyond it can be told.
fn fit_into_open_files(config: &mut Config, ports: &[Port]) {
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
    let each = ports.iter().map(|port| port.protocol.descriptors()).max();
    let own = OWN_DESCRIPTORS + ports.len() as u64;
    let room = limit.saturating_sub(own) / each.unwrap_or(1);
    let room = usize::try_from(room.max(1)).unwrap_or(usize::MAX);
    if config.clients.total > room {
        warn!("--max-clients is lowered to {room}: no more than {limit} files may be open");
        config.clients.total = room;
    }
}

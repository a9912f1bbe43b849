//! What is read anew while the server runs, when SIGHUP asks for it. A thread of its own does that:
//! a file may take its time.

use crate::config::NoConfig;
use crate::event::Event;
use crate::shared::Shared;
use crate::supervisor::{Stage, Supervisor};
use crossbeam_channel::{Sender, bounded};
use log::{error, info};
use std::sync::Arc;
use std::time::Duration;
use std::{io, thread};

/// How often it is tried again to find room in the channel.
const STEP: Duration = Duration::from_millis(10);

/// Something beside the message of the day that can be read anew.
pub trait Renewable: Send + Sync {
    /// Says in the log what it is.
    fn announce(&self);

    /// Reads it anew. None if there is nothing to read.
    fn renew(&self) -> Option<Renewal>;
}

/// What was done, or what stays as it was and why, in words.
pub type Renewal = Result<String, String>;

pub type Renewables = Vec<Box<dyn Renewable>>;

/// Starts the thread. What is sent to it is a request to read everything anew; one that finds another
/// waiting is the same.
pub fn start(
    shared: Arc<Shared>,
    renewables: Arc<Renewables>,
    supervisor: Arc<dyn Supervisor>,
) -> io::Result<Sender<()>> {
    let (requests, requested) = bounded(1);
    let run = move || {
        for () in requested {
            supervisor.tell(Stage::Reloading);
            reload(&shared, &renewables);
            supervisor.tell(Stage::Ready);
        }
    };
    thread::Builder::new()
        .name("reload".to_owned())
        .spawn(run)?;
    Ok(requests)
}

/// Reads everything anew. What that has done is one line in the log, what it could not do one each.
fn reload(shared: &Shared, renewables: &Renewables) {
    let motd = reload_motd(shared);
    let others: Vec<_> = renewables.iter().map(|one| one.renew()).collect();
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    for renewal in [&motd].into_iter().chain(&others).flatten() {
        match renewal {
            Ok(text) => done.push(text.as_str()),
            Err(text) => failed.push(text),
        }
    }
    if done.is_empty() && failed.is_empty() {
        info!("SIGHUP: there is nothing to read anew");
    } else if !done.is_empty() {
        info!("SIGHUP: {}", done.join("; "));
    }
    for text in failed {
        error!("SIGHUP: {text}");
    }
    for (renewable, renewal) in renewables.iter().zip(&others) {
        if let Some(Ok(_)) = renewal {
            renewable.announce();
        }
    }
}

fn reload_motd(shared: &Shared) -> Option<Renewal> {
    Some(match shared.config.reread_motd()? {
        Err(NoConfig { text, .. }) => {
            Err(format!("the message of the day stays as it was: {text}"))
        }
        Ok(motd) => {
            let lines = motd.len();
            let events = shared.events.for_this_thread();
            let mut event = Event::Reloaded(motd);
            while let Err(refused) = events.try_send(event, 0) {
                event = refused;
                thread::sleep(STEP);
            }
            Ok(format!(
                "the message of the day was read anew, lines: {lines}"
            ))
        }
    })
}

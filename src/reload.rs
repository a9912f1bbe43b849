//! What is read anew while the server runs, when SIGHUP asks for it. A thread of its own does that:
//! a file may take its time.

use crate::config::NoConfig;
use crate::event::Event;
use crate::shared::Shared;
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

    /// Reads it anew, and says so in the log. Returns whether there is anything to read.
    fn renew(&self) -> bool;
}

pub type Renewables = Vec<Box<dyn Renewable>>;

/// Starts the thread. What is sent to it is a request to read everything anew; one that finds another
/// waiting is the same.
pub fn start(shared: Arc<Shared>, renewables: Arc<Renewables>) -> io::Result<Sender<()>> {
    let (requests, requested) = bounded(1);
    let reload = move || {
        for () in requested {
            let has_motd = reload_motd(&shared);
            let renewed = renewables.iter().filter(|renewable| renewable.renew());
            if renewed.count() == 0 && !has_motd {
                info!("SIGHUP: there is nothing to read anew");
            }
        }
    };
    thread::Builder::new()
        .name("reload".to_owned())
        .spawn(reload)?;
    Ok(requests)
}

/// Returns whether there is a message of the day.
fn reload_motd(shared: &Shared) -> bool {
    match shared.config.reread_motd() {
        None => return false,
        Some(Err(NoConfig { text, .. })) => {
            error!("SIGHUP: the message of the day stays as it was: {text}");
        }
        Some(Ok(motd)) => {
            let lines = motd.len();
            let events = shared.events.for_this_thread();
            let mut event = Event::Reloaded(motd);
            while let Err(refused) = events.try_send(event, 0) {
                event = refused;
                thread::sleep(STEP);
            }
            info!("SIGHUP: the message of the day was read anew, lines: {lines}");
        }
    }
    true
}

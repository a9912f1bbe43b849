//! What the threads of all clients share, with the accept loop.

use crate::channel::EventSender;
use crate::config::Config;
use crate::counted::Count;
#[cfg(feature = "data")]
use crate::data::search::Readers;
use crate::delivery::writability::Writability;
use crate::pressure::Pressure;
use crate::seats::Seats;
use crate::shutdown::Bell;
use std::sync::Arc;

pub struct Shared {
    pub config: Config,
    pub events: EventSender,
    pub bell: Arc<Bell>,
    /// How fast clients may send while a slow reader is waited for.
    pub pressure: Arc<Pressure>,
    /// What says when the clients' sockets have room.
    pub writability: Writability,
    pub seats: Arc<Seats>,
    /// What clients search with, where something is kept.
    #[cfg(feature = "data")]
    pub readers: Option<Readers>,
    /// Those who wait for room in the channel to join or to leave.
    pub at_the_door: Count,
    /// Those who are turned away, and waited for.
    pub turned_away: Count,
}

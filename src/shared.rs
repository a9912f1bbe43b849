//! What the threads of all clients share, with the accept loop.

use crate::channel::EventSender;
use crate::config::Config;
use crate::counted::Count;
#[cfg(feature = "data")]
use crate::data::search::Readers;
use crate::delivery::writability::Writability;
#[cfg(feature = "data")]
use crate::passwords::{Password, check::Means};
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
    /// What checking passwords takes.
    #[cfg(feature = "data")]
    pub means: Means,
    /// What newcomers have to give, where that is wanted.
    #[cfg(feature = "data")]
    pub room_password: Option<Arc<Password>>,
    /// Those who wait for room in the channel to join or to leave.
    pub at_the_door: Count,
    /// Those who are turned away, and waited for.
    pub turned_away: Count,
}

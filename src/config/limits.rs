//! How much there may be of what, and how long it may take.

use super::values::{duration, number, size};
use crate::units::MIB;
use std::time::Duration;

/// How many clients there may be.
#[derive(clap::Args, Debug, Clone, Copy)]
pub struct ClientLimits {
    /// Clients at the same time, from 1; more are told so and closed
    #[arg(long = "max-clients", value_name = "N", env = "CHATD_MAX_CLIENTS",
        default_value = "10000", value_parser = number::<usize>(1..=u64::MAX, "a number from 1"))]
    pub total: usize,

    /// The same, per address (an IPv6 /64 counts as one); 0 means no limit
    #[arg(long = "max-per-ip", value_name = "N", env = "CHATD_MAX_PER_IP",
        default_value = "0", value_parser = number::<usize>(0..=u64::MAX, "a number from 0"))]
    pub per_ip: usize,
}

/// What one client may send.
#[derive(Debug, Clone, Copy, Default)]
pub struct LineLimits {
    /// The longest line, in bytes without its end.
    pub longest: usize,
    /// Cost per second; 0 means no limit.
    pub rate: u64,
}

/// What one client may leave unread of what all read, as a cost: a line costs its bytes and 80.
#[derive(clap::Args, Debug, Clone, Copy)]
pub struct BacklogLimits {
    /// What a client may leave unread, from 1MiB
    #[arg(long = "max-backlog", value_name = "SIZE", env = "CHATD_MAX_BACKLOG",
        default_value = "16MiB", value_parser = size(MIB..=u64::MAX, "a size from 1MiB (B, KiB, MiB, GiB)"))]
    pub most: u64,

    /// How long the others wait for a client that reads too slowly, from 100ms
    #[arg(long, value_name = "DURATION", env = "CHATD_PATIENCE", default_value = "10s",
        value_parser = duration(Duration::from_millis(100), "a duration from 100ms, such as 10s (ms, s, m, h, d)"))]
    pub patience: Duration,
}

/// How long a connection may be silent or deaf.
#[derive(clap::Args, Debug, Clone, Copy)]
pub struct SilenceLimits {
    /// Disconnect a client that has sent no byte for so long, from 1s [default: off]
    #[arg(long = "idle-timeout", value_name = "DURATION", env = "CHATD_IDLE_TIMEOUT",
        value_parser = duration(Duration::from_secs(1), "a duration from 1s, such as 10m (ms, s, m, h, d)"))]
    pub idle: Option<Duration>,

    /// For tests: give up a host that answers no probe for so long while nothing is pending for it
    #[arg(long, hide = true, default_value = "2m",
        value_parser = duration(Duration::from_secs(1), "a duration from 1s"))]
    pub keepalive: Duration,

    /// For tests: give up a client that takes none of what is pending for it for so long
    #[arg(long, hide = true, default_value = "5m",
        value_parser = duration(Duration::from_secs(1), "a duration from 1s"))]
    pub user_timeout: Duration,
}

//! chatd: a chat server that people join with `nc` or `telnet`.
//!
//! A line's way through it:
//!
//! | what happens | where |
//! | --- | --- |
//! | what the user wants, in which units, at what time | [`config`], `file`, `units`, [`clock`] |
//! | the life of the process; who is accepted, turned away, told to stop | [`server`], `foundation`, `ports`, `listener`, `accept`, `seats`, [`address`], `shutdown`, `reload`, `supervisor`, `shared` |
//! | **a line enters**: a client's thread waits, reads, and makes lines and commands of bytes; its socket, which the broadcaster writes to | `client` |
//! | how its bytes are encrypted, if they are | `tls`, by way of `client/carrier` |
//! | who comes by a Unix socket, and sockets that systemd hands down | `service`, by way of `listener` and `client/carrier` |
//! | which passwords are right, and what wrong ones cost | `passwords` |
//! | the words between the threads | [`event`], [`command`], [`text`], [`name`], [`wire`] |
//! | what is kept of accounts and bans, how it changes, and what operators want | `change`, `order` |
//! | it passes no faster than it may | `channel`, [`pressure`], `counted` |
//! | the one thread with all state takes it | [`broadcaster`] |
//! | what it means: it is asked, becomes a fact, and is applied | `chat` |
//! | **where it waits**, once for everybody, and **leaves** for each | `delivery` |
//! | what is kept of it on disk, and found again | `data`, by way of `chat/archive` and `client/errand` |
//! | what is said of it on stderr | `logging` |
//! | what systemd is told; the manual page and completions | `service` |

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::unchecked_time_subtraction))]

mod accept;
pub mod address;
pub mod broadcaster;
#[cfg(feature = "data")]
pub mod change;
mod channel;
mod chat;
mod client;
pub mod clock;
pub mod command;
pub mod config;
mod counted;
#[cfg(feature = "data")]
mod data;
mod delivery;
pub mod event;
#[cfg(feature = "fault-injection")]
mod faults;
mod file;
#[cfg(feature = "data")]
mod foundation;
mod listener;
mod logging;
pub mod name;
#[cfg(feature = "data")]
pub mod order;
#[cfg(feature = "data")]
pub mod passwords;
mod ports;
pub mod pressure;
mod reload;
mod seats;
pub mod server;
#[cfg(feature = "service")]
pub mod service;
mod shared;
mod shutdown;
mod supervisor;
pub mod text;
#[cfg(feature = "tls")]
mod tls;
mod units;
pub mod wire;

#[cfg(feature = "data")]
pub use chat::club::{Membership, Policy};
pub use chat::{archive, commands};
#[cfg(feature = "tls")]
pub use client::carrier;
pub use client::{cutter, telnet};
#[cfg(feature = "data")]
pub use data::command_line::{ban, erase, print_log, user};
#[cfg(feature = "tls")]
pub use tls::{Tls, TlsCarrier, certificate::write_new as make_certificate};

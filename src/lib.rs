//! chatd: a chat server that people join with `nc` or `telnet`.
//!
//! A line's way through it:
//!
//! | what happens | where |
//! | --- | --- |
//! | what the user wants, in which units, at what time | [`config`], `file`, `units`, [`clock`] |
//! | the life of the process; who is accepted, turned away, told to stop | [`server`], `ports`, `listener`, `accept`, `seats`, [`address`], `shutdown`, `reload`, `supervisor`, `shared` |
//! | **a line enters**: a client's thread waits, reads, and makes lines and commands of bytes; its socket, which the broadcaster writes to | `client` |
//! | how its bytes are encrypted, if they are | `tls`, by way of `client/carrier` |
//! | who comes by a Unix socket, and sockets that systemd hands down | `service`, by way of `listener` and `client/carrier` |
//! | the words between the threads | [`event`], [`command`], [`text`], [`name`], [`wire`] |
//! | it passes no faster than it may | `channel`, [`pressure`], `counted` |
//! | the one thread with all state takes it | [`broadcaster`] |
//! | what it means: it is asked, becomes a fact, and is applied | `chat` |
//! | **where it waits**, once for everybody, and **leaves** for each | `delivery` |
//! | what is said of it on stderr | `logging` |
//! | what systemd is told; the manual page and completions | `service` |

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::unchecked_time_subtraction))]

mod accept;
pub mod address;
pub mod broadcaster;
mod channel;
mod chat;
mod client;
pub mod clock;
pub mod command;
pub mod config;
mod counted;
mod delivery;
pub mod event;
#[cfg(feature = "fault-injection")]
mod faults;
mod file;
mod listener;
mod logging;
pub mod name;
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

pub use chat::commands;
#[cfg(feature = "tls")]
pub use client::carrier;
pub use client::{cutter, telnet};
#[cfg(feature = "tls")]
pub use tls::{Tls, TlsCarrier, certificate::write_new as make_certificate};

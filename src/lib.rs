//! chatd: a chat server that people join with `nc` or `telnet`.
//!
//! A line's way through it:
//!
//! | where | place |
//! | --- | --- |
//! | what the user wants, in which units, at what time | [`config`], [`units`], [`clock`] |
//! | a client is accepted, if there is a seat for it | [`server`], `seats`, `rejection` |
//! | its thread reads its bytes, no faster than its rate, and makes lines of them | `client` |
//! | lines become events, and commands are understood | [`event`], [`text`], [`command`] |
//! | the one thread with all state takes them | [`broadcaster`] |
//! | what they mean | `chat` |
//! | where they wait, once for everybody, and leave for each | `delivery`, over a [`wire`] |
//! | what is said of it on stderr, and how it ends | `logging`, `shutdown` |

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::unchecked_time_subtraction))]

pub mod broadcaster;
mod channel;
mod chat;
mod client;
pub mod clock;
pub mod command;
pub mod config;
mod delivery;
pub mod event;
#[cfg(feature = "fault-injection")]
mod faults;
mod listener;
mod logging;
mod name;
pub mod pressure;
mod rejection;
mod seats;
pub mod server;
mod shutdown;
pub mod text;
pub mod units;
pub mod wire;

pub use chat::commands;
pub use client::{codec, lines, telnet};

//! chatd: a chat server that people join with `nc` or `telnet`.
//!
//! A line's way through it, file by file:
//!
//! | where | file |
//! | --- | --- |
//! | a client is accepted | [`server`] |
//! | its thread reads its bytes | [`session`], from its [`connection`] |
//! | they become lines | [`telnet`], [`line`](mod@line), [`text`], [`command`] |
//! | lines become events | [`event`] |
//! | the one thread with all state takes them | [`broadcaster`] |
//! | what they mean in the chat | [`room`], [`answers`] |
//! | where they wait, once for everybody | [`shared_log`] |
//! | where they leave, for each reader | [`delivery`], [`reader`], [`outbox`], over a [`wire`] |

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::unchecked_time_subtraction))]

pub mod answers;
pub mod broadcaster;
pub mod clock;
pub mod command;
pub mod config;
pub mod connection;
pub mod delivery;
pub mod event;
#[cfg(feature = "fault-injection")]
pub mod faults;
pub mod filter;
pub mod gathering;
pub mod history;
pub mod line;
pub mod log_lines;
pub mod logging;
pub mod names;
pub mod outbox;
pub mod pace;
pub mod rate;
pub mod reader;
pub mod rejection;
pub mod room;
pub mod seats;
pub mod server;
pub mod session;
pub mod shared_log;
pub mod signals;
pub mod telnet;
pub mod text;
pub mod units;
pub mod wire;

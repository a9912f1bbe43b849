//! chatd: a chat server that people join with `nc` or `telnet`.
//!
//! A line's way through it, file by file:
//!
//! | where | file |
//! | --- | --- |
//! | what the user wants, and in which [`units`] | [`config`] |
//! | a client is accepted, if there is a seat for it | [`server`], [`seats`], [`rejection`] |
//! | its thread reads its bytes, no faster than its rate | [`session`], [`connection`], [`rate`] |
//! | they become lines | [`telnet`], [`line`](mod@line), [`text`], [`command`] |
//! | lines become events | [`event`] |
//! | the one thread with all state takes them | [`broadcaster`], at a time of the [`clock`] |
//! | what they mean in the chat | [`room`], [`answers`], [`names`], [`gathering`], [`history`] |
//! | where they wait, once for everybody | [`shared_log`] |
//! | where they leave, for each reader | [`delivery`], [`reader`], [`outbox`], over a [`wire`] |
//! | what a reader does not want, and whether it keeps up | [`filter`], [`pace`] |
//! | what is said of it on stderr, and how it ends | [`logging`], [`log_lines`], [`signals`] |

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

//! The behaviour tests of `tests/program` in which most can go wrong on the way to a socket and from
//! it, and those of accounts, whose passwords are taken there without TLS, with clients that come by
//! a Unix socket: the same code with another transport.
//!
//! In these files a test that stays out says why (`only_in_plain`).
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "../program/kit/mod.rs"]
#[allow(dead_code, unused_imports)]
mod kit;

/// How the clients of these tests talk to the server.
const TRANSPORT: kit::Transport = kit::Transport::Unix;

#[path = "../program/accounts/mod.rs"]
mod accounts;
#[path = "../program/commands.rs"]
mod commands;
#[path = "../program/endings.rs"]
mod endings;
#[path = "../program/lines.rs"]
mod lines;
#[path = "../program/order.rs"]
mod order;
#[path = "../program/rate.rs"]
mod rate;
#[path = "../program/slow_readers.rs"]
mod slow_readers;

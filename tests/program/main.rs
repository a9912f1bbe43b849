//! What chatd does, seen from outside: the real binary, driven over TCP.
//!
//! Each test is named after the sentence of the specification that it holds.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod kit;

mod addresses;
mod bad_days;
mod bytes;
mod churn;
mod commands;
mod deaf_log;
mod endings;
mod flooder;
mod gluttons;
mod http;
mod ignoring;
mod lines;
mod logs;
mod lookalikes;
mod looking_around;
mod memory;
mod names;
mod notices;
mod options;
#[cfg(feature = "fault-injection")]
mod panics;
mod private_messages;
mod promises;
mod rate;
mod raw;
mod real_clients;
mod resets;
mod scarcity;
mod shape;
mod shutdown;
mod silence;
mod sipping;
mod stalled;
mod storms;
mod strangers;
mod telnet;
mod usage;
mod vanishing;
mod welcome;

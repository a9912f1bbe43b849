//! What chatd does, seen from outside: the real binary, driven over TCP.
//!
//! Each test is named after the sentence of the specification that it holds.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;
mod support_chat;

mod bad_days;
mod commands;
mod endings;
mod http;
mod ignoring;
mod lines;
mod logs;
mod looking_around;
mod memory;
mod names;
mod notices;
mod options;
mod private_messages;
mod promises;
mod rate;
mod raw;
mod real_clients;
mod shape;
mod shutdown;
mod telnet;
mod usage;
mod welcome;

//! The behaviour tests of `tests/program`, whose clients talk to the server over TLS: the same code
//! with another transport.
//!
//! These files of `tests/program` are not here:
//!
//! | file | why |
//! | --- | --- |
//! | `panics`, `scarcity`, `start`, `usage` | it makes no difference to them how clients talk |
//! | `real_clients` | those do not speak TLS; those that do are in `tls/` |
//! | `shape` | it looks at the TCP socket; what waiting TLS clients cost is in `tls/crowds` |
//! | `tls/` | it is about TLS already |
//!
//! In the other files a test that stays out says why (`only_in_plain`).
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "../program/kit/mod.rs"]
#[allow(dead_code, unused_imports)]
mod kit;

/// How the clients of these tests talk to the server.
const TRANSPORT: kit::Transport = kit::Transport::Tls;

#[path = "../program/accounts/mod.rs"]
mod accounts;
#[path = "../program/clean_up.rs"]
mod clean_up;
#[path = "../program/commands.rs"]
mod commands;
#[path = "../program/endings.rs"]
mod endings;
#[path = "../program/ignoring.rs"]
mod ignoring;
#[path = "../program/lines.rs"]
mod lines;
#[path = "../program/logs/mod.rs"]
mod logs;
#[path = "../program/looking_around.rs"]
mod looking_around;
#[path = "../program/memory/mod.rs"]
mod memory;
#[path = "../program/names.rs"]
mod names;
#[path = "../program/notices/mod.rs"]
mod notices;
#[path = "../program/options.rs"]
mod options;
#[path = "../program/order.rs"]
mod order;
#[path = "../program/private_messages.rs"]
mod private_messages;
#[path = "../program/rate.rs"]
mod rate;
#[path = "../program/raw.rs"]
mod raw;
#[path = "../program/resets.rs"]
mod resets;
#[path = "../program/seats.rs"]
mod seats;
#[path = "../program/shutdown/mod.rs"]
mod shutdown;
#[path = "../program/slow_readers.rs"]
mod slow_readers;
#[path = "../program/strangers.rs"]
mod strangers;
#[path = "../program/telnet.rs"]
mod telnet;
#[path = "../program/vanishing.rs"]
mod vanishing;
#[path = "../program/welcome.rs"]
mod welcome;

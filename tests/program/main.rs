//! What the program does and what it bears, seen from outside: the real binary, driven over TCP.
//!
//! Each test is named after the sentence of the specification that it holds, and stands in the file
//! of its topic, floods and faults included. The figures that depend on the machine (speed, shares
//! of the processor) are measured by `cargo bench --bench soak`. What can be said of a part alone
//! is tested in that part's file, and what hangs on the time, on the clock of `tests/model`.
//!
//! | topic, in the order of the specification | file |
//! | --- | --- |
//! | 1. P1: who reads slowly, or not at all | `slow_readers` |
//! | P2: memory: what waits, what is begun, crowds, who asks and does not read | `memory/` |
//! | P3: the order of lines | `order` |
//! | 2. threads, descriptors, options of sockets, what waiting costs | `shape` |
//! | hosts that vanish, connections that get stuck | `vanishing` |
//! | 3. what each option takes and refuses | `usage` |
//! | what it does (where that is no topic of its own) | `options` |
//! | a start that fails | `start` |
//! | `--max-clients`, `--max-per-ip`, `--allow`, and who is turned away | `seats` |
//! | too few descriptors or threads | `scarcity` |
//! | what is logged; a log that nobody reads | `logs/` |
//! | signals, and the end | `shutdown/` |
//! | panics, with the feature `fault-injection` | `panics` |
//! | 4. how bytes become lines, `--max-line` | `lines` |
//! | telnet | `telnet` |
//! | what lines are cleaned of, forged lines (P4) | `clean_up` |
//! | `--rate`, floods | `rate` |
//! | browsers, TLS, scanners | `strangers` |
//! | the MOTD, the history and the welcome | `welcome` |
//! | joins, departures and renames as the others read them; storms of them | `notices/` |
//! | how a connection ends, `--idle-timeout` | `endings` |
//! | resets | `resets` |
//! | names | `names` |
//! | what is a command; `/me`, `/away`, `/quiet`, `/quit` | `commands` |
//! | commands that tell something: `/who`, `/history`, `/time` and so on | `looking_around` |
//! | `/msg`, `/reply` | `private_messages` |
//! | `/ignore` | `ignoring` |
//! | 5. raw mode | `raw` |
//! | 6. encryption | `tls/`, `without_tls` |
//! | 8. systemd, socket activation, the manual, completions, Unix sockets, ssh | `service/` |
//! | 7. accounts, members only, the room's password, operators | `accounts/` |
//! | 7. what is kept | `kept/` |
//! | accounts and bans at the command line | `command_line/` |
//! | `nc`, `telnet`, `socat` and the like, whatever they do | `real_clients` |
//!
//! What several topics need is in `kit`. A test for which something is missing on this machine
//! calls [`kit::skip`], which makes it fail where all must run (`CI=true`).
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod kit;

/// How the clients of these tests talk to the server.
const TRANSPORT: kit::Transport = kit::Transport::Plain;

mod accounts;
mod clean_up;
#[cfg(feature = "data")]
mod command_line;
mod commands;
mod endings;
mod ignoring;
#[cfg(feature = "data")]
mod kept;
mod lines;
mod logs;
mod looking_around;
mod memory;
mod names;
mod notices;
mod options;
mod order;
#[cfg(feature = "fault-injection")]
mod panics;
mod private_messages;
mod rate;
mod raw;
mod real_clients;
mod resets;
mod scarcity;
mod seats;
#[cfg(feature = "service")]
mod service;
mod shape;
mod shutdown;
mod slow_readers;
mod start;
mod strangers;
mod telnet;
#[cfg(feature = "tls")]
mod tls;
mod usage;
mod vanishing;
mod welcome;
#[cfg(not(feature = "tls"))]
mod without_tls;

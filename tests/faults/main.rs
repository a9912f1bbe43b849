//! What chatd does when everything goes wrong: faults, floods and hostile clients.
//!
//! Each module is one kind of trouble, and each test is named after what must hold under it. The
//! figures that depend on the machine (speed, shares of the processor, memory to the kilobyte) are
//! measured by `cargo bench --bench soak`; here it is checked what arrives.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

/// The harness is that of the behaviour tests. What these tests do not use of it, those do.
#[allow(dead_code, unused_imports)]
#[path = "../behaviour"]
mod behaviour {
    pub mod support;
    pub mod support_chat;
}
use behaviour::{support, support_chat};

mod kit;
mod netcat;

mod addresses;
mod bytes;
mod churn;
mod deaf_log;
mod flooder;
mod gluttons;
mod lookalikes;
#[cfg(feature = "fault-injection")]
mod panics;
mod resets;
mod scarcity;
mod shutdown;
mod silence;
mod sipping;
mod stalled;
mod storms;
mod strangers;
mod vanishing;

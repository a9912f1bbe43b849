//! The command grammar: whatever a client types, a private message stays private.
//!
//! From the top of the project, with `cargo install cargo-fuzz` and a nightly toolchain:
//!
//! ```sh
//! cargo +nightly fuzz run --fuzz-dir tests/fuzz command -- -max_total_time=620 -max_len=200
//! ```

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../model/bytes.rs"]
mod bytes;
#[path = "../../model/grammar.rs"]
mod grammar;
#[path = "../../model/harm.rs"]
mod harm;

fuzz_target!(|input: &[u8]| grammar::check(input));

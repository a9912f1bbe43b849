//! The pump of a TLS client: random ciphertext, splits, stalls and ends on both sides, against what
//! a plain connection would have given.
//!
//! Two bytes of input are one operation, so 300 of them are 150.
//!
//! From the top of the project, with `cargo install cargo-fuzz` and a nightly toolchain:
//!
//! ```sh
//! cargo +nightly fuzz run --fuzz-dir tests/fuzz pump -- -max_total_time=620 -max_len=300
//! ```

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../model/bytes.rs"]
mod bytes;
#[path = "../../model/pump/mod.rs"]
mod pump;

fuzz_target!(|input: &[u8]| pump::check(input));

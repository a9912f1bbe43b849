//! The line cutter with telnet before it and clean-up behind it.
//!
//! From the top of the project, with `cargo install cargo-fuzz` and a nightly toolchain:
//!
//! ```sh
//! cargo +nightly fuzz run --fuzz-dir tests/fuzz line_cutter -- -max_total_time=620 -max_len=2000
//! ```

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../model/bytes.rs"]
mod bytes;
#[path = "../../model/harm.rs"]
mod harm;
#[path = "../../model/line_cutter.rs"]
mod line_cutter;

fuzz_target!(|input: &[u8]| line_cutter::check(input));

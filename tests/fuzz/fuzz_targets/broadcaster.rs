//! The broadcaster as a state machine, against a model that says what each client must have read.
//!
//! Five bytes of input are one operation, so 1,500 of them are 300.
//!
//! From the top of the project, with `cargo install cargo-fuzz` and a nightly toolchain:
//!
//! ```sh
//! cargo +nightly fuzz run --fuzz-dir tests/fuzz broadcaster -- \
//!     -max_total_time=620 -max_len=1500 -len_control=0
//! ```

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../model/broadcaster/mod.rs"]
mod broadcaster;
#[path = "../../model/bytes.rs"]
mod bytes;

fuzz_target!(|input: &[u8]| broadcaster::check(input));

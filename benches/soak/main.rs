//! The soak of chatd: everything that `tests/faults` does to it, for minutes and all at once, and
//! the figures that depend on the machine.
//!
//! `cargo bench --bench soak` takes about 13 minutes, `-- --quick` about two, and `-- --minutes N`
//! lets the part in which everything happens at once last for so long. It speaks over loopback
//! only, ends the servers that it starts however it ends, and prints one table.
//!
//! | file | idea |
//! | --- | --- |
//! | `args` | what was asked for |
//! | `server` | a chatd of the bench's own, and what it uses of the machine |
//! | `client` | one connection to it |
//! | `people` | people who chat, and the check that nothing of it is lost, doubled or disordered |
//! | `trouble` | everybody else |
//! | `figures` | one figure at a time, while nothing else happens |
//! | `together` | all of it at once |
//! | `sheet` | figure, bound, and whether it holds |

// A benchmark stops at what it did not expect, and nothing links against it.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

/// What the benchmark `fanout` has too, which uses more of it.
#[allow(dead_code)]
#[path = "../fanout"]
mod fanout {
    pub mod child;
    pub mod histogram;
    pub mod readings;
}

mod args;
mod client;
mod figures;
mod people;
mod server;
mod sheet;
mod together;
mod trouble;

use std::process::ExitCode;

use args::Args;
use sheet::Sheet;

fn main() -> ExitCode {
    // `cargo test --all-targets` runs benchmarks too, without this flag; it wants to know that they
    // start, and no figures.
    if !std::env::args().any(|word| word == "--bench") {
        eprintln!("this is measured by: cargo bench --bench soak");
        return ExitCode::SUCCESS;
    }
    let args = Args::read();
    fanout::child::end_all_on_signals().expect("signals can be handled");
    server::raise_open_files();
    println!("{}\n", fanout::readings::machine());

    let mut sheet = Sheet::default();
    figures::processor_of_stalled_clients(300, 2.0, &args, &mut sheet);
    figures::processor_of_stalled_clients(10_000, 10.0, &args, &mut sheet);
    figures::memory_of_silent_clients(&mut sheet);
    figures::what_stays_of_connections(&args, &mut sheet);
    figures::delay_beside_a_flooder(&args, &mut sheet);
    together::everything(&args, &mut sheet);
    print!("{sheet}");
    if sheet.all_hold() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

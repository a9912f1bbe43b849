//! The soak of chatd: everything that `tests/program` does to it, for minutes and all at once, and
//! the figures that depend on the machine.
//!
//! `cargo bench --bench soak` takes about 30 minutes, `-- --quick` about eleven, and `-- --minutes N`
//! lets the part in which everything happens at once last for so long. `-- --only NAME…` measures
//! these scenarios only, and `-- --chatd PATH` another build of the server. It speaks over loopback
//! only, ends the servers that it starts however it ends, and prints one table.
//!
//! | file | idea |
//! | --- | --- |
//! | `args` | what was asked for |
//! | `server` | a chatd of the bench's own, and what it uses of the machine |
//! | `client` | one connection to it |
//! | `people` | people who chat, and the check that nothing of it is lost, doubled or disordered |
//! | `trouble` | everybody else |
//! | `load` | any number of clients on one thread: flooders, and who reads slowly or not at all |
//! | `pair` | two people who chat, and how long their lines take |
//! | `scenario` | all scenarios, by name |
//! | `findings` | the figures that several scenarios have |
//! | `slow_readers` | people who chat beside flooders and a slow reader |
//! | `crowds` | people who chat beside hundreds of flooders or readers |
//! | `remains` | what clients cost after they have done something odd |
//! | `figures` | one figure at a time, while nothing else happens |
//! | `accounts/` | people with accounts, and those who try to come in without |
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

#[cfg(feature = "data")]
mod accounts;
mod args;
mod client;
mod crowds;
mod figures;
mod findings;
mod load;
mod pair;
mod people;
mod remains;
mod scenario;
mod server;
mod sheet;
mod slow_readers;
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
    for scenario in scenario::all() {
        if args.want(scenario.name) {
            (scenario.measure)(&args, &mut sheet);
        }
    }
    print!("{sheet}");
    if sheet.all_hold() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

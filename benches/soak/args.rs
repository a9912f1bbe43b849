//! What was asked for on the command line.

use std::time::Duration;

use clap::Parser;

/// Does everything to chatd that its promises are about, and measures what comes of it.
#[derive(Parser)]
#[command(name = "cargo bench --bench soak --")]
pub struct Args {
    /// One minute of everything at once, and shorter figures
    #[arg(long)]
    quick: bool,

    /// For how many minutes everything happens at once [default: 10, with --quick 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=600))]
    minutes: Option<u64>,

    /// Cargo says so to each benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

impl Args {
    /// Reads the command line; one that is wrong ends the process with the usage.
    pub fn read() -> Self {
        Self::parse()
    }

    /// For how long everything happens at once.
    pub fn soak(&self) -> Duration {
        Duration::from_secs(60 * self.minutes.unwrap_or(if self.quick { 1 } else { 10 }))
    }

    /// For how long one figure is measured.
    pub fn measuring(&self) -> Duration {
        Duration::from_secs(if self.quick { 5 } else { 15 })
    }

    /// How many connections come and go.
    pub fn connections(&self) -> usize {
        if self.quick { 10_000 } else { 50_000 }
    }
}

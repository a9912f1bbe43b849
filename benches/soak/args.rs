//! What was asked for on the command line.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;
use clap::builder::PossibleValuesParser;

use crate::scenario;

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

    /// Measure these only
    #[arg(long, value_name = "NAME", num_args = 1.., value_parser = PossibleValuesParser::new(scenario::names()))]
    only: Vec<String>,

    /// Measure another build of the server than the one that cargo made
    #[arg(long, value_name = "PATH", default_value = env!("CARGO_BIN_EXE_chatd"), hide_default_value = true)]
    chatd: PathBuf,

    /// Cargo says so to each benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

impl Args {
    /// Reads the command line; one that is wrong ends the process with the usage.
    pub fn read() -> Self {
        Self::parse()
    }

    /// The program that is measured.
    pub fn chatd(&self) -> &Path {
        &self.chatd
    }

    /// Whether the scenario of this name is to be measured.
    pub fn want(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }

    /// Whether little time is to be taken.
    pub fn is_quick(&self) -> bool {
        self.quick
    }

    /// For how long everything happens at once.
    pub fn soak(&self) -> Duration {
        Duration::from_secs(60 * self.minutes.unwrap_or(if self.quick { 1 } else { 10 }))
    }

    /// For how long one figure is measured.
    pub fn measuring(&self) -> Duration {
        Duration::from_secs(if self.quick { 5 } else { 15 })
    }

    /// For how long people chat beside those who make it hard: longer than the patience of the
    /// server.
    pub fn chatting(&self) -> Duration {
        Duration::from_secs(if self.quick { 15 } else { 30 })
    }

    /// How many connections come and go.
    pub fn connections(&self) -> usize {
        if self.quick { 10_000 } else { 50_000 }
    }
}

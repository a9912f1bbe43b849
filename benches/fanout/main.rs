//! The benchmark of chatd: how fast it passes lines on, beside other servers on the same machine in
//! the same run.
//!
//! `cargo bench --bench fanout` measures every scenario and prints one table; `-- --quick` ends
//! within a minute, and `-- --help` lists what else there is. The parts, in the order in which a
//! run passes through them:
//!
//! | file | idea |
//! | --- | --- |
//! | `args` | what was asked for |
//! | `contender` | the servers that are measured, and how each is started |
//! | `child` | a started process and its folder, which never outlast the benchmark |
//! | `baseline`, `floor` | the two servers that are built in |
//! | `wire` | what a client of each server says and reads |
//! | `lines` | the lines that are sent, and how what arrives is checked |
//! | `swarm` | the load generator: any number of clients on one epoll thread |
//! | `link`, `tls`, `records` | one client's connection; encrypted, and how that is counted |
//! | `database` | what chatd keeps, as another program sees it |
//! | `scenario/*` | one file per scenario |
//! | `readings`, `histogram` | what is read off the machine, and how delays are gathered |
//! | `sheet`, `table`, `targets`, `picture` | the figures, and the three ways in which they are shown |

// A benchmark stops at what it did not expect, and nothing links against it.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod args;
mod baseline;
mod child;
mod contender;
#[cfg_attr(not(feature = "data"), path = "without_data.rs")]
mod database;
mod floor;
mod histogram;
mod lines;
mod link;
mod picture;
mod pin;
mod readings;
mod records;
mod scenario;
mod sheet;
mod swarm;
mod table;
mod targets;
#[cfg_attr(not(feature = "tls"), path = "without_tls.rs")]
mod tls;
mod wire;

use std::io;
use std::process::ExitCode;
use std::time::Instant;

use args::Args;
use contender::Contender;
use sheet::Sheet;

fn main() -> ExitCode {
    // `cargo test --all-targets` runs benchmarks too, without this flag; it wants to know that they
    // start, and no figures.
    let words: Vec<String> = std::env::args().collect();
    if let [_, serve, which] = &words[..]
        && serve == contender::SERVE
    {
        return contender::serve(which);
    }
    if !words.iter().any(|word| word == "--bench") {
        eprintln!("this is measured by: cargo bench --bench fanout");
        return ExitCode::SUCCESS;
    }
    match measure(&Args::read()) {
        Ok(Verdict::Sound) => ExitCode::SUCCESS,
        Ok(Verdict::ChatdFailed) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("fanout: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether chatd did in every run what was asked of it, however fast.
enum Verdict {
    Sound,
    ChatdFailed,
}

/// Runs what was asked for and prints what came out.
fn measure(args: &Args) -> io::Result<Verdict> {
    child::end_all_on_signals()?;
    swarm::raise_open_files()?;
    let begin = Instant::now();
    let contenders = args.contenders();
    let mut sheet = Sheet::default();
    let mut verdict = Verdict::Sound;
    println!("{}\n", readings::machine());

    for scenario in args.scenarios() {
        // One run of each server after the other, and then again: what else goes on here then
        // troubles all alike.
        for run in 1..=args.runs() {
            for &contender in contenders
                .iter()
                .filter(|&&contender| scenario.suits(contender, args.effort()))
            {
                if args.time_is_up(begin) {
                    sheet.note(format!(
                        "{scenario}, {contender}, run {run}: left out, the time was up"
                    ));
                    continue;
                }
                eprintln!(
                    "{:6.1} s  {scenario}, {contender}, run {run}",
                    begin.elapsed().as_secs_f64()
                );
                match scenario.run(contender, args.effort()) {
                    Ok(measures) => sheet.record(&scenario, contender, &measures),
                    Err(error) => {
                        eprintln!("          failed: {error}");
                        sheet.note(format!("{scenario}, {contender}, run {run}: {error}"));
                        if matches!(contender, Contender::Chatd | Contender::Keeping) {
                            verdict = Verdict::ChatdFailed;
                        }
                    }
                }
            }
        }
    }

    print!("{}", table::render(&sheet, &contenders));
    print!("{}", targets::render(&sheet));
    if args.draws() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/fanout.svg");
        if picture::draw(&sheet, &contenders, path)? {
            println!("\nThe picture is in benches/fanout.svg.");
        }
    }
    Ok(verdict)
}

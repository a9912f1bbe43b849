//! What is told to whoever used a subcommand wrongly: all that it takes.

use crate::config::Config;
use clap::error::{ContextKind, ErrorKind};
use clap::{Arg, Command, CommandFactory};

/// What a subcommand takes that was used wrongly: `chatd user add <NAME> [--op] --data <DIR>`; where
/// there is no such subcommand, which there are. Nothing where that was told already, as of what an
/// option takes, or where chatd was to serve.
pub fn usage_of_task(error: &clap::Error) -> Option<String> {
    let usage = error.get(ContextKind::Usage)?.to_string();
    let mut chatd = Config::command();
    chatd.build();
    let mut tasks = Vec::new();
    // Behind `Usage:` and what chatd is called by.
    for word in usage.split_whitespace().skip(2) {
        let caller = tasks.last().copied().unwrap_or(&chatd);
        tasks.extend(caller.find_subcommand(word));
    }
    let is_unknown = error.kind() == ErrorKind::InvalidSubcommand;
    let task = tasks.last().copied().or(is_unknown.then_some(&chatd));
    task.map(spell_out)
}

/// Of a subcommand with others it is these, and what all of them take.
fn spell_out(task: &Command) -> String {
    let mut words = vec![task.get_bin_name().unwrap_or(task.get_name()).to_owned()];
    let others = task.get_subcommands();
    let others = others.filter(|other| other.get_name() != "help");
    let others = others.collect::<Vec<_>>();
    if !others.is_empty() {
        let names = others.iter().map(|other| other.get_name());
        words.push(names.collect::<Vec<_>>().join("|"));
        words.push("...".to_owned());
    }
    let takes = |task: &Command, wanted: &Arg| task.get_arguments().any(|arg| arg == wanted);
    let shown = others.first().unwrap_or(&task).get_arguments();
    let shown = shown.filter(|arg| others.iter().all(|other| takes(other, arg)));
    for arg in shown.filter(|arg| arg.get_id() != "help") {
        let is_required = arg.is_required_set();
        let (open, close) = if is_required { ("", "") } else { ("[", "]") };
        words.push(format!("{open}{arg}{close}"));
    }
    words.join(" ")
}

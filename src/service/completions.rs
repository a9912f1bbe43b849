//! Completions of the command line, for shells.

use crate::config::Config;
use clap::{Arg, Command, CommandFactory, ValueHint};
use clap_complete::{Shell, generate};

/// A script for the shell, which completes options, their values and subcommands.
pub fn completions(shell: Shell) -> String {
    let mut script = Vec::new();
    generate(
        shell,
        &mut completed(&Config::command()),
        "chatd",
        &mut script,
    );
    String::from_utf8_lossy(&script).into_owned()
}

/// The command line as it is to be completed.
fn completed(command: &Command) -> Command {
    // Those for tests would be completed too.
    let options = command
        .get_arguments()
        .filter(|option| !option.is_hide_set());
    // bash would offer `--help` in place of a subcommand's file.
    let tasks = command
        .get_subcommands()
        .cloned()
        .map(|task| task.disable_help_flag(true));
    let completed = Command::new("chatd").version(env!("CARGO_PKG_VERSION"));
    completed
        .args(options.cloned().map(hinted))
        .subcommands(tasks)
}

/// Files where files are, which bash would offer everywhere.
fn hinted(option: Arg) -> Arg {
    match option.get_value_hint() {
        ValueHint::AnyPath => option.value_hint(ValueHint::FilePath),
        ValueHint::Unknown if option.get_action().takes_values() => {
            option.value_hint(ValueHint::Other)
        }
        _ => option,
    }
}

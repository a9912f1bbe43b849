//! The manual page. Its text is in `manual.roff`, as man(7) has it; the options and subcommands in
//! it are those of the command line.

use crate::config::Config;
use clap::{Arg, ArgAction, Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

/// The page, with a comment in each place where something is to be filled in.
const PAGE: &str = include_str!("manual.roff");

/// The page, in roff.
pub fn manual() -> String {
    // There is no page for each subcommand, and none for `help`.
    let mut command = without_help(Config::command());
    command.build();
    let (mut calls, mut tasks, mut options) = (Roff::new(), Roff::new(), Roff::new());
    for task in command.get_subcommands().flat_map(done_by) {
        calls.control("br", []).text(call(task));
        let about = task.get_long_about().or(task.get_about());
        let about = about.map(ToString::to_string).unwrap_or_default();
        tasks
            .control("TP", [])
            .text(call(task))
            .text([roman(about)]);
    }
    let shown = command
        .get_arguments()
        .filter(|option| !option.is_hide_set());
    for option in shown {
        options
            .control("TP", [])
            .text(names(option))
            .text([roman(help(option))]);
    }
    // Into memory nothing fails to be written.
    let mut title = Vec::new();
    // An empty date would be left out, and what follows would take its place.
    let _ = Man::new(command.clone()).date(" ").render_title(&mut title);
    PAGE.replace(".\\\" title\n", &String::from_utf8_lossy(&title))
        .replace(".\\\" commands, each on a line\n", &calls.render())
        .replace(".\\\" options\n", &options.render())
        .replace(".\\\" commands\n", &tasks.render())
}

fn without_help(command: Command) -> Command {
    command
        .disable_help_subcommand(true)
        .mut_subcommands(without_help)
}

/// What a subcommand does: each of its own, if it has any.
fn done_by(task: &Command) -> Vec<&Command> {
    if task.has_subcommands() {
        task.get_subcommands().flat_map(done_by).collect()
    } else {
        vec![task]
    }
}

/// How a subcommand is called: `chatd user add NAME [--op] --data DIR`.
fn call(task: &Command) -> Vec<Inline> {
    let name = task.get_bin_name().unwrap_or(task.get_name());
    let mut words = vec![bold(name)];
    for value in task.get_positionals().flat_map(value_names) {
        words.extend([roman(" "), italic(value)]);
    }
    let is_option = |argument: &&Arg| !argument.is_positional() && argument.get_id() != "help";
    for option in task.get_arguments().filter(is_option) {
        let is_required = option.is_required_set();
        let (open, close) = if is_required { (" ", "") } else { (" [", "]") };
        words.push(roman(open));
        words.extend(names(option));
        words.push(roman(close));
    }
    words
}

/// An option as it is typed: `-p, --port PORT`.
fn names(option: &Arg) -> Vec<Inline> {
    let short = option.get_short().map(|short| format!("-{short}"));
    let long = option.get_long().map(|long| format!("--{long}"));
    let names: Vec<_> = short.into_iter().chain(long).collect();
    let mut words = vec![bold(names.join(", "))];
    if option.get_action().takes_values() {
        words.extend(value_names(option).flat_map(|value| [roman(" "), italic(value)]));
    }
    words
}

/// What its help says, its default and its variable.
fn help(option: &Arg) -> String {
    let mut text = option
        .get_help()
        .map(ToString::to_string)
        .unwrap_or_default();
    let default = match (option.get_action(), option.get_default_values()) {
        (ArgAction::SetTrue, _) => Some("off".to_owned()),
        (action, [default]) if action.takes_values() => Some(default.display().to_string()),
        (action, []) if action.takes_values() && !text.contains("[default: ") => {
            Some("none".to_owned())
        }
        _ => None,
    };
    let default = default.map(|default| format!(" [default: {default}]"));
    let variable = option.get_env();
    let variable = variable.map(|variable| format!(" [env: {}]", variable.display()));
    text.extend(default.into_iter().chain(variable));
    text
}

fn value_names(argument: &Arg) -> impl Iterator<Item = String> {
    let names = argument.get_value_names().unwrap_or_default();
    names.iter().map(ToString::to_string)
}

//! `chatd man`, and what becomes of what is printed.

use std::io::pipe;
use std::process::Stdio;

use crate::kit::{Server, are_installed, complaint, new_command, run_to_end};

/// What chatd prints when it is called so, with status 0 and nothing on stderr.
fn printed(args: &[&str]) -> String {
    let mut command = Server::command();
    command.args(args);
    let output = run_to_end(command);
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{output:?}"
    );
    String::from_utf8(output.stdout).unwrap()
}

/// The page without what roff needs.
fn page() -> String {
    printed(&["man"]).replace('\\', "")
}

/// The options that the help lists, as `--max-line`.
fn options() -> Vec<String> {
    let help = printed(&["--help"]);
    let lines = help.lines().map(str::trim_start);
    let entries = lines.filter(|line| line.starts_with('-'));
    let name = |line: &str| {
        let mut words = line.split([' ', '.']);
        words.find(|word| word.starts_with("--")).map(str::to_owned)
    };
    entries.filter_map(name).collect()
}

#[test]
fn the_manual_has_every_option_with_its_default_and_its_environment_variable() {
    let (page, options) = (page(), options());
    assert!(options.len() > 15, "{options:?}");
    for option in options {
        let end = format!("{option}fR");
        let entry = page.split(".TP\n").find(|entry| {
            let names = entry.lines().next().unwrap_or_default();
            names.starts_with("fB-") && names.contains(&end)
        });
        let entry = entry.unwrap_or_else(|| panic!("{option} is not in {page}"));
        if ["--verbose", "--quiet", "--help", "--version"].contains(&&*option) {
            continue;
        }
        let name = option.trim_start_matches('-').replace('-', "_");
        let variable = format!("[env: CHATD_{}]", name.to_uppercase());
        assert!(
            entry.contains(&variable) && entry.contains("[default: "),
            "{option}: {entry}"
        );
    }
}

#[test]
fn the_manual_has_every_subcommand() {
    let page = page();
    let mut tasks = vec!["man", "completions"];
    if cfg!(feature = "tls") {
        tasks.push("cert");
    }
    if cfg!(feature = "data") {
        tasks.extend(["log", "erase", "user add", "user list", "ban add"]);
    }
    for task in tasks {
        // In the synopsis, and with its own text.
        let call = format!("fBchatd {task}fR");
        assert!(page.matches(&call).count() >= 2, "{call}: {page}");
    }
}

#[test]
fn man_shows_the_manual_and_has_nothing_to_warn_of() {
    if !are_installed(&["man"]) {
        return;
    }
    let mut shell = new_command("sh");
    shell
        .args(["-c", "\"$0\" man | man --warnings -l -"])
        .arg(env!("CARGO_BIN_EXE_chatd"))
        .env("MANWIDTH", "80")
        .env("LC_ALL", "C");
    let output = run_to_end(shell);
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{output:?}"
    );
    for section in [
        "NAME",
        "SYNOPSIS",
        "DESCRIPTION",
        "OPTIONS",
        "COMMANDS",
        "ENVIRONMENT",
        "FILES",
        "SIGNALS",
        "EXIT STATUS",
        "EXAMPLES",
    ] {
        assert!(
            shown.lines().any(|line| line == section),
            "{section}: {shown}"
        );
    }
}

#[test]
fn a_closed_pipe_is_exit_0_and_no_panic() {
    for args in [
        &["man"][..],
        &["completions", "bash"],
        &["--help"],
        &["--version"],
    ] {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let mut command = Server::command();
        command.args(args).stdin(Stdio::null()).stdout(writer);
        let output = command.stderr(Stdio::piped()).output().unwrap();
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{args:?}: {output:?}"
        );
    }
}

#[test]
fn what_cannot_be_written_is_one_line_and_exit_1() {
    let mut command = Server::command_after("exec >/dev/full");
    command.arg("man");
    let line = complaint(command, 1);
    assert!(line.contains("No space left"), "{line}");
}

#[test]
fn what_the_environment_says_of_a_server_does_not_matter_to_a_subcommand() {
    let mut command = Server::command();
    command.arg("man").env("CHATD_PORT", "no port");
    let output = run_to_end(command);
    assert!(output.status.success(), "{output:?}");
}

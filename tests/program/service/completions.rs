//! `chatd completions SHELL`, and what they complete in a real bash.

use crate::kit::{Server, TempFile, are_installed, complaint, new_command, run_to_end};

/// Says how bash completes the last of the words behind `chatd`. Outside of a command line `compopt`
/// complains.
const ASK: &str = r#"
eval "$("$0" completions bash)"
function=$(complete -p chatd | sed 's/.*-F \([^ ]*\).*/\1/')
COMP_WORDS=(chatd "$@")
COMP_CWORD=$#
"$function" chatd "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}" 2>/dev/null
printf '%s\n' "${COMPREPLY[@]}"
"#;

/// How bash completes the last of these words. Nothing if there is no bash.
fn completed(words: &[&str]) -> Option<Vec<String>> {
    if !are_installed(&["bash", "sed"]) {
        return None;
    }
    let mut bash = new_command("bash");
    bash.args(["--norc", "-c", ASK, env!("CARGO_BIN_EXE_chatd")]);
    bash.args(words);
    let output = run_to_end(bash);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.stderr.is_empty(), "{words:?}: {text}");
    let lines = text.lines().filter(|line| !line.is_empty());
    Some(lines.map(str::to_owned).collect())
}

/// bash completes the last of these words so.
fn completes(words: &[&str], to: &[&str]) {
    if let Some(offered) = completed(words) {
        assert_eq!(offered, to, "{words:?}");
    }
}

#[test]
fn bash_completes_options() {
    let all = [
        "--max-clients",
        "--max-per-ip",
        "--max-line",
        "--max-backlog",
    ];
    completes(&["--max-"], &all);
    completes(&["--port", "0", "--max-l"], &["--max-line"]);
}

#[test]
fn bash_does_not_complete_options_for_tests() {
    completes(&["--keepa"], &[]);
    completes(&["--user-t"], &[]);
}

#[test]
fn bash_completes_subcommands() {
    completes(&["ma"], &["man"]);
    completes(&["comp"], &["completions"]);
}

#[cfg(feature = "data")]
#[test]
fn bash_completes_what_a_subcommand_does() {
    completes(&["user", "pass"], &["password"]);
    completes(&["ban", "add", "--f"], &["--for"]);
}

#[test]
fn bash_completes_the_shells_of_completions() {
    let all = ["bash", "elvish", "fish", "powershell", "zsh"];
    completes(&["completions", ""], &all);
    completes(&["completions", "z"], &["zsh"]);
}

#[test]
fn bash_completes_files_where_an_option_takes_a_file_and_nowhere_else() {
    let file = TempFile::with("");
    let path = file.path();
    let begun = &path[..path.len() - 1];
    let Some(offered) = completed(&["--motd", begun]) else {
        return;
    };
    assert!(offered.iter().any(|one| one == path), "{offered:?}");
    for option in ["--port", "--bind", "--max-line", "--patience"] {
        // As it was typed.
        completes(&[option, begun], &[begun]);
    }
}

#[cfg(feature = "tls")]
#[test]
fn bash_is_left_to_complete_the_file_of_cert() {
    // Where nothing is offered bash offers files (bash(1), `-o default`).
    completes(&["cert", ""], &[]);
    completes(&["cert", "chatd"], &[]);
}

#[test]
fn there_are_completions_for_every_shell_that_the_help_names() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let mut command = Server::command();
        command.args(["completions", shell]);
        let output = run_to_end(command);
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.status.success() && script.contains("max-backlog"),
            "{shell}: {script}"
        );
    }
}

#[test]
fn a_shell_that_is_unknown_or_missing_is_a_usage_error_that_says_what_it_takes() {
    let mut command = Server::command();
    command.args(["completions", "tcsh"]);
    let line = complaint(command, 2);
    assert!(line.contains("SHELL") && line.contains("zsh"), "{line}");
    let mut command = Server::command();
    command.arg("completions");
    let line = complaint(command, 2);
    assert!(line.contains("SHELL"), "{line}");
}

//! Section 3: what is wrong is a usage error that names it, and what the subcommand takes.

use crate::kit::{Server, complaint};

const LOG: &str = "chatd log --data <DIR> [--since <TIME>] [--until <TIME>] [--name <NAME>] \
                   [--search <TEXT>] [--json]";
const ERASE: &str = "chatd erase --data <DIR> --name <NAME> [--since <TIME>] [--until <TIME>]";
const USER: &str = "chatd user add|password|remove|op|deop|list ... --data <DIR>";
const ADD: &str = "chatd user add <NAME> [--op] --data <DIR>";
const BAN: &str = "chatd ban list|add|remove ... --data <DIR>";
const ADD_BAN: &str = "chatd ban add <WHAT> [--for <DURATION>] --data <DIR>";

/// Each of these command lines is refused in one line that names what is wrong, and what is taken.
fn are_refused(wrong: &[(&str, &str, &str)]) {
    for (args, what, takes) in wrong {
        let mut command = Server::command();
        command.args(args.split(' ')).env("CHATD_DATA", "");
        let line = complaint(command, 2);
        assert!(line.contains(what), "{args}: {line}");
        assert!(
            line.ends_with(&format!("; usage: {takes}")),
            "{args}: {line}"
        );
    }
}

#[test]
fn what_is_missing_is_a_usage_error_that_names_it_and_what_the_subcommand_takes() {
    are_refused(&[
        ("user", "requires a subcommand", USER),
        ("user add", "--data <DIR> <NAME>", ADD),
        ("user add --data d", "not provided: <NAME>", ADD),
        (
            "user list",
            "not provided: --data <DIR>",
            "chatd user list --data <DIR>",
        ),
        ("ban", "requires a subcommand", BAN),
        ("ban add --data d", "not provided: <WHAT>", ADD_BAN),
        ("log", "not provided: --data <DIR>", LOG),
        ("erase", "not provided: --data <DIR> --name <NAME>", ERASE),
        ("erase --data d", "not provided: --name <NAME>", ERASE),
    ]);
}

#[test]
fn what_is_doubled_is_a_usage_error_that_names_it_and_what_the_subcommand_takes() {
    are_refused(&[
        (
            "log --data a --data b",
            "'--data <DIR>' cannot be used multiple",
            LOG,
        ),
        (
            "log --data d --json --json",
            "'--json' cannot be used multiple",
            LOG,
        ),
        (
            "user add a --op --op --data d",
            "'--op' cannot be used multiple",
            ADD,
        ),
        ("user add a b --data d", "'b'", ADD),
        (
            "ban add a --for 1h --for 2h --data d",
            "'--for <DURATION>' cannot",
            ADD_BAN,
        ),
    ]);
}

#[test]
fn what_is_in_the_wrong_place_is_a_usage_error_that_names_it_and_what_the_subcommand_takes() {
    are_refused(&[
        ("user --data d list", "'--data'", USER),
        ("user --op add alice --data d", "'--op'", USER),
        ("user lists --data d", "'lists'", USER),
        ("ban --data d", "'--data'", BAN),
        ("ban alice 1h --data d", "'alice'", BAN),
        (
            "ban list --for 1h --data d",
            "'--for'",
            "chatd ban list --data <DIR>",
        ),
        ("--data d log", "not provided: --data <DIR>", LOG),
        ("log extra", "'extra'", LOG),
        ("erase alice --data d", "'alice'", ERASE),
    ]);
    let mut command = Server::command();
    command.arg("users");
    let line = complaint(command, 2);
    assert!(line.contains("'users'"), "{line}");
    assert!(line.contains("; usage: chatd "), "{line}");
    assert!(line.ends_with("log|erase|user|ban ..."), "{line}");
}

#[test]
fn a_bad_value_is_a_usage_error_that_names_its_option_and_what_that_takes() {
    for time in ["0s", "36501d", "99999999d", "1h30m", "1H", "for ever", ""] {
        let mut command = Server::command();
        command.args([
            "ban",
            "add",
            "alice",
            "--data",
            "d",
            &format!("--for={time}"),
        ]);
        let line = complaint(command, 2);
        let takes = "'--for <DURATION>': takes a duration from 1ms to 36500d, such as 1h";
        assert!(line.contains(takes), "{time}: {line}");
    }
}

#[cfg(feature = "tls")]
#[test]
fn a_certificate_takes_one_file() {
    are_refused(&[
        ("cert", "not provided: <FILE>", "chatd cert <FILE>"),
        ("cert a b", "'b'", "chatd cert <FILE>"),
    ]);
}

#[cfg(feature = "service")]
#[test]
fn the_manual_takes_nothing_and_completions_one_shell() {
    are_refused(&[
        ("man page", "'page'", "chatd man"),
        (
            "completions",
            "not provided: <SHELL>",
            "chatd completions <SHELL>",
        ),
        ("completions bash zsh", "'zsh'", "chatd completions <SHELL>"),
    ]);
}

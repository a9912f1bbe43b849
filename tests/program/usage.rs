//! Section 3: what each option takes, and what it refuses.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::kit::{Server, TempFile, complaint, run_to_end};

/// A file for `--motd` that is too long by one byte.
const MOTD_LIMIT: usize = 64 * 1024;

/// The options are a usage error whose line names `option` and, blanks aside, what it `takes`.
fn are_refused(args: &[&str], option: &str, takes: &str) {
    let mut command = Server::command();
    // For the case that it is not refused at all.
    command
        .env("CHATD_BIND", "127.0.0.1")
        .env("CHATD_PORT", "0")
        .args(args);
    let line = complaint(command, 2);
    assert!(line.contains(option), "{option} is not named: {line}");
    let bare = line.replace([' ', '\u{a0}'], "");
    assert!(bare.contains(takes), "{takes} is not said: {line}");
}

/// Each of `values` is refused for `option`.
fn refuses(option: &str, takes: &str, values: &[&str]) {
    for value in values {
        are_refused(&[&format!("{option}={value}")], option, takes);
    }
}

/// chatd starts with these options.
fn are_accepted(args: &[&str]) {
    Server::start(args).welcomed();
}

#[test]
fn a_port_is_0_to_65535() {
    refuses(
        "--port",
        "65535",
        &["65536", "-1", "http", "", "0x50", "80 "],
    );
}

#[test]
fn bind_takes_an_address() {
    refuses(
        "--bind",
        "address",
        &["nonsense", "256.0.0.1", "", "127.0.0.1:80", "[::1]"],
    );
}

#[test]
fn motd_is_up_to_64_kib() {
    let longest = TempFile::with(&"x".repeat(MOTD_LIMIT));
    are_accepted(&["--motd", longest.path()]);
    let too_long = TempFile::with(&"x".repeat(MOTD_LIMIT + 1));
    refuses("--motd", "64KiB", &[too_long.path()]);
}

#[test]
fn motd_and_history_beside_raw_are_usage_errors() {
    let motd = TempFile::with("hello\n");
    are_refused(&["--raw", "--motd", motd.path()], "--motd", "--raw");
    are_refused(&["--raw", "--history", "5"], "--history", "--raw");
}

#[test]
fn history_is_0_to_10000_lines() {
    refuses("--history", "10000", &["10001", "-1", "many", "", "1KiB"]);
    are_accepted(&["--history", "10000"]);
}

#[test]
fn max_clients_is_from_1() {
    refuses("--max-clients", "1", &["0", "-1", "all", ""]);
    are_accepted(&["--max-clients", "1"]);
}

#[test]
fn max_per_ip_is_from_0() {
    refuses("--max-per-ip", "0", &["-1", "all", ""]);
    are_accepted(&["--max-per-ip", "0"]);
}

#[test]
fn max_line_is_1_b_to_1_mib() {
    refuses(
        "--max-line",
        "1MiB",
        &[
            "0",
            "0KiB",
            "1025KiB",
            "1048577",
            "2MiB",
            "99999999999999999999",
        ],
    );
    are_accepted(&["--max-line", "1"]);
    are_accepted(&["--max-line", "1MiB"]);
}

#[test]
fn sizes_are_digits_and_optionally_b_kib_mib_or_gib() {
    for size in ["1048576", "1048576B", "1024KiB", "1MiB", "1GiB"] {
        are_accepted(&["--max-backlog", size, "--rate", size]);
    }
    let wrong = [
        "1KB", "1K", "1M", "1kib", "1 KiB", "1.5MiB", "-1", "+1", "KiB", "", "1TiB", "0x10",
    ];
    refuses("--rate", "KiB", &wrong);
    refuses(
        "--rate",
        "",
        &["99999999999999999999GiB", "18446744073709551615GiB"],
    );
}

#[test]
fn rate_0_means_no_limit() {
    are_accepted(&["--rate", "0"]);
    are_accepted(&["--rate", "0B"]);
}

#[test]
fn max_backlog_is_from_1_mib() {
    refuses(
        "--max-backlog",
        "1MiB",
        &["1023KiB", "0", "1048575", "much"],
    );
    are_accepted(&["--max-backlog", "1MiB"]);
}

#[test]
fn patience_is_from_100_ms() {
    refuses("--patience", "100ms", &["99ms", "0s", "0ms"]);
    are_accepted(&["--patience", "100ms"]);
}

#[test]
fn durations_are_as_500ms_5s_10m_1h() {
    for duration in ["500ms", "5s", "10m", "1h"] {
        are_accepted(&["--patience", duration]);
    }
    let wrong = ["5", "5 s", "5sec", "1d", "-5s", "1.5s", "s", "", "5S"];
    refuses("--patience", "s", &wrong);
}

#[test]
fn idle_timeout_is_from_1_s() {
    refuses("--idle-timeout", "1s", &["999ms", "0s", "never"]);
    are_accepted(&["--idle-timeout", "1s"]);
}

#[test]
fn a_bad_value_of_two_lines_is_complained_of_in_one_line_that_names_the_option() {
    refuses("--bind", "address", &["127.0.0.1\n127.0.0.2"]);
}

#[test]
fn a_bad_value_that_is_not_utf_8_is_complained_of_in_one_line_that_names_the_option() {
    let mut command = Server::command();
    command.arg("--bind").arg(OsStr::from_bytes(b"\xff"));
    let line = complaint(command, 2);
    assert!(line.contains("--bind"), "{line}");
}

#[test]
fn an_unknown_option_is_a_usage_error() {
    are_refused(&["--colour"], "--colour", "");
    are_refused(&["stray"], "stray", "");
    are_refused(&["--port"], "--port", "");
}

#[test]
fn every_option_but_the_last_row_reads_an_environment_variable() {
    let bad = [
        ("PORT", "port", "65536"),
        ("BIND", "bind", "nonsense"),
        ("HISTORY", "history", "10001"),
        ("MAX_CLIENTS", "max-clients", "0"),
        ("MAX_PER_IP", "max-per-ip", "-1"),
        ("MAX_LINE", "max-line", "0"),
        ("RATE", "rate", "fast"),
        ("MAX_BACKLOG", "max-backlog", "1"),
        ("PATIENCE", "patience", "1ms"),
        ("IDLE_TIMEOUT", "idle-timeout", "1ms"),
    ];
    for (variable, option, value) in bad {
        let mut command = Server::command();
        command.env(format!("CHATD_{variable}"), value);
        let line = complaint(command, 2);
        assert!(
            line.contains(&format!("--{option}")),
            "CHATD_{variable}={value}: {line}"
        );
    }
}

#[test]
fn help_lists_every_option() {
    let mut command = Server::command();
    command.arg("--help");
    let output = run_to_end(command);
    assert_eq!(output.status.code(), Some(0));
    let help = String::from_utf8(output.stdout).unwrap();
    for option in [
        "-p, --port",
        "-b, --bind",
        "--raw",
        "--motd",
        "--history",
        "--max-clients",
        "--max-per-ip",
        "--max-line",
        "--rate",
        "--max-backlog",
        "--patience",
        "--idle-timeout",
        "-v",
        "-q",
    ] {
        assert!(help.contains(option), "{option} is missing in:\n{help}");
    }
}

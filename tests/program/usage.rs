//! Section 3: what each option takes, and what it refuses.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::kit::{Server, TempFile, complaint, run_to_end};

/// The longest file for `--motd`, in bytes.
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
    let names = ["MOTD", "RAW"].map(|name| format!("CHATD_{name}"));
    let line = refused_by(&[(&names[0], motd.path()), (&names[1], "1")]);
    assert!(names.iter().all(|name| line.contains(name)), "{line}");
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
fn max_line_is_1_b_to_64_kib() {
    refuses(
        "--max-line",
        "1Bto64KiB(B,KiB)",
        &[
            "0",
            "0KiB",
            "65KiB",
            "65537",
            "1MiB",
            "99999999999999999999",
        ],
    );
    are_accepted(&["--max-line", "1"]);
    are_accepted(&["--max-line", "64KiB"]);
}

#[test]
fn sizes_are_digits_and_optionally_b_kib_mib_or_gib() {
    for size in ["1048576", "1048576B", "1024KiB", "1MiB", "1GiB"] {
        are_accepted(&["--max-backlog", size, "--rate", size]);
    }
    let wrong = [
        "1KB", "1K", "1M", "1kib", "1 KiB", "1.5MiB", "-1", "+1", "KiB", "", "1TiB", "0x10",
    ];
    refuses("--rate", "(B,KiB,MiB,GiB)", &wrong);
    let too_large = ["99999999999999999999GiB", "18446744073709551615GiB"];
    refuses("--rate", "(B,KiB,MiB,GiB)", &too_large);
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
fn durations_are_as_500ms_5s_10m_1h_30d() {
    for duration in ["500ms", "5s", "10m", "1h", "30d"] {
        are_accepted(&["--patience", duration]);
    }
    let wrong = ["5", "5 s", "5sec", "1w", "-5s", "1.5s", "s", "", "5S"];
    refuses("--patience", "(ms,s,m,h,d)", &wrong);
}

#[test]
fn a_duration_is_a_century_at_most() {
    are_accepted(&["--patience", "36500d", "--idle-timeout", "36500d"]);
    let too_long = ["36501d", "3153600001s", "18446744073709551615d"];
    refuses("--patience", "(ms,s,m,h,d)", &too_long);
    refuses("--idle-timeout", "(ms,s,m,h,d)", &too_long);
}

#[test]
fn idle_timeout_is_from_1_s() {
    refuses("--idle-timeout", "1s", &["999ms", "0s", "never"]);
    are_accepted(&["--idle-timeout", "1s"]);
}

#[test]
fn allow_takes_an_address_or_a_network() {
    let wrong = [
        "nonsense",
        "",
        "192.0.2.1/33",
        "192.0.2.1/-1",
        "192.0.2.1/",
        "::1/129",
        "192.0.2.1:80",
    ];
    refuses("--allow", "anaddressoranetwork", &wrong);
    are_accepted(&["--allow", "127.0.0.1", "--allow", "192.0.2.0/24"]);
}

#[test]
fn a_negative_number_is_a_usage_error_that_names_the_option_and_what_it_takes() {
    for (option, value, takes) in [
        ("--port", "-1", "from0to65535"),
        ("-p", "-1", "from0to65535"),
        ("--bind", "-1", "address"),
        ("--history", "-1", "from0to10000"),
        ("--max-clients", "-1", "from1"),
        ("--max-per-ip", "-1", "from0"),
        ("--max-line", "-5", "1Bto64KiB"),
        ("--rate", "-1KiB", "(B,KiB,MiB,GiB)"),
        ("--max-backlog", "-1MiB", "from1MiB"),
        ("--patience", "-5s", "from100ms"),
        ("--idle-timeout", "-5s", "from1s"),
        ("--allow", "-1", "network"),
    ] {
        let name = if option == "-p" { "--port" } else { option };
        are_refused(&[option, value], name, takes);
    }
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
fn an_option_is_not_the_file_of_the_option_before_it() {
    let mut command = Server::command();
    command.arg("--help");
    let help = String::from_utf8(run_to_end(command).stdout).unwrap();
    let words = help.split_whitespace().collect::<Vec<_>>();
    let is_of_a_file =
        |pair: &&[&str]| pair[0].starts_with("--") && ["<FILE>", "<PATH>"].contains(&pair[1]);
    let options: Vec<&str> = words
        .windows(2)
        .filter(is_of_a_file)
        .map(|pair| pair[0])
        .collect();
    assert!(options.contains(&"--motd"), "{help}");
    for option in options {
        are_refused(&[option, "--raw"], option, "");
    }
}

/// The environment is a usage error, whose line this is.
fn refused_by(variables: &[(&str, &str)]) -> String {
    let mut command = Server::command();
    // For the case that it is not refused at all.
    command
        .env("CHATD_BIND", "127.0.0.1")
        .env("CHATD_PORT", "0");
    command.envs(variables.iter().copied());
    complaint(command, 2)
}

#[test]
fn a_bad_value_in_the_environment_is_a_usage_error_that_names_the_variable_and_what_it_takes() {
    let too_long = TempFile::with(&"x".repeat(MOTD_LIMIT + 1));
    for (variable, value, takes) in [
        ("CHATD_PORT", "65536", "from 0 to 65535"),
        ("CHATD_BIND", "nonsense", "address"),
        ("CHATD_RAW", "perhaps", "true or false"),
        ("CHATD_MOTD", too_long.path(), "64 KiB"),
        ("CHATD_HISTORY", "10001", "from 0 to 10000"),
        ("CHATD_MAX_CLIENTS", "0", "from 1"),
        ("CHATD_MAX_PER_IP", "-1", "from 0"),
        ("CHATD_MAX_LINE", "0", "1B to 64KiB"),
        ("CHATD_RATE", "fast", "B, KiB, MiB, GiB"),
        ("CHATD_MAX_BACKLOG", "1", "1MiB"),
        ("CHATD_PATIENCE", "1ms", "100ms"),
        ("CHATD_ALLOW", "127.0.0.1,nonsense", "network"),
        ("CHATD_IDLE_TIMEOUT", "1ms", "1s"),
    ] {
        let line = refused_by(&[(variable, value)]);
        assert!(line.contains(variable) && line.contains(takes), "{line}");
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
        "--allow",
        "--idle-timeout",
        #[cfg(feature = "data")]
        "--data",
        #[cfg(feature = "data")]
        "--members-only",
        #[cfg(feature = "data")]
        "--register",
        #[cfg(feature = "data")]
        "--password-file",
        #[cfg(feature = "data")]
        "--insecure-passwords",
        #[cfg(feature = "data")]
        "--keep",
        #[cfg(feature = "data")]
        "--keep-size",
        "-v",
        "-q",
    ] {
        assert!(help.contains(option), "{option} is missing in:\n{help}");
    }
}

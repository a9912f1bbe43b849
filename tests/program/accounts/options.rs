//! What the options of accounts refuse, and what the log says of them at the start.

use std::collections::HashSet;
use std::fs;
use std::net::TcpStream;
use std::path::Path;

use crate::kit::{Client, DataDir, Rank, Server, TempFile, complaint};

fn refused(args: &[&str], variables: &[(&str, &str)]) -> String {
    let mut command = Server::command();
    // For the case that it is not refused at all.
    command
        .env("CHATD_BIND", "127.0.0.1")
        .env("CHATD_PORT", "0");
    command.args(args).envs(variables.iter().copied());
    complaint(command, 2)
}

#[test]
fn members_only_and_register_without_data_are_usage_errors() {
    for option in ["--members-only", "--register"] {
        let line = refused(&[option], &[]);
        assert!(line.contains(option) && line.contains("--data"), "{line}");
    }
    let line = refused(&[], &[("CHATD_MEMBERS_ONLY", "1")]);
    assert!(line.contains("CHATD_MEMBERS_ONLY"), "{line}");
}

#[test]
fn each_option_of_accounts_beside_raw_is_a_usage_error() {
    let file = TempFile::with("open sesame\n");
    for args in [
        &["--members-only"][..],
        &["--register"],
        &["--insecure-passwords"],
        &["--password-file", file.path()],
    ] {
        let line = refused(&[args, &["--raw"]].concat(), &[]);
        assert!(line.contains(args[0]) && line.contains("--raw"), "{line}");
    }
}

#[test]
fn a_password_file_beside_members_only_is_a_usage_error() {
    let (directory, file) = (DataDir::new(), TempFile::with("open sesame\n"));
    let data = ["--data", directory.path(), "--members-only"];
    let line = refused(
        &[&data[..], &["--password-file", file.path()]].concat(),
        &[],
    );
    assert!(
        line.contains("--password-file") && line.contains("--members-only"),
        "{line}"
    );
}

#[test]
fn a_variable_that_says_false_is_no_option() {
    let mut command = Server::command();
    let no = ["MEMBERS_ONLY", "REGISTER", "INSECURE_PASSWORDS"];
    command.envs(no.map(|name| (format!("CHATD_{name}"), "false")));
    command.args(["--raw", "--port", "0", "--bind", "127.0.0.1"]);
    Server::launch(command);
}

#[test]
fn where_there_is_no_operator_yet_the_log_says_how_to_make_one() {
    let directory = DataDir::new();
    let server = directory.server(&[]);
    let command = format!("chatd user add NAME --op --data {}", directory.path());
    server.log_line(|line| line.ends_with(&command));
    drop(server);
    directory.make_account("alice", Rank::Operator);
    let mut server = directory.server(&[]);
    server.signal("TERM");
    server.wait_exit();
    let log = server.log();
    assert!(!log.iter().any(|line| line.contains("--op")), "{log:?}");
}

#[test]
fn without_data_chatd_writes_nothing_to_disk() {
    let (directory, file) = (DataDir::new(), TempFile::with("open sesame\n"));
    fs::create_dir(directory.path()).expect("a directory");
    let mut command = Server::command();
    command.current_dir(directory.path());
    command.args(["--port", "0", "--bind", "127.0.0.1"]);
    command.args(["--password-file", file.path()]);
    let mut server = Server::launch(command);
    let mut alice = TcpStream::connect(server.address())
        .map(Client::new)
        .expect("a connection");
    alice.send("open sesame\nhello");
    alice.read_welcome();
    alice.settle();
    let open_files = |process: &str| {
        let open = fs::read_dir(format!("/proc/{process}/fd")).expect("what is open");
        let open = open.flatten();
        let files = open.filter_map(|file| fs::read_link(file.path()).ok());
        files
            .filter(|file| file.is_absolute())
            .collect::<HashSet<_>>()
    };
    let mut files = open_files(&server.pid().to_string());
    files.remove(Path::new("/dev/null"));
    // It may have inherited some.
    let inherited = open_files("self");
    assert!(files.is_subset(&inherited), "{files:?}");
    server.signal("TERM");
    server.wait_exit();
    assert_eq!(directory.files(), []);
}

#[test]
fn where_passwords_would_be_refused_to_everybody_from_elsewhere_the_log_says_that() {
    let refused = |args: &[&str]| {
        let directory = DataDir::new();
        let mut command = Server::command();
        command.args(["--port", "0", "--data", directory.path()]);
        command.args(args);
        let mut server = Server::launch(command);
        server.signal("TERM");
        server.wait_exit();
        let log = server.log();
        log.iter().any(|line| line.contains("--insecure-passwords"))
    };
    assert!(refused(&[]));
    assert!(
        !refused(&["--bind", "127.0.0.1"]),
        "nobody comes from elsewhere"
    );
    assert!(!refused(&["--insecure-passwords"]));
    #[cfg(feature = "tls")]
    assert!(!refused(&["--tls"]));
}

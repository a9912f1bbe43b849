//! The options, the directory and its files, and a database that is of no use.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use rustix::process::geteuid;

use crate::kit::{DataDir, Rank, Server, complaint, eventually, skip};

fn refused(args: &[&str], variables: &[(&str, &str)], status: i32) -> String {
    let mut command = Server::command();
    command.args(["--port", "0", "--bind", "127.0.0.1"]);
    command.args(args).envs(variables.iter().copied());
    complaint(command, status)
}

#[test]
fn keep_and_keep_size_without_data_are_usage_errors() {
    for (args, variables, named) in [
        (&["--keep", "1d"][..], &[][..], "--keep "),
        (&["--keep-size", "1MiB"], &[], "--keep-size"),
        (&[], &[("CHATD_KEEP", "1d")], "CHATD_KEEP "),
        (&[], &[("CHATD_KEEP_SIZE", "1MiB")], "CHATD_KEEP_SIZE"),
    ] {
        let line = refused(args, variables, 2);
        assert!(line.contains(named) && line.contains("--data"), "{line}");
    }
}

#[test]
fn each_of_the_options_beside_raw_is_a_usage_error() {
    let directory = DataDir::new();
    for (args, named) in [
        (&["--data", directory.path()][..], "--data"),
        (&["--keep", "1d"], "--keep "),
        (&["--keep-size", "1MiB"], "--keep-size"),
    ] {
        let line = refused(&[args, &["--raw"]].concat(), &[], 2);
        assert!(line.contains(named) && line.contains("--raw"), "{line}");
        let line = refused(args, &[("CHATD_RAW", "1")], 2);
        assert!(line.contains("CHATD_RAW"), "{line}");
    }
    assert!(!Path::new(directory.path()).exists(), "nothing was made");
}

#[test]
fn keep_is_a_duration_from_0s_and_keep_size_from_1_mib() {
    let directory = DataDir::new();
    let data = ["--data", directory.path()];
    for (option, value, takes) in [
        ("--keep", "-1s", "from 0s"),
        ("--keep", "30", "from 0s"),
        ("--keep-size", "1023KiB", "from 1MiB"),
        ("--keep-size", "-1MiB", "from 1MiB"),
    ] {
        let args = [&data[..], &[option, value]].concat();
        let line = refused(&args, &[], 2);
        assert!(line.contains(option) && line.contains(takes), "{line}");
    }
    directory.server(&["--keep", "0s", "--keep-size", "1MiB"]);
}

#[test]
fn the_variables_do_what_the_options_do_and_an_empty_one_counts_as_not_set() {
    let directory = DataDir::new();
    let mut command = Server::command();
    command.args(["--port", "0", "--bind", "127.0.0.1"]);
    command.envs([
        ("CHATD_DATA", directory.path()),
        ("CHATD_KEEP", "2h"),
        ("CHATD_KEEP_SIZE", ""),
    ]);
    let server = Server::launch(command);
    let welcome = server.connect().read_welcome();
    let told = "-- what is said here is kept for 2h".to_owned();
    assert!(welcome.contains(&told), "{welcome:?}");
    let mut command = Server::command();
    command.args(["--port", "0", "--bind", "127.0.0.1"]);
    command.env("CHATD_DATA", "");
    let server = Server::launch(command);
    let welcome = server.connect().read_welcome();
    assert!(
        !welcome.iter().any(|line| line.contains("kept")),
        "{welcome:?}"
    );
}

#[test]
fn dir_is_made_with_mode_0700_and_its_files_with_0600_and_dirs_owner() {
    let directory = DataDir::new();
    drop(directory.server(&[]));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(Path::new(directory.path())), 0o700);
    if geteuid().is_root() {
        let other = DataDir::new();
        fs::create_dir(other.path()).unwrap();
        chown(other.path(), Some(1234), Some(1234)).unwrap();
        let server = other.server(&[]);
        let _alice = server.joined("alice");
        other.keeps("<alice> it is me");
        for file in fs::read_dir(other.path()).unwrap() {
            let file = file.unwrap().path();
            let owner = fs::metadata(&file).unwrap();
            assert_eq!((owner.uid(), owner.gid()), (1234, 1234), "{file:?}");
            assert_eq!(mode(&file), 0o600, "{file:?}");
        }
    } else {
        skip("only the superuser can make directories for others");
    }
}

#[test]
fn a_second_server_on_the_same_dir_is_refused_with_exit_1() {
    let directory = DataDir::new();
    let server = directory.server(&[]);
    let line = refused(&["--data", directory.path()], &[], 1);
    assert!(line.contains("/lock: "), "{line}");
    drop(server);
    directory.server(&[]);
}

#[test]
fn a_directory_that_cannot_be_made_is_one_line_and_exit_1() {
    let line = refused(&["--data", "/nowhere/at/all"], &[], 1);
    assert!(line.contains("/nowhere/at/all: No such file"), "{line}");
    let line = refused(&["--data", "/dev/null"], &[], 1);
    assert!(line.contains("/dev/null"), "{line}");
}

/// A directory with a database of some lines, and no server.
fn used() -> DataDir {
    let directory = DataDir::new();
    let server = directory.server(&["--rate", "0"]);
    let mut alice = server.joined("alice");
    let lines = (0..5_000).map(|number| format!("this is line {number} of the old days\n"));
    alice.send_bytes(lines.collect::<String>().as_bytes());
    alice.settle();
    let mut server = server;
    server.signal("TERM");
    assert_eq!(server.wait_exit().code(), Some(0));
    directory
}

#[test]
fn a_database_that_is_newer_than_the_program_is_one_line_and_exit_1() {
    let directory = used();
    directory
        .database()
        .execute_batch("PRAGMA user_version=99")
        .unwrap();
    let line = refused(&["--data", directory.path()], &[], 1);
    assert!(
        line.contains("chatd.db: ") && line.contains("newer"),
        "{line}"
    );
}

#[test]
fn a_database_of_an_older_version_is_read_and_then_upgraded() {
    let directory = DataDir::new();
    let password = directory.make_account("alice", Rank::Operator);
    let database = directory.database();
    let older = "ALTER TABLE accounts DROP COLUMN is_here; PRAGMA user_version=1";
    database.execute_batch(older).unwrap();
    assert!(directory.run(&["user", "list"]).status.success());
    let server = directory.server(&[]);
    let _alice = server.logged_in("alice", &password);
    eventually("she is here in the database too", || {
        let query = "SELECT is_here FROM accounts";
        let is_here = database.query_row(query, [], |row| row.get::<_, bool>(0));
        is_here == Ok(true)
    });
}

#[test]
fn a_database_that_is_damaged_is_one_line_and_exit_1() {
    let path = |directory: &DataDir| directory.file("chatd.db");
    let foreign = DataDir::new();
    fs::create_dir(foreign.path()).unwrap();
    foreign
        .database()
        .execute_batch("CREATE TABLE other(x)")
        .unwrap();
    let rubbish = DataDir::new();
    fs::create_dir(rubbish.path()).unwrap();
    fs::write(path(&rubbish), "this is no database".repeat(1000)).unwrap();
    let torn = used();
    let file = File::options().write(true).open(path(&torn)).unwrap();
    file.set_len(100_000).unwrap();
    let holey = used();
    let mut file = File::options()
        .read(true)
        .write(true)
        .open(path(&holey))
        .unwrap();
    let mut page = [0; 4096];
    file.seek(SeekFrom::Start(20 * 4096)).unwrap();
    file.read_exact(&mut page).unwrap();
    file.seek(SeekFrom::Start(20 * 4096)).unwrap();
    file.write_all(&page.map(|byte| byte ^ 0x5a)).unwrap();
    for directory in [foreign, rubbish, torn, holey] {
        let line = refused(&["--data", directory.path()], &[], 1);
        assert!(line.contains("/chatd.db: "), "{line}");
    }
}

#[test]
fn a_database_that_is_not_writable_is_one_line_and_exit_1() {
    let directory = used();
    let Some(mut command) = directory.command_after("mount -o bind,ro chatd.db chatd.db") else {
        return;
    };
    command.args([
        "--port",
        "0",
        "--bind",
        "127.0.0.1",
        "--data",
        directory.path(),
    ]);
    let line = complaint(command, 1);
    assert!(line.contains("chatd.db: Read-only file system"), "{line}");
}

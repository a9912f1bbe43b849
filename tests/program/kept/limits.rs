//! `--keep`, `--keep-size`, and that no word is left in the files.

use std::fs;

use crate::kit::{DataDir, MIB, Server, eventually, texts_of_history};

/// The file that programs share memory by, in bytes.
const SHARED_MEMORY: u64 = 32 << 10;

/// Whether a word is in any of the files.
fn is_anywhere(directory: &DataDir, word: &str) -> bool {
    let files = fs::read_dir(directory.path()).unwrap();
    files.into_iter().any(|file| {
        // One may be gone meanwhile.
        let bytes = fs::read(file.unwrap().path()).unwrap_or_default();
        memchr::memmem::find(&bytes, word.as_bytes()).is_some()
    })
}

fn size(directory: &DataDir) -> u64 {
    let files = fs::read_dir(directory.path()).unwrap();
    let sizes = files.map(|file| file.unwrap().metadata().map_or(0, |file| file.len()));
    sizes.sum()
}

/// Says so many lines of which each has a word of its own.
fn say(server: &Server, name: &str, numbers: std::ops::Range<u32>) {
    let mut client = server.joined(name);
    let lines = numbers.map(|number| format!("{name}word{number:06} and some more to say\n"));
    client.send_bytes(lines.collect::<String>().as_bytes());
    // The name is free again when the server has closed.
    client.send("/quit");
    client.expect_eof();
}

#[test]
fn what_is_older_than_keep_is_in_no_file_soon_after() {
    let directory = DataDir::new();
    let args = ["--keep", "5s", "--overwriting", "200ms", "--rate", "0"];
    let server = directory.server(&args);
    say(&server, "alice", 0..500);
    // Nothing is written after that but what takes it away.
    eventually("it is written, and the journal empty", || {
        let journal = fs::metadata(format!("{}/chatd.db-wal", directory.path()));
        is_anywhere(&directory, "aliceword000499") && journal.is_ok_and(|file| file.len() == 0)
    });
    eventually("it is gone", || !is_anywhere(&directory, "aliceword"));
}

#[test]
fn what_is_older_than_keep_is_not_in_memory_either() {
    let directory = DataDir::with_lines(30);
    let hour_ago = "UPDATE lines SET time = time - 3600000 WHERE n <= 20";
    directory.database().execute_batch(hour_ago).unwrap();
    let server = directory.server(&["--keep", "30m"]);
    let welcome = server.connect().read_welcome();
    let texts = texts_of_history(&welcome);
    assert_eq!((texts[0], texts.len()), ("<bob> x21", 10), "{welcome:?}");
    drop(server);
    let server = directory.server(&["--keep", "3s"]);
    let alice = server.joined("alice");
    alice.send("for a moment");
    eventually("nobody reads it any more", || {
        texts_of_history(&server.connect().read_welcome()).is_empty()
    });
}

#[test]
fn what_is_erased_is_in_no_file_soon_after_and_the_rest_is_all_there() {
    let directory = DataDir::new();
    let server = directory.server(&["--overwriting", "200ms", "--rate", "0"]);
    for part in 0..5 {
        say(&server, "alice", part * 1000..(part + 1) * 1000);
        say(&server, "bob", part * 1000..(part + 1) * 1000);
    }
    directory.keeps("<bob> bobword004999 and some more to say");
    assert_eq!(
        directory.run(&["erase", "--name", "alice"]).status.code(),
        Some(0)
    );
    eventually("it is gone", || !is_anywhere(&directory, "aliceword"));
    assert_eq!(directory.log(&["--search", "bobword"]).len(), 5_000);
}

#[test]
fn the_database_stays_within_keep_size_and_the_oldest_lines_go_first() {
    let directory = DataDir::new();
    let args = [
        "--keep-size",
        "1MiB",
        "--overwriting",
        "200ms",
        "--rate",
        "0",
    ];
    let server = directory.server(&args);
    let mut largest = 0;
    for part in 0..20 {
        say(&server, "alice", part * 2_000..(part + 1) * 2_000);
        let last = format!(
            "<alice> aliceword{:06} and some more to say",
            (part + 1) * 2_000 - 1
        );
        directory.keeps(&last);
        let database = fs::metadata(format!("{}/chatd.db", directory.path())).unwrap();
        largest = largest.max(database.len());
    }
    assert!(largest <= MIB, "{largest}");
    // While another program reads, as this test did, the journal cannot begin anew.
    eventually("all files are within it", || {
        size(&directory) <= MIB + SHARED_MEMORY
    });
    let log = directory.log(&["--search", "aliceword"]);
    assert!(log.len() > 4_000, "{}", log.len());
    let numbers = log.iter().map(|line| line[17..23].parse::<u32>().unwrap());
    let first = 40_000 - u32::try_from(log.len()).unwrap();
    assert!(numbers.eq(first..40_000), "the newest, without a hole");
}

#[test]
fn a_smaller_keep_size_makes_the_database_smaller() {
    let directory = DataDir::new();
    let server = directory.server(&["--keep-size", "16MiB", "--rate", "0"]);
    say(&server, "alice", 0..40_000);
    directory.keeps("<alice> aliceword039999 and some more to say");
    drop(server);
    assert!(size(&directory) > 2 * MIB, "{}", size(&directory));
    let _server = directory.server(&["--keep-size", "1MiB", "--overwriting", "200ms"]);
    eventually("it is smaller", || size(&directory) <= MIB + SHARED_MEMORY);
    directory.keeps("<alice> aliceword039999 and some more to say");
}

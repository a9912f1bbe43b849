//! Disks that are slow, full, locked, damaged or gone, and kills: the chat goes on, what could not
//! be kept is counted and said, and it goes on by itself.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rustix::process::{Pid, Signal, kill_process};

use crate::kit::{
    Chat, DataDir, Rank, Server, StopOnDrop, answers, are_installed, eventually, new_command,
    nobody_panicked, only,
};

/// How often a server is killed in the middle of a flood.
const KILLS: u64 = 50;

/// Fills the queue of what waits to be kept with more than it holds, while nobody reads it. Returns
/// how many lines that were.
pub fn fill_queue(server: &Server) -> u64 {
    let mut flooder = server.joined("flooder");
    let line = format!("{}\n", "x".repeat(4000));
    for _ in 0..24 {
        flooder.send_bytes(line.repeat(256).as_bytes());
    }
    flooder.settle();
    24 * 256
}

/// A server with a reader whom no flood reaches.
fn server_and_chat(directory: &DataDir, args: &[&str]) -> (Server, Chat) {
    let server = directory.server(&[&["--rate", "0"], args].concat());
    let chat = Chat::start(&server);
    (server, chat)
}

/// Waits until there is a gap in the database, and returns how many lines it has by the log.
pub fn gap(server: &Server, directory: &DataDir) -> u64 {
    let said = server.log_line(|line| line.contains("there is a gap in what is kept: "));
    let lines = said.split("kept: ").nth(1).unwrap();
    let lines = lines.split(' ').next().unwrap().parse::<u64>().unwrap();
    let database = directory.database();
    let query = "SELECT count(*) FROM lines WHERE kind = 2 AND text = ?1";
    let count = database.query_row(query, [lines.to_string()], |row| row.get::<_, i64>(0));
    assert_eq!(count, Ok(1), "{said}");
    lines
}

/// How many rows of the flood are in the database.
pub fn kept_of_flood(database: &Connection) -> u64 {
    let query = "SELECT count(*) FROM lines WHERE name = 'flooder' AND text LIKE 'xxx%'";
    let count = database.query_row(query, [], |row| row.get::<_, i64>(0));
    count.unwrap().unsigned_abs()
}

/// Ends the locks and floods of a test that fails.
fn until_stopped(stop: &AtomicBool, mut act: impl FnMut()) {
    while !stop.load(Ordering::Relaxed) {
        act();
    }
}

#[test]
fn a_database_that_is_locked_by_another_program_loses_nothing_that_the_queue_holds() {
    let directory = DataDir::new();
    let (_server, mut chat) = server_and_chat(&directory, &[]);
    let database = directory.database();
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    let end = Instant::now() + Duration::from_secs(10);
    let mut lines = 0;
    while Instant::now() < end {
        chat.goes_on(10);
        lines += 10;
        thread::sleep(Duration::from_millis(20));
    }
    database.execute_batch("COMMIT").unwrap();
    directory.keeps(&format!("<chatting> line {lines}"));
    let log = directory.log(&["--search", "line "]);
    let expected = (1..=lines).map(|number| format!("<chatting> line {number}"));
    assert!(log.iter().cloned().eq(expected), "{} of {lines}", log.len());
}

#[test]
fn what_finds_no_room_while_the_disk_does_not_take_it_is_a_gap_that_is_counted_and_said() {
    let directory = DataDir::new();
    let server = directory.server(&["--rate", "0"]);
    let database = directory.database();
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    let lines = fill_queue(&server);
    server.log_line(|line| line.contains("is not kept: the disk does not keep up"));
    let bob = server.joined("bob");
    database.execute_batch("COMMIT").unwrap();
    // Whether anybody says anything more or not.
    let gap = gap(&server, &directory);
    let kept = kept_of_flood(&database);
    // What bob said to join is lost as well.
    let lost = lines - kept..=lines - kept + 2;
    assert!(kept > 0 && lost.contains(&gap), "{gap} + {kept} of {lines}");
    bob.send("is it kept again?");
    directory.keeps("<bob> is it kept again?");
    let log = directory.log(&[]);
    assert!(log.contains(&format!("-- {gap} lines were not kept")));
}

#[test]
fn while_another_program_reads_and_does_not_end_the_journal_does_not_grow_for_ever() {
    let directory = DataDir::new();
    let server = directory.server(&["--rate", "0", "--keep-size", "1MiB"]);
    server.joined("bob").send("good morning");
    directory.keeps("<bob> good morning");
    let database = directory.database();
    let query = "BEGIN; SELECT count(*) FROM lines";
    database.execute_batch(query).unwrap();
    fill_queue(&server);
    server.log_line(|line| line.contains("cannot be kept now: ") && line.contains("journal"));
    let mut chat = Chat::start(&server);
    chat.goes_on(10);
    let journal = fs::metadata(directory.file("chatd.db-wal")).unwrap().len();
    assert!(journal < 3 << 20, "{journal}");
    database.execute_batch("COMMIT").unwrap();
    server.log_line(|line| line.contains("there is a gap in what is kept: "));
    chat.goes_on(1);
    directory.keeps("<chatting> line 11");
}

#[test]
fn a_slow_disk_delays_nobody_and_loses_nothing_that_it_takes_in_time() {
    let directory = DataDir::new();
    let (_server, mut chat) = server_and_chat(&directory, &[]);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let _guard = StopOnDrop(&stop);
        // It takes something for a moment now and then.
        scope.spawn(|| {
            let database = directory.database();
            until_stopped(&stop, || {
                if database.execute_batch("BEGIN IMMEDIATE").is_ok() {
                    thread::sleep(Duration::from_millis(400));
                    database.execute_batch("COMMIT").unwrap();
                }
                thread::sleep(Duration::from_millis(20));
            });
        });
        let start = Instant::now();
        chat.goes_on(2_000);
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "{:?}",
            start.elapsed()
        );
    });
    directory.keeps("<chatting> line 2000");
    assert_eq!(directory.log(&["--search", "line "]).len(), 2_000);
}

#[test]
fn a_directory_that_is_gone_and_comes_back_is_written_again() {
    let directory = DataDir::new();
    let (server, mut chat) = server_and_chat(&directory, &[]);
    chat.goes_on(1);
    directory.keeps("<chatting> line 1");
    let away = DataDir::new();
    fs::rename(directory.path(), away.path()).unwrap();
    chat.goes_on(10);
    server
        .log_line(|line| line.contains("cannot be kept now: ") && line.contains(directory.path()));
    fs::rename(away.path(), directory.path()).unwrap();
    chat.goes_on(1);
    server.log_line(|line| line.ends_with("what is said is kept again"));
    directory.keeps("<chatting> line 12");
    assert_eq!(directory.log(&["--search", "line "]).len(), 12);
}

#[test]
fn a_directory_that_was_removed_and_made_anew_has_what_is_said_from_then_on() {
    let directory = DataDir::new();
    let (server, mut chat) = server_and_chat(&directory, &[]);
    chat.goes_on(1);
    directory.keeps("<chatting> line 1");
    directory.remove();
    chat.goes_on(1);
    server.log_line(|line| line.contains("cannot be kept now: "));
    fs::create_dir(directory.path()).unwrap();
    chat.goes_on(1);
    server.log_line(|line| line.ends_with("what is said is kept again"));
    directory.keeps("<chatting> line 3");
    assert_eq!(
        directory.log(&[]),
        ["<chatting> line 2", "<chatting> line 3"]
    );
}

#[test]
fn a_database_that_is_replaced_emptied_or_moved_is_written_again_and_others_see_that() {
    let directory = DataDir::new();
    directory.make_account("alice", Rank::Member);
    let (server, mut chat) = server_and_chat(&directory, &[]);
    chat.goes_on(1);
    directory.keeps("<chatting> line 1");
    let copy = directory.file("copy");
    let sql = format!("VACUUM INTO '{}'", copy.display());
    directory.database().execute_batch(&sql).unwrap();
    directory.make_account("bob", Rank::Member);
    chat.goes_on(1_000);
    directory.keeps("<chatting> line 1001");
    let path = directory.file("chatd.db");
    let mut dave = server.welcomed();
    // It opens the database too, for more searches.
    let mut search = || {
        eventually("a search is admitted", || {
            let answer = answers(&mut dave, "/search line");
            answer
                .iter()
                .any(|line| line.starts_with("-- looked back to "))
        });
    };
    let mut noticed = 0;
    let mut is_noticed = || {
        noticed += 1;
        let is_it = |line: &str| line.ends_with("the database was moved, replaced or emptied");
        server.log_lines(noticed, is_it);
    };
    // What others write there reaches the server, and what the server writes others.
    let mut said = 1_001;
    let mut is_shared = |chat: &mut Chat, name: &str, users: &[&str]| {
        chat.goes_on(1);
        said += 1;
        directory.keeps(&format!("<chatting> line {said}"));
        directory.make_account(name, Rank::Member);
        let mut guest = server.welcomed();
        eventually("the server has heard of it", || {
            only(answers(&mut guest, &format!("/whois {name}"))).contains("registered")
        });
        let output = directory.run(&["user", "list"]);
        let list = String::from_utf8_lossy(&output.stdout).into_owned();
        let names = list.lines().filter_map(|line| line.split(',').next());
        assert_eq!(names.collect::<Vec<_>>(), users);
    };
    search();
    fs::rename(&copy, &path).unwrap();
    search();
    // Until then the journal there is that of another database.
    is_noticed();
    is_shared(&mut chat, "carol", &["alice", "carol"]);
    let log = directory.log(&["--search", "line"]);
    assert_eq!(log, ["<chatting> line 1", "<chatting> line 1002"]);
    search();
    File::create(&path).unwrap();
    is_noticed();
    // The server knew of those who were there.
    is_shared(&mut chat, "eric", &["alice", "carol", "eric"]);
    search();
    let away = directory.file("away");
    fs::rename(&path, &away).unwrap();
    is_noticed();
    is_shared(&mut chat, "fred", &["alice", "carol", "eric", "fred"]);
    search();
    fs::rename(&away, &path).unwrap();
    is_noticed();
    is_shared(&mut chat, "gina", &["alice", "carol", "eric", "gina"]);
    let check = "PRAGMA integrity_check";
    let database = directory.database();
    let found = database.query_row(check, [], |row| row.get::<_, String>(0));
    assert_eq!(found.as_deref(), Ok("ok"));
    nobody_panicked(&server);
}

#[test]
fn a_database_that_is_damaged_and_then_replaced_is_written_again() {
    let directory = DataDir::new();
    let (server, mut chat) = server_and_chat(&directory, &[]);
    chat.goes_on(1);
    directory.keeps("<chatting> line 1");
    let path = directory.file("chatd.db");
    // The journal is brought in, so that all there is can be damaged.
    let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
    let busy = directory
        .database()
        .query_row(checkpoint, [], |row| row.get::<_, i64>(0));
    assert_eq!(busy, Ok(0));
    let copy = fs::read(&path).unwrap();
    let damaged = vec![0x5a; copy.len()];
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .write_all_at(&damaged, 0)
        .unwrap();
    // Another program that writes makes the server read anew.
    chat.goes_on(10);
    eventually("it is noticed", || {
        chat.goes_on(1);
        server
            .log()
            .iter()
            .any(|line| line.contains("cannot be kept now: "))
    });
    for journal in ["chatd.db-wal", "chatd.db-shm"] {
        let _ = fs::remove_file(directory.file(journal));
    }
    let repaired = directory.file("repaired");
    fs::write(&repaired, copy).unwrap();
    fs::rename(repaired, path).unwrap();
    server.log_line(|line| line.ends_with("what is said is kept again"));
    chat.goes_on(1);
    eventually("it is kept", || {
        directory.log(&["--search", "line "]).len() > 2
    });
}

#[test]
fn a_database_that_is_damaged_in_the_middle_goes_on_being_written() {
    let directory = DataDir::new();
    let mut server = directory.server(&["--rate", "0"]);
    let mut author = server.joined("author");
    let lines = (0..5_000).map(|number| format!("this is old line {number}\n"));
    author.send_bytes(lines.collect::<String>().as_bytes());
    author.settle();
    server.signal("TERM");
    assert_eq!(server.wait_exit().code(), Some(0));
    let (server, mut chat) = server_and_chat(&directory, &[]);
    let path = directory.file("chatd.db");
    let file = File::options().write(true).open(&path).unwrap();
    let middle = file.metadata().unwrap().len() / 2 / 4096 * 4096;
    file.write_all_at(&[0x5a; 4096], middle).unwrap();
    chat.goes_on(100);
    directory.keeps("<chatting> line 100");
    // What can be read of it is printed, and what is wrong is said.
    let output = directory.run(&["log"]);
    assert_eq!(output.status.code(), Some(1));
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(complaint.contains("/chatd.db: "), "{complaint}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("old line 0\n"));
    nobody_panicked(&server);
}

#[test]
fn a_full_disk_stops_nobody_and_is_written_again_when_there_is_room() {
    let directory = DataDir::new();
    fs::create_dir(directory.path()).unwrap();
    let mount = "mount -t tmpfs -o size=8m,mode=700 none . && cd . && cd \"$0\" && \
        head -c 6M /dev/zero > ballast && mkdir data";
    let Some(mut command) = directory.command_after(mount) else {
        return;
    };
    let data = directory.file("data");
    command.args(["--port", "0", "--bind", "127.0.0.1", "--rate", "0"]);
    command.arg("--data").arg(&data);
    let server = Server::launch(command);
    fill_queue(&server);
    server.log_line(|line| line.contains("cannot be kept now: ") && line.contains("full"));
    Chat::start(&server).goes_on(10);
    // Seen from outside of the namespace.
    let inside = format!("/proc/{}/root{}", server.pid(), directory.path());
    fs::remove_file(format!("{inside}/ballast")).unwrap();
    server.log_line(|line| line.contains("what is said is kept again"));
}

#[test]
fn a_directory_whose_file_system_goes_away_and_comes_back_loses_nothing_that_the_queue_holds() {
    if !are_installed(&["nsenter"]) {
        return;
    }
    let directory = DataDir::new();
    fs::create_dir(directory.path()).unwrap();
    let mount = "mkdir disk data && mount -t tmpfs none disk && mount --bind disk data";
    let Some(mut command) = directory.command_after(mount) else {
        return;
    };
    let data = directory.file("data");
    command.args(["--port", "0", "--bind", "127.0.0.1", "--data"]);
    command.arg(&data);
    let server = Server::launch(command);
    let inside = |script: &str| {
        let mut nsenter = new_command("nsenter");
        let target = server.pid().to_string();
        nsenter.args([
            "--target",
            &target,
            "--user",
            "--mount",
            "--preserve-credentials",
        ]);
        nsenter.args(["sh", "-c", script, directory.path()]);
        let output = nsenter.stdout(Stdio::piped()).output().expect("it runs");
        assert!(output.status.success(), "{script}: {output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let mut chat = Chat::start(&server);
    chat.goes_on(10);
    inside("umount -l \"$0/data\"");
    chat.goes_on(10);
    server.log_line(|line| line.contains("cannot be kept now: ") && line.contains("file system"));
    assert_eq!(inside("ls \"$0/data\""), "");
    inside("mount --bind \"$0/disk\" \"$0/data\"");
    server.log_line(|line| line.ends_with("what is said is kept again"));
    chat.goes_on(1);
    let program = Server::command().get_program().display().to_string();
    eventually("nothing is missing", || {
        let log = inside(&format!(
            "'{program}' log --search 'line ' --data \"$0/data\""
        ));
        let said = log.lines().filter_map(|line| line.split("> line ").nth(1));
        said.eq((1..=21).map(|number: u32| number.to_string()))
    });
}

#[test]
fn after_a_kill_everything_said_more_than_1_s_before_is_there_once_and_in_order() {
    let directory = DataDir::new();
    for kill in 0..KILLS {
        let server = directory.server(&["--rate", "0", "--history", "0"]);
        let mut author = server.joined("author");
        let mut said = Vec::new();
        let start = Instant::now();
        let time = Duration::from_millis(100 + kill * 7_919 % 1_500);
        let mut number = 0;
        while start.elapsed() < time {
            let lines = (number..number + 200).map(|number| format!("{kill} {number}\n"));
            author.send_bytes(lines.collect::<String>().as_bytes());
            author.settle();
            number += 200;
            said.push((Instant::now(), number));
            // As fast as a disk can be expected to keep up with.
            thread::sleep(Duration::from_millis(10));
        }
        let killed = Instant::now();
        let pid = Pid::from_raw(server.pid().cast_signed()).unwrap();
        kill_process(pid, Signal::KILL).unwrap();
        drop(server);
        let second = Duration::from_secs(1);
        let old = said
            .iter()
            .rfind(|(then, _)| killed.duration_since(*then) > second);
        let old = old.map_or(0, |(_, number)| *number);
        let database = directory.database();
        let check: String = database
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .unwrap();
        assert_eq!(check, "ok");
        let found = directory.log(&["--search", &format!("{kill} ")]);
        let prefix = format!("<author> {kill} ");
        let found = found.iter().filter_map(|line| line.strip_prefix(&prefix));
        let found = found
            .map(|number| number.parse::<u64>().unwrap())
            .collect::<Vec<_>>();
        let count = found.len() as u64;
        assert!(
            found.iter().copied().eq(0..count),
            "once and in order: {count}"
        );
        assert!(count >= old, "{count} of {old}");
    }
}

#[test]
fn at_a_sigterm_under_full_load_all_that_was_said_before_is_there() {
    let directory = DataDir::new();
    let mut server = directory.server(&["--rate", "0", "--history", "0"]);
    let mut author = server.joined("author");
    let mut reader = server.joined("reader");
    let lines = 20_000;
    let text = (0..lines).map(|number| format!("line {number}\n"));
    author.send_bytes(text.collect::<String>().as_bytes());
    reader.expect(&format!("<author> line {}", lines - 1));
    server.signal("TERM");
    author.expect_eof();
    assert_eq!(server.wait_exit().code(), Some(0));
    let log = directory.log(&["--search", "line "]);
    let expected = (0..lines).map(|number| format!("<author> line {number}"));
    assert!(log.iter().cloned().eq(expected), "{} of {lines}", log.len());
    assert!(!server.log().iter().any(|line| line.contains("not kept")));
}

#[test]
fn what_is_not_written_10_s_after_the_end_is_counted_in_the_log() {
    let directory = DataDir::new();
    let (mut server, mut chat) = server_and_chat(&directory, &[]);
    directory.keeps("<reading> it is me");
    let database = directory.database();
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    chat.goes_on(7);
    server.signal("TERM");
    server.log_line(|line| line.contains(" 7 lines are not kept"));
    assert_eq!(server.wait_exit().code(), Some(0));
}

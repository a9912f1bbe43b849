//! Disks that are slow, do not answer, or refuse to be written, beside a flood: the chat goes on, what
//! finds no room is counted and said, and all goes on by itself.
//!
//! Such disks are made of a library (`bad_disk.c`) that stands between the program and the system.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::kit::{
    Chat, DataDir, GOODBYE, Rank, Server, answers, are_installed, eventually, new_command, only,
    skip,
};

use super::faults::{fill_queue, gap, kept_of_flood};

/// What the library does, compiled for a test.
const SOURCE: &str = include_str!("bad_disk.c");

/// Longer than anything waits in these tests.
const FOR_EVER: Duration = Duration::from_secs(600);

/// A server with a disk of which the test says what it does.
struct Disk {
    directory: DataDir,
    /// Where the library is, and what tells it what to do.
    orders: DataDir,
    /// The password of olga, who is an operator.
    password: String,
}

impl Disk {
    /// Nothing where no such disk can be made.
    fn new() -> Option<(Self, Server)> {
        if !are_installed(&["cc"]) {
            return None;
        }
        let directory = DataDir::new();
        let disk = Self {
            password: directory.make_account("olga", Rank::Operator),
            directory,
            orders: DataDir::new(),
        };
        fs::create_dir(disk.orders.path()).unwrap();
        fs::write(disk.order("bad_disk.c"), SOURCE).unwrap();
        let library = disk.order("bad_disk.so");
        let mut compiler = new_command("cc");
        compiler.args(["-shared", "-fPIC", "-o"]).arg(&library);
        compiler.arg(disk.order("bad_disk.c")).arg("-ldl");
        let output = compiler.output().expect("the compiler runs");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{complaint}");
        let mut command = Server::command();
        command.env("LD_PRELOAD", library);
        command.env("BAD_DISK", disk.orders.path());
        command.args(["--port", "0", "--bind", "127.0.0.1", "--rate", "0"]);
        command.args(["--data", disk.directory.path()]);
        let server = Server::launch(command);
        let maps = fs::read_to_string(format!("/proc/{}/maps", server.pid())).unwrap();
        if !maps.contains("bad_disk.so") {
            skip("nothing can be loaded before the C library here");
            return None;
        }
        Some((disk, server))
    }

    fn order(&self, name: &str) -> PathBuf {
        PathBuf::from(self.orders.path()).join(name)
    }

    /// From now on it does so.
    fn give(&self, name: &str, number: impl std::fmt::Display) {
        // All at once: a file with nothing in it is no order.
        fs::write(self.order("written"), number.to_string()).unwrap();
        fs::rename(self.order("written"), self.order(name)).unwrap();
    }

    /// Each write takes so long, as far as nothing else is said meanwhile.
    fn slow_down(&self, write: Duration) {
        self.give("slow", write.as_millis());
    }

    fn break_with(&self, error: i32) {
        self.give("broken", error);
    }

    fn mend(&self, name: &str) {
        fs::remove_file(self.order(name)).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // A server that is to end waits for it.
        let _ = fs::remove_file(self.order("slow"));
    }
}

/// A flood that the disk does not keep up with, then a chat, and then the disk is as it was.
fn floods_beside(write: Duration) {
    let Some((disk, server)) = Disk::new() else {
        return;
    };
    disk.slow_down(write);
    // If anybody waited for the disk, nothing of this would be over in time.
    let flood = fill_queue(&server);
    server.log_line(|line| line.contains("is not kept: the disk does not keep up"));
    let mut chat = Chat::start(&server);
    chat.goes_on(100);
    let mut said = 100;
    disk.mend("slow");
    eventually("there is room again", || {
        chat.goes_on(1);
        said += 1;
        let log = server.log();
        log.iter().any(|line| line.contains("there is a gap"))
    });
    let gap = gap(&server, &disk.directory);
    let kept = kept_of_flood(&disk.directory.database());
    // So is some of what others said meanwhile.
    let lost = flood - kept..=flood - kept + 3 + said;
    assert!(kept > 0 && lost.contains(&gap), "{gap} + {kept} of {flood}");
    chat.goes_on(1);
    let line = format!("<chatting> line {}", said + 1);
    disk.directory.keeps(&line);
    let log = disk.directory.log(&[]);
    assert!(log.contains(&format!("-- {gap} lines were not kept")));
}

#[test]
fn beside_a_slow_disk_the_chat_goes_on_and_what_finds_no_room_is_a_gap_that_is_counted_and_said() {
    floods_beside(Duration::from_millis(50));
}

#[test]
fn a_disk_that_does_not_answer_stops_nobody_and_is_written_again_when_it_does() {
    floods_beside(FOR_EVER);
}

#[test]
fn a_server_that_is_to_end_waits_10_s_for_a_disk_that_does_not_answer_and_counts_what_is_lost() {
    let Some((disk, mut server)) = Disk::new() else {
        return;
    };
    let mut chat = Chat::start(&server);
    disk.directory.keeps("<reading> it is me");
    disk.slow_down(FOR_EVER);
    chat.goes_on(7);
    server.signal("TERM");
    chat.ends_with(GOODBYE);
    server.log_line(|line| line.contains(" 7 lines are not kept"));
    assert_eq!(server.wait_exit().code(), Some(0));
    let check = "PRAGMA integrity_check";
    let database = disk.directory.database();
    let found = database.query_row(check, [], |row| row.get::<_, String>(0));
    assert_eq!(found.as_deref(), Ok("ok"));
}

#[test]
fn a_disk_that_becomes_read_only_or_fails_stops_nobody_and_loses_nothing_that_the_queue_holds() {
    let Some((disk, server)) = Disk::new() else {
        return;
    };
    let mut chat = Chat::start(&server);
    disk.directory.keeps("<reading> it is me");
    let mut said = 0;
    let is_outage = |line: &str| line.contains("cannot be kept now: ");
    for (times, error) in (1..).zip([libc::EROFS, libc::EIO, libc::ENOSPC]) {
        // One may have been told of in two lines.
        let known = server.log().iter().filter(|line| is_outage(line)).count();
        disk.break_with(error);
        chat.goes_on(100);
        server.log_lines(known + 1, is_outage);
        chat.goes_on(100);
        said += 200;
        disk.mend("broken");
        server.log_lines(times, |line| line.ends_with("what is said is kept again"));
        disk.directory.keeps(&format!("<chatting> line {said}"));
    }
    let log = disk.directory.log(&["--search", "line "]);
    let expected = (1..=said).map(|number| format!("<chatting> line {number}"));
    assert!(log.iter().cloned().eq(expected), "{} of {said}", log.len());
}

#[test]
fn what_an_operator_changes_while_the_disk_fails_and_the_queue_is_full_is_not_pushed_out_of_it() {
    let Some((disk, server)) = Disk::new() else {
        return;
    };
    disk.break_with(libc::EIO);
    fill_queue(&server);
    server.log_line(|line| line.contains("is not kept: the disk does not keep up"));
    let mut olga = server.logged_in("olga", &disk.password);
    olga.send("/ban 192.0.2.1\n/ban 192.0.2.2 1h spam\n/unban 192.0.2.1");
    olga.expect("-- no longer banned: 192.0.2.1");
    disk.mend("broken");
    server.log_line(|line| line.ends_with("what is said is kept again"));
    eventually("the ban is written", || {
        let output = disk.directory.run(&["ban", "list"]);
        let list = String::from_utf8_lossy(&output.stdout).into_owned();
        list.starts_with("192.0.2.2 until ") && list.lines().count() == 1
    });
}

#[test]
fn a_database_that_was_removed_while_the_disk_is_full_has_all_accounts_when_there_is_room_again() {
    let Some((disk, server)) = Disk::new() else {
        return;
    };
    let database = disk.directory.database();
    let members = "INSERT INTO accounts(name, hash, is_operator) WITH RECURSIVE numbers(n) AS
        (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 1000)
        SELECT 'member' || n, printf('%.90c', 'x'), 0 FROM numbers";
    assert_eq!(database.execute(members, []), Ok(1000));
    drop(database);
    let mut wanda = server.joined("wanda");
    eventually("the server has heard of them", || {
        only(answers(&mut wanda, "/whois member1000")).contains("registered")
    });
    // There is room for the tables, and not for the accounts.
    disk.give("small", 64 << 10);
    disk.directory.remove();
    fs::create_dir(disk.directory.path()).unwrap();
    server.log_line(|line| line.contains("cannot be kept now: ") && line.contains("full"));
    Chat::start(&server).goes_on(10);
    disk.mend("small");
    server.log_line(|line| line.ends_with("what is said is kept again"));
    let output = disk.directory.run(&["user", "list"]);
    let list = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(list.lines().count(), 1001, "{list}");
}

//! Section 7, "What is kept".
//!
//! | topic | file |
//! | --- | --- |
//! | the options, the directory, its files, a database that is of no use | `directory` |
//! | what is kept, and what of it is seen again after a restart | `lines` |
//! | `--keep`, `--keep-size`, no word left in the files | `limits` |
//! | `/search` | `search` |
//! | `chatd log` | `command_line` |
//! | `chatd erase` | `erase` |
//! | databases that are locked, gone, damaged or full, kills, the end | `faults` |
//! | disks that are slow, do not answer or refuse | `bad_disk` |

mod bad_disk;
mod command_line;
mod directory;
mod erase;
mod faults;
mod limits;
mod lines;
mod search;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use rusqlite::Connection;

use crate::kit::{DataDir, Server, are_installed, eventually, new_command, skip};

impl DataDir {
    /// One of its files.
    pub fn file(&self, name: &str) -> PathBuf {
        PathBuf::from(self.path()).join(name)
    }

    /// The database, as another program sees it.
    pub fn database(&self) -> Connection {
        Connection::open(self.file("chatd.db")).expect("the database opens")
    }

    /// A new one in which bob has just said `x1`, `x2` and so on, so many lines.
    pub fn with_lines(count: u32) -> Self {
        let directory = Self::new();
        drop(directory.server(&[]));
        let insert = format!(
            "WITH RECURSIVE numbers(n) AS (VALUES(1) UNION ALL SELECT n + 1 FROM numbers WHERE n < {count})
            INSERT INTO lines SELECT n, unixepoch() * 1000, 'bob', 0, 0, 'x' || n FROM numbers"
        );
        let inserted = directory.database().execute_batch(&insert);
        inserted.expect("the database takes them");
        directory
    }

    /// Takes all of it away at once: one by one, the server could make a file anew meanwhile.
    pub fn remove(&self) {
        let away = Self::new();
        fs::rename(self.path(), away.path()).expect("it is there");
    }

    /// Runs `chatd log` or another of its commands.
    pub fn run(&self, args: &[&str]) -> Output {
        let mut command = Server::command();
        command.args(args).args(["--data", self.path()]);
        // It may print more than a pipe holds.
        command.stdout(Stdio::piped()).output().expect("it runs")
    }

    /// The bare binary, started in a mount namespace of its own and behind a line of shell that runs
    /// in the directory. Nothing where the system allows no such namespaces.
    pub fn command_after(&self, preparation: &str) -> Option<Command> {
        let unshare = || {
            let mut unshare = new_command("unshare");
            unshare.args(["--map-root-user", "--mount"]);
            unshare
        };
        if !are_installed(&["unshare", "mount"]) {
            return None;
        }
        let works = unshare().arg("true").output().expect("it runs");
        if !works.status.success() {
            skip("no mount namespaces can be made here");
            return None;
        }
        let server = Server::command();
        let mut command = unshare();
        let script = format!("cd \"$0\" && {preparation} && cd / && exec \"$@\"");
        command
            .args(["sh", "-c", &script, self.path()])
            .arg(server.get_program());
        Some(command)
    }

    /// What `chatd log` prints, without the times.
    pub fn log(&self, args: &[&str]) -> Vec<String> {
        let output = self.run(&[&["log"], args].concat());
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{complaint}");
        let text = String::from_utf8(output.stdout).expect("text");
        let line = |line: &str| {
            let (_, said) = line.split_once("Z ").expect("a time");
            said.to_owned()
        };
        text.lines().map(line).collect()
    }

    /// Waits until the last line that is kept is this one.
    pub fn keeps(&self, line: &str) {
        let query =
            "SELECT CASE kind WHEN 0 THEN '<' || name || '> ' WHEN 1 THEN '* ' || name || ' '
            END || text FROM lines ORDER BY n DESC LIMIT 1";
        let database = self.database();
        eventually(line, || {
            let last = database.query_row(query, [], |row| row.get::<_, String>(0));
            last.is_ok_and(|last| last == line)
        });
    }
}

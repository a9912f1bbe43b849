//! Where a chatd of these tests keeps its data, and accounts made at its command line.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{Client, FIRST_WORDS, Server, run_to_end};

/// A directory for `--data` that is not there yet, and is removed when this goes out of scope.
pub struct DataDir(PathBuf);

/// What the owner of an account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rank {
    Member,
    Operator,
}

impl DataDir {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("chatd-test-data-{}-{number}", process::id());
        Self(env::temp_dir().join(name))
    }

    pub fn path(&self) -> &str {
        self.0
            .to_str()
            .expect("the path of temporary files is UTF-8")
    }

    /// A server that keeps its data here.
    pub fn server(&self, args: &[&str]) -> Server {
        Server::start(&[&["--data", self.path()], args].concat())
    }

    /// Makes an account at the command line. Returns its password.
    pub fn make_account(&self, name: &str, rank: Rank) -> String {
        let mut command = Server::command();
        command.args(["user", "add", name, "--data", self.path()]);
        if rank == Rank::Operator {
            command.arg("--op");
        }
        let output = run_to_end(command);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{complaint}");
        let printed = String::from_utf8(output.stdout).expect("text");
        // The only word in it that is made as passwords are.
        let is_password = |word: &&str| word.matches('-').count() == 4;
        let password = printed.split_whitespace().find(is_password);
        password.expect("a password").to_owned()
    }

    /// All files in it, with what they hold.
    pub fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let files = fs::read_dir(&self.0).expect("it is there");
        let path = |file: std::io::Result<fs::DirEntry>| file.expect("a file").path();
        let read = |path: PathBuf| fs::read(&path).map(|bytes| (path, bytes));
        files
            .map(path)
            .map(|path| read(path).expect("it can be read"))
            .collect()
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        // What is left behind there harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What a client reads where a password is asked for.
pub const PROMPT: &str = "-- password (your screen will show it):";
pub const NEW_PROMPT: &str = "-- new password (your screen will show it):";
pub const AGAIN_PROMPT: &str = "-- again (your screen will show it):";
pub const WRONG: &str = "-- wrong name or password; again, or an empty line to stop:";

/// The password of an account that a test has registered.
pub fn password_of(name: &str) -> String {
    format!("the secret of {name}")
}

impl Server {
    /// Makes an account by `/register`, and is logged in.
    pub fn registered(&self, name: &str) -> Client {
        let mut client = self.connect();
        client.register(name);
        client
    }

    /// The same of somebody who speaks, so that everybody has heard of them when it returns.
    pub fn member(&self, name: &str) -> Client {
        let mut client = self.registered(name);
        client.send(FIRST_WORDS);
        client.settle();
        client
    }

    /// Is logged in to an account, and has read everything until then.
    pub fn logged_in(&self, name: &str, password: &str) -> Client {
        let mut client = self.connect();
        client.send(&format!("/login {name}\n{password}"));
        client.read_login(name);
        client.settle();
        client
    }
}

impl Client {
    /// Makes an account, and is logged in.
    pub fn register(&mut self, name: &str) {
        let password = password_of(name);
        self.send(&format!("/register {name}\n{password}\n{password}"));
        self.read_login(name);
    }

    /// Reads until it is logged in to an account, whether it has come in before or not.
    fn read_login(&mut self, name: &str) {
        let renamed = format!(" is now {name}");
        let welcomed = format!("-- welcome to chatd, you are {name}");
        let is_login = |line: &str| line.ends_with(&renamed) || line == welcomed;
        self.lines_until_one(&format!("the login of {name}"), is_login);
    }
}

//! Where a server of the bench keeps its data, and the accounts in there.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::args::Args;
use crate::fanout::child::Folder;
use crate::server::{Server, command};

/// A directory that goes with this value.
pub struct Data(Folder);

/// An account, made at the command line.
pub struct Account {
    pub name: String,
    pub password: String,
}

impl Data {
    /// An empty directory.
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(Folder::make(&format!("soak-{number}")).expect("a directory can be made"))
    }

    fn path(&self) -> &str {
        let path = self.0.path();
        path.to_str().expect("the path of temporary files is UTF-8")
    }

    /// The database.
    pub fn database(&self) -> PathBuf {
        self.0.path().join("chatd.db")
    }

    /// Makes an account.
    pub fn account(&self, args: &Args, name: &str) -> Account {
        let mut command = command(args);
        command.args(["user", "add", name, "--data", self.path()]);
        let output = command.output().expect("chatd can be run");
        let printed = String::from_utf8(output.stdout).expect("text");
        // The only word in it that is made as passwords are.
        let is_password = |word: &&str| word.matches('-').count() == 4;
        let password = printed.split_whitespace().find(is_password);
        Account {
            name: name.to_owned(),
            password: password.expect("an account was made").to_owned(),
        }
    }

    /// Starts a server that keeps its data here.
    pub fn server(&self, args: &Args, options: &[&str]) -> Server {
        let options = [&["--data", self.path()], options].concat();
        Server::start(args, &options)
    }
}

//! Section 6: encryption.

mod certificates;
mod conversation;
mod crowds;
mod endings;
mod log;
mod options;
mod pump;
mod refusals;
mod shape;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::kit::{Server, TempFile, run_to_end};

/// A certificate and its key that `chatd cert` has made, removed when it goes out of scope.
struct Identity(TempFile);

impl Identity {
    fn new() -> Self {
        let file = TempFile::with("");
        make(Path::new(file.path()));
        Self(file)
    }

    fn path(&self) -> &str {
        self.0.path()
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }

    /// Another certificate and key in the same place.
    fn renew(&self) {
        make(Path::new(self.path()));
    }
}

/// Makes a file anew.
fn make(path: &Path) {
    fs::remove_file(path).unwrap();
    let output = run_to_end(cert(path));
    assert!(output.status.success(), "{output:?}");
}

/// `chatd cert`, to be run.
fn cert(path: &Path) -> Command {
    let mut command = Server::command();
    command.arg("cert").arg(path);
    command
}

/// The block of a PEM file, `CERTIFICATE` or `PRIVATE KEY`, with its lines.
fn block(text: &str, label: &str) -> String {
    let begin = text.find(&format!("-----BEGIN {label}-----")).unwrap();
    let end = format!("-----END {label}-----\n");
    let length = text[begin..].find(&end).unwrap() + end.len();
    text[begin..begin + length].to_owned()
}

fn mode(path: &str, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A new file that only its owner can read.
fn private(text: &str) -> TempFile {
    let file = TempFile::with(text);
    mode(file.path(), 0o600);
    file
}

/// A path where there is nothing yet.
fn new_path() -> PathBuf {
    let file = TempFile::with("");
    PathBuf::from(file.path())
}

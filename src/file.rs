//! Files that the user names, read at the start and again when SIGHUP asks for it.

use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// When a file is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// At the start, whatever it is, such as a pipe.
    Start,
    /// While the server runs, if it is a regular file. A pipe can be read once, and to wait for another
    /// writer would be to wait for ever.
    Reload,
}

/// Reads a file, of which at most so many bytes.
///
/// # Errors
///
/// It cannot be read, or is nothing to be read again.
pub fn read(path: &Path, most: u64, when: When) -> io::Result<Vec<u8>> {
    let mut options = OpenOptions::new();
    options.read(true);
    if when == When::Reload {
        // To open a pipe does not wait for its writer then (fifo(7)).
        options.custom_flags(libc::O_NONBLOCK);
    }
    let file = options.open(path)?;
    if when == When::Reload && !file.metadata()?.is_file() {
        return Err(io::Error::other("not a file"));
    }
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

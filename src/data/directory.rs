//! The directory that everything is kept in: its lock, and the files of the database.

use crate::config::show_path;
use rustix::fs::{Access, FlockOperation, access, flock};
use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

/// What `--data` names, for one server alone for as long as this is there.
pub struct Directory {
    path: PathBuf,
    lock: File,
    /// The file system that it was on at first.
    device: u64,
}

/// One file of the system's, whatever it is called: its device and inode.
pub type FileId = (u64, u64);

impl Directory {
    /// Makes the directory if it is missing, and locks it.
    ///
    /// # Errors
    ///
    /// For the user, on one line that names the file.
    pub fn open(path: &Path) -> Result<Self, String> {
        make_directory(path)?;
        let lock = lock(path)?;
        let metadata = lock.metadata().map_err(|error| complaint(path, &error))?;
        Ok(Self {
            path: path.to_owned(),
            lock,
            device: metadata.dev(),
        })
    }

    /// Locks the directory again if another one has its name now. One that is missing is not made, and
    /// nothing is in one of another file system that has no database: perhaps its disk is gone.
    ///
    /// # Errors
    ///
    /// For the user, on one line that names the file.
    pub fn lock_again(&mut self) -> Result<(), String> {
        let metadata = fs::metadata(&self.path).map_err(|error| complaint(&self.path, &error))?;
        if metadata.dev() != self.device && self.current().is_none() {
            let gone = "this is not the file system that was here, and it has no database";
            return Err(complaint(&self.path, &gone));
        }
        let path = self.path.join("lock");
        let held = self.lock.metadata().map(|metadata| id(&metadata)).ok();
        if held.is_none() || file_id(&path) != held {
            self.lock = lock(&self.path)?;
        }
        Ok(())
    }

    /// Where the database is. It is made, empty, if it is missing.
    ///
    /// # Errors
    ///
    /// For the user, on one line that names the file.
    pub fn database(&self) -> Result<PathBuf, String> {
        make_database(&self.path)
    }

    /// Which file is the database now, if there is one.
    pub fn current(&self) -> Option<FileId> {
        database_id(&database_in(&self.path))
    }
}

/// Where the database of a directory is.
pub fn database_in(directory: &Path) -> PathBuf {
    directory.join("chatd.db")
}

/// Makes a directory for its owner alone, if it is missing.
pub fn make_directory(path: &Path) -> Result<(), String> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(complaint(path, &error)),
        _ => Ok(()),
    }
}

/// Makes the database of a directory, empty, if it is missing. Returns where it is.
pub fn make_database(directory: &Path) -> Result<PathBuf, String> {
    let path = database_in(directory);
    // Where it is open already, closing it once more would drop the locks that SQLite has on it
    // (fcntl(2), "advisory record locking").
    match access(&path, Access::READ_OK | Access::WRITE_OK) {
        Err(rustix::io::Errno::NOENT) => make(directory, &path).map(drop)?,
        Err(error) => return Err(complaint(&path, &io::Error::from(error))),
        Ok(()) => {}
    }
    Ok(path)
}

/// What is wrong with a file, on one line.
pub fn complaint(path: &Path, what: &dyn fmt::Display) -> String {
    format!("{}: {what}", show_path(path))
}

pub fn file_id(path: &Path) -> Option<FileId> {
    fs::metadata(path).ok().map(|metadata| id(&metadata))
}

/// The same of a database: nothing where all was cut off that was in it.
pub fn database_id(path: &Path) -> Option<FileId> {
    let metadata = fs::metadata(path).ok()?;
    (metadata.len() > 0).then(|| id(&metadata))
}

fn id(metadata: &fs::Metadata) -> FileId {
    (metadata.dev(), metadata.ino())
}

fn lock(directory: &Path) -> Result<File, String> {
    let path = directory.join("lock");
    let file = make(directory, &path)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => {
            Err(complaint(&path, &"another chatd keeps its data here"))
        }
        Err(error) => Err(complaint(&path, &io::Error::from(error))),
    }
}

/// Opens a file, and makes it if it is missing: for its owner alone, who is the directory's.
fn make(directory: &Path, path: &Path) -> Result<File, String> {
    let make = || {
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(0o600);
        match options.clone().create_new(true).open(path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => options.open(path),
            Err(error) => Err(error),
            Ok(file) => {
                let (owner, own) = (fs::metadata(directory)?, file.metadata()?);
                if (owner.uid(), owner.gid()) != (own.uid(), own.gid()) {
                    fchown(&file, Some(owner.uid()), Some(owner.gid()))?;
                }
                Ok(file)
            }
        }
    };
    make().map_err(|error| complaint(path, &error))
}

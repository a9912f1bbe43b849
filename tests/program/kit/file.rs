//! A file that is there for as long as a test needs it.

use std::fs;
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

/// A file of the test's own, removed when it goes out of scope.
pub struct TempFile(PathBuf);

impl TempFile {
    /// Writes `contents` to a new file.
    pub fn with(contents: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "file-{}-{}",
            process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::write(&path, contents).expect("a temporary file can be written");
        Self(path)
    }

    /// Where it is.
    pub fn path(&self) -> &str {
        self.0
            .to_str()
            .expect("the path of the target directory is UTF-8")
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        // A file left behind in the target directory harms nobody.
        let _ = fs::remove_file(&self.0);
    }
}

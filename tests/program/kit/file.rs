//! A file that is there for as long as a test needs it.

use std::env;
use std::fs::{self, File};
use std::io::Write;
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
            "chatd-test-{}-{}",
            process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = env::temp_dir().join(name);
        let mut file = File::create_new(&path).expect("a temporary file can be made");
        file.write_all(contents.as_bytes())
            .expect("a temporary file can be written");
        Self(path)
    }

    /// Where it is.
    pub fn path(&self) -> &str {
        self.0
            .to_str()
            .expect("the path of temporary files is UTF-8")
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        // A file left behind there harms nobody.
        let _ = fs::remove_file(&self.0);
    }
}

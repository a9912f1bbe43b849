//! Unix sockets, and clients that come by them.

use std::env;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use super::Client;

/// A path of the test's own. What is there is removed when it goes out of scope.
pub struct SocketPath(PathBuf);

impl SocketPath {
    /// Nothing is there yet.
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("chatd-test-{}-{number}.sock", process::id());
        Self(env::temp_dir().join(name))
    }

    pub fn path(&self) -> &str {
        self.0
            .to_str()
            .expect("the path of temporary files is UTF-8")
    }

    /// Whether anything is there.
    pub fn exists(&self) -> bool {
        self.0.symlink_metadata().is_ok()
    }

    /// Connects, and reads nothing yet.
    pub fn connect(&self) -> Client {
        let stream = UnixStream::connect(&self.0).expect("chatd takes the connection");
        // Nothing that is done with it is different, but for the options of TCP.
        let stream = TcpStream::from(OwnedFd::from(stream));
        Client::behind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)), stream)
    }

    /// Connects, reads the welcome and takes a name.
    pub fn join(&self, name: &str) -> Client {
        let mut client = self.connect();
        client.send(&format!("/nick {name}"));
        client.read_welcome();
        client.read_renaming(name);
        client
    }
}

impl Drop for SocketPath {
    fn drop(&mut self) {
        // chatd has removed it already, unless it was killed.
        let _ = fs::remove_file(&self.0);
    }
}

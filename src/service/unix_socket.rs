//! A Unix socket that is listened on: `--socket`, or one that was inherited.

use crate::address::Address;
use crate::config::show_path;
use crate::listener::{BACKLOG, Listener, Port, SEND_BUFFER};
use crate::service::local::Local;
use rustix::fd::{AsFd, BorrowedFd};
use rustix::fs::{FlockOperation, Mode, flock};
use rustix::net::sockopt::socket_peercred;
use rustix::process::umask;
use socket2::{Domain, SockAddr, SockRef, Socket, Type};
use std::fs::{self, Metadata};
use std::io;
use std::io::ErrorKind::{AddrInUse, ConnectionRefused};
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Everybody may connect: the folder decides who can. A mask that leaves 0666 of 0777.
const MASK: Mode = Mode::from_bits_retain(0o111);

/// Whose number the kernel shows in place of one that means nothing here (`user_namespaces(7)`).
const UNKNOWN_USER: u32 = 65534;

pub struct UnixSocket {
    /// Removed before the socket is closed, which keeps any other file from having its number.
    _file: Option<File>,
    listener: UnixListener,
    name: String,
}

/// The file that a socket of ours has, removed at the end.
struct File {
    path: PathBuf,
    number: (u64, u64),
}

impl UnixSocket {
    /// Listens on a new socket, in place of one that nobody answers.
    ///
    /// # Errors
    ///
    /// For the user, on one line.
    pub fn open(path: &Path) -> Result<Port, String> {
        let name = show_path(path);
        let listen = || {
            let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
            // Where that is not possible, nobody else is expected to start at this moment.
            let _lock = lock_folder(path);
            let file = bind(&socket, path)?;
            socket.listen(BACKLOG)?;
            Ok((UnixListener::from(socket), Some(file)))
        };
        let result = listen().and_then(|(listener, file)| Self::port(listener, name.clone(), file));
        result.map_err(|error: io::Error| format!("cannot listen on {name}: {error}"))
    }

    /// Listens on a socket that is somebody else's to remove.
    pub fn inherit(listener: UnixListener) -> io::Result<Port> {
        let address = SockRef::from(&listener).local_addr()?;
        let name = match (address.as_pathname(), address.as_abstract_namespace()) {
            (Some(path), _) => show_path(path),
            (None, Some(name)) => format!("@{}", name.escape_ascii()),
            (None, None) => "a Unix socket".to_owned(),
        };
        Self::port(listener, name, None)
    }

    fn port(listener: UnixListener, name: String, file: Option<File>) -> io::Result<Port> {
        listener.set_nonblocking(true)?;
        let socket = Self {
            _file: file,
            listener,
            name,
        };
        Ok(Port {
            listener: Box::new(socket),
            protocol: Arc::new(Local),
        })
    }
}

impl Listener for UnixSocket {
    fn accept(&self) -> io::Result<(Socket, Address)> {
        let stream = Socket::from(self.listener.accept()?.0);
        // Neither passes from the listening socket to these.
        stream.set_send_buffer_size(SEND_BUFFER)?;
        stream.set_out_of_band_inline(true)?;
        // A process that this one cannot see, in another PID namespace, has the number 0, which is
        // an error here.
        let user = socket_peercred(&stream).map_or(UNKNOWN_USER, |peer| peer.uid.as_raw());
        Ok((stream, Address::User(user)))
    }

    fn name(&self) -> io::Result<String> {
        Ok(self.name.clone())
    }

    fn tcp_address(&self) -> io::Result<Option<SocketAddr>> {
        Ok(None)
    }
}

impl AsFd for UnixSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let is_ours = |file: Metadata| (file.dev(), file.ino()) == self.number;
        if fs::symlink_metadata(&self.path).is_ok_and(is_ours) {
            // Where that is not possible, the next chatd does it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Keeps every other chatd from looking what is there, as long as what this returns is open: a socket
/// that is not listened on yet looks as one that was left behind.
fn lock_folder(path: &Path) -> io::Result<fs::File> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let folder = fs::File::open(folder.unwrap_or(Path::new(".")))?;
    flock(&folder, FlockOperation::LockExclusive)?;
    Ok(folder)
}

/// Makes the socket's file.
fn bind(socket: &Socket, path: &Path) -> io::Result<File> {
    let address = SockAddr::unix(path)?;
    // Not chmod(2) afterwards, which would change whatever is there by then. No other thread makes
    // files.
    let bind = || {
        let before = umask(MASK);
        let result = socket.bind(&address);
        umask(before);
        result
    };
    match bind() {
        Err(error) if error.kind() == AddrInUse && is_left_behind(path, &address)? => {
            fs::remove_file(path)?;
            bind()?;
        }
        result => result?,
    }
    let file = fs::symlink_metadata(path)?;
    Ok(File {
        path: path.to_owned(),
        number: (file.dev(), file.ino()),
    })
}

/// Whether this is a socket that nobody answers.
fn is_left_behind(path: &Path, address: &SockAddr) -> io::Result<bool> {
    if !fs::symlink_metadata(path)?.file_type().is_socket() {
        return Ok(false);
    }
    // Without waiting, as many may be waiting there already.
    let caller = Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)?;
    let answer = caller.connect(address);
    Ok(answer.is_err_and(|error| error.kind() == ConnectionRefused))
}

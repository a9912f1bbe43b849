//! One connection to the server.

use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};

use crate::server::PATIENCE;

/// A receive buffer so small that a client that does not read is full at once.
const NARROW: usize = 4 * 1024;

/// A client that reads lines.
pub struct Client {
    stream: BufReader<TcpStream>,
    line: Vec<u8>,
}

impl Client {
    /// Connects.
    pub fn connect(server: SocketAddr) -> io::Result<Self> {
        Self::over(connect(server)?)
    }

    /// Reads from this connection.
    pub fn over(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::with_capacity(64 << 10, stream),
            line: Vec::new(),
        })
    }

    /// Connects and takes a name, and wants to read of no joins and departures.
    pub fn join(server: SocketAddr, name: &str) -> io::Result<Self> {
        let mut client = Self::connect(server)?;
        client.send(&format!("/quiet\n/nick {name}\n"))?;
        let end = format!(" is now {name}");
        while !client.read_line()?.ends_with(end.as_bytes()) {}
        Ok(client)
    }

    /// Sends text as it is.
    pub fn send(&self, text: &str) -> io::Result<()> {
        self.stream().write_all(text.as_bytes())
    }

    /// Waits until the server has taken everything that came before from this client.
    pub fn settle(&mut self) -> io::Result<()> {
        self.send("/version\n")?;
        while !self.read_line()?.starts_with(b"-- chatd ") {}
        Ok(())
    }

    /// The next line, without its end.
    pub fn read_line(&mut self) -> io::Result<&[u8]> {
        self.line.clear();
        self.stream.read_until(b'\n', &mut self.line)?;
        match self.line.pop() {
            Some(b'\n') => Ok(&self.line),
            _ => Err(ErrorKind::UnexpectedEof.into()),
        }
    }

    /// The connection itself.
    pub fn stream(&self) -> &TcpStream {
        self.stream.get_ref()
    }
}

/// Connects a socket on which nothing waits for ever.
pub fn connect(server: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&server, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Connects from one of many addresses, because each has ports for some ten thousand connections in
/// a minute only.
pub fn connect_from(number: usize, server: SocketAddr) -> io::Result<TcpStream> {
    connect_with(Ipv4Addr::new(127, 0, 1, 1 + (number % 200) as u8), server)
}

/// Connects from this address.
pub fn connect_with(source: Ipv4Addr, server: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((source, 0)).into())?;
    socket.connect(&server.into())?;
    Ok(socket.into())
}

/// Connects a client that reads nothing, and for which little fits into the kernel.
pub fn connect_narrow(server: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_recv_buffer_size(NARROW)?;
    // A limit that was set before would be one on connecting too.
    socket.connect(&server.into())?;
    socket.set_write_timeout(Some(Duration::from_secs(1)))?;
    Ok(socket.into())
}

/// Ends a connection with a reset.
pub fn reset(stream: &TcpStream) {
    // Fails only if the connection has ended already.
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

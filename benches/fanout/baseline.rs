//! The chat server that one writes first: a thread per client, a channel, and a broadcaster that
//! calls `write_all` on each socket, message by message. It says what chatd says, so that both are
//! measured on the same bytes.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::wire::WELCOME_ENDS;

/// What the clients' threads tell the broadcaster. Clients are known by their numbers.
enum Event {
    Joined(usize, Arc<TcpStream>),
    Said(usize, Vec<u8>),
    Left(usize),
}

/// Serves until the process is ended.
pub fn serve() -> io::Result<()> {
    let listener = listen()?;
    let (events, broadcaster) = bounded(256);
    thread::spawn(move || broadcast(&broadcaster));
    for (number, socket) in (1..).zip(listener.incoming()) {
        let socket = Arc::new(socket?);
        let events = events.clone();
        thread::Builder::new().stack_size(64 << 10).spawn(move || {
            // An error on the socket is a departure like any other.
            let _ = attend(number, &socket, &events);
            let _ = events.send(Event::Left(number));
        })?;
    }
    Ok(())
}

/// Listens on a free port, with room for a burst of connections, and says which one on stderr.
pub fn listen() -> io::Result<TcpListener> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    socket.bind(&std::net::SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    socket.listen(4096)?;
    let listener = TcpListener::from(socket);
    eprintln!("listening on {}", listener.local_addr()?);
    Ok(listener)
}

/// One client's thread: its bytes become lines.
fn attend(number: usize, socket: &Arc<TcpStream>, events: &Sender<Event>) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
    events
        .send(Event::Joined(number, Arc::clone(socket)))
        .map_err(gone)?;
    let mut reader = BufReader::new(&**socket);
    loop {
        let mut line = Vec::new();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        events.send(Event::Said(number, line)).map_err(gone)?;
    }
}

/// The broadcaster: each message is written to every other client.
fn broadcast(events: &Receiver<Event>) {
    let mut clients: Vec<(usize, Arc<TcpStream>)> = Vec::new();
    for event in events {
        match event {
            Event::Joined(number, socket) => {
                let welcome = format!("-- you are guest{number}\n{WELCOME_ENDS}");
                // A client that is gone already leaves in a moment, here and below.
                let _ = (&*socket).write_all(welcome.as_bytes());
                clients.push((number, socket));
            }
            Event::Said(author, line) => {
                let message = [format!("<guest{author}> ").as_bytes(), &line].concat();
                for (_, socket) in clients.iter().filter(|(number, _)| *number != author) {
                    let _ = (&**socket).write_all(&message);
                }
            }
            Event::Left(left) => clients.retain(|(number, _)| *number != left),
        }
    }
}

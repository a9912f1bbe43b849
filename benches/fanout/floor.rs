//! The floor: what it costs to send the bytes, and nothing else. It reads no chat; its first client
//! orders so many lines, and a loop sends them, prebuilt, to all the others. No server that makes
//! the same calls can be faster.

use std::io::{self, BufRead, BufReader};
use std::net::TcpStream;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use rustix::net::{SendFlags, send};

use crate::baseline;
use crate::contender::Contender;
use crate::lines::Pattern;
use crate::wire::WELCOME_ENDS;

/// The most that is sent to one client before it is the next one's turn.
const SHARE: usize = 256 << 10;

/// The order for so many lines to everybody but the one who orders.
pub fn order(lines: usize) -> Vec<u8> {
    format!("{lines}\n").into_bytes()
}

/// Serves until the process is ended.
pub fn serve() -> io::Result<()> {
    let listener = baseline::listen()?;
    let (arrived, arrivals) = mpsc::channel();
    thread::spawn(move || -> io::Result<()> {
        for (number, socket) in (1..).zip(listener.incoming()) {
            let socket = socket?;
            socket.set_nodelay(true)?;
            send(
                &socket,
                format!("-- you are guest{number}\n{WELCOME_ENDS}").as_bytes(),
                SendFlags::DONTWAIT,
            )?;
            if arrived.send(socket).is_err() {
                break;
            }
        }
        Ok(())
    });
    take_orders(&arrivals)
}

/// Sends what the first to arrive orders to all who have arrived by then.
fn take_orders(arrivals: &Receiver<TcpStream>) -> io::Result<()> {
    let pattern = Pattern::of(|line| Contender::Floor.delivered("guest1", line));
    let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
    let mut orders = BufReader::new(arrivals.recv().map_err(gone)?);
    let mut clients: Vec<TcpStream> = Vec::new();
    loop {
        let mut order = String::new();
        if orders.read_line(&mut order)? == 0 {
            return Ok(());
        }
        let lines: usize = order.trim().parse().map_err(io::Error::other)?;
        clients.extend(arrivals.try_iter());
        send_round(&clients, &pattern, lines * pattern.line())?;
    }
}

/// Sends the first `end` bytes of the pattern to everybody, in turns, as fast as the sockets take
/// them.
fn send_round(clients: &[TcpStream], pattern: &Pattern, end: usize) -> io::Result<()> {
    let mut offsets = vec![0; clients.len()];
    let mut unfinished = clients.len();
    while unfinished > 0 {
        let mut stuck = true;
        for (client, offset) in clients
            .iter()
            .zip(&mut offsets)
            .filter(|(_, offset)| **offset < end)
        {
            match send(
                client,
                pattern.at(*offset, SHARE.min(end - *offset)),
                SendFlags::DONTWAIT,
            ) {
                Ok(sent) => {
                    *offset += sent;
                    stuck = false;
                    unfinished -= usize::from(*offset == end);
                }
                Err(rustix::io::Errno::AGAIN) => {}
                Err(error) => return Err(error.into()),
            }
        }
        // With every socket full, the time is better spent by those who read.
        if stuck {
            thread::sleep(Duration::from_micros(50));
        }
    }
    Ok(())
}

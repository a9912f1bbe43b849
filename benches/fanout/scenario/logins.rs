//! People log in, each from an address and with an account of their own, as fast as they can: how many
//! passwords the machine checks.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use crate::child::Folder;
use crate::contender::{self, Contender, Flood, Needs, Transport};
use crate::database;
use crate::readings;
use crate::sheet::{Measure, Unit};

use super::{Effort, rate};

/// Those who log in at a time.
const AT_ONCE: usize = 16;

/// The addresses, and the accounts: nobody comes again soon.
const ACCOUNTS: u32 = 1_000;

/// How often one logs in alone.
const ALONE: u32 = 10;

/// What the accounts are called, with a number behind.
const ACCOUNT: &str = "member";

/// The figure that counts.
pub const LOGINS: &str = "logins";

pub fn run(effort: Effort) -> io::Result<Vec<Measure>> {
    let folder = Folder::make("logins")?;
    let data = folder.path().join("data");
    let password = make_accounts(&data)?;
    let needs = Needs {
        clients: AT_ONCE,
        flood: Flood::No,
        transport: Transport::Plain,
        core: None,
    };
    let server = Contender::start_on(&data, &[], needs)?;
    let (address, pid) = (server.address, server.child.pid());

    let mut alone = Vec::new();
    for number in 0..ALONE {
        alone.push(log_in(address, number, &password)?);
    }
    alone.sort_unstable();

    let time = Duration::from_secs(effort.pick(3, 8));
    let next = AtomicU32::new(ALONE);
    let cpu = readings::cpu_time(pid)?;
    let begin = Instant::now();
    thread::scope(|scope| {
        let log_in_again_and_again = || {
            while begin.elapsed() < time {
                log_in(address, next.fetch_add(1, Ordering::Relaxed), &password)?;
            }
            Ok(())
        };
        let threads = [(); AT_ONCE].map(|()| scope.spawn(log_in_again_and_again));
        let mut ended = threads
            .into_iter()
            .map(|thread| thread.join().expect("it ends"));
        ended.try_for_each(|ended: io::Result<()>| ended)
    })?;
    let took = begin.elapsed();
    let cpu = readings::cpu_time(pid)?.saturating_sub(cpu);
    drop(server);

    let count = next.into_inner() - ALONE;
    Ok(vec![
        Measure::new(LOGINS, Unit::PerSecond, rate(count as usize, took)),
        Measure::new(
            "server CPU per login",
            Unit::Seconds,
            cpu.as_secs_f64() / f64::from(count),
        ),
        Measure::new(
            "one alone",
            Unit::Seconds,
            alone[alone.len() / 2].as_secs_f64(),
        ),
    ])
}

/// Makes the accounts, and gives the password of them all.
fn make_accounts(data: &Path) -> io::Result<String> {
    let mut command = contender::chatd();
    command.args(["user", "add", ACCOUNT, "--data"]).arg(data);
    let output = command.output()?;
    if !output.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&output.stderr)));
    }
    database::copy_account(data, ACCOUNT, ACCOUNTS)?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Connects, logs in and leaves. Gives the time from the password's sending to the verdict's coming.
fn log_in(server: SocketAddr, number: u32, password: &str) -> io::Result<Duration> {
    let number = number % ACCOUNTS;
    let [_, _, high, low] = (number + 1).to_be_bytes();
    let own = SocketAddr::from((Ipv4Addr::new(127, 1, high, low), 0));
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&own.into())?;
    socket.connect(&server.into())?;
    let mut client = TcpStream::from(socket);
    client.set_read_timeout(Some(Duration::from_secs(15)))?;
    let account = format!("{ACCOUNT}{number}");
    let begin = Instant::now();
    client.write_all(format!("/login {account}\n{password}\n").as_bytes())?;
    let verdict = format!(" is now {account}");
    let mut read = Vec::new();
    for line in BufReader::new(client.try_clone()?).lines() {
        let line = line?;
        if line.ends_with(&verdict) {
            let took = begin.elapsed();
            client.write_all(b"/quit\n")?;
            return Ok(took);
        }
        read.push(line);
    }
    Err(io::Error::other(format!(
        "{account} did not log in: {read:?}"
    )))
}

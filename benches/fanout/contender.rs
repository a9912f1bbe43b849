//! The servers that are measured, and how each is started on a free port of the loopback interface.

use std::fmt;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use clap::ValueEnum;

use crate::child::{Child, Folder};
use crate::pin::Core;
use crate::{baseline, floor};

/// The hidden first argument with which this executable is one of the servers that are built in.
pub const SERVE: &str = "--serve";

/// How long a server may take until it accepts connections.
const STARTS_WITHIN: Duration = Duration::from_secs(10);

/// A server that is measured. The order is that of the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Contender {
    /// The server that this is about.
    Chatd,
    /// The same with `--data`.
    Keeping,
    /// `ncat --broker`: relays bytes as they come, and so cuts lines apart.
    Ncat,
    /// `redis-server`: PUBLISH to subscribers.
    Redis,
    /// `nats-server`: PUB to SUBs, with `echo:false`.
    Nats,
    /// Built in: a thread per client, a channel, a `write_all` per message and client.
    Baseline,
    /// Built in: prebuilt bytes sent round by a loop that does nothing else. No chat server can be
    /// faster than that which sends with the same calls.
    Floor,
    /// `openssl speed`: what one core encrypts. It serves nobody.
    Openssl,
}

/// How clients talk to a server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    Plain,
    /// TLS 1.3, with a certificate that chatd has made.
    Tls,
}

/// What a scenario wants of a server beyond its being there.
#[derive(Clone, Copy)]
pub struct Needs {
    /// The number of clients that will be there at once.
    pub clients: usize,
    /// Whether one client sends more than a person would.
    pub flood: Flood,
    /// What it is to speak.
    pub transport: Transport,
    /// The core that the server is to stay on.
    pub core: Option<Core>,
}

/// Whether a scenario needs the limits on what one client may send, or may leave unread, to be off.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Flood {
    /// chatd runs with its defaults.
    No,
    /// chatd runs with `--history 0 --rate 0`, redis without a limit on what waits for a subscriber
    /// that does read.
    Yes,
    /// chatd runs as with `Yes`, the others with the defaults that they bound their memory by.
    WithStalledReaders,
}

/// A server that accepts connections. It ends when this goes.
pub struct Server {
    /// The process.
    pub child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Chatd => "chatd",
            Self::Keeping => "chatd --data",
            Self::Ncat => "ncat --broker",
            Self::Redis => "redis-server",
            Self::Nats => "nats-server",
            Self::Baseline => "baseline",
            Self::Floor => "floor",
            Self::Openssl => "openssl, one core",
        })
    }
}

impl Contender {
    /// Whether the program is on this machine.
    pub fn is_installed(self) -> bool {
        match self {
            Self::Chatd | Self::Keeping | Self::Baseline | Self::Floor => true,
            Self::Ncat => find("ncat").is_some(),
            Self::Redis => find("redis-server").is_some(),
            Self::Nats => find("nats-server").is_some(),
            Self::Openssl => find("openssl").is_some(),
        }
    }

    /// The most clients that it can have at once.
    pub fn most_clients(self) -> usize {
        match self {
            Self::Openssl => 0,
            // It waits with select(2), which knows no descriptor from 1024 on.
            Self::Ncat => 1_000,
            _ => usize::MAX,
        }
    }

    /// Starts it and waits until it accepts connections.
    pub fn start(self, needs: Needs) -> io::Result<Server> {
        match self {
            Self::Chatd => Self::start_telling(Self::chatd(needs), needs, None),
            Self::Keeping => {
                let folder = Folder::make("keeping")?;
                let mut command = Self::chatd(needs);
                command.arg("--data").arg(folder.path().join("data"));
                Self::start_telling(command, needs, Some(folder))
            }
            Self::Baseline | Self::Floor => Self::start_telling(self.built_in()?, needs, None),
            Self::Ncat | Self::Redis | Self::Nats => self.start_on_free_port(needs),
            Self::Openssl => Err(io::Error::other(format!("{self} serves nobody"))),
        }
    }

    /// Starts chatd with `--data` on a directory that stays when it has ended.
    pub fn start_on(data: &Path, options: &[&str], needs: Needs) -> io::Result<Server> {
        let mut command = Self::chatd(needs);
        command.arg("--data").arg(data).args(options);
        Self::start_telling(command, needs, None)
    }

    fn chatd(needs: Needs) -> Command {
        let mut command = chatd();
        command.args(["--port", "0", "--bind", "127.0.0.1"]);
        // More than the default is asked for only where the scenario has more.
        if needs.clients > 10_000 {
            command.args(["--max-clients", &needs.clients.to_string()]);
        }
        if needs.flood != Flood::No {
            command.args(["--history", "0", "--rate", "0"]);
        }
        if needs.transport == Transport::Tls {
            command.arg("--tls");
        }
        command
    }

    fn built_in(self) -> io::Result<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args([
            SERVE,
            if self == Self::Floor {
                "floor"
            } else {
                "baseline"
            },
        ]);
        Ok(command)
    }

    /// Starts a server that chooses its port itself and says on stderr which one it is.
    fn start_telling(command: Command, needs: Needs, folder: Option<Folder>) -> io::Result<Server> {
        let mut child = Child::start(pinned(command, needs.core), Stdio::piped(), folder)?;
        let port = child.wait_for_port(STARTS_WITHIN)?;
        Ok(Server {
            child,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        })
    }

    /// Starts a server that has to be told its port, and waits until somebody answers there.
    fn start_on_free_port(self, needs: Needs) -> io::Result<Server> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()?
            .port();
        let folder = Folder::make(&port.to_string())?;
        let command = self.peer(port, folder.path(), needs)?;
        let mut child = Child::start(pinned(command, needs.core), Stdio::null(), Some(folder))?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let begin = Instant::now();
        while TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_err() {
            child.still_runs()?;
            if begin.elapsed() > STARTS_WITHIN {
                return Err(io::Error::other(format!("{self} accepts no connections")));
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(Server { child, address })
    }

    fn peer(self, port: u16, folder: &Path, needs: Needs) -> io::Result<Command> {
        let program = match self {
            Self::Ncat => "ncat",
            Self::Redis => "redis-server",
            _ => "nats-server",
        };
        let mut command = Command::new(find(program).unwrap_or_else(|| program.into()));
        command.current_dir(folder);
        let certificate = match needs.transport {
            Transport::Plain => None,
            Transport::Tls => Some(make_certificate(folder)?),
        };
        match self {
            Self::Ncat => {
                if let Some(file) = &certificate {
                    command.args(["--ssl", "--ssl-cert", file, "--ssl-key", file]);
                }
                command.args([
                    "--broker",
                    "--listen",
                    "--max-conns",
                    "1000",
                    "127.0.0.1",
                    &port.to_string(),
                ]);
            }
            Self::Redis => {
                command
                    .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--dir"])
                    .arg(folder);
                command.args(["--save", "", "--appendonly", "no", "--daemonize", "no"]);
                command.args(["--maxclients", "16000", "--tcp-backlog", "4096"]);
                if needs.flood == Flood::Yes {
                    command.args(["--client-output-buffer-limit", "pubsub 0 0 0"]);
                }
            }
            _ => {
                // Its pings would stand between the messages that are counted by their bytes.
                let config = folder.join("nats.conf");
                let tls = certificate.map_or_else(String::new, |file| {
                    format!("tls {{ cert_file: \"{file}\", key_file: \"{file}\", timeout: 30 }}\n")
                });
                let text = format!("listen: \"127.0.0.1:{port}\"\nping_interval: \"1h\"\n{tls}");
                fs::write(&config, text)?;
                command.arg("--config").arg(config);
            }
        }
        Ok(command)
    }
}

/// chatd, of which nothing of the surroundings changes what is measured.
pub fn chatd() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chatd"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CHATD_") || name == "RUST_LOG" {
            command.env_remove(name);
        }
    }
    command
}

/// What one core encrypts, in bytes a second, where it does nothing else: records of the most that
/// they hold, with the cipher that chatd and ncat agree on with the clients.
pub fn encrypted_by_one_core(time: Duration) -> io::Result<f64> {
    let mut command = Command::new(find("openssl").unwrap_or_else(|| "openssl".into()));
    command.args(["speed", "-evp", "aes-256-gcm", "-bytes", "16384", "-mr"]);
    command.args(["-seconds", &time.as_secs().max(1).to_string()]);
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find(|line| line.starts_with("+F:"));
    let rate = line.and_then(|line| line.rsplit(':').next()?.trim().parse().ok());
    rate.ok_or_else(|| io::Error::other("openssl does not say how fast it is"))
}

/// Makes a certificate and its key, in a file of which the name is given.
fn make_certificate(folder: &Path) -> io::Result<String> {
    let file = folder.join("certificate.pem");
    let output = chatd().arg("cert").arg(&file).output()?;
    if !output.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&output.stderr)));
    }
    Ok(file.to_string_lossy().into_owned())
}

/// Is one of the servers that are built in, until the parent goes.
pub fn serve(which: &str) -> ExitCode {
    // The parent holds the other end of stdin. When it goes, in whatever way, this process goes
    // too.
    thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        std::process::exit(0);
    });
    let ended = if which == "floor" {
        floor::serve()
    } else {
        baseline::serve()
    };
    if let Err(error) = ended {
        eprintln!("{which}: {error}");
    }
    ExitCode::FAILURE
}

/// The command, on one core if one is given.
fn pinned(command: Command, core: Option<Core>) -> Command {
    match core {
        Some(core) => core.keeps(&command),
        None => command,
    }
}

/// Where a program is. The folders for system daemons are not on everybody's path.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders =
        std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    folders
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

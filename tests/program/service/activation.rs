//! Socket activation: chatd listens on what it is handed down.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use socket2::{Domain, Socket, Type};

use crate::kit::{
    Chat, Client, Server, SocketPath, StopOnDrop, TempFile, are_installed, complaint, eventually,
    new_command, server_side,
};

/// What says that the descriptors are for the process itself.
const FOR_THIS_PROCESS: &str = "export LISTEN_PID=$$";

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// The binary, to be started with one or two descriptors from 3 on, after `preparation`, a line of
/// shell.
fn handed_down<const N: usize>(descriptors: [OwnedFd; N], preparation: &str) -> Command {
    let mut places = vec!["exec 3<&0 </dev/null", "exec 4<&1 >/dev/null"];
    places.truncate(N);
    let places = places.join("; ");
    let line = format!("{places}; export LISTEN_FDS={N}; {preparation}");
    let mut command = Server::command_after(&line);
    let mut descriptors = descriptors.into_iter();
    if let Some(first) = descriptors.next() {
        command.stdin(Stdio::from(first));
    }
    if let Some(second) = descriptors.next() {
        command.stdout(Stdio::from(second));
    }
    command
}

/// chatd on the descriptors.
fn start<const N: usize>(descriptors: [OwnedFd; N], args: &[&str]) -> Server {
    let mut command = handed_down(descriptors, FOR_THIS_PROCESS);
    command.args(args);
    Server::launch(command)
}

/// What the log says is listened on.
fn listening(server: &Server, count: usize) -> Vec<String> {
    let lines = server.log_lines(count, |line| line.contains("listening on "));
    let what = |line: &String| line.split_once("listening on ").unwrap().1.to_owned();
    lines.iter().map(what).collect()
}

fn connect(address: SocketAddr) -> Client {
    Client::new(TcpStream::connect(address).expect("somebody listens"))
}

#[test]
fn an_inherited_socket_takes_the_place_of_port_and_bind() {
    let (listener, address) = listener();
    // Neither could be listened on.
    let server = start([listener.into()], &["--bind", "192.0.2.1", "--port", "1"]);
    assert_eq!(listening(&server, 1), [address.to_string()]);
    Chat::start(&server).goes_on(3);
}

#[test]
fn descriptors_of_another_process_or_of_nobody_are_not_for_this_one() {
    for preparation in ["export LISTEN_PID=1", "unset LISTEN_PID", "LISTEN_PID="] {
        let (listener, address) = listener();
        let mut command = handed_down([listener.into()], preparation);
        command.args(["--bind", "127.0.0.1", "--port", "0"]);
        let server = Server::launch(command);
        let listening = listening(&server, 1);
        assert_ne!(listening, [address.to_string()], "after {preparation}");
        Chat::start(&server).goes_on(1);
    }
}

#[test]
fn no_descriptors_are_none() {
    let mut command = Server::command_after("export LISTEN_FDS=0 LISTEN_PID=$$");
    command.args(["--bind", "127.0.0.1", "--port", "0"]);
    Chat::start(&Server::launch(command)).goes_on(1);
}

#[test]
fn the_options_of_clients_are_set_however_early_they_connect() {
    let (listener, address) = listener();
    let early = connect(address);
    let server = start([listener.into()], &[]);
    for mut client in [early, connect(address)] {
        client.read_welcome();
        let Some(socket) = server_side(&server, &client) else {
            return;
        };
        assert_eq!(socket.tcp_notsent_lowat().unwrap(), 128 * 1024);
        assert_eq!(socket.send_buffer_size().unwrap(), 2 * 256 * 1024);
        assert_eq!(socket.recv_buffer_size().unwrap(), 2 * 64 * 1024);
        assert!(socket.tcp_nodelay().unwrap());
        assert!(socket.keepalive().unwrap());
        assert!(socket.out_of_band_inline().unwrap());
        assert!(socket.tcp_user_timeout().unwrap().is_some());
    }
}

#[test]
fn what_is_inherited_passes_to_no_child_and_does_not_block() {
    let (listener, _) = listener();
    let server = start([listener.into()], &[]);
    let path = format!("/proc/{}/fdinfo/3", server.pid());
    let info = fs::read_to_string(path).unwrap();
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = i32::from_str_radix(flags.unwrap().trim(), 8).unwrap();
    let wanted = libc::O_CLOEXEC | libc::O_NONBLOCK;
    assert_eq!(flags & wanted, wanted, "{info}");
}

#[cfg(feature = "tls")]
#[test]
fn a_socket_named_plain_is_without_tls_and_every_other_is_a_main_port() {
    let [(plain, plain_address), (main, main_address)] = [(); 2].map(|()| listener());
    let names = format!("{FOR_THIS_PROCESS} LISTEN_FDNAMES=plain:chatd.socket");
    let mut command = handed_down([plain.into(), main.into()], &names);
    command.arg("--tls");
    let server = Server::launch(command);
    let expected = [
        format!("{main_address} with TLS"),
        plain_address.to_string(),
    ];
    assert_eq!(listening(&server, 2), expected);
    connect(plain_address).read_welcome();
    server.welcomed();
}

#[cfg(feature = "tls")]
#[test]
fn plain_port_is_listened_on_beside_what_is_inherited_and_on_all_addresses() {
    let (main, main_address) = listener();
    let args = ["--tls", "--plain-port", "0", "--bind", "192.0.2.1"];
    let server = start([main.into()], &args);
    let lines = listening(&server, 2);
    assert_eq!(lines[0], format!("{main_address} with TLS"));
    assert!(
        ["[::]:", "0.0.0.0:"]
            .iter()
            .any(|all| lines[1].starts_with(all)),
        "{lines:?}"
    );
    connect(server.plain_address()).read_welcome();
    server.welcomed();
}

#[cfg(feature = "tls")]
#[test]
fn plain_port_may_be_the_port_that_is_not_used_beside_what_is_inherited() {
    // One that is taken: chatd wants it, and no other test can get it.
    let (_taken, address) = listener();
    let port = address.port().to_string();
    let mut command = handed_down([listener().0.into()], FOR_THIS_PROCESS);
    command.args(["--tls", "--port", &port, "--plain-port", &port]);
    let line = complaint(command, 1);
    assert!(line.contains(&format!(":{port}: ")), "{line}");
}

#[test]
fn without_tls_all_are_plain() {
    let [(one, first), (other, second)] = [(); 2].map(|()| listener());
    let names = format!("{FOR_THIS_PROCESS} LISTEN_FDNAMES=a:b");
    let server = Server::launch(handed_down([one.into(), other.into()], &names));
    assert_eq!(
        listening(&server, 2),
        [first, second].map(|it| it.to_string())
    );
    for address in [first, second] {
        connect(address).read_welcome();
    }
}

#[test]
fn an_inherited_unix_socket_is_like_another_but_stays_and_stands_behind_the_ports() {
    let path = SocketPath::new();
    let unix = UnixListener::bind(path.path()).unwrap();
    let (tcp, address) = listener();
    let mut server = start([unix.into(), tcp.into()], &["--allow", "192.0.2.1"]);
    assert_eq!(
        listening(&server, 2),
        [address.to_string(), path.path().to_owned()]
    );
    path.connect().read_welcome();
    server.log_line(|line| line.contains("joined: uid:"));
    server.signal("TERM");
    assert_eq!(server.wait_exit().code(), Some(0));
    assert!(path.exists(), "it is somebody else's");
}

#[test]
fn socket_is_listened_on_beside_what_is_inherited() {
    let path = SocketPath::new();
    let (tcp, address) = listener();
    let server = start([tcp.into()], &["--socket", path.path()]);
    assert_eq!(
        listening(&server, 2),
        [address.to_string(), path.path().to_owned()]
    );
    path.connect().read_welcome();
    connect(address).read_welcome();
}

#[test]
fn what_is_no_listening_tcp_or_unix_stream_socket_is_one_line_and_exit_1() {
    let file = TempFile::with("");
    let (listener, address) = listener();
    let silent = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let packets = Socket::new(Domain::UNIX, Type::SEQPACKET, None).unwrap();
    let unfit: [(&str, OwnedFd); 7] = [
        ("a file", File::open(file.path()).unwrap().into()),
        ("UDP", UdpSocket::bind("127.0.0.1:0").unwrap().into()),
        ("datagrams", UnixDatagram::unbound().unwrap().into()),
        ("packets", packets.into()),
        ("not listening", silent.into()),
        ("connected", TcpStream::connect(address).unwrap().into()),
        ("a pair", UnixStream::pair().unwrap().0.into()),
    ];
    for (what, descriptor) in unfit {
        let first = listener.try_clone().unwrap();
        let command = handed_down([first.into(), descriptor], FOR_THIS_PROCESS);
        let text = complaint(command, 1);
        assert!(text.contains("descriptor 4"), "{what}: {text}");
    }
}

#[test]
fn a_number_of_descriptors_that_is_none_or_wrong_is_one_line_and_exit_1() {
    for (number, said) in [
        ("2", "descriptor 4"),
        ("x", "LISTEN_FDS"),
        ("99999", "LISTEN_FDS"),
    ] {
        let (listener, _) = listener();
        let wrong = format!("{FOR_THIS_PROCESS} LISTEN_FDS={number}");
        let text = complaint(handed_down([listener.into()], &wrong), 1);
        assert!(text.contains(said), "{number}: {text}");
    }
}

#[test]
fn those_who_connect_while_no_chatd_runs_are_welcomed_by_the_next() {
    let (listener, address) = listener();
    let mut clients = Vec::<Client>::new();
    for _ in 0..2 {
        let mut server = start([listener.try_clone().unwrap().into()], &[]);
        for client in &mut clients {
            client.read_welcome();
        }
        server.signal("TERM");
        assert_eq!(server.wait_exit().code(), Some(0));
        clients = (0..20).map(|_| connect(address)).collect();
        clients[0].send("I was early");
    }
}

/// Somebody who connects over and over while chatd is restarted.
struct Visit {
    connected: Instant,
    was_welcomed: bool,
}

/// Connects, which must succeed, and talks as long as chatd is there.
fn visit(address: SocketAddr, round: usize) -> Visit {
    let mut client = connect(address);
    let connected = Instant::now();
    let _ = client.try_send(format!("/nick visitor{round}\nhello\n/quit\n").as_bytes());
    let (read, _) = client.read_to_any_end();
    let read = String::from_utf8_lossy(&read);
    Visit {
        connected,
        was_welcomed: read.contains("-- welcome to chatd"),
    }
}

#[test]
fn in_a_restart_under_load_no_connection_is_refused_and_the_next_chatd_welcomes_them() {
    let (listener, address) = listener();
    let launch = || start([listener.try_clone().unwrap().into()], &[]);
    let mut first = launch();
    let (visits, stop) = (Mutex::new(Vec::new()), AtomicBool::new(false));
    let rounds = AtomicUsize::new(0);
    let visited = |more: usize| {
        let before = visits.lock().unwrap().len();
        eventually("more visits", || {
            visits.lock().unwrap().len() >= before + more
        });
    };
    let gone = thread::scope(|scope| {
        let _guard = StopOnDrop(&stop);
        for _ in 0..4 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let visit = visit(address, rounds.fetch_add(1, Ordering::Relaxed));
                    visits.lock().unwrap().push(visit);
                }
            });
        }
        visited(20);
        first.signal("TERM");
        first.wait_exit();
        let gone = Instant::now();
        let _second = launch();
        visited(20);
        stop.store(true, Ordering::Relaxed);
        // The second one ends when all have been welcomed.
        eventually("the last visits", || {
            visits.lock().unwrap().len() == rounds.load(Ordering::Relaxed)
        });
        gone
    });
    let visits = visits.into_inner().unwrap();
    let later = visits.iter().filter(|visit| visit.connected >= gone);
    let is_welcome = |visit: &&Visit| visit.was_welcomed;
    assert!(later.clone().count() > 0);
    assert_eq!(later.clone().filter(is_welcome).count(), later.count());
    // Of the others only those whom the first one had just let in when it was told to end.
    let missed = visits.iter().filter(|visit| !visit.was_welcomed).count();
    assert!(missed <= 8, "{missed} of {}", visits.len());
}

#[test]
fn systemd_socket_activate_hands_it_down() {
    if !are_installed(&["systemd-socket-activate"]) {
        return;
    }
    let (listener, address) = listener();
    drop(listener);
    let mut command = new_command("systemd-socket-activate");
    command.args(["--fdname=chat", "-l", &address.to_string()]);
    command.arg(Server::command().get_program());
    let server = thread::scope(|scope| {
        let launching = scope.spawn(|| Server::launch(command));
        // It starts chatd for the first client.
        let mut stream = None;
        eventually("it listens", || {
            stream = TcpStream::connect(address).ok();
            stream.is_some()
        });
        Client::new(stream.unwrap()).read_welcome();
        launching.join().unwrap()
    });
    assert_eq!(listening(&server, 1), [address.to_string()]);
    Chat::start(&server).goes_on(3);
}

//! Section 3: what each option does that has no topic of its own, and its environment variable.

use std::net::{Ipv6Addr, TcpListener, TcpStream};

use crate::kit::{
    Client, Server, TempFile, are_installed, complaint, new_command, only_in_plain, run_to_end,
    skip, texts_of_history,
};

#[test]
fn port_0_lets_the_system_choose_one() {
    let (first, second) = (Server::start(&["--port", "0"]), Server::start(&["-p0"]));
    assert!(first.port() > 0 && second.port() > 0 && first.port() != second.port());
}

#[test]
fn the_port_is_the_one_that_was_given() {
    // One that is taken, because its name in the refusal shows which one chatd wanted, and no other
    // test can get it.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let port = taken.local_addr().unwrap().port().to_string();
    for option in ["--port", "-p"] {
        let mut command = Server::command();
        command.args([option, &port, "--bind", "127.0.0.1"]);
        let line = complaint(command, 1);
        assert!(line.contains(&address), "{line}");
    }
}

#[test]
fn bind_listens_on_that_address_alone() {
    if only_in_plain("the log says with which protocol") {
        return;
    }
    let server = Server::start(&["-b", "127.0.0.1"]);
    server.log_line(|line| line.ends_with(&format!("listening on 127.0.0.1:{}", server.port())));
    let elsewhere = TcpStream::connect(("127.0.0.2", server.port()));
    assert!(elsewhere.is_err(), "it listens on 127.0.0.2 too");
}

#[test]
fn bind_takes_ipv6_too() {
    if only_in_plain("it connects by itself") {
        return;
    }
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        return skip("this machine has no IPv6");
    }
    let server = Server::start(&["--bind", "::1"]);
    server.log_line(|line| line.ends_with(&format!("listening on [::1]:{}", server.port())));
    let stream = TcpStream::connect((Ipv6Addr::LOCALHOST, server.port())).unwrap();
    Client::new(stream).read_welcome();
}

/// All addresses of this machine, as the log says it.
fn everywhere() -> &'static str {
    match TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)) {
        Ok(_) => "[::]",
        Err(_) => "0.0.0.0",
    }
}

#[test]
fn without_bind_it_listens_on_ipv6_and_ipv4() {
    let mut command = Server::command();
    command.args(["--port", "0"]);
    let server = Server::launch(command);
    let wanted = format!("listening on {}:{}", everywhere(), server.port());
    server.log_line(|line| line.ends_with(&wanted));
    let client = server.welcomed();
    // A mapped address is shown as the IPv4 address that it is.
    let address = client.address().to_string();
    server.log_line(|line| line.contains(&format!("joined: {address} ")));
    if everywhere() == "[::]" {
        let stream = TcpStream::connect((Ipv6Addr::LOCALHOST, server.port())).unwrap();
        Client::new(stream).read_welcome();
    }
}

/// Runs its arguments where socket(2) fails for IPv6 with EAFNOSUPPORT, as it does where the kernel has none: a filter
/// of system calls (seccomp(2)), which looks at the number of each and at its first argument.
const WITHOUT_IPV6: &str = "
import ctypes, os, struct, sys
number = {'x86_64': 41, 'aarch64': 198}[os.uname().machine]
load_number, load_argument = (0x20, 0, 0, 0), (0x20, 0, 0, 16)
is_socket, is_ipv6 = (0x15, 0, 3, number), (0x15, 0, 1, 10)
refuse, allow = (6, 0, 0, 0x50000 | 97), (6, 0, 0, 0x7fff0000)
lines = [load_number, is_socket, load_argument, is_ipv6, refuse, allow]
code = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *line) for line in lines))
class Program(ctypes.Structure):
    _fields_ = [('length', ctypes.c_ushort), ('code', ctypes.c_void_p)]
program = Program(len(lines), ctypes.addressof(code))
libc = ctypes.CDLL(None)
no_new_privileges = libc.prctl(38, 1, 0, 0, 0)
if no_new_privileges or libc.prctl(22, 2, ctypes.byref(program)):
    sys.exit('no filter')
os.execv(sys.argv[1], sys.argv[1:])
";

#[test]
fn without_bind_a_machine_without_ipv6_listens_on_0_0_0_0() {
    if !are_installed(&["python3"]) {
        return;
    }
    let binary = Server::command().get_program().to_owned();
    let without_ipv6 = || {
        let mut command = new_command("python3");
        command.args(["-c", WITHOUT_IPV6]).arg(&binary);
        command
    };
    let mut trial = without_ipv6();
    trial.arg("--version");
    if !run_to_end(trial).status.success() {
        return skip("system calls cannot be filtered here");
    }
    let mut command = without_ipv6();
    command.args(["--port", "0"]);
    let server = Server::launch(command);
    server.log_line(|line| line.contains("listening on 0.0.0.0:"));
    server.welcomed();
    // Whoever asks for IPv6 does not get something else.
    let mut command = without_ipv6();
    command.args(["--port", "0", "--bind", "::"]);
    let line = complaint(command, 1);
    assert!(
        line.contains("[::]:0") && line.contains("not supported"),
        "{line}"
    );
}

/// A server that is told by the environment.
fn told(variables: &[(&str, &str)], args: &[&str]) -> Server {
    let mut command = Server::command();
    command.envs(variables.iter().copied()).args(args);
    Server::launch(command)
}

#[test]
fn an_option_overrides_its_environment_variable() {
    let server = told(
        &[
            ("CHATD_PORT", "99999"),
            ("CHATD_BIND", "127.0.0.1"),
            ("CHATD_MAX_LINE", "5"),
        ],
        &["--port", "0", "--max-line", "6"],
    );
    let mut client = server.welcomed();
    client.send("1234567");
    client.next_is("-- line too long: the limit is 6 bytes, nothing was sent");
}

#[test]
fn motd_and_history_read_an_environment_variable() {
    let motd = TempFile::with("from the environment\n");
    let server = told(
        &[
            ("CHATD_PORT", "0"),
            ("CHATD_BIND", "127.0.0.1"),
            ("CHATD_MOTD", motd.path()),
            ("CHATD_HISTORY", "1"),
        ],
        &[],
    );
    server.connect().next_is("-- from the environment");
    let mut alice = server.joined("alice");
    alice.send("the last line");
    alice.settle();
    let welcome = server.connect().read_welcome();
    assert_eq!(texts_of_history(&welcome), ["<alice> the last line"]);
}

#[test]
fn an_empty_variable_counts_as_not_set() {
    let options = "PORT BIND RAW MOTD HISTORY MAX_CLIENTS MAX_PER_IP MAX_LINE RATE MAX_BACKLOG PATIENCE ALLOW IDLE_TIMEOUT";
    let mut command = Server::command();
    for option in options.split(' ') {
        command.env(format!("CHATD_{option}"), "");
    }
    command.args(["--port", "0"]);
    let server = Server::launch(command);
    server.log_line(|line| line.contains(&format!("listening on {}:", everywhere())));
    let mut client = server.welcomed();
    client.send(&"x".repeat(4097));
    client.next_is("-- line too long: the limit is 4096 bytes, nothing was sent");
    // The address of a network that nobody has (RFC 5737), because the port may be taken.
    let mut command = Server::command();
    command.env("CHATD_PORT", "").args(["--bind", "192.0.2.1"]);
    let line = complaint(command, 1);
    assert!(line.contains("192.0.2.1:8080"), "{line}");
}

#[test]
fn history_is_how_many_lines_newcomers_see_of_those_that_memory_keeps() {
    let server = Server::start(&["--history", "1"]);
    let mut alice = server.joined("alice");
    for text in ["one", "two", "three"] {
        alice.send(text);
    }
    alice.settle();
    let mut newcomer = server.connect();
    let welcome = newcomer.read_welcome();
    assert_eq!(texts_of_history(&welcome), ["<alice> three"]);
    newcomer.send("/history 2");
    let answer = newcomer.settle();
    assert_eq!(texts_of_history(&answer), ["<alice> two", "<alice> three"]);
}

#[test]
fn raw_reads_an_environment_variable() {
    for yes in ["true", "1", "yes", "on"] {
        let server = told(
            &[
                ("CHATD_PORT", "0"),
                ("CHATD_BIND", "127.0.0.1"),
                ("CHATD_RAW", yes),
            ],
            &[],
        );
        let [speaker, mut listener] = server.raw_room();
        speaker.send("/who");
        listener.next_is("/who");
    }
    for no in ["false", "0", "no", "off"] {
        let server = told(
            &[
                ("CHATD_PORT", "0"),
                ("CHATD_BIND", "127.0.0.1"),
                ("CHATD_RAW", no),
                // This cannot stand beside --raw.
                ("CHATD_HISTORY", "1"),
            ],
            &[],
        );
        server.welcomed();
    }
}

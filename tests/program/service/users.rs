//! Who comes by a Unix socket: what they are called, and where they come from.

use std::process::Command;

use rustix::process::getuid;

use crate::kit::{
    Client, FULL, Program, Server, SocketPath, are_installed, new_command, only, run_to_end, skip,
};

/// Somebody on this machine who could be called so in the chat.
struct User {
    number: u32,
    name: String,
}

impl User {
    /// Whose processes these tests can start, by the name or the number.
    fn find(who: &str) -> Option<Self> {
        let mut programs = vec!["id", "setpriv", "nc"];
        if !getuid().is_root() {
            programs.push("sudo");
        }
        if !are_installed(&programs) {
            return None;
        }
        let id = |option| {
            let mut command = new_command("id");
            command.args([option, who]);
            String::from_utf8(run_to_end(command).stdout).unwrap()
        };
        let number = id("-u").trim().parse().ok();
        let user = number.map(|number| Self {
            number,
            name: id("-un").trim().to_owned(),
        });
        let user = user.filter(|user| run_to_end(user.command("true")).status.success());
        if user.is_none() {
            skip(format_args!("nothing can be run as {who} here"));
        }
        user
    }

    /// A program, run by this user.
    fn command(&self, program: &str) -> Command {
        let mut words = vec!["setpriv", "--clear-groups", "--reuid"];
        if !getuid().is_root() {
            words.splice(0..0, ["sudo", "-n"]);
        }
        let mut command = new_command(words[0]);
        command.args(&words[1..]).arg(self.number.to_string());
        command.arg(program);
        command
    }

    /// Connects, and reads the welcome.
    fn join(&self, socket: &SocketPath) -> Program {
        let mut command = self.command("nc");
        command.args(["-U", socket.path()]);
        let mut program = Program::spawn(command);
        program.wait_for_welcome();
        program
    }

    fn address(&self) -> String {
        format!("uid:{}", self.number)
    }
}

/// chatd, and where it listens.
fn start(args: &[&str]) -> (Server, SocketPath) {
    let socket = SocketPath::new();
    let server = Server::start(&[args, &["--socket", socket.path()]].concat());
    (server, socket)
}

fn own_address() -> String {
    format!("uid:{}", getuid().as_raw())
}

#[test]
fn who_comes_by_it_is_called_by_their_login_name() {
    let Some(nobody) = User::find("nobody") else {
        return;
    };
    let (server, socket) = start(&[]);
    let mut alice = server.joined("alice");
    let mut program = nobody.join(&socket);
    let User { name, .. } = &nobody;
    program.showed(&format!("-- welcome to chatd, you are {name}"));
    alice.expect(&format!("-- {name} joined"));
    program.say("it is me");
    alice.expect(&format!("<{name}> it is me"));
    alice.send(&format!("/whois {name}\n/msg {name} psst"));
    let (_, told) = alice.lines_until_one(&"who that is", |line| {
        line.starts_with(&format!("-- {name}")) && !line.ends_with("joined")
    });
    assert!(told.contains("joined"), "{told}");
    program.expect("[alice -> you] psst");
    program.say("/nick carl");
    alice.expect(&format!("-- {name} is now carl"));
}

#[test]
fn their_address_is_the_number_of_the_user() {
    let Some(nobody) = User::find("nobody") else {
        return;
    };
    let (server, socket) = start(&[]);
    let mut program = nobody.join(&socket);
    program.say("/quit");
    let (address, name) = (nobody.address(), &nobody.name);
    server.log_line(|line| line.ends_with(&format!("joined: {address} {name}")));
    server.log_line(|line| line.contains(&format!("left: {address} {name}, 1 lines, 6 bytes, ")));
    program.ends();
}

#[test]
fn the_second_of_one_name_is_a_guest_and_once_the_first_has_left_it_is_free() {
    let Some(nobody) = User::find("nobody") else {
        return;
    };
    let (server, socket) = start(&[]);
    let mut alice = server.joined("alice");
    let name = &nobody.name;
    let mut first = nobody.join(&socket);
    first.say("first");
    alice.expect(&format!("<{name}> first"));
    nobody
        .join(&socket)
        .showed("-- welcome to chatd, you are guest3");
    first.say("/quit");
    alice.expect(&format!("-- {name} left"));
    let welcome = format!("-- welcome to chatd, you are {name}");
    nobody.join(&socket).showed(&welcome);
}

#[test]
fn whose_login_name_is_somebodys_name_here_is_a_guest() {
    let Some(nobody) = User::find("nobody") else {
        return;
    };
    let (server, socket) = start(&[]);
    let _taken = server.joined(&nobody.name.to_uppercase());
    nobody
        .join(&socket)
        .showed("-- welcome to chatd, you are guest2");
}

#[test]
fn whose_login_name_is_no_name_or_kept_is_a_guest() {
    let Some(root) = User::find("0") else { return };
    let (_server, socket) = start(&[]);
    root.join(&socket)
        .showed("-- welcome to chatd, you are guest1");
}

#[test]
fn who_has_no_login_name_is_a_guest() {
    // Nobody is given such a number (systemd.io/UIDS-GIDS).
    let nameless = User {
        number: 4_000_000_001,
        name: String::new(),
    };
    if User::find("0").is_none() {
        return;
    }
    let (server, socket) = start(&[]);
    nameless
        .join(&socket)
        .showed("-- welcome to chatd, you are guest1");
    server.log_line(|line| line.ends_with("joined: uid:4000000001 guest1"));
}

#[test]
fn nobody_has_a_name_in_raw_mode() {
    let (server, socket) = start(&["--raw"]);
    let (one, mut other) = (socket.connect(), server.connect());
    other.meet(&one);
    let end = format!("joined: {}", own_address());
    server.log_line(|line| line.ends_with(&end));
}

#[test]
fn allow_does_not_hold_for_them() {
    let (server, socket) = start(&["--allow", "192.0.2.1"]);
    let turned_away = server.connect().expect_eof();
    assert_eq!(turned_away, [""; 0], "by the port nobody is let in");
    socket.connect().read_welcome();
}

#[test]
fn max_per_ip_counts_them_by_user() {
    let (server, socket) = start(&["--max-per-ip", "1"]);
    let mut first = socket.connect();
    first.read_welcome();
    assert_eq!(only(socket.connect().expect_eof()), FULL);
    let line = format!("turned away: {}, by --max-per-ip", own_address());
    server.log_line(|it| it.ends_with(&line));
    server.connect().read_welcome();
    if let Some(nobody) = User::find("nobody") {
        nobody.join(&socket);
    }
    drop::<Client>(first);
}

#[cfg(feature = "tls")]
#[test]
fn it_never_speaks_tls() {
    let (server, socket) = start(&["--tls"]);
    socket.connect().read_welcome();
    server.log_line(|line| line.ends_with(&format!("listening on {}", socket.path())));
}

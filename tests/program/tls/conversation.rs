//! What people have already, in one conversation.

use crate::kit::{Client, Program, Server, are_installed, new_command, skip, text};
use std::net::TcpStream;

use super::Identity;

const PYTHON: &str = "import os, socket, ssl, sys, threading
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
stream = context.wrap_socket(socket.create_connection((\"127.0.0.1\", int(os.environ[\"PORT\"]))))
def show():
    while text := stream.recv(4096):
        os.write(1, text)
    os._exit(0)
threading.Thread(target=show).start()
for line in sys.stdin:
    stream.sendall(line.encode())
";

/// What starts each of them, in a shell, and the programs that it takes.
const CLIENTS: [(&str, &str, &str); 6] = [
    (
        "ann",
        "openssl",
        "exec openssl s_client -quiet -connect 127.0.0.1:$PORT",
    ),
    (
        "ben",
        "openssl",
        "exec openssl s_client -quiet -connect 127.0.0.1:$PORT",
    ),
    ("cat", "ncat", "exec ncat --ssl 127.0.0.1 $PORT"),
    (
        "dan",
        "socat",
        "exec socat - OPENSSL:127.0.0.1:$PORT,verify=0",
    ),
    ("eve", "python3", "exec python3 -c \"$PYTHON\""),
    (
        "fay",
        "gnutls-cli",
        "exec gnutls-cli --insecure --logfile=/dev/null -p $PORT 127.0.0.1",
    ),
];

/// Everybody reads what everybody says, each of those who can be had among them; each of the
/// clients that the test names has to be there.
fn hold_one_conversation(args: &[&str]) {
    let server = Server::start(&[args, &["--plain-port", "0"]].concat());
    let plain = TcpStream::connect(server.plain_address()).unwrap();
    let mut plain = Client::new(plain);
    plain.read_welcome();
    plain.take_name("zoe");
    plain.send("it is me");
    let mut people = Vec::new();
    for (name, program, line) in CLIENTS {
        if !are_installed(&[program]) {
            continue;
        }
        let mut shell = new_command("sh");
        shell
            .args(["-c", line])
            .env("PORT", server.port().to_string())
            .env("PYTHON", PYTHON);
        let mut client = Program::spawn(shell);
        client.take_name(name);
        client.say("it is me");
        plain.expect(&format!("<{name}> it is me"));
        people.push((client, name));
    }
    let mut nc = are_installed(&["nc"]).then(|| {
        let mut shell = new_command("sh");
        let port = server.plain_address().port();
        shell.args(["-c", &format!("exec nc 127.0.0.1 {port}")]);
        Program::spawn(shell)
    });
    if let Some(nc) = &mut nc {
        nc.take_name("nat");
        nc.say("it is me");
    }
    people.extend(nc.map(|nc| (nc, "nat")));
    for speaker in 0..people.len() {
        let text = format!("greetings number {speaker}");
        people[speaker].0.say(&text);
        let line = format!("<{}> {text}", people[speaker].1);
        plain.expect(&line);
        let (earlier, rest) = people.split_at_mut(speaker);
        for (program, _) in earlier.iter_mut().chain(&mut rest[1..]) {
            program.expect(&line);
        }
    }
    for (mut program, name) in people {
        program.never_showed(&format!("<{name}>"));
        program.say("/quit");
        plain.expect(&format!("-- {name} left"));
        program.ends();
    }
}

#[test]
fn openssl_ncat_socat_python_gnutls_and_nc_hold_one_conversation() {
    if !are_installed(&["openssl", "ncat", "socat", "python3"]) {
        return skip("the clients that speak TLS");
    }
    hold_one_conversation(&["--tls"]);
}

#[test]
fn the_same_clients_take_what_chatd_cert_makes() {
    let identity = Identity::new();
    hold_one_conversation(&["--tls-cert", identity.path()]);
}

/// What `echo hi` through each of them sends is heard, and the client ends by itself.
#[test]
fn a_line_piped_into_a_client_is_heard_whichever_way_it_ends() {
    // With close_notify, without, and by a close.
    for (program, line) in [
        (
            "openssl",
            "(echo hi; echo /quit) | openssl s_client -quiet -connect 127.0.0.1:$PORT",
        ),
        ("ncat", "echo hi | ncat --ssl 127.0.0.1 $PORT"),
        (
            "socat",
            "echo hi | socat -t5 - OPENSSL:127.0.0.1:$PORT,verify=0",
        ),
    ] {
        if !are_installed(&[program]) {
            continue;
        }
        let server = Server::start(&["--tls"]);
        let mut alice = server.joined("alice");
        crate::kit::one_shot(line, &server);
        for line in ["-- guest2 joined", "<guest2> hi", "-- guest2 left"] {
            alice.next_is(line);
        }
    }
}

#[test]
fn ncat_shows_all_of_a_paste_at_once() {
    if !are_installed(&["ncat"]) {
        return;
    }
    let server = Server::start(&["--tls", "--rate", "0"]);
    let alice = server.joined("alice");
    let mut shell = new_command("sh");
    shell.args(["-c", "exec ncat --ssl 127.0.0.1 $PORT"]);
    shell.env("PORT", server.port().to_string());
    let mut ncat = Program::spawn(shell);
    ncat.wait_for_welcome();
    // It reads 8 KiB at a time, and shows what is left of a longer record only when more comes.
    for lines in 1..60 {
        let last = format!("{lines:x>1000}");
        let paste = [vec!["x".repeat(1000); lines], vec![last.clone()]].concat();
        alice.send_bytes(text(paste).as_bytes());
        ncat.expect(&format!("<alice> {last}"));
    }
}

//! Which connections passwords are taken over: a machine with two addresses of its own stands for two
//! machines.

use std::process::Command;

use crate::kit::{
    DataDir, PROMPT, Program, Server, TempFile, are_installed, new_command, only_in_plain, skip,
};

/// Of what is for tests between networks (RFC 2544).
const HERE: &str = "198.18.0.1";
const ELSEWHERE: &str = "198.18.0.2";

const REFUSAL: &str = "-- not over an unencrypted connection";

/// A server in a network of its own, with both addresses. Nothing where there can be none.
fn server(args: &[&str]) -> Option<Server> {
    if only_in_plain("it is about connections without encryption")
        || !are_installed(&["unshare", "nsenter", "ip", "nc.openbsd"])
    {
        return None;
    }
    let addresses = format!("ip addr add {HERE}/32 dev lo && ip addr add {ELSEWHERE}/32 dev lo");
    let preparation = format!("ip link set lo up && {addresses}");
    let in_network = |script: &str| {
        let mut unshare = new_command("unshare");
        unshare.args(["--net", "sh", "-c", script]);
        unshare
    };
    if !in_network(&preparation)
        .output()
        .is_ok_and(|output| output.status.success())
    {
        skip("no network namespace can be made here");
        return None;
    }
    let mut command = in_network(&format!("{preparation} && exec \"$0\" \"$@\""));
    command.arg(Server::command().get_program());
    command.args(["--port", "0", "--bind", HERE]).args(args);
    Some(Server::launch(command))
}

/// Somebody who comes from there with this netcat.
fn join_with(netcat: &[&str], server: &Server, from: &str) -> Program {
    let mut command: Command = new_command("nsenter");
    command.args(["--net", "--target", &server.pid().to_string()]);
    command.args(netcat);
    command.args(["-s", from, HERE, &server.port().to_string()]);
    Program::spawn(command)
}

fn join(server: &Server, from: &str) -> Program {
    join_with(&["nc.openbsd"], server, from)
}

#[test]
fn passwords_are_not_taken_from_another_machine_over_a_connection_that_is_not_encrypted() {
    let directory = DataDir::new();
    let Some(server) = server(&["--data", directory.path(), "--register"]) else {
        return;
    };
    let mut neighbour = join(&server, HERE);
    neighbour.wait_for_welcome();
    for command in ["/login alice", "/password", "/register alice"] {
        let mut stranger = join(&server, ELSEWHERE);
        stranger.wait_for_welcome();
        stranger.say(&format!("{command}\nhunter22\nhunter22\nhello"));
        // Before anything is asked for.
        stranger.expect(REFUSAL);
        stranger.never_showed_any("password");
        stranger.ends();
    }
    let log = server.log();
    assert!(!log.iter().any(|line| line.contains("hunter")), "{log:?}");
    neighbour.say("/login alice");
    neighbour.expect(PROMPT);
    for text in ["hunter", "hello"] {
        neighbour.never_showed_any(text);
    }
}

#[test]
fn with_insecure_passwords_they_are_taken_from_everywhere() {
    let directory = DataDir::new();
    let args = ["--data", directory.path(), "--insecure-passwords"];
    let Some(server) = server(&args) else {
        return;
    };
    let mut stranger = join(&server, ELSEWHERE);
    stranger.wait_for_welcome();
    stranger.say("/login alice");
    assert_eq!(stranger.next_line(), PROMPT);
}

#[cfg(feature = "tls")]
#[test]
fn over_tls_they_are_taken_from_everywhere() {
    let directory = DataDir::new();
    if !are_installed(&["ncat"]) {
        return;
    }
    let Some(server) = server(&["--data", directory.path(), "--tls"]) else {
        return;
    };
    let mut stranger = join_with(&["ncat", "--ssl"], &server, ELSEWHERE);
    stranger.wait_for_welcome();
    stranger.say("/login alice");
    assert_eq!(stranger.next_line(), PROMPT);
}

#[test]
fn the_rooms_password_is_not_taken_so_either() {
    let file = TempFile::with("open sesame\n");
    let Some(server) = server(&["--password-file", file.path()]) else {
        return;
    };
    let mut stranger = join(&server, ELSEWHERE);
    assert_eq!(stranger.next_line(), REFUSAL);
    stranger.ends();
    let mut neighbour = join(&server, HERE);
    assert_eq!(neighbour.next_line(), PROMPT);
}

#[cfg(feature = "service")]
#[test]
fn passwords_are_taken_over_a_unix_socket() {
    if only_in_plain("the test has a socket of its own") {
        return;
    }
    let (directory, socket) = (DataDir::new(), crate::kit::SocketPath::new());
    let _server = directory.server(&["--socket", socket.path()]);
    let mut client = socket.connect();
    client.read_welcome();
    client.send("/login alice");
    client.next_is(PROMPT);
}

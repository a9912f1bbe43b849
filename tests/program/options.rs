//! Section 3: what each option does that has no topic of its own, and its environment variable.

use std::net::{Ipv6Addr, TcpListener, TcpStream};

use crate::kit::{Client, Server, TempFile, complaint, skip, texts_of_history};

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
    let server = Server::start(&["-b", "127.0.0.1"]);
    server.log_line(|line| line.ends_with(&format!("listening on 127.0.0.1:{}", server.port())));
    let elsewhere = TcpStream::connect(("127.0.0.2", server.port()));
    assert!(elsewhere.is_err(), "it listens on 127.0.0.2 too");
}

#[test]
fn bind_takes_ipv6_too() {
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        return skip("this machine has no IPv6");
    }
    let server = Server::start(&["--bind", "::1"]);
    server.log_line(|line| line.ends_with(&format!("listening on [::1]:{}", server.port())));
    let stream = TcpStream::connect((Ipv6Addr::LOCALHOST, server.port())).unwrap();
    Client::new(stream).read_welcome();
}

#[test]
fn without_bind_it_listens_on_ipv6_and_ipv4() {
    let mut command = Server::command();
    command.args(["--port", "0"]);
    let server = Server::launch(command);
    let has_ipv6 = TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)).is_ok();
    let everywhere = if has_ipv6 { "[::]" } else { "0.0.0.0" };
    let wanted = format!("listening on {everywhere}:{}", server.port());
    server.log_line(|line| line.ends_with(&wanted));
    let client = server.welcomed();
    // A mapped address is shown as the IPv4 address that it is.
    let address = client.address().to_string();
    server.log_line(|line| line.contains(&format!("joined: {address} ")));
    if has_ipv6 {
        let stream = TcpStream::connect((Ipv6Addr::LOCALHOST, server.port())).unwrap();
        Client::new(stream).read_welcome();
    }
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
fn raw_reads_an_environment_variable() {
    for yes in ["true", "1"] {
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
    let server = told(
        &[
            ("CHATD_PORT", "0"),
            ("CHATD_BIND", "127.0.0.1"),
            ("CHATD_RAW", "false"),
        ],
        &[],
    );
    server.welcomed();
}

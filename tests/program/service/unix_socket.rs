//! The file of `--socket`: when it is made, replaced, refused and removed.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::process::{Child, Command, Stdio};

use crate::kit::{Chat, Server, SocketPath, TempFile, complaint, eventually};

/// The binary, to listen on this path and a port that the system chooses.
fn command(socket: &str) -> Command {
    let mut command = Server::command();
    command.args(["--bind", "127.0.0.1", "--port", "0", "--socket", socket]);
    command
}

/// What the log says is listened on.
fn listening(server: &Server, count: usize) -> Vec<String> {
    let lines = server.log_lines(count, |line| line.contains("listening on "));
    let what = |line: &String| line.split_once("listening on ").unwrap().1.to_owned();
    lines.iter().map(what).collect()
}

#[test]
fn people_talk_by_a_unix_socket_and_by_the_port_in_one_room() {
    let socket = SocketPath::new();
    let server = Server::start(&["--socket", socket.path()]);
    let mut alice = server.joined("alice");
    let mut bob = socket.join("bob");
    bob.send("from here");
    alice.expect("<bob> from here");
    alice.send("from there");
    bob.expect("<alice> from there");
}

#[test]
fn the_log_has_a_line_for_the_socket_behind_that_of_the_port() {
    let socket = SocketPath::new();
    let server = Server::start(&["--socket", socket.path()]);
    let port = format!("127.0.0.1:{}", server.port());
    assert_eq!(listening(&server, 2), [port.as_str(), socket.path()]);
}

#[test]
fn the_variable_says_the_same() {
    let socket = SocketPath::new();
    let mut command = Server::command();
    command.args(["--bind", "127.0.0.1", "--port", "0"]);
    command.env("CHATD_SOCKET", socket.path());
    let _server = Server::launch(command);
    socket.connect().read_welcome();
}

#[test]
fn its_mode_is_0666_whatever_the_mask_for_new_files_is() {
    for mask in ["umask 077", "umask 0"] {
        let socket = SocketPath::new();
        let _server = Server::start_after(mask, &["--socket", socket.path()]);
        let mode = fs::metadata(socket.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o666, "after {mask}");
    }
}

#[test]
fn a_socket_left_behind_that_nobody_answers_is_replaced() {
    let socket = SocketPath::new();
    let mut server = Server::start(&["--socket", socket.path()]);
    server.kill();
    assert!(socket.exists(), "it was left behind");
    let _server = Server::start(&["--socket", socket.path()]);
    socket.connect().read_welcome();
}

#[test]
fn of_several_that_start_at_once_on_a_socket_left_behind_one_has_it_and_the_others_are_told() {
    for _ in 0..10 {
        let socket = SocketPath::new();
        drop(UnixListener::bind(socket.path()).unwrap());
        let spawn = |_| {
            let mut command = command(socket.path());
            command.stderr(Stdio::piped()).spawn().unwrap()
        };
        let mut children: Vec<Child> = (0..4).map(spawn).collect();
        // Each says that it listens, or that it cannot.
        let lines: Vec<String> = children
            .iter_mut()
            .map(|child| {
                let lines = BufReader::new(child.stderr.take().unwrap()).lines();
                let mut lines = lines.map(|line| line.unwrap());
                let is_about_it = |line: &String| line.contains(socket.path());
                lines.find(is_about_it).expect("a line about it")
            })
            .collect();
        for child in &mut children {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let refused = lines.iter().filter(|line| line.contains("cannot listen"));
        assert_eq!(refused.count(), 3, "{lines:#?}");
    }
}

#[test]
fn a_socket_that_somebody_answers_is_one_line_and_exit_1_and_stays_theirs() {
    let socket = SocketPath::new();
    let server = Server::start(&["--socket", socket.path()]);
    let text = complaint(command(socket.path()), 1);
    assert!(text.contains(socket.path()), "{text}");
    Chat::start(&server).goes_on(1);
    socket.connect().read_welcome();
}

#[test]
fn any_other_file_is_one_line_and_exit_1_and_stays_as_it_is() {
    let [socket, folder, link, datagrams] = [(); 4].map(|()| SocketPath::new());
    let file = TempFile::with("mine\n");
    fs::create_dir(folder.path()).unwrap();
    // Nobody answers it, so as a file of its own it would be replaced.
    drop(UnixListener::bind(socket.path()).unwrap());
    symlink(socket.path(), link.path()).unwrap();
    let _receiver = UnixDatagram::bind(datagrams.path()).unwrap();
    for path in [file.path(), folder.path(), link.path(), datagrams.path()] {
        let before = fs::symlink_metadata(path).unwrap();
        let text = complaint(command(path), 1);
        assert!(text.contains(path), "{text}");
        let after = fs::symlink_metadata(path).unwrap();
        assert_eq!(
            (before.ino(), before.mode(), before.ctime()),
            (after.ino(), after.mode(), after.ctime()),
            "{path}"
        );
    }
    fs::remove_dir(folder.path()).unwrap();
}

#[test]
fn a_path_that_cannot_be_listened_on_is_one_line_with_the_path_and_the_systems_reason() {
    let long = format!("/tmp/{}", "x".repeat(200));
    for (path, reason) in [
        ("/nowhere/chatd.sock", "No such file or directory"),
        (&long, "shorter than SUN_LEN"),
    ] {
        let text = complaint(command(path), 1);
        assert!(text.contains(path) && text.contains(reason), "{text}");
    }
}

#[test]
fn it_is_removed_at_the_end() {
    for signal in ["TERM", "INT"] {
        let socket = SocketPath::new();
        let mut server = Server::start(&["--socket", socket.path()]);
        socket.connect().read_welcome();
        server.signal(signal);
        assert_eq!(server.wait_exit().code(), Some(0), "{signal}");
        assert!(!socket.exists(), "{signal}");
    }
}

#[test]
fn it_is_removed_before_the_last_lines_are_written() {
    let socket = SocketPath::new();
    let mut server = Server::start(&["--socket", socket.path()]);
    // It reads nothing, so the end takes its time.
    let stalled = socket.join("stalled");
    let mut author = server.joined("author");
    author.send_bytes("x\n".repeat(4000).as_bytes());
    author.settle();
    server.signal("TERM");
    eventually("it is gone", || !socket.exists());
    drop(stalled);
    assert_eq!(server.wait_exit().code(), Some(0));
}

#[test]
fn a_file_that_took_its_place_is_somebody_elses_and_stays() {
    let socket = SocketPath::new();
    let mut server = Server::start(&["--socket", socket.path()]);
    fs::remove_file(socket.path()).unwrap();
    fs::write(socket.path(), "mine").unwrap();
    server.signal("TERM");
    assert_eq!(server.wait_exit().code(), Some(0));
    assert_eq!(fs::read_to_string(socket.path()).unwrap(), "mine");
}

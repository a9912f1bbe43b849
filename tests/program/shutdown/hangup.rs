//! What SIGHUP does: it reads the MOTD anew, or ends the server whose terminal was closed.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};

use rustix::process::{Pid, Signal, kill_process};

use crate::kit::{
    Client, GOODBYE, Program, Server, TempFile, answers, are_installed, eventually, new_command,
    only_in_plain, skip,
};

use super::with_much_pending;

/// What the log says of each SIGHUP so far, without the time, once it has said so of `count`.
fn said(server: &Server, count: usize) -> Vec<String> {
    let lines = server.log_lines(count, |line| line.contains("SIGHUP"));
    let without_time = |line: &String| line.split_once('Z').map(|(_, rest)| rest.to_owned());
    lines.iter().filter_map(without_time).collect()
}

/// A terminal on standard input, as a line of shell: a master of a pseudoterminal is one too. Nothing where there is
/// none to be had.
fn terminal() -> Option<&'static str> {
    if File::open("/dev/ptmx").is_err() {
        skip("this system has no pseudoterminals");
        return None;
    }
    Some("exec </dev/ptmx")
}

#[test]
fn sighup_reads_the_motd_anew_and_says_in_one_log_line_what_it_did() {
    let motd = TempFile::with("as it was\n");
    let server = Server::start(&["--motd", motd.path()]);
    let mut alice = server.joined("alice");
    fs::write(motd.path(), "as it is\nnow\x1b\n").unwrap();
    assert_eq!(answers(&mut alice, "/motd"), ["-- as it was"]);
    server.signal("HUP");
    let lines = said(&server, 1);
    assert_eq!(
        lines,
        [" INFO ] SIGHUP: the message of the day was read anew, lines: 2"]
    );
    let now = ["-- as it is", "-- now\u{fffd}"];
    assert_eq!(answers(&mut alice, "/motd"), now);
    assert_eq!(server.connect().read_lines(2), now);
    fs::write(motd.path(), "").unwrap();
    server.signal("HUP");
    said(&server, 2);
    assert_eq!(
        answers(&mut alice, "/motd"),
        ["-- no message of the day"],
        "an empty one"
    );
}

#[test]
fn at_sighup_what_cannot_be_read_keeps_its_old_state_and_is_an_error_in_the_log() {
    let motd = TempFile::with("as it was\n");
    let server = Server::start(&["--motd", motd.path()]);
    let mut alice = server.joined("alice");
    fs::write(motd.path(), "x".repeat(64 * 1024 + 1)).unwrap();
    server.signal("HUP");
    said(&server, 1);
    fs::remove_file(motd.path()).unwrap();
    server.signal("HUP");
    said(&server, 2);
    // Such as a pipe, which would be waited for.
    fs::create_dir(motd.path()).unwrap();
    server.signal("HUP");
    let lines = said(&server, 3);
    fs::remove_dir(motd.path()).unwrap();
    let reasons = ["64 KiB", "No such file or directory", "not a file"];
    for (line, reason) in lines.iter().zip(reasons) {
        assert!(
            line.contains("ERROR") && line.contains(motd.path()) && line.contains(reason),
            "{line}"
        );
    }
    assert_eq!(answers(&mut alice, "/motd"), ["-- as it was"]);
    fs::write(motd.path(), "as it is\n").unwrap();
    server.signal("HUP");
    said(&server, 4);
    assert_eq!(answers(&mut alice, "/motd"), ["-- as it is"]);
}

#[test]
fn at_sighup_a_server_without_a_motd_says_that_there_is_nothing_to_read() {
    for args in [&[][..], &["--raw"]] {
        let server = Server::start(args);
        server.signal("HUP");
        let lines = said(&server, 1);
        assert_eq!(lines, [" INFO ] SIGHUP: there is nothing to read anew"]);
    }
}

/// SIGHUP asks a server that was started so to read the MOTD anew, and nobody notices.
fn sighup_reloads_after(preparation: &str) {
    let motd = TempFile::with("as it was\n");
    let mut server = Server::start_after(preparation, &["--motd", motd.path()]);
    let mut alice = server.joined("alice");
    fs::write(motd.path(), "as it is\n").unwrap();
    server.signal("HUP");
    said(&server, 1);
    assert_eq!(answers(&mut alice, "/motd"), ["-- as it is"]);
    server.signal("TERM");
    assert_eq!(alice.expect_eof(), [GOODBYE]);
    drop(alice);
    assert_eq!(server.wait_exit().code(), Some(0));
}

#[test]
fn sighup_that_was_ignored_at_start_reads_the_motd_anew_all_the_same() {
    sighup_reloads_after("trap '' HUP");
}

#[test]
fn sighup_that_was_ignored_at_start_ends_nothing_where_standard_input_is_a_terminal() {
    // As `nohup` does, whose terminal may be closed.
    if let Some(terminal) = terminal() {
        sighup_reloads_after(&format!("trap '' HUP; {terminal}"));
    }
}

#[test]
fn where_standard_input_is_a_terminal_sighup_ends_the_server_as_sigterm_does() {
    let Some(terminal) = terminal() else { return };
    let motd = TempFile::with("Room 7\n");
    // That another signal is ignored makes no difference.
    let preparation = format!("trap '' INT QUIT; {terminal}");
    let mut server = Server::start_after(&preparation, &["--motd", motd.path()]);
    let [mut alice] = server.room(["alice"]);
    server.signal("HUP");
    assert_eq!(alice.expect_eof(), [GOODBYE]);
    drop(alice);
    assert_eq!(server.wait_exit().code(), Some(0));
    let said = said(&server, 1);
    assert_eq!(said, [" INFO ] stopping: SIGHUP"]);
}

#[test]
fn a_terminal_that_is_closed_may_send_sighup_twice_and_everybody_reads_goodbye_all_the_same() {
    let Some(terminal) = terminal() else { return };
    let mut server = Server::start_after(terminal, &[]);
    // So that the second comes before the end.
    let mut slow = with_much_pending(&server);
    server.signal("HUP");
    said(&server, 1);
    server.signal("HUP");
    assert_eq!(slow.expect_eof().last().map(String::as_str), Some(GOODBYE));
    drop(slow);
    assert_eq!(server.wait_exit().code(), Some(0));
}

/// A chatd that is no child of this process.
struct Stranger(Pid);

impl Stranger {
    fn runs(&self) -> bool {
        // Empty for one that has ended and that nobody has waited for (proc(5)).
        let path = format!("/proc/{}/cmdline", self.0.as_raw_nonzero());
        fs::read(path).is_ok_and(|line| !line.is_empty())
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        if self.runs() {
            let _ = kill_process(self.0, Signal::KILL);
        }
    }
}

#[test]
fn when_the_window_is_closed_everybody_reads_goodbye_and_the_server_ends() {
    if only_in_plain("the client is made here") || !are_installed(&["script"]) {
        return;
    }
    let mut command = new_command("script");
    let line = r#"echo $$; exec "$PROGRAM" --port 0 --bind 127.0.0.1"#;
    command.args(["-qfec", line, "/dev/null"]);
    command.env("PROGRAM", env!("CARGO_BIN_EXE_chatd"));
    let mut window = Program::spawn(command);
    let pid = window.next_line().parse().ok().and_then(Pid::from_raw);
    let server = Stranger(pid.expect("the number of a process"));
    let address: SocketAddr = loop {
        let line = window.next_line();
        if let Some((_, address)) = line.split_once("listening on ") {
            break address.parse().unwrap();
        }
    };
    let mut alice = Client::new(TcpStream::connect(address).unwrap());
    alice.read_welcome();
    // With `script` goes the terminal that it has made, and the kernel sends SIGHUP.
    drop(window);
    assert_eq!(alice.expect_eof(), [GOODBYE]);
    drop(alice);
    eventually("the server has ended", || !server.runs());
}

//! `chatd user password`: where it takes the password from.

use std::io::Write;
use std::process::Stdio;

use crate::kit::DataDir;
use crate::kit::{Server, are_installed, new_command, run_to_end};

use super::{command, done};

/// Gives the account of alice what stands first in `input`, and returns the exit status and what is
/// said on stderr.
fn give(directory: &DataDir, input: &[u8]) -> (Option<i32>, String) {
    let mut command = command(directory, &["user", "password", "alice"]);
    command.stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    // It may have read enough of it.
    let _ = child.stdin.take().expect("a pipe").write_all(input);
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said)
}

fn hash(directory: &DataDir) -> String {
    let query = "SELECT hash FROM accounts WHERE name = 'alice'";
    let hash = directory.database().query_row(query, [], |row| row.get(0));
    hash.expect("the account is there")
}

#[test]
fn user_password_reads_the_first_line_of_standard_input_if_that_is_no_terminal() {
    let directory = DataDir::new();
    done(&directory, &["user", "add", "alice"]);
    let mut last = hash(&directory);
    for input in [
        &b"12345678\n"[..],
        b"12345678",
        b"correct horse\r\nbattery staple\n",
        "愛".repeat(128).as_bytes(),
    ] {
        let (status, said) = give(&directory, input);
        assert_eq!((status, said.as_str()), (Some(0), ""));
        let hash = hash(&directory);
        assert!(hash.starts_with("$argon2id$") && hash != last, "{hash}");
        last = hash;
    }
}

#[test]
fn a_password_that_has_not_8_to_128_characters_is_refused_and_nothing_is_changed() {
    let directory = DataDir::new();
    done(&directory, &["user", "add", "alice"]);
    let before = hash(&directory);
    for input in [
        &b""[..],
        b"\n12345678\n",
        b"1234567\n",
        "愛".repeat(129).as_bytes(),
        &[b'x'; 10_000],
        b"12345678\xff\n",
        b"1234\x1b5678\n",
    ] {
        let (status, said) = give(&directory, input);
        let is_line = said.starts_with("chatd: a password ") && said.lines().count() == 1;
        assert!(status == Some(1) && is_line, "{status:?}: {said}");
    }
    assert_eq!(hash(&directory), before);
}

/// Types each of its other arguments at a terminal when it is asked for something and nothing that is
/// typed is shown, and prints what the terminal shows and the status.
const TYPIST: &str = r"
import os, pty, sys, termios, time
binary, directory, *lines = sys.argv[1:]
child, terminal = pty.fork()
if child == 0:
    os.execv(binary, [binary, 'user', 'password', 'alice', '--data', directory])
def shows_what_is_typed():
    return termios.tcgetattr(terminal)[3] & termios.ECHO
shown = b''
def watch():
    global shown
    try:
        more = os.read(terminal, 4096)
    except OSError:
        more = b''
    shown += more
    return more
for asked, line in enumerate(lines):
    while shown.count(b': ') <= asked and watch():
        pass
    while shows_what_is_typed():
        time.sleep(0.005)
    os.write(terminal, line.encode() + b'\n')
while watch():
    pass
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print(status, shown.decode().split())
";

/// What the terminal shows, in words, behind the exit status.
fn typed(directory: &DataDir, lines: &[&str]) -> Option<String> {
    if !are_installed(&["python3"]) {
        return None;
    }
    let mut python = new_command("python3");
    let server = Server::command();
    python.args(["-c", TYPIST]).arg(server.get_program());
    python.arg(directory.path()).args(lines);
    let output = run_to_end(python);
    assert!(output.status.success(), "{output:?}");
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[test]
fn user_password_asks_without_echo_twice() {
    let directory = DataDir::new();
    done(&directory, &["user", "add", "alice"]);
    let before = hash(&directory);
    let Some(shown) = typed(&directory, &["correct horse", "battery staple"]) else {
        return;
    };
    let expected = "1 ['new', 'password:', 'again:', 'chatd:', 'the', 'two', 'passwords', 'are', \
        'not', 'the', 'same']";
    assert_eq!(shown, expected);
    assert_eq!(hash(&directory), before);
    let shown = typed(&directory, &["correct horse", "correct horse"]);
    assert_eq!(shown.as_deref(), Some("0 ['new', 'password:', 'again:']"));
    assert!(hash(&directory) != before);
}

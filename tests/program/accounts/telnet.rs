//! A telnet is asked not to show a password.

use std::fs;
use std::path::PathBuf;

use crate::kit::{
    Client, DataDir, Program, Server, are_installed, eventually, new_command, only_in_plain,
    password_of, run_to_end,
};

/// `WILL ECHO` and `WONT ECHO` (RFC 857).
const WILL: &[u8] = b"\xff\xfb\x01";
const WONT: &[u8] = b"\xff\xfc\x01";

/// Whether what is typed is shown by the terminal of a real telnet that was started as
/// `telnet -- 127.0.0.1 -PORT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Screen {
    Hides,
    Shows,
}

/// Waits until it is so: telnet changes it a moment after it has shown the prompt.
pub fn wait_for(screen: Screen, server: &Server) {
    let command_line = format!("telnet\0--\0127.0.0.1\0-{}\0", server.port());
    eventually(&format!("the terminal {screen:?} what is typed"), || {
        let processes = fs::read_dir("/proc").expect("the processes of this machine");
        let folders = processes.flatten().map(|process| process.path());
        let is_telnet = |folder: &PathBuf| {
            let words = fs::read(folder.join("cmdline"));
            words.is_ok_and(|words| words == command_line.as_bytes())
        };
        let terminal = folders.filter(is_telnet).map(|folder| folder.join("fd/0"));
        terminal.into_iter().any(|terminal| {
            let mut stty = new_command("stty");
            stty.arg("-F").arg(terminal).arg("-a");
            let settings = String::from_utf8(run_to_end(stty).stdout).expect("text");
            let wanted = match screen {
                Screen::Hides => "-echo",
                Screen::Shows => "echo",
            };
            settings.split_whitespace().any(|setting| setting == wanted)
        })
    });
}

/// Somebody who has sent a telnet command, and has read the welcome and the answer.
fn telnet(server: &Server) -> Client {
    let mut client = server.welcomed();
    // Nobody else's coming or going is in between.
    client.send("/quiet");
    client.settle();
    // AYT, which is answered with a line.
    client.send_bytes(b"\xff\xf6");
    client.lines_until_one(&"an answer", |line| {
        line.trim_end() == "-- yes, chatd is here"
    });
    client
}

/// The very next bytes.
fn reads(client: &mut Client, bytes: &[u8]) {
    let read = client.read_bytes(bytes.len());
    assert_eq!(
        read.escape_ascii().to_string(),
        bytes.escape_ascii().to_string()
    );
}

#[test]
fn who_has_sent_a_telnet_command_is_sent_will_echo_behind_the_prompt_and_wont_echo_when_it_ends() {
    let directory = DataDir::new();
    let server = directory.server(&["--register"]);
    server.registered("alice").send("/quit");
    server.log_line(|line| line.contains("left: ") && line.contains(" alice, "));
    let mut client = telnet(&server);
    client.send_bytes(b"/login alice\r\n");
    reads(&mut client, b"-- password:\r\n");
    reads(&mut client, WILL);
    // Which is answered DO ECHO or DONT ECHO, and that is answered no more.
    client.send_bytes(b"\xff\xfd\x01wro\xff\xfe\x01ng\r\n");
    reads(
        &mut client,
        b"-- wrong name or password; again, or an empty line to stop:\r\n",
    );
    reads(&mut client, WILL);
    client.send_bytes(format!("{}\r\n", password_of("alice")).as_bytes());
    reads(&mut client, WONT);
    client.read_renaming("alice");
    // An empty line ends it too.
    client.settle();
    client.send_bytes(b"/password\r\n");
    reads(&mut client, b"-- password:\r\n");
    reads(&mut client, WILL);
    client.send_bytes(b"\r\n");
    reads(&mut client, WONT);
}

#[test]
fn a_telnet_that_negotiates_does_not_show_the_password() {
    if only_in_plain("telnet does not speak TLS") || !are_installed(&["telnet", "script", "stty"]) {
        return;
    }
    let directory = DataDir::new();
    let server = directory.server(&["--register"]);
    let mut watcher = server.registered("alice");
    watcher.settle();
    let mut command = new_command("script");
    // The minus before the port makes it negotiate.
    let telnet = format!("telnet -- 127.0.0.1 -{}", server.port());
    command.args(["-qfec", &telnet, "/dev/null"]);
    let mut telnet = Program::spawn(command);
    telnet.wait_for_welcome();
    telnet.settle();
    let secret = "a quiet secret";
    telnet.say("/register bob");
    telnet.expect("-- new password:");
    wait_for(Screen::Hides, &server);
    telnet.say(secret);
    telnet.expect("-- again:");
    telnet.say(secret);
    telnet.expect_renaming("bob");
    wait_for(Screen::Shows, &server);
    telnet.say("can you see me?");
    watcher.expect("<bob> can you see me?");
    telnet.expect("can you see me?");
    telnet.never_showed_any(secret);
}

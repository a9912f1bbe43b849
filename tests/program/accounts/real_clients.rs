//! Logins with what people have: `nc`, `telnet`, `ncat --ssl`, and `nc -U`.

use std::fs;

use super::telnet::{Screen, wait_for};
use crate::kit::{
    Client, DataDir, PROMPT, Program, Server, WRONG, are_installed, new_command, only_in_plain,
    password_of,
};

const CLOSED: &str = "-- wrong name or password";

/// What a telnet reads that was told to negotiate.
const HIDDEN_PROMPT: &str = "-- password:";

/// A way to come to a server.
struct Way {
    /// The programs that it takes.
    programs: &'static [&'static str],
    /// What the server is started with.
    args: &'static [&'static str],
    /// The line of shell.
    line: &'static str,
    prompt: &'static str,
}

const NETCAT: Way = Way {
    programs: &["nc.openbsd"],
    args: &[],
    line: "exec nc.openbsd 127.0.0.1 $PORT",
    prompt: PROMPT,
};

/// The minus before the port makes it negotiate.
const TELNET: Way = Way {
    programs: &["telnet", "script", "stty"],
    args: &[],
    line: "exec script -qfec \"telnet -- 127.0.0.1 -$PORT\" /dev/null",
    prompt: HIDDEN_PROMPT,
};

/// Without it a telnet is as others are.
const QUIET_TELNET: Way = Way {
    line: "exec script -qfec \"telnet 127.0.0.1 $PORT\" /dev/null",
    prompt: PROMPT,
    ..TELNET
};

#[cfg(feature = "tls")]
const OVER_TLS: Way = Way {
    programs: &["ncat"],
    args: &["--tls"],
    line: "exec ncat --ssl 127.0.0.1 $PORT",
    prompt: PROMPT,
};

#[cfg(feature = "service")]
const BY_SOCKET: Way = Way {
    programs: &["nc.openbsd"],
    args: &["--socket", "$SOCKET"],
    line: "exec nc.openbsd -U $SOCKET",
    prompt: PROMPT,
};

/// A server, where its Unix socket is if it has one, and somebody with an account who is there.
struct Place {
    server: Server,
    alice: Client,
    socket: String,
    _directory: DataDir,
}

impl Place {
    fn new(way: &Way) -> Self {
        let directory = DataDir::new();
        // It is removed with the directory.
        fs::create_dir(directory.path()).expect("a directory");
        let socket = format!("{}/socket", directory.path());
        let args = way.args.iter().map(|arg| arg.replace("$SOCKET", &socket));
        let args = args.chain(["--register".to_owned()]).collect::<Vec<_>>();
        let args = args.iter().map(String::as_str).collect::<Vec<_>>();
        let server = directory.server(&args);
        let bob = server.registered("bob");
        let alice = server.registered("alice");
        bob.send("/quit");
        server.log_line(|line| line.contains("left: ") && line.contains(" bob, "));
        Self {
            server,
            alice,
            socket,
            _directory: directory,
        }
    }

    /// Somebody comes, and has read the welcome.
    fn join(&self, way: &Way) -> Program {
        let mut shell = new_command("sh");
        shell.args(["-c", way.line]).env("SOCKET", &self.socket);
        shell.env("PORT", self.server.port().to_string());
        let mut program = Program::spawn(shell);
        program.wait_for_welcome();
        program.settle();
        program
    }

    /// Somebody wants to log in as bob.
    fn is_asked(&self, program: &mut Program, way: &Way) {
        program.say("/login bob");
        program.expect(way.prompt);
        if way.prompt == HIDDEN_PROMPT {
            wait_for(Screen::Hides, &self.server);
        }
    }

    fn is_asked_no_more(&self, way: &Way) {
        if way.prompt == HIDDEN_PROMPT {
            wait_for(Screen::Shows, &self.server);
        }
    }
}

/// A wrong password, an empty line, and then the right one; and somebody who gives three wrong ones.
fn logs_in(way: &Way) {
    if only_in_plain("each program has its own way") || !are_installed(way.programs) {
        return;
    }
    let mut place = Place::new(way);
    let mut bob = place.join(way);
    bob.say("/nick guessing");
    bob.expect_renaming("guessing");
    place.is_asked(&mut bob, way);
    bob.say("a wrong one");
    bob.expect(WRONG);
    bob.say("");
    place.is_asked_no_more(way);
    bob.say("in vain");
    place.alice.expect("<guessing> in vain");
    place.is_asked(&mut bob, way);
    bob.say(&password_of("bob"));
    bob.expect("-- guessing is now bob");
    place.is_asked_no_more(way);
    bob.say("it is me");
    place.alice.expect("<bob> it is me");
    place.alice.send("welcome");
    bob.expect("<alice> welcome");
    if way.prompt == HIDDEN_PROMPT {
        for secret in ["a wrong one", &password_of("bob")] {
            bob.never_showed_any(secret);
        }
    }
    bob.say("/quit");
    bob.ends();
    let mut eve = place.join(way);
    place.is_asked(&mut eve, way);
    for wrong in [WRONG, WRONG, CLOSED] {
        eve.say("a wrong one");
        eve.expect(wrong);
    }
    eve.ends();
    place.alice.send("/who");
    let here = place.alice.settle();
    assert!(!here.iter().any(|line| line.contains("wrong")), "{here:?}");
}

#[test]
fn people_log_in_with_nc() {
    logs_in(&NETCAT);
}

#[test]
fn people_log_in_with_a_telnet_that_does_not_show_the_password() {
    logs_in(&TELNET);
}

#[test]
fn people_log_in_with_a_telnet_that_does_not_negotiate() {
    logs_in(&QUIET_TELNET);
}

#[cfg(feature = "tls")]
#[test]
fn people_log_in_over_tls() {
    logs_in(&OVER_TLS);
}

#[cfg(feature = "service")]
#[test]
fn people_log_in_by_a_unix_socket() {
    logs_in(&BY_SOCKET);
}

//! What was said since the owner of an account was last here.

use crate::kit::{DataDir, Server, answers, eventually, password_of, run_to_end, texts_of_history};

/// What alice reads of it, who was not here while `count` lines were said.
fn missed(count: usize) -> Vec<String> {
    let directory = DataDir::new();
    let server = directory.server(&["--register"]);
    let [mut bob] = server.room(["bob"]);
    let mut alice = server.registered("alice");
    alice.send("before");
    alice.settle();
    alice.send("/quit");
    bob.expect("-- alice left");
    let lines = (0..count).map(|number| format!("line {number}\n"));
    bob.send_bytes(lines.collect::<String>().as_bytes());
    bob.settle();
    let mut alice = server.connect();
    alice.send(&format!("/login alice\n{}", password_of("alice")));
    alice.read_renaming("alice");
    alice.settle()
}

#[test]
fn who_logs_in_reads_what_was_said_since_the_account_was_last_here() {
    let read = missed(3);
    assert_eq!(read[0], "-- 3 lines since you were here, times in UTC:");
    assert_eq!(
        texts_of_history(&read),
        ["<bob> line 0", "<bob> line 1", "<bob> line 2"]
    );
}

#[test]
fn what_one_said_oneself_while_leaving_is_not_missed() {
    let directory = DataDir::new();
    let server = directory.server(&["--register"]);
    let [mut bob] = server.room(["bob"]);
    let alice = server.registered("alice");
    alice.send("last words\n/me waves\n/quit");
    bob.expect("-- alice left");
    let mut alice = server.connect();
    alice.send(&format!("/login alice\n{}", password_of("alice")));
    alice.read_renaming("alice");
    assert_eq!(alice.settle(), [""; 0]);
}

#[test]
fn who_logs_in_after_a_restart_reads_what_was_said_since_they_were_last_here() {
    let directory = DataDir::new();
    let mut server = directory.server(&["--register"]);
    let [mut bob] = server.room(["bob"]);
    let alice = server.registered("alice");
    alice.send("last words\n/quit");
    bob.expect("-- alice left");
    bob.send("good night");
    bob.settle();
    server.signal("TERM");
    server.wait_exit();
    let server = directory.server(&[]);
    let mut alice = server.connect();
    alice.send(&format!("/login alice\n{}", password_of("alice")));
    alice.read_renaming("alice");
    let read = alice.settle();
    assert_eq!(read[0], "-- 1 line since you were here, times in UTC:");
    assert_eq!(texts_of_history(&read), ["<bob> good night"]);
}

#[test]
fn who_was_here_when_the_program_crashed_has_missed_only_what_was_said_since() {
    let directory = DataDir::new();
    let mut server = directory.server(&["--register"]);
    let _alice = server.registered("alice");
    let run = |args: &[&str]| {
        let mut command = Server::command();
        command.args(args).args(["--data", directory.path()]);
        let output = run_to_end(command);
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    run(&["user", "op", "alice"]);
    server.joined("bob").send("good night");
    eventually("what he said is kept", || {
        run(&["log"]).ends_with("<bob> good night\n")
    });
    server.kill();
    let server = directory.server(&[]);
    let [mut bob] = server.room(["bob"]);
    let whois = answers(&mut bob, "/whois alice");
    assert!(whois[0].contains(", was last here at 2"), "{whois:?}");
    bob.send("good morning");
    bob.settle();
    let mut alice = server.connect();
    alice.send(&format!("/login alice\n{}", password_of("alice")));
    alice.read_renaming("alice");
    let read = alice.settle();
    // The first is what he says to have everybody hear of him.
    assert_eq!(read[0], "-- 2 lines since you were here, times in UTC:");
    let texts = texts_of_history(&read);
    assert_eq!(texts.last(), Some(&"<bob> good morning"));
}

#[test]
fn who_logs_in_reads_at_most_the_last_200_lines() {
    let read = missed(205);
    assert_eq!(
        read[0],
        "-- 205 lines since you were here, the last 200, times in UTC:"
    );
    let texts = texts_of_history(&read);
    assert_eq!(
        (texts.len(), texts[0], texts[199]),
        (200, "<bob> line 5", "<bob> line 204")
    );
}

//! Conversations with what people already have: three netcats, socat, telnet, and bash alone.

use crate::kit::{Client, Program, Server, are_installed, one_shot};

/// Each reads what the other says under their name, and the program shows nothing of its own.
fn talk_to_each_other(alice: &mut Client, program: &mut Program, name: &str) {
    program.take_name(name);
    program.say("good morning");
    alice.expect(&format!("<{name}> good morning"));
    alice.send(&format!("the same to you, {name}"));
    program.expect(&format!("<alice> the same to you, {name}"));
    program.never_showed(&format!("<{name}>"));
}

/// Runs a conversation between `alice` and one client, and lets that one leave.
fn converses(client: &str) {
    let server = Server::start(&[]);
    let [mut alice] = server.room(["alice"]);
    let Some(mut program) = Program::start(client, &server) else {
        return;
    };
    talk_to_each_other(&mut alice, &mut program, "carl");
    program.say("/quit");
    alice.expect("-- carl left");
    program.ends();
}

#[test]
fn people_join_with_nc_from_openbsd() {
    converses("nc.openbsd");
}

#[test]
fn people_join_with_the_traditional_nc() {
    converses("nc.traditional");
}

#[test]
fn people_join_with_ncat() {
    converses("ncat");
}

#[test]
fn people_join_with_socat() {
    converses("socat");
}

#[test]
fn people_join_with_telnet() {
    converses("telnet");
}

#[test]
fn people_join_with_bash_alone() {
    converses("bash");
}

#[test]
fn two_nc_and_one_telnet_read_each_others_lines_under_their_names_and_never_their_own() {
    let server = Server::start(&[]);
    let clients = [
        ("nc.openbsd", "ann"),
        ("nc.openbsd", "ben"),
        ("telnet", "cat"),
    ];
    let mut people = Vec::new();
    for (client, name) in clients {
        let Some(mut program) = Program::start(client, &server) else {
            return;
        };
        program.take_name(name);
        people.push((program, name));
    }
    for speaker in 0..people.len() {
        let said = format!("greetings number {speaker}");
        people[speaker].0.say(&said);
        let line = format!("<{}> {said}", people[speaker].1);
        let (earlier, rest) = people.split_at_mut(speaker);
        for (program, _) in earlier.iter_mut().chain(&mut rest[1..]) {
            program.expect(&line);
        }
    }
    for (program, name) in &people {
        program.never_showed(&format!("<{name}>"));
    }
}

#[test]
fn a_telnet_shows_what_others_say_after_ctrl_c_was_pressed_twice() {
    let server = Server::start(&[]);
    let [mut alice] = server.room(["alice"]);
    let Some(mut telnet) = Program::start("telnet", &server) else {
        return;
    };
    telnet.take_name("carl");
    for attempt in 1..=2 {
        telnet.press("\u{3}");
        // The server has heard of the key once it has passed on what was typed after it.
        let said = format!("I pressed it {attempt} times");
        telnet.say(&said);
        alice.expect(&format!("<carl> {said}"));
        let answer = format!("so {attempt} times");
        alice.send(&answer);
        telnet.expect(&format!("<alice> {answer}"));
    }
}

/// What `echo hi` through each client sends is heard, and the client ends by itself.
fn is_heard_when_piped(client: &str, command: &str) {
    if !are_installed(&[client]) {
        return;
    }
    let server = Server::start(&[]);
    let [mut alice] = server.room(["alice"]);
    let output = one_shot(command, &server);
    assert!(output.status.success(), "{output:?}");
    for line in ["-- guest2 joined", "<guest2> hi", "-- guest2 left"] {
        alice.next_is(line);
    }
}

#[test]
fn a_line_piped_into_nc_from_openbsd_is_heard_and_nc_ends() {
    is_heard_when_piped("nc.openbsd", "echo hi | nc.openbsd -N 127.0.0.1 $PORT");
}

#[test]
fn a_line_piped_into_the_traditional_nc_is_heard_and_nc_ends() {
    is_heard_when_piped(
        "nc.traditional",
        "echo hi | nc.traditional -q1 127.0.0.1 $PORT",
    );
}

#[test]
fn a_line_piped_into_ncat_is_heard_and_ncat_ends() {
    is_heard_when_piped("ncat", "echo hi | ncat 127.0.0.1 $PORT");
}

#[test]
fn a_line_piped_into_socat_is_heard_and_socat_ends() {
    is_heard_when_piped("socat", "echo hi | socat -t5 - TCP:127.0.0.1:$PORT");
}

#[test]
fn a_line_that_bash_alone_sends_is_heard() {
    is_heard_when_piped("bash", "bash -c 'echo hi > /dev/tcp/127.0.0.1/$PORT'");
}

#[test]
fn a_netcat_with_a_pipe_behind_it_logs_what_is_said() {
    let server = Server::start(&[]);
    let [alice] = server.room(["alice"]);
    let Some(mut logger) = Program::start("nc.openbsd -d", &server) else {
        return;
    };
    logger.wait_for_welcome();
    alice.send("for the record");
    logger.expect("<alice> for the record");
}

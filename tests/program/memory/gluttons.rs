//! Clients that ask for much and read nothing of it.

use crate::kit::{
    Chat, Client, MIB, NARROW, Server, crowd_turn, grew_by_less_than, read_notices, text,
};

const GLUTTONS: usize = 4;

/// What is written for one client alone puts nobody under pressure, or this would take an hour.
const AT_ONCE: [&str; 4] = ["--rate", "0", "--patience", "1h"];

/// Clients that ask over and over and read no answer are let go at 1 MiB each. Nobody else notices.
fn are_let_go(server: &Server, question: &str) {
    let mut chat = Chat::start(server);
    let mut watcher = server.joined("watcher");
    chat.hears();
    let gluttons: Vec<Client> = (0..GLUTTONS)
        .map(|number| {
            let mut glutton = server.connect_with_receive_buffer(NARROW);
            glutton.read_welcome();
            glutton.take_name(&format!("glutton{number}"));
            glutton.send("I am hungry");
            watcher.expect(&format!("<glutton{number}> I am hungry"));
            chat.hears();
            glutton
        })
        .collect();
    watcher.settle();
    let before = server.resident_bytes();
    for glutton in &gluttons {
        // It may be let go before it has sent all of this.
        let _ = glutton.try_send(format!("{question}\n").repeat(1500).as_bytes());
        chat.goes_on(5);
    }
    read_notices(&mut watcher, " left (too slow)", GLUTTONS, |line| {
        assert!(
            line.starts_with("<chatting> line "),
            "{line:?} was told too"
        );
    });
    chat.goes_on(5);
    let most = GLUTTONS as u64 * 2 * MIB + 4 * MIB;
    grew_by_less_than(
        most,
        before,
        server.peak_resident_bytes(),
        &"nobody reads the answers",
    );
}

#[test]
fn those_who_flood_history_and_do_not_read_it_are_let_go_at_1_mib_and_nobody_else_notices() {
    const LINES: usize = 1000;
    let server = Server::start(&[&AT_ONCE[..], &["--history", "10000"]].concat());
    let mut author = server.join("author");
    author.send_bytes(text((0..LINES).map(|number| format!("{number:0>240}"))).as_bytes());
    author.settle();
    author.send("/quit");
    author.expect_eof();
    are_let_go(&server, "/history 10000");
}

#[test]
fn those_who_flood_who_and_do_not_read_it_are_let_go_at_1_mib_and_nobody_else_notices() {
    let Some(_turn) = crowd_turn() else { return };
    let server = Server::start(&AT_ONCE);
    let mut crowd: Vec<Client> = (0..100).map(|_| server.connect()).collect();
    for client in &crowd {
        client.send("/quiet");
        client.send("I am here");
    }
    // What they say is over before the chat begins.
    for client in &mut crowd {
        client.settle();
    }
    are_let_go(&server, "/who");
}

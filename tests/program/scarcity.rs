//! No descriptors left, no threads to be had.

use std::process::Stdio;

use rustix::process::Resource;

use crate::kit::{Chat, Client, Footprint, Server, command, crowd_turn};

/// How many threads the system lets a server have: its own, those of the two who chat, and a few.
const THREADS: usize = 25;

#[test]
fn a_crowd_that_comes_while_there_are_no_descriptors_gets_in_when_there_are_some_again() {
    let _turn = crowd_turn();
    let server = Server::start(&[]);
    let mut chat = Chat::start(&server);
    let before = Footprint::of(&server);
    let limit = server.limit(Resource::Nofile, Some(0));
    let mut crowd: Vec<Client> = (0..200).map(|_| server.connect()).collect();
    server.log_line(|line| line.contains("cannot accept clients"));
    chat.goes_on(20);
    server.limit(Resource::Nofile, limit);
    for client in &mut crowd {
        client.read_welcome();
    }
    let complaints = server
        .log()
        .into_iter()
        .filter(|line| line.contains("cannot accept"));
    assert_eq!(complaints.count(), 1, "{:#?}", server.log());
    drop(crowd);
    before.returns(&server);
    chat.goes_on(5);
}

#[test]
fn those_for_whom_there_is_no_thread_are_told_and_closed_without_a_flood_of_the_log() {
    const COMERS: usize = 150;
    let _turn = crowd_turn();
    let Some(server) = start_with_few_threads() else {
        return;
    };
    let mut chat = Chat::start(&server);
    let before = Footprint::of(&server);
    for _ in 0..2 {
        let mut comers: Vec<Client> = (0..COMERS).map(|_| server.connect()).collect();
        let firsts: Vec<String> = comers.iter_mut().map(Client::read_line).collect();
        let told = firsts
            .iter()
            .filter(|line| *line == "-- chatd is full, try again later");
        // The chat before it is what a welcome begins with.
        let welcomed = firsts.iter().filter(|line| line.ends_with("times in UTC:"));
        let (told, welcomed) = (told.count(), welcomed.count());
        assert_eq!(told + welcomed, COMERS, "{firsts:#?}");
        assert!(
            told >= COMERS - THREADS,
            "{told} were told, {welcomed} welcomed: {firsts:#?}"
        );
        chat.goes_on(20);
        // As soon as they have gone, there are threads for the next.
        drop(comers);
        before.returns(&server);
    }
    server.welcomed();
    chat.goes_on(5);
    let complaints = server
        .log()
        .into_iter()
        .filter(|line| line.contains("client's thread"));
    // Of each kind 20 in a second are written, and then one line that counts the rest.
    assert!(
        (1..COMERS).contains(&complaints.count()),
        "{:#?}",
        server.log()
    );
}

/// A server whose user may have [`THREADS`] threads. Nothing, and a word of it, if there cannot be.
fn start_with_few_threads() -> Option<Server> {
    // The system exempts the superuser from this limit, and counts all processes of another. So it
    // is a user whom nobody else is.
    let user = (100_000 + std::process::id()).to_string();
    let become_user = |program: &std::ffi::OsStr| {
        let mut other = command("setpriv");
        other.args(["--reuid", &user, "--regid", &user, "--clear-groups", "--"]);
        other.args(["prlimit", &format!("--nproc={THREADS}"), "--"]);
        other.arg(program);
        other
    };
    let binary = Server::command().get_program().to_owned();
    let mut trial = become_user(&binary);
    let trial = trial
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if !trial.status().is_ok_and(|status| status.success()) {
        eprintln!("skipped, because chatd cannot be started as another user here");
        return None;
    }
    let mut command = become_user(&binary);
    command.args(["--port", "0", "--bind", "127.0.0.1"]);
    Some(Server::launch(command))
}

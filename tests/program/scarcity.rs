//! Section 3: too few descriptors, or no threads to be had.

use std::process::Stdio;

use rustix::process::Resource;

use crate::kit::{
    Chat, Client, Footprint, Server, are_installed, crowd_turn, eventually, new_command, skip,
};

/// How many threads the system lets a server have: its own, those of the two who chat, and a few.
const THREADS: usize = 25;

#[test]
fn without_descriptors_accepting_pauses_and_says_so_once_and_who_waits_gets_in_when_there_are_some()
{
    let Some(_turn) = crowd_turn() else { return };
    let server = Server::start(&[]);
    let mut chat = Chat::start(&server);
    let before = Footprint::of(&server);
    let limit = server.limit(Resource::Nofile, Some(0));
    let mut crowd: Vec<Client> = (0..200).map(|_| server.connect()).collect();
    let complaint = server.log_line(|line| line.contains("cannot accept clients"));
    assert!(
        complaint.contains("WARN") && complaint.contains("Too many open files"),
        "{complaint}"
    );
    // For as long as several pauses of 100 ms.
    server.comes_to_rest();
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
    let Some(_turn) = crowd_turn() else { return };
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

/// A server whose user may have [`THREADS`] threads. Nothing if there cannot be: the test is
/// skipped then.
fn start_with_few_threads() -> Option<Server> {
    if !are_installed(&["setpriv", "prlimit"]) {
        return None;
    }
    // The system exempts the superuser from this limit, and counts all processes of another. So it
    // is a user whom nobody else is.
    let user = (100_000 + std::process::id()).to_string();
    let become_user = |program: &std::ffi::OsStr| {
        let mut other = new_command("setpriv");
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
        skip("chatd cannot be started as another user here");
        return None;
    }
    let mut command = become_user(&binary);
    command.args(["--port", "0", "--bind", "127.0.0.1"]);
    Some(Server::launch(command))
}

#[test]
fn max_clients_is_lowered_to_what_fits_so_that_clients_beyond_it_are_told() {
    let Some(_turn) = crowd_turn() else { return };
    let server = Server::start_after("ulimit -n 60", &[]);
    server.log_line(|line| line.contains("WARN") && line.contains("max-clients"));
    let mut crowd: Vec<Client> = (0..80).map(|_| server.connect()).collect();
    let firsts: Vec<String> = crowd.iter_mut().map(Client::read_line).collect();
    let welcomed = firsts
        .iter()
        .filter(|line| line.starts_with("-- welcome"))
        .count();
    let told = firsts
        .iter()
        .filter(|line| line.starts_with("-- chatd is full"))
        .count();
    assert_eq!(welcomed + told, 80, "{firsts:#?}");
    assert!(
        welcomed >= 20,
        "only {welcomed} of 60 descriptors are used for clients"
    );
    let in_the_way = server
        .log()
        .into_iter()
        .filter(|line| line.contains("accept"))
        .count();
    assert_eq!(in_the_way, 0, "accepting failed: {:#?}", server.log());
}

#[test]
fn no_warning_where_max_clients_fits_under_the_limit() {
    let lowered = Server::start_after("ulimit -n 200", &["--max-clients", "200"]);
    let warning = lowered.log_line(|line| line.contains("--max-clients is lowered to "));
    let (_, most) = warning.split_once(" to ").expect("a number");
    let most = most.split(':').next().expect("the number that fits");
    let server = Server::start_after("ulimit -n 200", &["--max-clients", most]);
    server.welcomed();
    assert!(
        !server.log().concat().contains("WARN"),
        "{:#?}",
        server.log()
    );
}

#[test]
fn the_soft_limit_on_open_files_is_raised_to_the_hard_limit() {
    let Some(_turn) = crowd_turn() else { return };
    let server = Server::start_after("ulimit -Sn 50", &["--max-clients", "100"]);
    server.crowd(100);
}

#[test]
fn a_client_whose_thread_cannot_be_started_is_told_and_closed() {
    // Less than the smallest stack that a thread may have.
    const TOO_LITTLE: u64 = 48 * 1024;
    let server = Server::start(&[]);
    let [alice, mut bob] = server.room(["alice", "bob"]);
    let descriptors = server.descriptors();
    let limit = server.limit(Resource::As, Some(server.virtual_bytes() + TOO_LITTLE));
    let mut unlucky = server.connect();
    let told = unlucky.expect_eof();
    assert!(
        matches!(told.as_slice(), [line] if line.starts_with("-- ")),
        "{told:?}"
    );
    server.limit(Resource::As, limit);
    drop(unlucky);
    eventually("its descriptor is gone", || {
        server.descriptors() == descriptors
    });
    alice.send("the others do not notice");
    bob.next_is("<alice> the others do not notice");
    server.welcomed();
}

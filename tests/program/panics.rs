//! Panics that a build with the feature `fault-injection` brings about when it is asked to.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use crate::kit::{Chat, Footprint, Server};
use crate::logs::counted;

#[test]
fn when_the_broadcaster_panics_the_process_ends_at_once_and_says_so() {
    let mut server = Server::start(&[]);
    let [alice, _bob] = server.room(["alice", "bob"]);
    let start = Instant::now();
    alice.send("/faultpanic");
    let status = server.wait_exit();
    assert!(!status.success(), "it ended with {status}");
    assert!(status.code().is_some(), "a panic is no crash: {status}");
    let taken = start.elapsed();
    assert!(taken < Duration::from_secs(5), "it took {taken:?}");
    server.log_line(|line| line.contains("panicked"));
}

#[test]
fn when_the_broadcaster_panics_the_log_still_says_what_was_left_out_of_it() {
    const CROWD: usize = 40;
    let mut server = Server::start(&[]);
    let crowd = server.crowd(CROWD);
    crowd[0].send("/faultpanic");
    assert!(!server.wait_exit().success());
    assert_eq!(counted(&server, "joined").0, CROWD, "{:#?}", server.log());
}

#[test]
fn when_the_broadcaster_panics_while_its_channel_is_full_the_process_ends_all_the_same() {
    let mut server = Server::start(&["--rate", "0"]);
    let [alice, bob] = server.room(["alice", "bob"]);
    // The threads of both wait for the broadcaster by the time it comes to the fault.
    let lines = format!("{}\n", "x".repeat(99)).repeat(20_000);
    std::thread::scope(|scope| {
        scope.spawn(|| drop(bob.try_send(lines.as_bytes())));
        scope.spawn(|| drop(alice.try_send((lines.clone() + "/faultpanic\n" + &lines).as_bytes())));
        assert!(!server.wait_exit().success());
    });
}

#[test]
fn when_the_accept_loop_panics_the_process_ends_at_once_and_says_so() {
    let mut server = Server::start(&[]);
    let _alice = server.welcomed();
    let start = Instant::now();
    let _unlucky = server.connect_from(Ipv4Addr::new(127, 0, 0, 66));
    assert_eq!(server.wait_exit().code(), Some(1));
    let taken = start.elapsed();
    assert!(taken < Duration::from_secs(5), "it took {taken:?}");
    server.log_line(|line| line.contains("panicked"));
    server.log_line(|line| line.ends_with("ERROR] the accept loop has ended"));
}

#[test]
fn a_panic_in_a_clients_thread_ends_that_client_only() {
    let server = Server::start(&[]);
    let mut chat = Chat::start(&server);
    let before = Footprint::of(&server);
    let [mut watcher] = server.room(["watcher"]);
    let mut unlucky = server.joined("unlucky");
    watcher.expect("<unlucky> it is me");
    assert_eq!([chat.hears(), chat.hears()], ["it is me", "it is me"]);
    unlucky.send("/faultpanicclient");
    unlucky.read_to_any_end();
    watcher.next_is("-- unlucky left");
    server.log_line(|line| line.contains("panicked"));
    drop((unlucky, watcher));
    before.returns(&server);
    chat.goes_on(5);
}

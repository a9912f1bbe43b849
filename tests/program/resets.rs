//! Section 4: resets in the middle of anything.

use crate::kit::{
    Chat, Client, Flood, Footprint, NARROW, Server, TempFile, crowd_turn, eventually, narrow_crowd,
    nobody_panicked, read_notices, text, waiting_bytes,
};

/// How many connections are reset at each place.
const MANY: usize = 40;

/// Resets what `bring` has brought into the middle of something, several times.
fn are_harmless(server: &Server, bring: impl Fn(usize) -> Vec<Client>) {
    let Some(_turn) = crowd_turn() else { return };
    let mut chat = Chat::start(server);
    let before = Footprint::of(server);
    for round in 0..3 {
        let clients = bring(round);
        chat.goes_on(3);
        clients.into_iter().for_each(Client::reset);
        chat.goes_on(3);
    }
    before.returns(server);
    chat.goes_on(3);
    nobody_panicked(server);
}

#[test]
fn resets_in_the_middle_of_the_welcome_leave_no_thread_and_no_descriptor() {
    let motd = TempFile::with(&"a line of a long message of the day\n".repeat(1700));
    let server = Server::start(&["--motd", motd.path()]);
    are_harmless(&server, |_| {
        let mut clients = narrow_crowd(&server, MANY);
        for client in clients.iter_mut().step_by(2) {
            // From now on the welcome is on its way, and most of it is pending.
            client.read_line();
        }
        clients
    });
}

#[test]
fn resets_in_the_middle_of_a_flush_leave_no_thread_and_no_descriptor() {
    let Some(_turn) = crowd_turn() else { return };
    let server = Server::start(&["--rate", "0"]);
    let [sender, mut reader] = server.room(["sender", "reader"]);
    let before = Footprint::of(&server);
    for _ in 0..2 {
        let clients = narrow_crowd(&server, MANY);
        read_notices(&mut reader, " joined", MANY, |_| {});
        Flood::of(255).during(&sender, || {
            reader.read_lines(5_000);
            clients.into_iter().for_each(Client::reset);
            read_notices(&mut reader, " left", MANY, |_| {});
        });
        // The flood has ended in the middle of a line.
        sender.send("");
    }
    before.returns(&server);
    nobody_panicked(&server);
}

#[test]
fn resets_in_the_middle_of_the_goodbye_leave_no_thread_and_no_descriptor() {
    let motd = TempFile::with(&"a line of a long message of the day\n".repeat(1700));
    let server = Server::start(&["--motd", motd.path()]);
    are_harmless(&server, |_| {
        let clients = narrow_crowd(&server, MANY);
        for (number, client) in clients.iter().enumerate() {
            // What is pending is written first, and then the server waits for the client.
            match number % 3 {
                0 => client.send("/quit"),
                1 => client.close_sending(),
                _ => client.send_bytes(b"GET / HTTP/1.1\r\n\r\n"),
            }
        }
        clients
    });
}

#[test]
fn a_client_that_was_reset_while_it_waits_for_its_rate_leaves_when_that_is_noticed() {
    let server = Server::start(&["--rate", "2KiB", "--max-line", "64KiB"]);
    let [alice, mut bob] = server.room(["alice", "bob"]);
    // It may pass when it has been saved up, after 26 s, which is longer than anybody waits here.
    alice.send(&"x".repeat(60_000));
    let ways = [alice.ways(&server)];
    eventually("the server has read it", || waiting_bytes(&ways) == [0]);
    let threads = server.threads().len();
    alice.reset();
    // The reset may come behind what is said at the same moment.
    eventually("who writes to alice has noticed", || {
        bob.send("are you there?");
        server.threads().len() < threads
    });
    bob.expect("-- alice left");
}

#[test]
fn who_is_let_go_is_reset_so_that_the_kernel_keeps_nothing_for_them() {
    let server = Server::start(&[]);
    let [mut alice] = server.room(["alice"]);
    alice.send_bytes(text((0..100).map(|_| "x".repeat(2_000))).as_bytes());
    alice.settle();
    let mut bob = server.stalled("bob");
    // Each answer is nearly 200 KiB, and over 1 MiB of them is too much.
    bob.send_bytes("/history 100\n".repeat(20).as_bytes());
    server.log_line(|line| line.contains(" bob, ") && line.ends_with(", too slow"));
    let (read, was_reset) = bob.read_to_any_end();
    assert!(was_reset, "a clean end after {} bytes", read.len());
    alice.expect("-- bob left (too slow)");
}

#[test]
fn resets_while_the_server_shuts_down_change_nothing_for_the_others() {
    let Some(_turn) = crowd_turn() else { return };
    let mut server = Server::start(&[]);
    let [mut speaker, mut reader] = server.room(["speaker", "reader"]);
    let clients: Vec<Client> = (0..MANY)
        .map(|_| server.connect_with_receive_buffer(NARROW))
        .collect();
    read_notices(&mut reader, " joined", MANY, |_| {});
    speaker.send_bytes(format!("{}\n", "x".repeat(999)).repeat(1000).as_bytes());
    speaker.settle();
    server.signal("TERM");
    clients.into_iter().for_each(Client::reset);
    for client in [&mut speaker, &mut reader] {
        let lines = client.expect_eof();
        assert_eq!(
            lines.last().map(String::as_str),
            Some("-- chatd is shutting down")
        );
    }
    drop((speaker, reader));
    assert_eq!(server.wait_exit().code(), Some(0));
    nobody_panicked(&server);
}

#[test]
fn after_a_reset_in_the_middle_of_anything_the_others_read_that_name_left_and_nothing_else() {
    let server = Server::start(&[]);
    let [mut bob] = server.room(["bob"]);
    let before = (server.descriptors(), server.threads().len());
    let long = "\u{e4}".repeat(2000);
    let middles: [&[u8]; 9] = [
        b"",
        b"half a line",
        b"half a line\r",
        b"\xff",
        b"\xff\xfa\x18unfinished",
        b"/msg bob half a secret",
        b"\x1b[",
        b"\xe2\x82",
        long.as_bytes(),
    ];
    for middle in middles {
        let alice = server.joined("alice");
        bob.settle();
        alice.send_bytes(middle);
        alice.reset();
        bob.next_is("-- alice left");
        assert_eq!(bob.settle(), [""; 0], "after {}", middle.escape_ascii());
    }
    eventually("descriptors and threads are as many as before", || {
        (server.descriptors(), server.threads().len()) == before
    });
}

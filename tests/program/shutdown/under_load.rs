//! SIGTERM in the middle of everything.

use std::collections::HashMap;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::TRANSPORT;
use crate::kit::{
    Chat, Client, GOODBYE, NARROW, SLACK, Server, StopOnDrop, crowd_size, crowd_turn, eventually,
    narrow_crowd, nobody_panicked, only_in_plain, send_until, text, waiting_bytes,
};

/// How long the end may take.
const PROMISED: Duration = Duration::from_secs(3);

/// How many come in the storm at most.
const MOST_COMERS: usize = 1500;

const TALKERS: usize = 6;

/// What each of them has to say: so many lines of so many bytes.
const LINES: usize = 4_000;

const LINE_BYTES: usize = 100;

/// Lines of one talker that a thread has taken in and not come to see when it is stopped.
const UNSEEN: usize = TRANSPORT.unseen_per_client() / LINE_BYTES + 1;

/// Ends the server and checks that it takes no longer than promised.
fn ends_in_time(server: &mut Server) {
    let start = Instant::now();
    server.signal("TERM");
    server.signal("CONT");
    assert_eq!(
        server.wait_exit().code(),
        Some(0),
        "it logged {:#?}",
        server.log()
    );
    assert!(
        start.elapsed() < PROMISED + SLACK,
        "it took {:?}",
        start.elapsed()
    );
    nobody_panicked(server);
}

/// SIGTERM while talkers send flat out and so many clients read nothing.
fn everything_read_before_arrives(stalled: usize) {
    let Some(_turn) = crowd_turn() else { return };
    let mut server = Server::start(&["--rate", "0", "--history", "0"]);
    let _stalled = narrow_crowd(&server, stalled);
    let talkers: Vec<Client> = (0..TALKERS)
        .map(|n| server.join(&format!("talker{n}")))
        .collect();
    let mut reader = server.joined("reader");
    let width = LINE_BYTES - 1;
    let speech = text((0..LINES).map(|number| format!("{number:0>width$}")));
    let stop = AtomicBool::new(false);
    let (lines_of_all, taken) = thread::scope(|scope| {
        let _guard = StopOnDrop(&stop);
        let mut ways = Vec::new();
        let mut sending = Vec::new();
        let mut reading = Vec::new();
        for mut talker in talkers {
            let stream = talker.stream().try_clone().expect("a socket can be shared");
            let (stop, speech) = (&stop, speech.as_bytes());
            ways.push(talker.ways(&server));
            sending.push(scope.spawn(move || send_until(stop, &stream, speech, 1)));
            reading.push(scope.spawn(move || read_to_the_end(&mut talker)));
        }
        let first = reader.read_lines(100);
        // Nothing moves while it is stopped, so it can be counted what its threads have read.
        server.signal("STOP");
        stop.store(true, Ordering::Relaxed);
        let sent = sending
            .into_iter()
            .map(|talking| talking.join().expect("it talks"));
        let sent: Vec<usize> = sent.collect();
        let waiting = waiting_bytes(&ways);
        let taken = sent.iter().zip(waiting);
        let taken: Vec<usize> = taken
            .map(|(sent, waiting)| sent.saturating_sub(waiting) / LINE_BYTES)
            .collect();
        reading.push(scope.spawn(move || [first, read_to_the_end(&mut reader)].concat()));
        ends_in_time(&mut server);
        let lines: Vec<Vec<String>> = reading
            .into_iter()
            .map(|reading| reading.join().expect("it reads"))
            .collect();
        (lines, taken)
    });
    for (reader, lines) in lines_of_all.iter().enumerate() {
        assert_eq!(
            lines.last().map(String::as_str),
            Some(GOODBYE),
            "read by {reader}"
        );
        let heard = lines_of_talkers(lines);
        for (talker, taken) in taken
            .iter()
            .enumerate()
            .filter(|(talker, _)| *talker != reader)
        {
            let heard = heard.get(&talker).copied().unwrap_or(0);
            assert!(
                heard + UNSEEN >= *taken,
                "{taken} lines of {talker} were taken, {reader} read {heard}"
            );
        }
    }
    // Ciphertext is longer than what it says, so that of little it may seem that nothing was taken.
    let is_known = !only_in_plain("it counts what waits in the kernel");
    assert!(
        !is_known || taken.iter().sum::<usize>() > 0,
        "the talkers were not even heard"
    );
}

/// What a client reads until the server closes the connection, which it does without a reset. The
/// bytes are taken in first and looked at later: there are 2 s for them, even on a busy machine.
fn read_to_the_end(client: &mut Client) -> Vec<String> {
    let (bytes, was_reset) = client.read_to_any_end();
    let lines: Vec<String> = String::from_utf8_lossy(&bytes)
        .lines()
        .map(str::to_owned)
        .collect();
    assert!(!was_reset, "reset after {:?}", lines.last());
    lines
}

/// How many lines of each talker somebody has read: each once, in order, from the first.
fn lines_of_talkers(lines: &[String]) -> HashMap<usize, usize> {
    let mut heard = HashMap::new();
    for line in lines {
        let Some((talker, number)) = line
            .strip_prefix("<talker")
            .and_then(|line| line.split_once("> "))
        else {
            continue;
        };
        let next = heard.entry(talker.parse().expect("a number")).or_insert(0);
        assert_eq!(number.parse(), Ok(*next), "of {talker}: {line:?}");
        *next += 1;
    }
    heard
}

#[test]
fn under_full_load_every_line_read_before_the_signal_reaches_everybody_before_goodbye() {
    everything_read_before_arrives(0);
}

#[test]
fn with_stalled_clients_every_line_read_before_the_signal_reaches_everybody_who_reads() {
    everything_read_before_arrives(30);
}

#[test]
fn what_waits_for_the_broadcaster_at_the_signal_reaches_everybody_before_goodbye() {
    const PASTE: usize = 3_000;
    // Nobody is waited for: under pressure the paste would wait in its author's kernel.
    let mut server = Server::start(&["--rate", "0"]);
    let [sender, mut reader] = server.room(["talker0", "reader"]);
    let ways = [sender.ways(&server)];
    let lines = thread::scope(|scope| {
        let reading = scope.spawn(|| read_to_the_end(&mut reader));
        sender.send_bytes(text((0..PASTE).map(|number| format!("{number:0>999}"))).as_bytes());
        eventually("the thread has read everything", || {
            waiting_bytes(&ways) == [0]
        });
        ends_in_time(&mut server);
        reading.join().expect("it reads")
    });
    assert_eq!(lines.last().map(String::as_str), Some(GOODBYE));
    assert_eq!(lines_of_talkers(&lines).get(&0), Some(&PASTE));
}

#[test]
fn goodbye_is_not_lost_to_a_reset_by_one_who_speaks_while_it_is_on_its_way() {
    const ATTEMPTS: usize = 20;
    // Whoever is not done within this time may be cut off.
    const ENOUGH: Duration = Duration::from_millis(500);
    for _ in 0..ATTEMPTS {
        let mut server = Server::start(&[]);
        let mut alice = server.connect_with_receive_buffer(NARROW);
        alice.read_welcome();
        let mut bob = server.join("bob");
        // So little that the kernel takes it, and so much that most of it waits there.
        bob.send_bytes(format!("{}\n", "x".repeat(999)).repeat(60).as_bytes());
        bob.settle();
        bob.send("/quit");
        bob.expect_eof();
        let begin = Instant::now();
        server.signal("TERM");
        server.log_line(|line| line.contains("left: ") && line.ends_with(", shutdown"));
        // The goodbye follows at once, and the server closes its side behind it. Whoever speaks
        // before that is not the one whom this is about, and loses nothing either.
        thread::sleep(Duration::from_millis(30));
        let _ = alice.try_send(b"what did you say?\n");
        let (bytes, was_reset) = alice.read_to_any_end();
        let taken = begin.elapsed();
        drop(alice);
        assert_eq!(server.wait_exit().code(), Some(0));
        if taken < ENOUGH {
            let read = String::from_utf8_lossy(&bytes);
            assert_eq!(read.lines().last(), Some(GOODBYE), "reset: {was_reset}");
            return;
        }
    }
    panic!("none of {ATTEMPTS} attempts was over within {ENOUGH:?}");
}

#[test]
fn during_a_storm_of_joins_goodbye_is_the_last_line_of_everybody_who_was_welcomed() {
    if only_in_plain("it connects by itself") {
        return;
    }
    let Some(_turn) = crowd_turn() else { return };
    let greetings = [&b""[..], b"/nick x\n", b"/who\n"];
    let most_of_each = crowd_size(MOST_COMERS) / greetings.len();
    let mut server = Server::start(&[]);
    let address = server.address();
    let mut chat = Chat::start(&server);
    // The kernel connects clients that nobody has accepted yet, so what counts is a welcome.
    let is_somebody_welcomed = AtomicBool::new(false);
    let storm = &|greeting: &[u8]| {
        let mut clients = Vec::new();
        // It ends when nobody listens any more.
        while clients.len() < most_of_each
            && let Ok(stream) = TcpStream::connect(address)
        {
            let client = Client::new(stream);
            let _ = client.try_send(greeting);
            if clients.is_empty() {
                // A listener that is closed while a client connects can leave that client
                // established and without a peer. Such a one is reset when it sends a byte; who
                // only reads waits.
                let _ = client.try_send(b"\n");
                // It waits for one byte, and leaves it there.
                if client.stream().peek(&mut [0]).is_ok_and(|bytes| bytes > 0) {
                    is_somebody_welcomed.store(true, Ordering::Relaxed);
                }
            }
            clients.push(client);
        }
        clients
    };
    let crowd: Vec<Client> = thread::scope(|scope| {
        let storms = greetings.map(|greeting| scope.spawn(move || storm(greeting)));
        eventually("the storm has begun", || {
            is_somebody_welcomed.load(Ordering::Relaxed)
        });
        chat.goes_on(5);
        ends_in_time(&mut server);
        storms
            .into_iter()
            .flat_map(|storm| storm.join().expect("it came"))
            .collect()
    });
    let mut welcomed = 0;
    for mut client in crowd {
        // Such a one again.
        let _ = client.try_send(b"\n");
        // Who was not accepted any more is reset, and has read nothing.
        let (bytes, _) = client.read_to_any_end();
        let read = String::from_utf8_lossy(&bytes);
        let last = read.lines().last();
        assert!(
            last.is_none_or(|last| last == GOODBYE),
            "the last of {read}"
        );
        welcomed += usize::from(last.is_some());
    }
    assert!(welcomed > 0, "nobody of the storm was welcomed");
    chat.ends_with(GOODBYE);
}

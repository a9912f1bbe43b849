//! One figure at a time, while nothing else happens.

use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use crate::args::Args;
use crate::client::{Client, connect, connect_from, connect_narrow};
use crate::people::chat;
use crate::server::Server;
use crate::sheet::Sheet;
use crate::trouble;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// Room for everybody, and for what has to be pending for so many.
const LARGE: [&str; 4] = ["--max-clients", "15000", "--rate", "0"];

/// How much of a core clients take that do not read what is pending for them.
pub fn processor_of_stalled_clients(args: &Args, sheet: &mut Sheet) {
    stalled_clients(300, 2.0, args, sheet);
    stalled_clients(10_000, 10.0, args, sheet);
}

fn stalled_clients(count: usize, most: f64, args: &Args, sheet: &mut Sheet) {
    let server = Server::start(args, &LARGE);
    let stalled = crowd(count, || connect_narrow(server.address()));
    let mut speaker = Client::join(server.address(), "speaker").expect("there is a place");
    // More than the kernel takes for one of them, so that something is pending for each.
    speaker
        .send(&format!("{}\n", "x".repeat(999)).repeat(1000))
        .expect("it is read");
    speaker.settle().expect("it is answered");
    // They are tried less and less often, and are down to the least after a second.
    thread::sleep(Duration::from_secs(3));
    let share = server.processor_share(args.measuring());
    let figure = format!("processor, {count} stalled clients in a quiet room");
    let value = format!("{share:.1} % of a core");
    sheet.record(&figure, value, &format!("< {most} %"), share < most);
    drop(stalled);
}

/// Some clients: in words, how many, and what each of them says.
type Kind<'a> = (&'a str, usize, &'a dyn Fn(&[TcpStream]));

/// What a client costs that says nothing, half a line, or a byte a second.
pub fn memory_of_silent_clients(args: &Args, sheet: &mut Sheet) {
    let half = "x".repeat(2000);
    let kinds: [Kind<'_>; 3] = [
        ("1,000 who say nothing", 1000, &|_| {}),
        ("1,000 with half a line", 1000, &|crowd| {
            send_each(crowd, half.as_bytes())
        }),
        ("500 who send a byte a second", 500, &|crowd| {
            for byte in b"hello" {
                send_each(crowd, &[*byte]);
                thread::sleep(Duration::from_secs(1));
            }
        }),
    ];
    for (name, count, speak) in kinds {
        let server = Server::start(args, &LARGE);
        let mut witness = Client::join(server.address(), "witness").expect("there is a place");
        let before = server.resident();
        let crowd = crowd(count, || connect(server.address()));
        speak(&crowd);
        // Longer than joins are gathered and the welcome is held back.
        thread::sleep(Duration::from_secs(2));
        witness.settle().expect("the server answers");
        let each = server.resident().saturating_sub(before) / count as u64;
        let value = format!("{:.1} KiB a client", each as f64 / KIB as f64);
        sheet.record(
            &format!("memory, {name}"),
            value,
            "<= 16 KiB",
            each <= 16 * KIB,
        );
    }
}

/// What is left of many connections that have come and gone.
pub fn what_stays_of_connections(args: &Args, sheet: &mut Sheet) {
    let server = Server::start(args, &["--history", "0"]);
    let footprint = server.footprint();
    // What so many at once have cost is kept for the next, and so it is not what a leak is.
    let address = server.address();
    let come_and_go = |connections| {
        thread::scope(|scope| {
            for worker in 0..4 {
                scope.spawn(move || {
                    for number in 0..connections / 4 {
                        let stream = connect_from(4 * number + worker, address);
                        trouble::leave_in_some_way(number, &stream.expect("chatd listens"));
                    }
                });
            }
        });
    };
    let warm = crowd(500, || connect(server.address()));
    send_each(&warm, b"/me is here\n");
    come_and_go(args.connections() / 5);
    drop(warm);
    server.comes_back_to(footprint);
    let before = server.resident();
    come_and_go(args.connections());
    let after = server.comes_back_to(footprint);
    let growth = server.resident().saturating_sub(before);
    let name = format!("{} connects and closes", args.connections());
    let value = format!("{:.2} MiB more", growth as f64 / MIB as f64);
    sheet.record(
        &format!("memory after {name}"),
        value,
        "<= 2 MiB",
        growth <= 2 * MIB,
    );
    let bound = footprint.to_string();
    sheet.record(
        &format!("after {name}"),
        after.to_string(),
        &bound,
        after == footprint,
    );
}

/// How long the lines of a hundred people take, without and with one who sends 100 times his rate.
pub fn delay_beside_a_flooder(args: &Args, sheet: &mut Sheet) {
    const PEOPLE: u32 = 100;
    let p99 = |flooders: usize| {
        let server = Server::start(args, &["--rate", "64KiB"]);
        let report = chat(server.address(), PEOPLE, || {
            trouble::during(
                server.address(),
                &vec![trouble::flood as trouble::Maker; flooders],
                || {
                    thread::sleep(args.measuring());
                },
            );
        });
        assert!(report.faults.is_empty(), "{:#?}", report.faults);
        report.delays.quantile(0.99)
    };
    // One after the other and again, and of each the best: what else goes on here troubles both.
    let rounds = (0..3).map(|_| (p99(0), p99(1)));
    let best = |one: (Duration, Duration), other: (Duration, Duration)| {
        (one.0.min(other.0), one.1.min(other.1))
    };
    let (without, with) = rounds.reduce(best).expect("there are rounds");
    let value = format!("{with:.1?} ({without:.1?} without)");
    let holds = with <= 2 * without;
    sheet.record(
        "p99 of 100 people beside a flooder",
        value,
        "<= 2 times that without",
        holds,
    );
}

fn crowd(count: usize, connect: impl Fn() -> std::io::Result<TcpStream>) -> Vec<TcpStream> {
    (0..count)
        .map(|_| connect().expect("chatd listens"))
        .collect()
}

fn send_each(mut crowd: &[TcpStream], bytes: &[u8]) {
    use std::io::Write as _;
    while let Some((mut client, rest)) = crowd.split_first() {
        client.write_all(bytes).expect("chatd reads");
        crowd = rest;
    }
}

//! Section 4: how joins, departures and renames are told, what is gathered, and in which order.

mod storms;

use std::time::Instant;

use crate::kit::{
    Client, GATHERING, Notice, Server, answers, crowd_turn, given_name,
    next_notice_is_of_a_newcomer, within_the_gathering,
};

/// Waits until the server has taken in that so many clients have left.
fn wait_for_departures(server: &Server, count: usize) {
    server.log_lines(count, |line| {
        line.contains(" left: ") || line.contains("] left: ")
    });
}

#[test]
fn a_newcomer_who_says_nothing_is_announced_1_s_after_connecting() {
    let server = Server::start(&[]);
    let [mut alice] = server.room(["alice"]);
    let connected = Instant::now();
    let mut guest = server.connect();
    let name = given_name(&mut guest);
    alice.next_is(&format!("-- {name} joined"));
    let passed = connected.elapsed();
    assert!(passed >= GATHERING, "announced after {passed:?} already");
    assert_eq!(
        guest.settle(),
        [""; 0],
        "nobody is told of their own arrival"
    );
}

#[test]
fn a_newcomer_is_announced_with_the_first_line_of_theirs_that_others_read() {
    let cases = [
        ("hi", "<NAME> hi"),
        ("/me waves", "* NAME waves"),
        ("/msg alice psst", "[NAME -> you] psst"),
    ];
    for (line, form) in cases {
        let server = Server::start(&[]);
        let [mut alice, mut bob] = server.room(["alice", "bob"]);
        let mut guest = server.connect();
        let name = given_name(&mut guest);
        guest.send(line);
        alice.next_is(&format!("-- {name} joined"));
        alice.next_is(&form.replace("NAME", &name));
        // One who cannot read that line is told of its author all the same.
        bob.next_is(&format!("-- {name} joined"));
    }
}

#[test]
fn one_whose_first_command_is_nick_alice_is_announced_as_alice() {
    let (_server, mut watcher) = within_the_gathering(|| {
        let server = Server::start(&[]);
        let [watcher] = server.room(["watcher"]);
        let since = Instant::now();
        let mut alice = server.join("alice");
        alice.send("hi");
        alice.settle();
        (since, (server, watcher))
    });
    watcher.next_is("-- alice joined");
    watcher.next_is("<alice> hi");
}

#[test]
fn one_who_goes_before_being_announced_is_never_mentioned() {
    let ways: [fn(&Client); 5] = [
        |_| {},
        |client| client.send("/quit"),
        |client| client.send("/quit with a text"),
        |client| client.send("/nick ghost"),
        |client| client.send("/away\n/who\n/foo"),
    ];
    let (server, mut alice) = within_the_gathering(|| {
        let server = Server::start(&[]);
        let [alice] = server.room(["alice"]);
        let since = Instant::now();
        for way in ways {
            let ghost = server.connect();
            way(&ghost);
            ghost.close_sending();
        }
        wait_for_departures(&server, ways.len());
        (since, (server, alice))
    });
    next_notice_is_of_a_newcomer(&mut alice, &server);
}

#[test]
fn one_who_has_not_been_announced_is_not_listed_either() {
    let (who, welcome) = within_the_gathering(|| {
        let server = Server::start(&[]);
        let [mut alice] = server.room(["alice"]);
        let since = Instant::now();
        let _ghost = server.join("ghost");
        let who = answers(&mut alice, "/who");
        let welcome = server.connect().read_welcome();
        (since, (who, welcome))
    });
    assert!(!who.iter().any(|line| line.contains("ghost")), "{who:?}");
    assert!(
        welcome.contains(&"-- here: alice".to_owned()),
        "{welcome:?}"
    );
}

/// So many guests who come at once, with their names, in the order in which they joined.
fn guests(server: &Server, count: usize) -> Vec<(Client, String)> {
    // All are there before the first one is read from, because each is welcomed only after a
    // moment.
    let clients: Vec<Client> = (0..count).map(|_| server.connect()).collect();
    let named = clients.into_iter().map(|mut client| {
        let name = given_name(&mut client);
        (client, name)
    });
    let mut guests: Vec<(Client, String)> = named.collect();
    // Whichever connection was taken first, their numbers are in the order of their joining.
    guests.sort_by_key(|(_, name)| name[5..].parse::<u32>().expect("a number"));
    guests
}

/// So many guests come at once; returns what everybody is told, and by which names the guests go.
fn told_of_guests(count: usize) -> (String, Vec<String>) {
    let mut told = String::new();
    for _ in 0..5 {
        let (_server, mut alice, guests) = within_the_gathering(|| {
            let server = Server::start(&[]);
            let [alice] = server.room(["alice"]);
            let since = Instant::now();
            let guests = guests(&server, count);
            (since, (server, alice, guests))
        });
        told = alice.read_line();
        let notice = Notice::of(&told, " joined").expect("a notice of joins");
        // A server that was kept from running for long takes some for earlier than they were.
        if notice.people() == count {
            let names = guests.into_iter().map(|(mut guest, name)| {
                guest.next_is(&told);
                name
            });
            let names = names.collect();
            return (told, names);
        }
    }
    panic!("{count} guests came at once, and what was told first is {told:?}");
}

#[test]
fn the_joins_that_have_gathered_are_one_line_read_by_everybody() {
    let (line, names) = told_of_guests(3);
    assert_eq!(line, format!("-- {} joined", names.join(", ")));
}

#[test]
fn up_to_five_names_are_told() {
    let (line, names) = told_of_guests(5);
    assert_eq!(line, format!("-- {} joined", names.join(", ")));
}

#[test]
fn over_five_names_the_first_five_are_told_and_how_many_more() {
    let Some(_turn) = crowd_turn() else { return };
    for count in [6, 100] {
        let (line, names) = told_of_guests(count);
        let more = count - 5;
        assert_eq!(
            line,
            format!("-- {} and {more} more joined", names[..5].join(", "))
        );
    }
}

#[test]
fn one_who_speaks_is_announced_before_those_who_came_earlier_and_they_later_without_them() {
    let (_server, mut alice, guests) = within_the_gathering(|| {
        let server = Server::start(&[]);
        let [alice] = server.room(["alice"]);
        let since = Instant::now();
        let mut guests = guests(&server, 3);
        answers(&mut guests[1].0, "hi");
        (since, (server, alice, guests))
    });
    let [first, second, third] = [0, 1, 2].map(|number: usize| &guests[number].1);
    alice.next_is(&format!("-- {second} joined"));
    alice.next_is(&format!("<{second}> hi"));
    alice.next_is(&format!("-- {first}, {third} joined"));
}

#[test]
fn the_departures_that_have_gathered_are_one_line() {
    let (_server, mut alice) = within_the_gathering(|| {
        let server = Server::start(&[]);
        let [alice, bob, carol, dave] = server.room(["alice", "bob", "carol", "dave"]);
        let since = Instant::now();
        for (gone, client) in [bob, carol, dave].into_iter().enumerate() {
            drop(client);
            wait_for_departures(&server, gone + 1);
        }
        (since, (server, alice))
    });
    alice.next_is("-- bob, carol, dave left");
}

#[test]
fn over_five_departures_the_first_five_are_told_and_how_many_more() {
    let (_server, mut alice) = within_the_gathering(|| {
        let server = Server::start(&[]);
        let others = ["b", "c", "d", "e", "f", "g", "h"].map(|name| server.joined(name));
        let [alice] = server.room(["alice"]);
        let since = Instant::now();
        for (gone, client) in others.into_iter().enumerate() {
            drop(client);
            wait_for_departures(&server, gone + 1);
        }
        (since, (server, alice))
    });
    alice.next_is("-- b, c, d, e, f and 2 more left");
}

#[test]
fn a_departure_is_told_before_somebody_else_takes_the_name() {
    let server = Server::start(&[]);
    let [mut alice, bob, mut carol] = server.room(["alice", "bob", "carol"]);
    bob.send("my last words");
    drop(bob);
    wait_for_departures(&server, 1);
    carol.take_name("bob");
    for line in ["<bob> my last words", "-- bob left", "-- carol is now bob"] {
        alice.next_is(line);
    }
}

#[test]
fn a_departure_is_told_before_a_newcomer_of_that_name_is_announced() {
    let server = Server::start(&[]);
    let [mut alice, bob] = server.room(["alice", "bob"]);
    drop(bob);
    wait_for_departures(&server, 1);
    let _bob = server.joined("bob");
    for line in ["-- bob left", "-- bob joined", "<bob> it is me"] {
        alice.next_is(line);
    }
}

#[test]
fn a_departure_is_told_before_a_private_message_goes_to_a_newcomer_of_that_name() {
    let server = Server::start(&[]);
    let [mut alice, bob] = server.room(["alice", "bob"]);
    drop(bob);
    wait_for_departures(&server, 1);
    let _impostor = server.join("bob");
    alice.send("/msg bob psst");
    // Without this alice could not know that it is somebody else who reads her message.
    let told = alice.lines_until("[you -> bob] psst");
    assert!(told.contains(&"-- bob left".to_owned()), "{told:?}");
}

#[test]
fn the_name_under_which_somebody_leaves_is_their_last_one() {
    let server = Server::start(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    bob.take_name("robert");
    drop(bob);
    alice.next_is("-- bob is now robert");
    alice.next_is("-- robert left");
}

#[test]
fn a_quit_text_comes_last_and_in_quotes_and_a_quote_in_it_becomes_an_apostrophe() {
    let server = Server::start(&[]);
    let [mut alice, bob, carol] = server.room(["alice", "bob", "carol"]);
    bob.send("/quit so long");
    alice.next_is("-- bob left: \"so long\"");
    carol.send("/quit he said \"so long\"");
    alice.next_is("-- carol left: \"he said 'so long'\"");
}

#[test]
fn at_most_200_characters_of_a_quit_text_are_told() {
    let server = Server::start(&[]);
    let [mut alice, bob, carol] = server.room(["alice", "bob", "carol"]);
    // Characters of several bytes, so that bytes are not what is counted.
    bob.send(&format!("/quit {}", "\u{6c5f}".repeat(200)));
    alice.next_is(&format!("-- bob left: \"{}\"", "\u{6c5f}".repeat(200)));
    carol.send(&format!("/quit {}", "\u{6c5f}".repeat(201)));
    alice.next_is(&format!("-- carol left: \"{}\"", "\u{6c5f}".repeat(200)));
}

#[test]
fn departures_with_a_text_are_not_gathered() {
    let server = Server::start(&[]);
    let [mut alice, bob, carol] = server.room(["alice", "bob", "carol"]);
    bob.send("/quit bye");
    alice.next_is("-- bob left: \"bye\"");
    carol.send("/quit bye");
    alice.next_is("-- carol left: \"bye\"");
}

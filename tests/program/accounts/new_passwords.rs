//! `/register` and `/password`.

use std::net::Ipv4Addr;

use crate::kit::{
    AGAIN_PROMPT, DataDir, NEW_PROMPT, PROMPT, Server, WRONG, answers, only_in_plain, password_of,
    run_to_end,
};

const ANOTHER: &str = "another secret";

#[test]
fn register_asks_twice_for_a_password_makes_the_account_and_logs_you_in() {
    let directory = DataDir::new();
    let server = directory.server(&["--register"]);
    let [mut watcher, mut guest] = server.room(["watcher", "ann"]);
    let password = password_of("alice");
    guest.send("/register alice");
    guest.next_is(NEW_PROMPT);
    guest.send(&password);
    guest.next_is(AGAIN_PROMPT);
    guest.send(&password);
    guest.next_is("-- ann is now alice");
    watcher.next_is("-- ann is now alice");
    let told = "-- you are logged in as alice: connect again to be somebody else";
    assert_eq!(answers(&mut guest, "/nick bob"), [told]);
    guest.send("/quit");
    guest.expect_eof();
    server.logged_in("alice", &password);
}

#[test]
fn where_register_is_refused_or_misused_the_reason_is_told_and_the_connection_closed() {
    let directory = DataDir::new();
    let server = directory.server(&["--register"]);
    let mut watcher = server.registered("alice");
    let _bob = server.joined("bob");
    let registered = "-- alice is registered: /login alice";
    for (sent, reason) in [
        ("/register", "-- usage: /register NAME"),
        (
            "/register carol\nshort",
            "-- a password has 8 to 128 characters",
        ),
        (
            "/register carol\nhunter22\nhunter23",
            "-- these are two passwords, nothing was changed",
        ),
        ("/register al1ce\nhunter22\nhunter22", registered),
    ] {
        let mut client = server.connect();
        client.send(&format!("{sent}\nhello\nhello"));
        let read = client.expect_eof();
        assert_eq!(
            read.last().map(String::as_str),
            Some(reason),
            "after {sent:?}"
        );
    }
    // A name that somebody else has.
    let mut client = server.connect();
    client.send("/register bob\nhunter22\nhunter22\nhello");
    let read = client.expect_eof();
    let last = read.last().expect("a reason");
    assert!(
        last.starts_with("-- ") && last.contains("taken"),
        "{read:?}"
    );
    let read = watcher.settle();
    assert!(!read.iter().any(|line| line.contains("hello")), "{read:?}");
}

#[test]
fn without_register_only_the_command_line_makes_accounts() {
    let directory = DataDir::new();
    let server = directory.server(&[]);
    let mut client = server.welcomed();
    client.send("/register alice\nhunter22\nhunter22\nhello");
    let told = "-- accounts are made by whoever runs this server";
    assert_eq!(client.expect_eof(), [told]);
}

#[test]
fn at_most_3_accounts_are_made_in_10_minutes_from_one_address() {
    if only_in_plain("others have one address") {
        return;
    }
    let directory = DataDir::new();
    let server = directory.server(&["--register"]);
    let _clients = ["alice", "bob", "carol"].map(|name| server.registered(name));
    let mut dave = server.connect();
    dave.send("/register dave\nhunter22\nhunter22\nhello");
    let read = dave.expect_eof();
    let told = "-- too many new accounts, try again in 10m";
    assert_eq!(read.last().map(String::as_str), Some(told), "{read:?}");
    let mut elsewhere = server.connect_from(Ipv4Addr::new(127, 0, 0, 2));
    elsewhere.register("dave");
}

#[test]
fn at_most_30_accounts_are_made_in_10_minutes_from_all_addresses() {
    if only_in_plain("others have one address") {
        return;
    }
    let directory = DataDir::new();
    let server = directory.server(&["--register"]);
    for number in 0..30 {
        let mut client = server.connect_from(Ipv4Addr::new(127, 0, 1, number / 3));
        client.register(&format!("member-{number}"));
    }
    let mut late = server.connect_from(Ipv4Addr::new(127, 0, 1, 99));
    late.send("/register alice\nhunter22\nhunter22\nhello");
    let read = late.expect_eof();
    let last = read.last().map(String::as_str);
    assert!(
        last.is_some_and(|last| last.starts_with("-- too many new accounts, try again in ")),
        "{read:?}"
    );
}

#[test]
fn a_new_password_has_8_to_128_characters_in_nfc() {
    let directory = DataDir::new();
    let server = directory.server(&["--register"]);
    // An `e` and an acute are one character.
    for (name, characters, is_fit) in [
        ("seven", 7, false),
        ("eight", 8, true),
        ("many", 128, true),
        ("too-many", 129, false),
    ] {
        let (typed, normal) = ("e\u{301}".repeat(characters), "é".repeat(characters));
        let mut client = server.connect();
        client.send(&format!("/register {name}\n{typed}\n{normal}\nhello"));
        if is_fit {
            client.read_renaming(name);
            client.send("/quit");
            client.expect_eof();
            server.logged_in(name, &normal);
        } else {
            let read = client.expect_eof();
            let told = "-- a password has 8 to 128 characters";
            assert_eq!(read.last().map(String::as_str), Some(told), "{read:?}");
        }
    }
}

#[test]
fn passwords_are_kept_as_argon2id_of_19_mib_2_passes_and_1_lane() {
    let directory = DataDir::new();
    let mut server = directory.server(&["--register"]);
    let mut alice = server.registered("alice");
    let changed = format!("/password\n{}\n{ANOTHER}\n{ANOTHER}", password_of("alice"));
    let told = "-- your password is changed".to_owned();
    assert_eq!(answers(&mut alice, &changed).last(), Some(&told));
    let _bob = server.registered("bob");
    server.signal("TERM");
    server.wait_exit();
    let files = directory.files();
    let database = files.iter().find(|(path, _)| path.ends_with("chatd.db"));
    let text = String::from_utf8_lossy(&database.expect("the database").1).into_owned();
    // What is overwritten is gone.
    assert_eq!(text.matches("$argon2id$v=19$m=19456,t=2,p=1$").count(), 2);
    assert_eq!(text.matches("$argon2").count(), 2);
}

#[test]
fn of_names_that_look_alike_one_becomes_an_account_however_soon_after_the_other_it_is_wanted() {
    let directory = DataDir::new();
    let server = directory.server(&["--register"]);
    let add = |name: &str| {
        let mut command = Server::command();
        command.args(["user", "add", name, "--data", directory.path()]);
        run_to_end(command).status.code()
    };
    // Made at the command line just before, which the server has not heard of yet, most likely.
    assert_eq!(add("bob"), Some(0));
    let mut second = server.connect();
    let password = password_of("B0B");
    second.send(&format!("/register B0B\n{password}\n{password}"));
    let read = second.expect_eof();
    let last = read.last().map(String::as_str);
    let reasons = [
        "-- bob is registered: /login bob",
        "-- your account was removed",
    ];
    assert!(last.is_some_and(|last| reasons.contains(&last)), "{read:?}");
    // By a client just before.
    let mut carol = server.registered("carol");
    let is_made = add("Car0l") == Some(0);
    let mut expected = vec!["bob", "carol"];
    if is_made {
        carol.expect_eof();
        expected = vec!["Car0l", "bob"];
    }
    let mut command = Server::command();
    command.args(["user", "list", "--data", directory.path()]);
    let printed = String::from_utf8(run_to_end(command).stdout).expect("text");
    let names = printed.lines().filter_map(|line| line.split(',').next());
    assert_eq!(names.collect::<Vec<_>>(), expected);
}

#[test]
fn password_asks_for_the_old_one_and_twice_for_a_new_one() {
    let directory = DataDir::new();
    let server = directory.server(&["--register"]);
    let mut alice = server.registered("alice");
    alice.settle();
    let old = password_of("alice");
    let sent = format!("/password\nwrong\n{old}\n{ANOTHER}\n{ANOTHER}");
    assert_eq!(
        answers(&mut alice, &sent),
        [
            PROMPT,
            WRONG,
            NEW_PROMPT,
            AGAIN_PROMPT,
            "-- your password is changed"
        ]
    );
    alice.send("/quit");
    alice.expect_eof();
    let mut with_old = server.welcomed();
    // She may be on her way out as far as others can see.
    with_old.send("/quiet");
    with_old.settle();
    assert_eq!(
        answers(&mut with_old, &format!("/login alice\n{old}\n")),
        [PROMPT, WRONG]
    );
    server.logged_in("alice", ANOTHER);
}

#[test]
fn where_a_new_password_is_refused_the_reason_is_told_and_the_connection_closed() {
    let directory = DataDir::new();
    let server = directory.server(&["--register"]);
    let [mut watcher] = server.room(["watcher"]);
    let old = password_of("alice");
    server.registered("alice").send("it is me\n/quit");
    watcher.expect("-- alice left");
    for (given, reason) in [
        ("1\n2\n3", "-- wrong name or password"),
        ("OLD\nshort", "-- a password has 8 to 128 characters"),
        (
            "OLD\nhunter22\nhunter23",
            "-- these are two passwords, nothing was changed",
        ),
        (
            "OLD\nhunter\t22",
            "-- a password has no control characters, and is UTF-8 of one line",
        ),
    ] {
        let mut alice = server.connect();
        let given = given.replace("OLD", &old);
        alice.send(&format!(
            "/login alice\n{old}\nit is me\n/password\n{given}\nhello"
        ));
        let read = alice.expect_eof();
        let last = read.last().map(String::as_str);
        assert_eq!(last, Some(reason), "after {given:?}: {read:?}");
        watcher.expect("<alice> it is me");
        watcher.next_is("-- alice left");
    }
    server.logged_in("alice", &old);
}

#[test]
fn password_by_somebody_without_an_account_closes_the_connection() {
    let directory = DataDir::new();
    let server = directory.server(&["--register"]);
    let mut client = server.welcomed();
    client.send("/password\nhunter22\nhunter22");
    assert_eq!(
        client.expect_eof(),
        [PROMPT, "-- you are not logged in: /login NAME"]
    );
}

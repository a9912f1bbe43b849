//! Section 4, Commands: what is one and what is text, and those that do something.

use crate::kit::{
    Server, alice_and_bob, answers, answers_each, given_name, only, reads, reads_each,
};

#[test]
fn a_line_whose_first_word_is_not_a_slash_and_ascii_letters_only_is_text() {
    let server = Server::start(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    for text in [
        "/usr/bin/env: not found",
        "/",
        "/ help",
        "/2 help",
        "/nick2 bob",
        "/nick: bob",
        "/a-b",
        "/h\u{e9}lp",
        "see /help",
        "</help>",
        "\\/help",
    ] {
        let came = reads(&mut bob, &mut alice, format!("{text}\n").as_bytes());
        assert_eq!(came, [format!("<alice> {text}")]);
    }
}

#[test]
fn two_slashes_send_the_line_with_one() {
    let server = Server::start(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    reads_each(
        &mut bob,
        &mut alice,
        &[
            (b"//x\n", &["<alice> /x"]),
            (b"//nick carol\n", &["<alice> /nick carol"]),
            (b"//\n", &["<alice> /"]),
            (b"///x\n", &["<alice> //x"]),
            (b"\x1b[A//nick carol\n", &["<alice> /nick carol"]),
        ],
    );
}

#[test]
fn commands_are_not_case_sensitive() {
    let server = Server::start(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    reads_each(
        &mut bob,
        &mut alice,
        &[
            (b"/ME waves\n", &["* alice waves"]),
            (b"/Msg bob psst\n", &["[alice -> you] psst"]),
            (b"/nIcK carol\n", &["-- alice is now carol"]),
        ],
    );
}

#[test]
fn a_stray_key_does_not_make_a_private_message_public() {
    let server = Server::start(&[]);
    let [mut alice, mut bob, mut carol] = server.room(["alice", "bob", "carol"]);
    let keys: [&[u8]; 15] = [
        b" ",
        b"   ",
        b"\t",
        b"\x01",
        b"\x08",
        b"\x7f",
        b"\r",
        b"\0",
        b"\x1b",
        b"\x1b[A",
        b"\x1bOB",
        b"\x1b[1;5C",
        b"\x1b[3~",
        b"\xc2\x85",
        b" \x1b[A\x1b[B \x1bOD\t",
    ];
    for key in keys {
        let line = [key, b"/msg bob psst\n"].concat();
        let came = reads(&mut bob, &mut alice, &line);
        assert_eq!(
            came,
            ["[alice -> you] psst"],
            "after {}",
            line.escape_ascii()
        );
    }
    assert_eq!(
        carol.settle(),
        [""; 0],
        "nobody else reads a private message"
    );
}

fn no_such_command(word: &str) -> String {
    format!("-- no such command: \"{word}\"; /{word} says it as text, /help lists the commands")
}

#[test]
fn a_command_that_is_unknown_is_answered_with_one_line_and_nobody_else_sees_anything() {
    let server = Server::start(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    answers_each(
        &mut alice,
        &[
            ("/home", &[&no_such_command("/home")]),
            ("/home sweet home", &[&no_such_command("/home")]),
            ("/NIC", &[&no_such_command("/nic")]),
        ],
    );
    assert_eq!(bob.settle(), [""; 0]);
}

#[test]
fn a_command_used_wrongly_is_answered_with_one_line_that_says_how_it_goes() {
    let server = Server::start(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    answers_each(
        &mut alice,
        &[
            ("/nick", &["-- usage: /nick NAME"]),
            ("/nick ", &["-- usage: /nick NAME"]),
            ("/whois", &["-- usage: /whois NAME"]),
            ("/me", &["-- usage: /me ACTION"]),
            ("/msg", &["-- usage: /msg NAME TEXT"]),
            ("/msg bob", &["-- usage: /msg NAME TEXT"]),
            ("/tell bob ", &["-- usage: /msg NAME TEXT"]),
            ("/reply", &["-- usage: /reply TEXT"]),
            ("/r", &["-- usage: /reply TEXT"]),
            ("/unignore", &["-- usage: /unignore NAME"]),
            ("/history many", &["-- usage: /history [N]"]),
            ("/history -1", &["-- usage: /history [N]"]),
            ("/history 1.5", &["-- usage: /history [N]"]),
            ("/who two words", &["-- usage: /who [TEXT]"]),
            ("/help two words", &["-- usage: /help [NAME]"]),
            ("/quiet please", &["-- usage: /quiet"]),
        ],
    );
    assert_eq!(bob.settle(), [""; 0]);
}

#[test]
fn a_name_that_nobody_has_is_answered_with_one_line() {
    let server = Server::start(&[]);
    let [mut alice] = server.room(["alice"]);
    answers_each(
        &mut alice,
        &[
            ("/msg bob hi", &["-- bob is not here, nothing was sent"]),
            ("/whois bob", &["-- bob is not here"]),
            ("/ignore bob", &["-- bob is not here"]),
            ("/unignore bob", &["-- bob is not here"]),
            // Nobody can be called so.
            (
                "/msg b.b hi",
                &["-- nobody is called so, nothing was sent: \"b.b\""],
            ),
            (
                "/whois Wilhelmine-von-Hohenfels2",
                &["-- nobody is called so: \"Wilhelmine-von-Hohenfels2\""],
            ),
        ],
    );
}

#[test]
fn a_line_that_is_just_help_quit_exit_or_who_is_said_and_its_author_reads_once_how_commands_begin()
{
    let server = Server::start(&[]);
    let mut bob = server.joined("bob");
    for word in ["help", "quit", "exit", "who"] {
        let mut alice = server.joined("alice");
        bob.settle();
        let hint = format!("-- commands begin with /: /{word}");
        let capitals = word.to_uppercase();
        let others = format!("{word} me");
        for (said, answer) in [
            (&others, vec![]),
            (&capitals, vec![hint]),
            (&word.to_owned(), vec![]),
        ] {
            assert_eq!(answers(&mut alice, said), answer, "after {said:?}");
            assert_eq!(bob.settle(), [format!("<alice> {said}")]);
        }
        alice.send("/quit");
        bob.expect("-- alice left");
    }
}

#[test]
fn join_topic_and_list_are_answered_that_there_is_one_room() {
    let (_server, mut alice, mut bob) = alice_and_bob(&[]);
    let answer = ["-- there is one room here"];
    answers_each(
        &mut alice,
        &[
            ("/join", &answer),
            ("/join #lobby", &answer),
            ("/topic what we do here", &answer),
            ("/LIST", &answer),
        ],
    );
    assert_eq!(bob.settle(), [""; 0]);
}

#[test]
fn help_lists_the_commands_in_at_most_78_columns() {
    let server = Server::start(&[]);
    let help = answers(&mut server.welcomed(), "/help");
    let usages = help.iter().map(|line| {
        assert!(line.len() <= 78, "{line:?}");
        let (usage, what) = line.split_once("  ").expect("two columns");
        assert!(!what.trim().is_empty(), "{line:?}");
        usage
    });
    assert_eq!(
        usages.collect::<Vec<_>>(),
        [
            "-- /help [NAME]",
            "-- /nick NAME",
            "-- /who [TEXT]",
            "-- /whois NAME",
            "-- /me ACTION",
            "-- /msg NAME TEXT",
            "-- /reply TEXT",
            "-- /away [TEXT]",
            "-- /back",
            "-- /ignore [NAME]",
            "-- /unignore NAME",
            "-- /quiet",
            "-- /history [N]",
            "-- /motd",
            "-- /time",
            "-- /uptime",
            "-- /version",
            "-- /quit [TEXT]",
        ]
    );
}

#[test]
fn help_with_a_name_tells_of_that_command_and_its_other_names_in_at_most_78_columns() {
    let server = Server::start(&[]);
    let mut alice = server.welcomed();
    let all = answers(&mut alice, "/help");
    for line in &all {
        let name = line.split(' ').nth(1).expect("a command");
        let line = only(answers(&mut alice, &format!("/help {name}")));
        let is_of_it = line.starts_with(&format!("-- {name} "));
        assert!(is_of_it && line.len() <= 78, "{line:?}");
    }
    let msg = ["-- /msg NAME TEXT  a private message; also /m, /tell"];
    answers_each(
        &mut alice,
        &[
            ("/help msg", &msg),
            ("/help /MSG", &msg),
            ("/help tell", &msg),
            (
                "/help home",
                &["-- no such command, /help lists them: \"home\""],
            ),
        ],
    );
}

#[test]
fn a_command_does_the_same_under_each_of_its_names() {
    let (_server, mut alice, mut bob) = alice_and_bob(&[]);
    for (names, argument) in [
        (&["/msg", "/m", "/tell"][..], "bob psst"),
        (&["/reply", "/r"], "psst"),
        (&["/who", "/names", "/users"], ""),
    ] {
        answers(&mut bob, "/msg alice psst");
        alice.settle();
        let answer = |name| answers(&mut alice, &format!("{name} {argument}"));
        let told: Vec<Vec<String>> = names.iter().map(answer).collect();
        assert!(
            !told[0].is_empty() && told.iter().all(|other| *other == told[0]),
            "{told:#?}"
        );
    }
}

#[test]
fn me_is_read_by_everybody_its_author_too() {
    let server = Server::start(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    assert_eq!(
        answers(&mut alice, "/me waves to bob"),
        ["* alice waves to bob"]
    );
    assert_eq!(bob.settle(), ["* alice waves to bob"]);
}

#[test]
fn whoever_writes_privately_to_someone_away_is_told() {
    let server = Server::start(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    assert_eq!(answers(&mut bob, "/away"), ["-- you are away"]);
    assert_eq!(
        answers(&mut alice, "/msg bob hi"),
        ["[you -> bob] hi", "-- bob is away"]
    );
    bob.settle();
    assert_eq!(answers(&mut bob, "/away lunch"), ["-- you are away"]);
    answers_each(
        &mut alice,
        &[
            (
                "/msg bob hi",
                &["[you -> bob] hi", "-- bob is away: \"lunch\""],
            ),
            ("hello everybody", &[]),
        ],
    );
    bob.settle();
    assert_eq!(answers(&mut bob, "/back"), ["-- you are back"]);
    assert_eq!(answers(&mut alice, "/msg bob hi"), ["[you -> bob] hi"]);
}

#[test]
fn an_away_text_comes_last_in_quotes_and_at_most_200_characters_of_it() {
    let server = Server::start(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    answers(&mut bob, &format!("/away \"{}", "\u{e9}".repeat(250)));
    let told = answers(&mut alice, "/msg bob hi");
    let shown = format!("'{}", "\u{e9}".repeat(199));
    assert_eq!(
        told,
        [
            "[you -> bob] hi".to_owned(),
            format!("-- bob is away: \"{shown}\"")
        ]
    );
}

#[test]
fn quiet_turns_the_notices_of_joins_and_departures_off_and_on_but_not_those_of_renames() {
    let server = Server::start(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    let off = ["-- joins and departures are hidden now"];
    assert_eq!(answers(&mut alice, "/quiet"), off);
    let carol = server.joined("carol");
    carol.send("/quit so long");
    bob.expect("-- carol left: \"so long\"");
    answers(&mut bob, "/nick robert");
    let said = "<carol> it is me";
    assert_eq!(alice.settle(), [said, "-- bob is now robert"]);

    let on = ["-- joins and departures are shown again"];
    assert_eq!(answers(&mut alice, "/quiet"), on);
    let _carol = server.joined("carol");
    assert_eq!(alice.settle(), ["-- carol joined", said]);
}

#[test]
fn quit_q_and_exit_leave() {
    let server = Server::start(&[]);
    let [alice, bob, carol] = server.room(["alice", "bob", "carol"]);
    for (mut client, line) in [(alice, "/quit"), (bob, "/exit"), (carol, "/q")] {
        client.settle();
        client.send(line);
        assert_eq!(client.expect_eof(), [""; 0], "after {line}");
    }
}

#[test]
fn nick_used_by_a_newcomer_is_confirmed_to_them_alone() {
    let server = Server::start(&[]);
    let mut newcomer = server.connect();
    let name = given_name(&mut newcomer);
    assert_eq!(
        only(answers(&mut newcomer, "/nick alice")),
        format!("-- {name} is now alice")
    );
}

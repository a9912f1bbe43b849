//! Section 4, Names: which ones there may be, and which look alike.

use crate::kit::{
    Client, FIRST_WORDS, Server, alice_and_bob, answers, answers_each, only, reads, reads_each,
    texts_of_history,
};

/// Two names that are written from right to left, and what chatd makes of them.
const SARAH: &str = "\u{5e9}\u{5e8}\u{5d4}";
const SARAH_SHOWN: &str = "\u{200e}\u{5e9}\u{5e8}\u{5d4}\u{200e}";
const OMAR: &str = "\u{639}\u{645}\u{631}";
const OMAR_SHOWN: &str = "\u{200e}\u{639}\u{645}\u{631}\u{200e}";

/// Asks for a name that must be refused, and returns the reason.
fn refused(client: &mut Client, name: &str) -> String {
    let lines = answers(client, &format!("/nick {name}"));
    assert_eq!(lines.len(), 1, "{name:?} was answered {lines:?}");
    let line = only(lines);
    assert!(
        line.starts_with("-- ") && !line.contains(" is now "),
        "{name:?} was answered {line:?}"
    );
    line
}

#[test]
fn a_name_is_of_letters_and_digits_of_any_script_and_underscores_and_hyphens() {
    let server = Server::start(&[]);
    let mut client = server.welcomed();
    for name in [
        "a",
        "Zo\u{eb}",
        "bob_the-2nd",
        "x--__9",
        "abcdefghijklmnopqrstuvwx",
        "\u{418}\u{432}\u{430}\u{43d}",
        "\u{395}\u{3bb}\u{3ad}\u{3bd}\u{3b7}",
        "\u{6c5f}\u{6238}",
        "\u{305f}\u{308d}\u{3046}",
        "\u{ae40}\u{bbfc}\u{c900}",
        "caf\u{e9}42",
    ] {
        client.take_name(name);
    }
    for (name, shown) in [(SARAH, SARAH_SHOWN), (OMAR, OMAR_SHOWN)] {
        client.send(&format!("/nick {name}"));
        client.read_renaming(shown);
    }
}

#[test]
fn vowel_signs_viramas_and_tone_marks_are_parts_of_letters() {
    let server = Server::start(&[]);
    let mut client = server.welcomed();
    // Devanagari, Thai and Tamil.
    for name in [
        "\u{928}\u{940}\u{924}\u{93e}",
        "\u{905}\u{930}\u{94d}\u{91c}\u{941}\u{928}",
        "\u{e19}\u{e49}\u{e2d}\u{e07}",
        "\u{e01}\u{e34}\u{e48}\u{e07}",
        "\u{bae}\u{bc1}\u{bb0}\u{bc1}\u{b95}\u{ba9}\u{bcd}",
    ] {
        client.take_name(name);
    }
}

#[test]
fn a_name_has_no_combining_mark_twice_on_one_letter() {
    let server = Server::start(&[]);
    let mut client = server.welcomed();
    for name in [
        "\u{e01}\u{e34}\u{e34}",
        "\u{e01}\u{e34}\u{e48}\u{e34}",
        "\u{e01}\u{e01}\u{e48}\u{e48}",
    ] {
        let reason = refused(&mut client, name);
        assert!(reason.contains("no mark twice on one letter"), "{reason:?}");
    }
    // Once on each of two letters.
    client.take_name("\u{e01}\u{e34}\u{e01}\u{e34}");
}

#[test]
fn a_name_may_mix_scripts_that_uts_39_calls_highly_restrictive() {
    let server = Server::start(&[]);
    let mut client = server.welcomed();
    // Latin with Han; with Han and kana; with Han and Hangul.
    for name in [
        "alice\u{6c5f}",
        "alice\u{6c5f}\u{306e}\u{30ab}",
        "kim\u{91d1}\u{ae40}",
    ] {
        client.take_name(name);
    }
}

#[test]
fn a_name_has_1_to_24_characters_however_many_bytes_they_are() {
    let server = Server::start(&[]);
    let mut client = server.welcomed();
    // Of Han each character takes two columns, and some of them four bytes.
    for widest in ["\u{6c5f}", "\u{20731}"] {
        client.take_name(&widest.repeat(24));
        refused(&mut client, &widest.repeat(25));
    }
    refused(&mut client, "abcdefghijklmnopqrstuvwxy");
    refused(&mut client, "");
}

#[test]
fn a_name_begins_with_a_letter() {
    let server = Server::start(&[]);
    let mut client = server.welcomed();
    for name in [
        "1abc",
        "_abc",
        "-abc",
        "--",
        "7",
        "\u{661}abc",
        "\u{301}abc",
        // A vowel sign, which belongs to a letter before it.
        "\u{93e}\u{928}",
    ] {
        refused(&mut client, name);
    }
}

#[test]
fn a_name_has_no_characters_that_unicode_does_not_allow_in_identifiers() {
    let server = Server::start(&[]);
    let mut client = server.welcomed();
    for name in [
        "a b",
        "a\tb",
        "a.b",
        "a:b",
        "<bob>",
        "bob>",
        "a\"b",
        "a@b",
        "a/b",
        "a,b",
        "a\u{a0}b",
        "a\u{200d}b",
        "a\u{200b}b",
        "a\u{1f600}",
        "\u{1f600}",
        "a\u{fffd}b",
        "\u{fb01}nn",
        "\u{ff41}lice",
        "\u{1d41a}lice",
        "a\u{1b}[A",
        "a\u{202e}b",
        "a\u{b7}b",
        "a\u{2019}b",
        "a\u{2014}b",
        // Circled letters; what is not seen: joiners, a soft hyphen, a filler, a tag, a selector.
        "\u{24d0}lice",
        "ali\u{200c}ce",
        "al\u{ad}ice",
        "alice\u{feff}",
        "alice\u{3164}",
        "alice\u{e0061}",
        "alice\u{2060}",
        "alice\u{fe0f}",
        // The override and the mark of text from right to left.
        "\u{202e}ecila",
        "alice\u{200f}",
        // A mark apart from its letter, and one over and over.
        "Zoe\u{308}",
        "alice\u{300}\u{300}\u{300}",
    ] {
        refused(&mut client, name);
    }
}

#[test]
fn a_name_does_not_mix_scripts_in_any_other_way() {
    let server = Server::start(&[]);
    let mut client = server.welcomed();
    // Latin with a Cyrillic, a Greek, a Cherokee, an Armenian, a Hebrew and an Arabic letter;
    // Cyrillic with Greek; Hangul with kana.
    for name in [
        "ali\u{441}e",
        "alic\u{3b5}",
        "\u{13aa}lice",
        "alic\u{565}",
        "\u{5d0}lice",
        "alice\u{627}",
        "\u{418}\u{432}\u{3b1}",
        "\u{ae40}\u{306e}",
    ] {
        refused(&mut client, name);
    }
}

#[test]
fn names_that_are_confusable_cannot_be_here_together() {
    let server = Server::start(&[]);
    let [mut first, mut second] = server.room(["first", "second"]);
    let pairs = [
        ("bob", "Bob"),
        ("bob", "BOB"),
        ("alice", "Alice"),
        ("alice", "aIice"),
        ("alice", "a1ice"),
        ("alice", "al\u{131}ce"),
        ("al1ce", "alIce"),
        // Alike in upper case only.
        ("bob", "B0B"),
        ("b0b", "BOB"),
        // The same marks in another order.
        ("\u{e01}\u{e38}\u{e34}", "\u{e01}\u{e34}\u{e38}"),
        ("cop\u{e9}", "COP\u{c9}"),
        ("oo", "\u{43e}\u{43e}"),
        // The second of each is Cyrillic, Greek or Armenian from end to end.
        ("cope", "\u{441}\u{43e}\u{440}\u{435}"),
        ("COPE", "\u{421}\u{41e}\u{420}\u{415}"),
        ("ovo", "\u{3bf}\u{3bd}\u{3bf}"),
        ("hno", "\u{570}\u{578}\u{585}"),
        ("mark", "rnark"),
        ("m0m", "mOm"),
    ];
    for (one, other) in pairs.into_iter().flat_map(|(a, b)| [(a, b), (b, a)]) {
        first.take_name(one);
        second.settle();
        let reason = refused(&mut second, other);
        assert!(
            reason.contains("taken"),
            "{one:?} is here, {other:?} was answered {reason:?}"
        );
        first.take_name("elsewhere");
        // Nobody has it any more, so it was the other one that stood in the way.
        second.take_name(other);
        second.take_name("second");
        // What it reads of these renames now is not taken for the answer to its next one.
        first.settle();
    }
}

#[test]
fn names_that_are_not_confusable_can_be_here_together() {
    let server = Server::start(&[]);
    server.room([
        "alice",
        "alicia",
        "alice2",
        "alice_",
        "bob",
        "rob",
        "\u{43b}\u{435}\u{43d}\u{430}",
    ]);
}

#[test]
fn the_names_of_the_server_and_of_everybody_and_of_guests_are_taken() {
    let server = Server::start(&[]);
    let mut client = server.welcomed();
    for name in [
        "you",
        "You",
        "YOU",
        "server",
        "SERVER",
        "chatd",
        "ChatD",
        "system",
        "all",
        "ALL",
        "a11",
        "aIl",
        "everyone",
        "Everyone",
        "admin",
        "adrnin",
        "Operator",
        "0perator",
        "root",
        "r00t",
        "nickserv",
        "NickServ",
        "n1ckserv",
        "chanserv",
        "ChanServ",
        "services",
        "serv1ces",
        "guest",
        "Guest",
        "guest1",
        "guest2",
        "guest99",
        "GUEST5",
        "guests",
        "guest_of_honour",
    ] {
        let reason = refused(&mut client, name);
        assert!(
            !reason.ends_with("/nick NAME"),
            "{name:?} was answered {reason:?}"
        );
    }
}

#[test]
fn a_name_that_merely_contains_one_of_those_is_free() {
    let server = Server::start(&[]);
    let mut client = server.welcomed();
    for name in [
        "youth",
        "server1",
        "my-guest",
        "allan",
        "chatda",
        "administrator",
    ] {
        client.take_name(name);
    }
}

#[test]
fn a_refused_name_says_why_and_changes_nothing() {
    let server = Server::start(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    let names = [
        "BOB",
        "1st",
        "a.b",
        "alic\u{435}",
        "\u{e01}\u{e34}\u{e34}",
        "guest7",
    ];
    let reasons = names.map(|name| {
        let line = refused(&mut alice, name);
        let (reason, quoted) = line.rsplit_once(": ").expect("what was refused");
        assert_eq!(quoted, format!("\"{name}\""));
        reason.to_owned()
    });
    for (number, reason) in reasons.iter().enumerate() {
        assert!(
            !reasons[..number].contains(reason),
            "each has its own reason: {reasons:?}"
        );
    }
    assert_eq!(
        reads(&mut bob, &mut alice, b"still me\n"),
        ["<alice> still me"]
    );
}

#[test]
fn a_rename_tells_everybody() {
    let server = Server::start(&[]);
    let [mut alice, mut bob, mut carol] = server.room(["alice", "bob", "carol"]);
    alice.send("/nick dave");
    for client in [&mut alice, &mut bob, &mut carol] {
        client.next_is("-- alice is now dave");
    }
    assert_eq!(reads(&mut bob, &mut alice, b"hi\n"), ["<dave> hi"]);
}

#[test]
fn a_guest_that_others_know_is_renamed_before_everybody() {
    let server = Server::start(&[]);
    let [mut alice] = server.room(["alice"]);
    let guest = server.welcomed();
    guest.send("hi");
    alice.expect("<guest2> hi");
    guest.send("/nick bob");
    alice.next_is("-- guest2 is now bob");
}

#[test]
fn ones_own_name_is_free_for_oneself_in_another_case() {
    let server = Server::start(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    assert_eq!(
        reads(&mut bob, &mut alice, b"/nick Alice\n"),
        ["-- alice is now Alice"]
    );
}

#[test]
fn a_name_is_free_again_once_nobody_has_it() {
    let server = Server::start(&[]);
    let [mut alice, bob, mut carol] = server.room(["alice", "bob", "carol"]);
    answers(&mut alice, "/nick anna");
    carol.take_name("Alice");
    drop(bob);
    carol.expect("-- bob left");
    carol.take_name("BOB");
}

#[test]
fn a_name_with_right_to_left_characters_has_u_200e_on_both_sides_wherever_chatd_writes_it() {
    let (server, mut alice, mut sarah) = alice_and_bob(&[]);
    let of = |line: &str| {
        line.replace("SARAH", SARAH_SHOWN)
            .replace("OMAR", OMAR_SHOWN)
    };
    reads_each(
        &mut alice,
        &mut sarah,
        &[
            (
                format!("/nick {SARAH}\n").as_bytes(),
                &[&of("-- bob is now SARAH")],
            ),
            (b"hi\n", &[&of("<SARAH> hi")]),
            (b"/me waves\n", &[&of("* SARAH waves")]),
            (b"/msg alice psst\n", &[&of("[SARAH -> you] psst")]),
            (b"/away\n", &[]),
        ],
    );
    answers_each(
        &mut alice,
        &[
            (
                &format!("/msg {SARAH} yes"),
                &[&of("[you -> SARAH] yes"), &of("-- SARAH is away")],
            ),
            ("/who", &["-- 2 here:", &of("-- alice (you), SARAH (away)")]),
            (
                &format!("/ignore {SARAH}"),
                &[&of("-- you ignore SARAH now")],
            ),
            ("/ignore", &[&of("-- you ignore: SARAH")]),
            (
                &format!("/unignore {SARAH}"),
                &[&of("-- you no longer ignore SARAH")],
            ),
            (
                &format!("/msg {OMAR} hi"),
                &[&of("-- OMAR is not here, nothing was sent")],
            ),
        ],
    );
    let whois = only(answers(&mut alice, &format!("/whois {SARAH}")));
    assert!(whois.starts_with(&of("-- SARAH joined at ")), "{whois:?}");
    let said = [
        format!("<alice> {FIRST_WORDS}"),
        format!("<bob> {FIRST_WORDS}"),
        of("<SARAH> hi"),
        of("* SARAH waves"),
    ];
    assert_eq!(texts_of_history(&answers(&mut alice, "/history")), said);

    let omar = server.connect();
    omar.send(&format!("/nick {OMAR}\nhi\n/quit so long"));
    for line in ["-- OMAR joined", "<OMAR> hi", "-- OMAR left: \"so long\""] {
        alice.next_is(&of(line));
    }
    let welcome = server.connect().read_welcome();
    assert!(
        welcome.contains(&of("-- here: alice, SARAH")),
        "{welcome:?}"
    );
    drop(sarah);
    alice.expect(&of("-- SARAH left"));
    assert_eq!(
        answers(&mut alice, "/reply yes?"),
        [of("-- SARAH has left, nothing was sent")]
    );
    for what in ["bob is now SARAH", " OMAR, "] {
        server.log_line(|line| line.contains(&of(what)));
    }
}

#[test]
fn u_200e_around_a_name_in_a_command_is_ignored() {
    let (_server, mut alice, mut bob) = alice_and_bob(&[]);
    answers_each(
        &mut alice,
        &[
            ("/msg \u{200e}bob\u{200e} psst", &["[you -> bob] psst"]),
            ("/ignore \u{200e}bob\u{200e}", &["-- you ignore bob now"]),
            (
                "/unignore \u{200e}bob\u{200e}",
                &["-- you no longer ignore bob"],
            ),
            (
                "/who \u{200e}bo\u{200e}",
                &["-- 1 of 2 here begin with \"bo\"", "-- bob"],
            ),
            ("/whois \u{200e}", &["-- nobody is called so: \"\u{fffd}\""]),
            ("/nick \u{200e}ann\u{200e}", &["-- alice is now ann"]),
        ],
    );
    answers(&mut bob, &format!("/nick {SARAH_SHOWN}"));
    let whois = only(answers(&mut alice, &format!("/whois {SARAH_SHOWN}")).split_off(1));
    assert!(
        whois.starts_with(&format!("-- {SARAH_SHOWN} joined at ")),
        "{whois:?}"
    );
}

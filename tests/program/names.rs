//! Section 4, Names: which ones there may be, and which look alike.

use crate::kit::{Client, Server, answers, only, reads};

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
        "\u{639}\u{645}\u{631}",
        "\u{5e8}\u{5d5}\u{5ea}",
        "\u{6c5f}\u{6238}",
        "\u{305f}\u{308d}\u{3046}",
        "\u{ae40}\u{bbfc}\u{c900}",
        "caf\u{e9}42",
    ] {
        client.take_name(name);
    }
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
    for name in ["youth", "server1", "my-guest", "allan", "chatda"] {
        client.take_name(name);
    }
}

#[test]
fn a_refused_name_says_why_and_changes_nothing() {
    let server = Server::start(&[]);
    let [mut alice, mut bob] = server.room(["alice", "bob"]);
    let reasons =
        ["BOB", "1st", "a.b", "alic\u{435}", "guest7"].map(|name| refused(&mut alice, name));
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

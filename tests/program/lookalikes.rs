//! Names that look alike, through the real server.

use crate::kit::{Client, Server};

/// Asks for a name and returns the answer: `None` if it was given.
fn refusal(client: &mut Client, name: &str) -> Option<String> {
    client.send(&format!("/nick {name}"));
    let answer = client.settle();
    let [line] = &answer[..] else {
        panic!("{name:?} was answered {answer:?}");
    };
    let is_given = line.ends_with(&format!(" is now {name}"));
    (!is_given).then(|| line.clone())
}

#[test]
fn nobody_can_look_like_somebody_who_is_here() {
    let server = Server::start(&[]);
    let _victims =
        ["alice", "Zo\u{eb}", "\u{441}\u{43e}\u{440}\u{430}"].map(|name| server.join(name));
    let mut eve = server.joined("eve");
    // What she reads is to be the answers alone.
    eve.send("/quiet");
    eve.settle();
    let forgeries = [
        // Full-width letters, mathematical ones, circled ones, small capitals.
        "\u{ff41}lice",
        "\u{ff21}LICE",
        "\u{1d41a}lice",
        "\u{24d0}lice",
        "a\u{29f}ice",
        // Mixed case, and what looks alike in another case.
        "Alice",
        "ALICE",
        "aLiCe",
        "aIice",
        "a1ice",
        "al\u{131}ce",
        // Combining marks, before and after composition, and runs of them.
        "alic\u{65}\u{301}",
        "a\u{335}lice",
        "alice\u{300}\u{300}\u{300}",
        "Zoe\u{308}",
        // What is not seen: zero-width characters, joiners, a soft hyphen, a filler, a tag.
        "ali\u{200b}ce",
        "ali\u{200d}ce",
        "ali\u{200c}ce",
        "al\u{ad}ice",
        "alice\u{feff}",
        "alice\u{3164}",
        "alice\u{e0061}",
        "alice\u{2060}",
        "alice\u{fe0f}",
        // Right-to-left: the override, the mark, and letters of both directions in one name.
        "\u{202e}ecila",
        "alice\u{200f}",
        "\u{5d0}lice",
        "alice\u{627}",
        // Letters of other scripts, one or all of them, in both directions.
        "\u{430}lice",
        "alic\u{435}",
        "\u{3b1}lice",
        "copa",
        "COPA",
        // The server and everybody.
        "chatd",
        "CHATD",
        "s\u{435}rver",
        "You",
        "a11",
        "guest99",
        "Guest",
        "GUEST1",
    ];
    for forgery in forgeries {
        let refusal = refusal(&mut eve, forgery);
        let refusal = refusal.unwrap_or_else(|| panic!("{forgery:?} was given to eve"));
        assert!(
            refusal.starts_with("-- "),
            "{forgery:?} was answered {refusal:?}"
        );
        assert!(
            !refusal.contains("eve"),
            "a refused name changes nothing: {refusal:?}"
        );
    }
}

#[test]
fn twenty_four_characters_of_the_widest_script_are_a_name_and_twenty_five_are_none() {
    let server = Server::start(&[]);
    let [mut watcher, mut eve] = server.room(["watcher", "eve"]);
    // Of Han each character takes two columns, and some of them four bytes.
    for widest in ["\u{6f22}", "\u{20731}"] {
        let name = widest.repeat(24);
        assert!(refusal(&mut eve, &widest.repeat(25)).is_some());
        assert_eq!(refusal(&mut eve, &name), None);
        eve.send("hello");
        watcher.expect(&format!("<{name}> hello"));
    }
}

#[test]
fn a_name_that_was_refused_is_given_once_nobody_is_here_whom_it_looks_like() {
    let server = Server::start(&[]);
    let mut eve = server.joined("eve");
    for (one, other) in [
        ("bob", "BOB"),
        ("cop\u{e9}", "COP\u{c9}"),
        ("\u{43e}\u{43e}", "oo"),
    ] {
        let mut victim = server.joined(one);
        eve.expect(&format!("<{one}> it is me"));
        let refused = refusal(&mut eve, other).expect("a refusal");
        assert!(
            refused.contains("taken"),
            "{other:?} was answered {refused:?}"
        );
        victim.send("/quit");
        victim.expect_eof();
        eve.expect(&format!("-- {one} left"));
        assert_eq!(refusal(&mut eve, other), None);
    }
}

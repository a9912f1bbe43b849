//! What a client reads that gives a password, and that nobody else reads any of it: the prompt as the
//! codec drives it.

use super::*;
use crate::address::Address;
use crate::client::codec::{Codec, Heard};
use crate::client::cutter::Grammar;
use crate::client::errand::Wish;
use crate::event::{Answer, ClientId, Ending, Event};
use std::iter;

mod refusals;
mod secrecy;
mod telnet;

/// `--max-line` of these tests.
const LONGEST: usize = 60;

/// The password of every account.
const RIGHT: &str = "QXZ QXZ QXZ";

fn is(password: Option<&Password>, text: &str) -> bool {
    let text = Password::read(text.as_bytes()).unwrap();
    password.is_some_and(|password| password.is(&text))
}

/// What somebody finds of them who knows [`RIGHT`] alone.
fn verdict(credentials: &Credentials) -> Verdict {
    match credentials {
        Credentials::New(_) | Credentials::Register(..) => Verdict::Right,
        Credentials::Login(_, password)
        | Credentials::Old(password)
        | Credentials::Common(password) => {
            if is(password.as_ref(), RIGHT) {
                Verdict::Right
            } else {
                Verdict::Wrong
            }
        }
    }
}

fn codec(prompt: Prompt) -> Codec {
    let (client, address) = (ClientId(1), Address::User(1));
    let codec = Codec::new(client, address, Grammar::Chat, LONGEST);
    let mut codec = codec.with_secrets(Box::new(prompt));
    codec.greet();
    codec
}

/// What a client reads and gives, a line each: telnet commands as words in capitals, of what it
/// gives whose it should be and whether it is [`RIGHT`], and what it says.
fn transcript(codec: &mut Codec, sent: &[u8]) -> Vec<String> {
    codec.feed(&mut sent.to_vec());
    let mut lines = Vec::new();
    while let Some(item) = codec.next_item(u64::MAX) {
        match item.heard {
            Heard::Event(Event::Answered(_, Answer::Bytes(bytes))) => lines.push(telnet(&bytes)),
            Heard::Event(Event::Answered(_, answer)) => {
                lines.push(
                    String::from_utf8_lossy(answer.as_bytes())
                        .trim_end()
                        .to_owned(),
                );
            }
            Heard::Event(Event::Said(_, said)) => {
                let said = String::from_utf8_lossy(said.as_bytes()).replace('\n', "|");
                lines.push(format!("said {said}"));
            }
            Heard::Wish(Wish::Check(credentials, _)) => {
                lines.push(shown(&credentials));
                codec.judge(verdict(&credentials), None);
            }
            Heard::Event(_) | Heard::Wish(_) | Heard::Nothing => {}
            Heard::Left(ending) => {
                assert_eq!(ending, Ending::Closed);
                lines.push("left".to_owned());
                break;
            }
        }
    }
    lines
}

fn telnet(bytes: &[u8]) -> String {
    match bytes {
        b"\xff\xfb\x01" => "WILL ECHO".to_owned(),
        b"\xff\xfc\x01" => "WONT ECHO".to_owned(),
        bytes => bytes.escape_ascii().to_string(),
    }
}

fn shown(credentials: &Credentials) -> String {
    let known = |password: Option<&Password>| match password {
        Some(_) if is(password, RIGHT) => "right",
        Some(_) => "other",
        None => "unusable",
    };
    match credentials {
        Credentials::Login(whose, password) => {
            let whose = match whose {
                Whose::Named(name) => name.letters(),
                Whose::Own => "own",
                Whose::Nobody => "nobody",
            };
            format!("login {whose} {}", known(password.as_ref()))
        }
        Credentials::Old(password) => format!("old {}", known(password.as_ref())),
        Credentials::Common(password) => format!("common {}", known(password.as_ref())),
        Credentials::New(password) => format!("new {}", known(Some(password))),
        Credentials::Register(name, password) => {
            format!("register {name} {}", known(Some(password)))
        }
    }
}

fn reads(passwords: Passwords, sent: &str, expected: &[&str]) {
    let found = transcript(&mut codec(Prompt::new(passwords)), sent.as_bytes());
    assert_eq!(found, expected, "after {sent:?}");
}

const ASKED: &str = "-- password (your screen will show it):";
const ASKED_NEW: &str = "-- new password (your screen will show it):";
const ASKED_AGAIN: &str = "-- again (your screen will show it):";
const WRONG_ONE: &str = "-- wrong name or password; again, or an empty line to stop:";

#[test]
fn the_line_after_the_prompt_is_the_password_whatever_it_looks_like() {
    let said = "said /quit|";
    for (password, given) in [
        (RIGHT, "login alice right"),
        ("QXZ QXZX\x7f QXZ", "login alice right"),
        ("\x08\x7fQXZ QXZ QXZZZ\x7f\x08", "login alice right"),
        ("/quit", "login alice other"),
        ("/login bob", "login alice other"),
        ("//quit", "login alice other"),
        (" ", "login alice other"),
        ("QXZ\tQXZ", "login alice unusable"),
        ("\x1b[A", "login alice unusable"),
        ("\0", "login alice unusable"),
        (&"Q".repeat(LONGEST + 1), "login alice unusable"),
        (&"Q".repeat(LONGEST), "login alice other"),
    ] {
        let sent = format!("hello\n/login alice\n{password}\n");
        let again = if given.ends_with("right") {
            &[][..]
        } else {
            &[WRONG_ONE]
        };
        let end = if again.is_empty() {
            "//quit\n"
        } else {
            "\n//quit\n"
        };
        let expected = [&["said hello|", ASKED, given][..], again, &[said]].concat();
        reads(Passwords::OfAccounts, &(sent + end), &expected);
    }
}

#[test]
fn what_is_not_utf_8_is_a_wrong_password() {
    let mut codec = codec(Prompt::new(Passwords::OfAccounts));
    let found = transcript(&mut codec, b"/login alice\nhunter\xc32\n");
    assert_eq!(found, [ASKED, "login alice unusable", WRONG_ONE]);
}

#[test]
fn login_takes_the_name_that_is_given_or_else_ones_own() {
    for (command, whose) in [
        ("/login", "own"),
        ("/LOGIN  \u{200e}alice\u{200e}  QXZ", "alice"),
        ("/login guest7", "guest7"),
        ("/login 1alice", "nobody"),
    ] {
        let given = format!("login {whose} other");
        let sent = format!("{command}\nQX\n\n");
        reads(Passwords::OfAccounts, &sent, &[ASKED, &given, WRONG_ONE]);
    }
}

#[test]
fn after_a_wrong_one_the_prompt_comes_again_and_after_the_third_the_connection_is_closed() {
    let given = "login alice other";
    let third = [
        given,
        WRONG_ONE,
        given,
        WRONG_ONE,
        given,
        "-- wrong name or password",
        "left",
    ];
    let closed = [&[ASKED][..], &third].concat();
    reads(
        Passwords::OfAccounts,
        "/login alice\nQ\nX\nZ\nZZ\n",
        &closed,
    );
    let second = [
        ASKED,
        given,
        WRONG_ONE,
        given,
        WRONG_ONE,
        "login alice right",
        "said hi|",
    ];
    let sent = format!("/login alice\nQ\nX\n{RIGHT}\nhi\n");
    reads(Passwords::OfAccounts, &sent, &second);
}

#[test]
fn an_empty_line_ends_the_prompt() {
    for (sent, asked) in [
        ("/login\n\nhi\n", &[ASKED][..]),
        ("/login\nQ\x7f\nhi\n", &[ASKED]),
        ("/password\n\nhi\n", &[ASKED]),
        ("/register bob\n\nhi\n", &[ASKED_NEW]),
        (
            "/register bob\nQXZQXZQXZ\n\nhi\n",
            &[ASKED_NEW, ASKED_AGAIN],
        ),
    ] {
        let expected = [asked, &["said hi|"]].concat();
        reads(Passwords::OfNewAccounts, sent, &expected);
    }
}

#[test]
fn password_asks_for_the_old_one_and_then_twice_for_a_new_one() {
    let sent = format!("/password QXZ\nQ\n{RIGHT}\nQXZ\u{e9}QXZQ\nQXZe\u{301}QXZQ\nhi\n");
    let tried = [ASKED, "old other", WRONG_ONE, "old right"];
    let expected = [
        &tried[..],
        &[ASKED_NEW, ASKED_AGAIN, "new other", "said hi|"],
    ]
    .concat();
    reads(Passwords::OfAccounts, &sent, &expected);
}

#[test]
fn register_asks_twice_for_a_password() {
    let sent = format!("/register bob QXZ\n{RIGHT}\n{RIGHT}\nhi\n");
    let expected = [ASKED_NEW, ASKED_AGAIN, "register bob right", "said hi|"];
    reads(Passwords::OfNewAccounts, &sent, &expected);
}

#[test]
fn every_line_of_a_newcomer_is_the_password_of_the_room_and_an_empty_one_closes() {
    let reads = |sent: &str, expected: &[&str]| {
        let mut codec = codec(Prompt::for_newcomer(Passwords::None));
        let expected = [&[ASKED], expected].concat();
        assert_eq!(
            transcript(&mut codec, sent.as_bytes()),
            expected,
            "after {sent:?}"
        );
    };
    let sent = format!("/help\n{RIGHT}\nhi\n");
    reads(
        &sent,
        &["common other", WRONG_ONE, "common right", "said hi|"],
    );
    reads("\nhi\n", &["left"]);
    let tried = [
        "common other",
        WRONG_ONE,
        "common other",
        WRONG_ONE,
        "common other",
    ];
    let closed = ["-- wrong name or password", "left"];
    reads("/quit\n/quit\n/quit\nhi\n", &[&tried[..], &closed].concat());
}

#[test]
fn while_a_password_is_checked_nothing_is_cut_and_the_client_does_not_leave() {
    let mut codec = codec(Prompt::new(Passwords::OfAccounts));
    let heard = |codec: &mut Codec| iter::from_fn(|| heard_next(codec)).collect::<Vec<_>>();
    codec.feed(&mut format!("/login bob\n{RIGHT}\none\n").into_bytes());
    assert!(matches!(heard(&mut codec).pop(), Some(Heard::Wish(_))));
    codec.feed(&mut b"two\n\xff\xec".to_vec());
    for heard in heard(&mut codec) {
        let is_silence = matches!(heard, Heard::Nothing | Heard::Event(Event::WantsCrlf(_)));
        assert!(is_silence, "something is heard");
    }
    codec.judge(Verdict::Right, None);
    let Some(Heard::Event(Event::Said(_, lines))) = heard_next(&mut codec) else {
        panic!("nothing is said");
    };
    assert_eq!(lines.as_bytes(), b"one\ntwo\n");
    assert!(matches!(
        heard_next(&mut codec),
        Some(Heard::Left(Ending::Quit(None)))
    ));
}

fn heard_next(codec: &mut Codec) -> Option<Heard> {
    codec.next_item(u64::MAX).map(|item| item.heard)
}

#[test]
fn login_and_at_most_one_word_more_is_said_and_its_author_reads_once_how_commands_begin() {
    let hint = "-- commands begin with /: /login";
    for text in ["login", "LOGIN ", "login alice", " login\talice "] {
        let said = format!("said {text}|");
        let sent = format!("{text}\n{text}\n");
        reads(Passwords::OfAccounts, &sent, &[&said, hint, &said]);
        let both = format!("said {text}|{text}|");
        reads(Passwords::None, &sent, &[&both]);
    }
    for text in ["login alice QXZ", "logins", "my login"] {
        reads(
            Passwords::OfAccounts,
            &format!("{text}\n"),
            &[&format!("said {text}|")],
        );
    }
}

#[test]
fn a_line_that_is_a_password_costs_what_a_line_does() {
    let mut codec = codec(Prompt::new(Passwords::OfAccounts));
    codec.feed(&mut format!("/login bob\n{RIGHT}\n/login\n\n").into_bytes());
    let mut costs = Vec::new();
    while let Some(item) = codec.next_item(u64::MAX) {
        costs.push(item.cost);
        if matches!(item.heard, Heard::Wish(_)) {
            codec.judge(Verdict::Right, None);
        }
    }
    assert_eq!(costs, [1024, 11 + 80, 0, 1024, 80]);
}

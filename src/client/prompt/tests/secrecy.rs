//! Whatever comes at a prompt, and however it is split, no byte of a password is said, answered or
//! asked. A second, slower prompt says what each line of a script is, and so what is said of it.

use super::*;
use proptest::prelude::*;
use std::fmt::Write;

/// Passwords are made of these alone, and nothing else is.
const SECRET: [&str; 4] = ["Q", "X", "Z", "ж"];

/// What is typed where nothing is asked.
#[derive(Debug, Clone)]
enum Public {
    Text(&'static str),
    /// A command that tells or asks something.
    Command(&'static str),
    /// `/login` and a name, `/password`, and `/register` and a name; behind each may stand a
    /// password already.
    Login(&'static str),
    Password(&'static str),
    Register(&'static str, &'static str),
    /// `/login` on a line that is too long.
    LongLogin(usize),
}

/// What is typed where a password is asked for, or where nobody listens any more.
#[derive(Debug, Clone)]
enum Secret {
    Typed(String),
    /// It can be nobody's password.
    Unusable(Vec<u8>),
    Empty,
    /// Ctrl-D.
    Leaves,
}

/// What comes next: one of two, by what the client is asked.
#[derive(Debug, Clone)]
struct Slot {
    public: Public,
    secret: Secret,
    end: &'static str,
    /// Which characters are typed wrong first, and taken back.
    mistakes: u32,
}

/// What the next line is.
#[derive(Debug, Clone, PartialEq)]
enum Expects {
    Public,
    /// A password that somebody has, after so many wrong ones.
    Known(Of, usize),
    New,
    Again(String),
    /// Nothing: the client has to leave.
    Nothing,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Of {
    Login,
    /// A new one follows.
    Old,
    /// Who does not give it has to leave.
    Newcomer,
}

/// A whole conversation.
#[derive(Default)]
struct Script {
    sent: Vec<Vec<u8>>,
    said: Vec<String>,
    given: usize,
}

impl Script {
    fn of(passwords: Passwords, start: Expects, slots: &[Slot]) -> Self {
        let (mut script, mut expects) = (Self::default(), start);
        for slot in slots {
            expects = match expects {
                Expects::Public => script.public(passwords, slot),
                Expects::Nothing => {
                    script.secret(slot);
                    Expects::Nothing
                }
                asked => script.asked(asked, slot),
            };
        }
        script
    }

    fn send(&mut self, line: &[u8], end: &str) {
        // The byte 255 is sent twice.
        let byte = |byte: &u8| [*byte].repeat(if *byte == 255 { 2 } else { 1 });
        self.sent.extend(line.iter().map(byte));
        self.sent.extend(end.bytes().map(|byte| vec![byte]));
    }

    fn public(&mut self, passwords: Passwords, slot: &Slot) -> Expects {
        let (line, expects) = match slot.public {
            Public::Text(text) => {
                self.said.push(text.to_owned());
                (text.to_owned(), Expects::Public)
            }
            Public::Command(line) => (line.to_owned(), Expects::Public),
            Public::Login(name) => {
                let known = Expects::Known(Of::Login, 0);
                (format!("\x1b[A/Login {name}"), known)
            }
            Public::Password(rest) => (format!("/password {rest}"), Expects::Known(Of::Old, 0)),
            Public::LongLogin(times) => (
                format!("/login alice {}", "QXZ".repeat(times)),
                Expects::Nothing,
            ),
            Public::Register(name, rest) => {
                let is_fit = name == "alice" && passwords == Passwords::OfNewAccounts;
                let expects = if is_fit {
                    Expects::New
                } else {
                    Expects::Nothing
                };
                (format!(" /REGISTER {name} {rest}"), expects)
            }
        };
        self.send(line.as_bytes(), slot.end);
        match passwords {
            Passwords::None | Passwords::Unencrypted if expects != Expects::Public => {
                Expects::Nothing
            }
            _ => expects,
        }
    }

    fn secret(&mut self, slot: &Slot) {
        let mut line = Vec::new();
        match &slot.secret {
            Secret::Typed(text) => {
                for (at, character) in text.chars().enumerate() {
                    if slot.mistakes >> at & 1 == 1 {
                        line.extend("ж\x7fZ\x08".bytes());
                    }
                    line.extend(character.to_string().bytes());
                }
            }
            Secret::Unusable(bytes) => line.clone_from(bytes),
            Secret::Empty if slot.mistakes & 1 == 1 => line.extend("\x08Q\x7f".bytes()),
            Secret::Empty => {}
            Secret::Leaves => line.extend(b"\x04QXZ"),
        }
        self.send(&line, slot.end);
    }

    fn asked(&mut self, expects: Expects, slot: &Slot) -> Expects {
        self.secret(slot);
        let typed = match &slot.secret {
            Secret::Leaves => return Expects::Nothing,
            Secret::Empty if matches!(expects, Expects::Known(Of::Newcomer, _)) => {
                return Expects::Nothing;
            }
            Secret::Empty => return Expects::Public,
            Secret::Typed(text) => Some(text),
            Secret::Unusable(_) => None,
        };
        let is_fit = |text: &&String| (8..=128).contains(&text.chars().count());
        match (expects, typed) {
            (Expects::Known(of, wrong), typed) => {
                self.given += 1;
                let is_right = typed.is_some_and(|text| text == RIGHT);
                match (is_right, of, wrong) {
                    (true, Of::Old, _) => Expects::New,
                    (true, ..) => Expects::Public,
                    (false, _, 2..) => Expects::Nothing,
                    (false, ..) => Expects::Known(of, wrong + 1),
                }
            }
            (Expects::New, Some(text)) if is_fit(&text) => Expects::Again(text.clone()),
            (Expects::Again(first), Some(text)) if first == *text => {
                self.given += 1;
                Expects::Public
            }
            _ => Expects::Nothing,
        }
    }
}

/// When a verdict comes.
#[derive(Debug, Clone, Copy)]
enum Judge {
    AtOnce,
    /// When everything has been read.
    Late,
}

/// What a client brings about that sends these pieces: lines that are said, everything that the
/// prompt leads to beside that, and how often something was given.
fn brought_about(
    prompt: Prompt,
    pieces: &[Vec<u8>],
    most: u64,
    judge: Judge,
) -> (Vec<String>, String, usize) {
    let mut codec = codec(prompt);
    let (mut said, mut rest, mut given) = (Vec::new(), String::new(), 0);
    let mut pieces = pieces.iter();
    loop {
        let mut waiting = None;
        while let Some(item) = codec.next_item(most) {
            match item.heard {
                Heard::Event(Event::Said(_, lines)) => {
                    let lines = lines
                        .iter()
                        .map(|line| String::from_utf8_lossy(line).into_owned());
                    said.extend(lines);
                }
                Heard::Event(Event::Answered(_, answer)) => {
                    rest += &String::from_utf8_lossy(answer.as_bytes());
                }
                Heard::Event(Event::Asked(_, command)) => {
                    let _ = write!(rest, "{command:?}");
                }
                Heard::Wish(Wish::Check(credentials, _)) => {
                    given += 1;
                    waiting = Some(verdict(&credentials));
                    if matches!(judge, Judge::AtOnce) {
                        codec.judge(waiting.take().unwrap(), None);
                    }
                }
                Heard::Event(_) | Heard::Wish(_) | Heard::Nothing => {}
                Heard::Left(ending) => {
                    if let Ending::Quit(Some(text)) = ending {
                        rest += text.as_str();
                    }
                    return (said, rest, given);
                }
            }
        }
        match (pieces.next(), waiting) {
            (next, Some(verdict)) => {
                for piece in next.into_iter().chain(pieces.by_ref()) {
                    codec.feed(&mut piece.clone());
                }
                assert!(matches!(judge, Judge::Late));
                codec.judge(verdict, None);
            }
            (Some(piece), None) => codec.feed(&mut piece.clone()),
            (None, None) => return (said, rest, given),
        }
    }
}

fn public() -> impl Strategy<Value = Public> {
    let text = prop::sample::select(vec![
        "hello",
        "login",
        "login alice",
        "help",
        "/usr/bin/env",
    ]);
    let command = prop::sample::select(vec![
        "/who",
        "/me waves",
        "/msg bob psst",
        "/nosuch",
        "/help",
    ]);
    let rest = || prop::sample::select(vec!["", "QXZ", "QXZ QXZ QXZ", "\u{a0}ж"]);
    let name = prop::sample::select(vec!["", "alice", "1alice", "alice QXZ", "alice\tжж  QXZ"]);
    prop_oneof![
        3 => text.prop_map(Public::Text),
        1 => command.prop_map(Public::Command),
        3 => name.prop_map(Public::Login),
        2 => rest().prop_map(Public::Password),
        2 => rest().prop_map(|rest| Public::Register("alice", rest)),
        1 => (LONGEST / 3..99).prop_map(Public::LongLogin),
        1 => prop::sample::select(vec!["", "Q!X", "guest7"]).prop_map(|name| Public::Register(name, "")),
    ]
}

fn secret() -> impl Strategy<Value = Secret> {
    let letters = prop::collection::vec(prop::sample::select(SECRET.to_vec()), 1..12);
    let like_a_command = prop::sample::select(vec![
        "/quit QXZ",
        "//QXZ",
        "/me ж",
        "/login QXZ",
        "login QXZ",
        "/nick Q",
        " QXZ ",
        "/msg bob Z",
    ]);
    let unusable = prop::sample::select(vec![
        b"Q\0X".to_vec(),
        b"\x1b[A/me QX".to_vec(),
        b"Q\tX".to_vec(),
        b"Q\rX".to_vec(),
        b"\xd0".to_vec(),
        b"QX\xff".to_vec(),
        b"\xffQ".to_vec(),
        b"\xd0\xffZ".to_vec(),
        "Q\u{85}Z".into(),
        "XZ".repeat(LONGEST / 2 + 1).into(),
        "Q".repeat(300).into(),
        "ж".repeat(LONGEST / 2 + 1).into(),
    ]);
    prop_oneof![
        3 => Just(Secret::Typed(RIGHT.to_owned())),
        2 => Just(Secret::Typed("жжжж".repeat(2))),
        2 => letters.prop_map(|letters| Secret::Typed(letters.concat())),
        2 => like_a_command.prop_map(|text| Secret::Typed(text.to_owned())),
        3 => unusable.prop_map(Secret::Unusable),
        1 => Just(Secret::Empty),
        1 => Just(Secret::Leaves),
    ]
}

fn slot() -> impl Strategy<Value = Slot> {
    let end = prop::sample::select(vec!["\n", "\r\n", "\r\0"]);
    let mistakes = prop_oneof![2 => Just(0), 1 => any::<u32>().prop_map(|bits| bits & 0x2A5)];
    (public(), secret(), end, mistakes).prop_map(|(public, secret, end, mistakes)| Slot {
        public,
        secret,
        end,
        mistakes,
    })
}

/// A telnet command, and where it stands.
fn telnet() -> impl Strategy<Value = (prop::sample::Index, Vec<u8>)> {
    let command: [&[u8]; 8] = [
        b"\xff\xf1",
        b"\xff\xf4",
        b"\xff\xf6",
        b"\xff\xfd\x01",
        b"\xff\xfe\x01",
        b"\xff\xfb\x18",
        b"\xff\xfd\x06",
        b"\xff\xfa\x18\x00QXZ\n\xff\xf0",
    ];
    let command = prop::sample::select(command.map(<[u8]>::to_vec).to_vec());
    (any::<prop::sample::Index>(), command)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_byte_of_a_password_is_said_answered_or_asked(
        passwords in prop::sample::select(vec![
            Passwords::None, Passwords::Unencrypted, Passwords::OfAccounts, Passwords::OfNewAccounts,
            Passwords::OfNewAccounts,
        ]),
        is_newcomer in prop::bool::weighted(0.2),
        slots in prop::collection::vec(slot(), 1..12),
        commands in prop::collection::vec(telnet(), 0..6),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..9),
        most in prop::sample::select(vec![0, 200, u64::MAX]),
        judge in prop::sample::select(vec![Judge::AtOnce, Judge::Late]),
    ) {
        let mut slots = slots;
        let (prompt, start) = if is_newcomer {
            // NUL in the first line is a stranger's.
            slots[0].secret = Secret::Typed("QXZ".to_owned());
            let start = match passwords {
                Passwords::Unencrypted => Expects::Nothing,
                _ => Expects::Known(Of::Newcomer, 0),
            };
            (Prompt::for_newcomer(passwords), start)
        } else {
            slots[0].public = Public::Text("hello");
            (Prompt::new(passwords), Expects::Public)
        };
        let mut script = Script::of(passwords, start, &slots);
        for (at, command) in commands {
            let at = at.index(script.sent.len() + 1);
            script.sent.insert(at, command);
        }
        let sent = script.sent.concat();
        let mut cuts = cuts.iter().map(|cut| cut.index(sent.len() + 1)).collect::<Vec<_>>();
        cuts.sort_unstable();
        let (starts, ends) = ([&[0], cuts.as_slice()].concat(), [&cuts, &[sent.len()][..]].concat());
        let pieces = starts.iter().zip(&ends).map(|(start, end)| sent[*start..*end].to_vec());
        let pieces = pieces.collect::<Vec<_>>();
        let (said, rest, given) = brought_about(prompt, &pieces, most, judge);
        let shown = sent.escape_ascii().to_string();
        prop_assert_eq!(&said, &script.said, "after {}", shown);
        prop_assert_eq!(given, script.given, "after {}", shown);
        for secret in SECRET {
            prop_assert!(!rest.contains(secret), "{} came, after {}", rest, shown);
        }
    }
}

//! What happens in a run: operations, made out of bytes.

use super::accounts::ACCOUNTS;
use crate::bytes::Bytes;

/// Whether the server has accounts.
const HAS_ACCOUNTS: bool = cfg!(feature = "data");

/// What a client may call itself. The three after the first are the same to the server, the next is
/// written from right to left, two belong to accounts, and the last three are kept for the server.
const NAMES: [&str; 11] = [
    "ann",
    "bob",
    "Bob",
    "B0B",
    "\u{5e9}\u{5e8}\u{5d4}",
    "cy",
    "dan",
    "EVE",
    "guest2",
    "you",
    "admin",
];

/// Lengths of lines: two of the longest are more than the backlog that a run allows.
const LENGTHS: [usize; 6] = [0, 0, 5, 60, 700, 5_000];

/// How much a connection takes, in bytes; some of them are whole lines.
const ROOMS: [usize; 10] = [0, 0, 1, 7, 11, 12, 40, 300, 3_000, usize::MAX];

/// Steps of the clock, in milliseconds, on both sides of everything that is due at some time.
const STEPS: [u64; 10] = [0, 1, 3, 40, 99, 100, 400, 999, 1_000, 2_100];

/// So many bytes make an operation. That it is always as many keeps the others what they are when
/// one is taken out, so that a failure can be made small.
pub const OP_BYTES: usize = 5;

/// Who is meant: a number that the run takes modulo those who are here.
pub type Who = usize;

/// Something happens.
#[derive(Debug)]
pub enum Op {
    /// A client joins, whose connection takes so many bytes.
    Join(usize, Kind),
    /// A client says so many lines of this length.
    Say(Who, usize, usize),
    Ask(Who, Ask),
    /// Ctrl-C.
    Interrupt(Who),
    /// A telnet asks for an option.
    Option(Who),
    WantCrlf(Who),
    Leave(Who, Way),
    /// A client logs in to the account of this number.
    Login(Who, usize, Password),
    /// One who waits at a banned address does something.
    Knock(Who, Knocking),
    /// One whom an event has ended, and whose thread does not know, does something all the same.
    Haunt(Who, Haunting),
    /// A client's connection takes so many bytes from now on.
    Room(Who, usize),
    /// A client's connection is reset.
    Break(Who),
    /// A send to a client is interrupted by a signal.
    Signal(Who),
    /// Everybody is sent what is pending.
    Flush,
    /// So many milliseconds pass.
    Wait(u64),
}

/// Whether a client gives the right password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Password {
    Right,
    Wrong,
}

/// What one does who waits to be let in.
#[derive(Debug, Clone, Copy)]
pub enum Knocking {
    /// So many lines.
    Say(usize),
    Do,
    LogIn(usize, Password),
    Leave(Way),
}

/// What is still taken of a client that was ended.
#[derive(Debug, Clone, Copy)]
pub enum Haunting {
    Say,
    Do,
    LogIn,
    Leave(Way),
}

/// What a client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Netcat,
    /// It has sent CR before it joined.
    Telnet,
    /// It shows nothing that it is not sent.
    Window,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Netcat, Self::Telnet, Self::Window];
}

/// What a client asks for. Texts are made by the run, so that no two are the same.
#[derive(Debug)]
pub enum Ask {
    Nick(&'static str),
    Me,
    Msg(Addressee),
    Reply,
    Ignore(Addressee),
    Unignore(Addressee),
    Ignored,
    Quiet,
    Away,
    AwaySilently,
    Back,
    History(Option<usize>),
    Who,
    Whois(Addressee),
    Motd,
    /// Somebody else than the bystander.
    Kick(Who),
    /// For so many seconds.
    Ban(Whom, Option<u64>),
    Unban(Whom),
    Bans,
    Mute(Addressee),
    Unmute(Addressee),
    Erase(&'static str, usize),
}

/// Whom a ban is about.
#[derive(Debug, Clone, Copy)]
pub enum Whom {
    Called(Addressee),
    /// A number that the model takes modulo the networks that it knows.
    Network(usize),
}

/// By which name somebody is called.
#[derive(Debug, Clone, Copy)]
pub enum Addressee {
    /// By the one that they have.
    Here(Who),
    /// By one that somebody may have.
    Named(&'static str),
}

/// How a client leaves.
#[derive(Debug, Clone, Copy)]
pub enum Way {
    Quit,
    QuitSaying,
    Close,
    Reset,
    Lose,
    Idle,
}

impl Op {
    /// The operation that these bytes stand for.
    pub fn decode(bytes: &[u8]) -> Self {
        let bytes = &mut Bytes::new(bytes);
        let kind = bytes.below(if HAS_ACCOUNTS { 41 } else { 32 });
        let who = bytes.below(16);
        match kind {
            0..=1 => Self::Join(usize::MAX, Kind::Netcat),
            2 => Self::Join(bytes.pick(&ROOMS), bytes.pick(&Kind::ALL)),
            3..=7 => Self::Say(who, 1 + bytes.below(3), bytes.pick(&LENGTHS)),
            8..=14 => Self::Ask(who, Ask::next(bytes)),
            15 => Self::Interrupt(who),
            16 => Self::Option(who),
            17 => Self::WantCrlf(who),
            18..=19 => Self::Leave(who, Way::next(bytes)),
            20..=22 => Self::Room(who, bytes.pick(&ROOMS)),
            23 => Self::Break(who),
            24 => Self::Signal(who),
            25..=27 => Self::Flush,
            28..=31 => Self::Wait(STEPS[who % STEPS.len()]),
            32..=34 => Self::Login(who, bytes.below(ACCOUNTS.len()), Password::next(bytes)),
            35..=38 => Self::Knock(who, Knocking::next(bytes)),
            _ => Self::Haunt(who, Haunting::next(bytes)),
        }
    }
}

impl Ask {
    fn next(bytes: &mut Bytes<'_>) -> Self {
        match bytes.below(if HAS_ACCOUNTS { 38 } else { 21 }) {
            0..=3 => Self::Nick(bytes.pick(&NAMES)),
            4..=5 => Self::Me,
            6..=8 => Self::Msg(Addressee::next(bytes)),
            9 => Self::Reply,
            10..=11 => Self::Ignore(Addressee::next(bytes)),
            12 => Self::Unignore(Addressee::next(bytes)),
            13 => Self::Ignored,
            14 => Self::Quiet,
            15 => Self::Away,
            16 if bytes.below(2) == 0 => Self::AwaySilently,
            16 => Self::Back,
            17 => Self::History(bytes.pick(&[None, Some(0), Some(2), Some(9)])),
            18 => Self::Who,
            19 => Self::Whois(Addressee::next(bytes)),
            20 => Self::Motd,
            21..=23 => Self::Kick(bytes.below(16)),
            24..=26 => Self::Mute(Addressee::next(bytes)),
            27 => Self::Unmute(Addressee::next(bytes)),
            28..=29 => Self::Ban(Whom::next(bytes), None),
            30..=31 => Self::Ban(Whom::next(bytes), Some(1)),
            32..=33 => Self::Ban(Whom::next(bytes), Some(300)),
            34 => Self::Unban(Whom::next(bytes)),
            35 => Self::Bans,
            _ => Self::Erase(bytes.pick(&NAMES), 1 + bytes.below(3)),
        }
    }
}

impl Password {
    fn next(bytes: &mut Bytes<'_>) -> Self {
        match bytes.below(8) {
            0 => Self::Wrong,
            _ => Self::Right,
        }
    }
}

impl Knocking {
    fn next(bytes: &mut Bytes<'_>) -> Self {
        match bytes.below(6) {
            0 => Self::Say(1 + bytes.below(3)),
            1 => Self::Do,
            2 => Self::Leave(Way::next(bytes)),
            _ => Self::LogIn(bytes.below(ACCOUNTS.len()), Password::next(bytes)),
        }
    }
}

impl Haunting {
    fn next(bytes: &mut Bytes<'_>) -> Self {
        match bytes.below(5) {
            0 => Self::Say,
            1 => Self::Do,
            2 => Self::LogIn,
            _ => Self::Leave(Way::next(bytes)),
        }
    }
}

impl Whom {
    fn next(bytes: &mut Bytes<'_>) -> Self {
        match bytes.below(18) {
            who @ 0..=7 => Self::Called(Addressee::Here(who)),
            8..=11 => Self::Called(Addressee::Named(bytes.pick(&NAMES))),
            _ => Self::Network(bytes.below(4)),
        }
    }
}

impl Addressee {
    fn next(bytes: &mut Bytes<'_>) -> Self {
        match bytes.below(12) {
            who @ 0..=7 => Self::Here(who),
            _ => Self::Named(bytes.pick(&NAMES)),
        }
    }
}

impl Way {
    fn next(bytes: &mut Bytes<'_>) -> Self {
        bytes.pick(&[
            Self::Quit,
            Self::QuitSaying,
            Self::Close,
            Self::Reset,
            Self::Lose,
            Self::Idle,
        ])
    }
}

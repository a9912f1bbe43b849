//! Telnet commands, taken out of what a client sends (RFC 854, RFC 855).
//!
//! chatd offers no option but ECHO, and accepts none. It offers that while a client types a password,
//! and echoes nothing, so that its screen does not show it (RFC 857). It still answers: a telnet that asks and hears nothing
//! may wait for ever (after Ctrl-C, the usual telnet shows no output until its TIMING-MARK is
//! answered, RFC 860).

use std::collections::BTreeSet;
use std::mem;

/// The client has nothing more to send (RFC 1184, section 2.5).
const END_OF_FILE: u8 = 236;
const SE: u8 = 240;
const BREAK: u8 = 243;
const INTERRUPT_PROCESS: u8 = 244;
const ARE_YOU_THERE: u8 = 246;
const SB: u8 = 250;
const WILL: u8 = 251;
const WONT: u8 = 252;
const DO: u8 = 253;
const DONT: u8 = 254;
const IAC: u8 = 255;
/// The option of showing what is typed (RFC 857).
const ECHO: u8 = 1;

/// The longest sub-negotiation that only IAC SE ends, in bytes. A longer one is dropped up to the
/// next line feed at the latest, so that a client that never ends it is not mute for ever.
const SUBNEGOTIATION_BYTES: usize = 512;

/// Where in a command the bytes read so far end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// After IAC.
    Command,
    /// After IAC and WILL, WONT, DO or DONT: the option comes next.
    Option(u8),
    /// In a sub-negotiation that has so many bytes.
    Subnegotiation(usize),
    /// The same, after IAC.
    SubnegotiationCommand(usize),
    /// The client has sent the end of file: it leaves, and what follows means nothing.
    Ended,
}

/// What one read of a client's bytes asked for by telnet commands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requests {
    /// What is to be sent back: refusals, at most one for each option, so that a client that asks a
    /// thousand times at once gets one answer.
    pub refusals: Vec<u8>,
    /// The verbs and options in them.
    refused: BTreeSet<(u8, u8)>,
    /// The client pressed Ctrl-C or Break.
    pub interrupted: bool,
    /// The client asked whether anyone is there.
    pub are_you_there: bool,
    /// Any telnet command came at all: the client is a telnet.
    pub telnet: bool,
}

impl Requests {
    fn refuse(&mut self, verb: u8, option: u8) {
        if self.refused.insert((verb, option)) {
            self.refusals.extend([IAC, verb, option]);
        }
    }
}

/// Takes telnet commands out of a stream of bytes, however they are split into reads.
#[derive(Debug, Default)]
pub struct Telnet {
    state: State,
    /// A command has come.
    is_spoken: bool,
    /// Echo is offered: what the client says about it is no request.
    offers_echo: bool,
}

impl Telnet {
    /// Takes the commands out of `bytes`, in place, and returns how many bytes of text are left at
    /// its front.
    pub fn take_out(&mut self, bytes: &mut [u8], asked: &mut Requests) -> usize {
        let (mut read, mut written) = (0, 0);
        while read < bytes.len() && !self.has_ended() {
            if self.state == State::Text {
                let text = memchr::memchr(IAC, &bytes[read..]).unwrap_or(bytes.len() - read);
                bytes.copy_within(read..read + text, written);
                read += text;
                written += text;
            }
            let Some(&byte) = bytes.get(read) else { break };
            read += 1;
            if let Some(text) = self.step(byte, asked) {
                bytes[written] = text;
                written += 1;
            }
        }
        written
    }

    /// What tells the client's screen not to show what is typed, each time that something is asked
    /// for; nothing if the client speaks no telnet.
    pub fn offer_echo(&mut self) -> Option<Vec<u8>> {
        self.offers_echo = self.is_spoken;
        self.offers_echo.then(|| vec![IAC, WILL, ECHO])
    }

    /// What tells it to show that again; nothing if it shows it.
    pub fn withdraw_echo(&mut self) -> Option<Vec<u8>> {
        let was_offered = mem::replace(&mut self.offers_echo, false);
        was_offered.then(|| vec![IAC, WONT, ECHO])
    }

    /// Whether the client's screen was told not to show what is typed.
    pub fn offers_echo(&self) -> bool {
        self.offers_echo
    }

    /// Whether the client has said that it leaves.
    pub fn has_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// Goes on by one byte of a command, which may turn out to stand for a byte of text.
    fn step(&mut self, byte: u8, asked: &mut Requests) -> Option<u8> {
        self.state = match (self.state, byte) {
            (State::Text, _) => State::Command,
            (State::Command, IAC) => {
                self.state = State::Text;
                return Some(IAC);
            }
            (State::Command, WILL | WONT | DO | DONT) => State::Option(byte),
            (State::Command, SB) => State::Subnegotiation(0),
            (State::Command, END_OF_FILE) | (State::Ended, _) => State::Ended,
            (State::Command, command) => {
                match command {
                    BREAK | INTERRUPT_PROCESS => asked.interrupted = true,
                    ARE_YOU_THERE => asked.are_you_there = true,
                    _ => {}
                }
                State::Text
            }
            (State::Option(verb), option) => {
                match verb {
                    DO if option == ECHO && self.offers_echo => {}
                    WILL => asked.refuse(DONT, option),
                    DO => asked.refuse(WONT, option),
                    _ => {}
                }
                State::Text
            }
            (State::SubnegotiationCommand(_), SE) => State::Text,
            (State::Subnegotiation(n) | State::SubnegotiationCommand(n), b'\n')
                if n > SUBNEGOTIATION_BYTES =>
            {
                self.state = State::Text;
                return Some(b'\n');
            }
            (State::Subnegotiation(n), IAC) => State::SubnegotiationCommand(n + 1),
            (State::Subnegotiation(n) | State::SubnegotiationCommand(n), _) => {
                State::Subnegotiation(n + 1)
            }
        };
        self.is_spoken = true;
        asked.telnet = true;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The text and the answers for `input`, read in pieces that end where `cuts` says.
    fn read_in_pieces(input: &[u8], cuts: &[usize]) -> (Vec<u8>, Vec<Requests>) {
        let (mut telnet, mut text) = (Telnet::default(), Vec::new());
        let mut all = Vec::new();
        let mut start = 0;
        for end in cuts.iter().copied().chain([input.len()]) {
            let end = end.clamp(start, input.len());
            let mut piece = input[start..end].to_vec();
            let mut asked = Requests::default();
            let length = telnet.take_out(&mut piece, &mut asked);
            text.extend_from_slice(&piece[..length]);
            all.push(asked);
            start = end;
        }
        (text, all)
    }

    fn text_of(input: &[u8]) -> Vec<u8> {
        read_in_pieces(input, &[]).0
    }

    #[test]
    fn commands_are_taken_out_and_iac_iac_is_the_byte_255() {
        assert_eq!(text_of(b"he\xff\xf1llo\n"), b"hello\n");
        assert_eq!(text_of(b"a\xff\xffb"), b"a\xffb");
        assert_eq!(text_of(b"a\xff\xfb\x01b\xff\xfc\x01c"), b"abc");
        assert_eq!(text_of(b"a\xff\xfa\x18\x00xterm\xff\xff\xff\xf0b"), b"ab");
    }

    #[test]
    fn a_sub_negotiation_over_512_bytes_is_dropped_up_to_its_end_or_the_next_lf() {
        for (bytes, end, text) in [
            (512, &b"\xff\xf0b\n"[..], &b"ab\n"[..]),
            (513, b"\xff\xf0b\n", b"ab\n"),
            (512, b"\nb\xff\xf0c", b"ac"),
            (513, b"\nb\xff\xf0c", b"a\nbc"),
            // IAC counts too, and what follows it is LF all the same.
            (511, b"\xff\nb\xff\xf0c", b"ac"),
            (512, b"\xff\nb\xff\xf0c", b"a\nbc"),
            (510, b"\xff\xff\nb\xff\xf0c", b"ac"),
            (511, b"\xff\xff\nb\xff\xf0c", b"a\nbc"),
        ] {
            let sent = [b"a\xff\xfa", &[b'x'].repeat(bytes)[..], end].concat();
            let (found, end) = (text_of(&sent), end.escape_ascii());
            assert_eq!(found, text, "{bytes} bytes and {end}");
        }
    }

    #[test]
    fn will_is_answered_dont_and_do_wont_once_per_option_per_read() {
        let input = b"\xff\xfb\x01\xff\xfd\x01\xff\xfb\x01\xff\xfc\x02\xff\xfe\x03";
        let (_, asked) = read_in_pieces(input, &[]);
        assert_eq!(asked[0].refusals, b"\xff\xfe\x01\xff\xfc\x01");
        let (_, asked) = read_in_pieces(input, &[3]);
        assert_eq!(asked[0].refusals, b"\xff\xfe\x01");
        assert_eq!(asked[1].refusals, b"\xff\xfc\x01\xff\xfe\x01", "each time");
    }

    #[test]
    fn do_echo_and_dont_echo_are_not_answered_while_echo_is_offered() {
        let mut telnet = Telnet::default();
        let refusals = |telnet: &mut Telnet| {
            let mut asked = Requests::default();
            let mut bytes = *b"\xff\xfd\x01\xff\xfe\x01\xff\xfd\x03\xff\xfb\x01";
            telnet.take_out(&mut bytes, &mut asked);
            asked.refusals
        };
        let (others, all) = (
            b"\xff\xfc\x03\xff\xfe\x01",
            b"\xff\xfc\x01\xff\xfc\x03\xff\xfe\x01",
        );
        assert_eq!(telnet.offer_echo(), None, "no telnet has spoken");
        assert_eq!(refusals(&mut telnet), all);
        assert_eq!(telnet.withdraw_echo(), None);
        assert_eq!(telnet.offer_echo().unwrap(), b"\xff\xfb\x01");
        assert_eq!(refusals(&mut telnet), others);
        assert_eq!(telnet.withdraw_echo().unwrap(), b"\xff\xfc\x01");
        assert_eq!(refusals(&mut telnet), all);
    }

    #[test]
    fn ctrl_c_and_are_you_there_are_noticed() {
        let (_, asked) = read_in_pieces(b"\xff\xf4\xff\xf3\xff\xf6", &[]);
        assert!(asked[0].interrupted && asked[0].are_you_there);
    }

    #[test]
    fn what_follows_end_of_file_means_nothing() {
        let mut telnet = Telnet::default();
        let mut asked = Requests::default();
        let mut bytes = *b"hello\xff\xec\xff\xf6more";
        assert_eq!(telnet.take_out(&mut bytes, &mut asked), 5);
        assert!(telnet.has_ended() && !asked.are_you_there);
        assert_eq!(telnet.take_out(&mut bytes, &mut asked), 0);
    }

    proptest! {
        #[test]
        fn the_same_text_comes_out_wherever_the_bytes_are_split(
            input in prop::collection::vec(prop_oneof![Just(IAC), 240_u8..=255, 0_u8..236, Just(b'\n')], 0..900),
            mut cuts in prop::collection::vec(0_usize..900, 0..20),
        ) {
            cuts.sort_unstable();
            prop_assert_eq!(read_in_pieces(&input, &cuts).0, text_of(&input));
        }
    }
}

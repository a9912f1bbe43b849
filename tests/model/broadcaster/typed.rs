//! What clients type to ask for something, and what their threads make of it.

use super::script::{Ask, Whom};
use super::{Run, bans};
use chatd::command::{Command, Input, interpret};
use chatd::commands::{Meaning, understand};

impl Run {
    /// As a client's thread understands what the client types.
    pub fn command(&self, ask: &Ask, text: &str) -> Command {
        let name_of = |addressee| self.chat.name_of(addressee);
        let line = match *ask {
            Ask::Nick(name) => format!("/nick {name}"),
            Ask::Me => format!("/me {text}"),
            Ask::Msg(to) => format!("/msg {} {text}", name_of(to)),
            Ask::Reply => format!("/reply {text}"),
            Ask::Ignore(other) => format!("/ignore {}", name_of(other)),
            Ask::Unignore(other) => format!("/unignore {}", name_of(other)),
            Ask::Ignored => "/ignore".to_owned(),
            Ask::Quiet => "/quiet".to_owned(),
            Ask::Away => format!("/away {text}"),
            Ask::AwaySilently => "/away".to_owned(),
            Ask::Back => "/back".to_owned(),
            Ask::History(None) => "/history".to_owned(),
            Ask::History(Some(most)) => format!("/history {most}"),
            Ask::Who => "/who".to_owned(),
            Ask::Whois(other) => format!("/whois {}", name_of(other)),
            Ask::Motd => "/motd".to_owned(),
            Ask::Kick(other) => {
                let other = self.chat.kicked(other);
                format!("/kick {} {text}", self.chat.people[other].name)
            }
            Ask::Ban(whom, time) => {
                let time = time.map_or_else(String::new, |seconds| format!(" {seconds}s"));
                format!("/ban {}{time} {text}", self.written(whom))
            }
            Ask::Unban(whom) => format!("/unban {}", self.written(whom)),
            Ask::Bans => "/bans".to_owned(),
            Ask::Mute(other) => format!("/mute {}", name_of(other)),
            Ask::Unmute(other) => format!("/unmute {}", name_of(other)),
            Ask::Erase(name, count) => format!("/erase {name} {count}"),
        };
        let Input::Command(request) = interpret(line.as_bytes()) else {
            panic!("{line} is no command");
        };
        match understand(&request) {
            Meaning::Asks(command, _) => command,
            other => panic!("{line} is {other:?}"),
        }
    }

    /// Whom a ban is about, as an operator writes it.
    fn written(&self, whom: Whom) -> String {
        match whom {
            Whom::Called(called) => self.chat.name_of(called),
            Whom::Network(network) => bans::written(network).to_owned(),
        }
    }
}

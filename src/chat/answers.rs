//! What the commands do that are about the chat as a whole.

// Each is a function of the table of commands, which hands over what it is given.
#![allow(clippy::needless_pass_by_value)]

use crate::chat::asking::Asking;
use crate::chat::facts::Fact;
use crate::chat::notices::quote;
use crate::chat::opening::{push_history, push_motd};
use crate::chat::people::Away;
use crate::clock::When;
use crate::command::Arguments;
use crate::event::ClientId;
use crate::logging::lines as log_lines;
use crate::name::Called;
use crate::units::show_duration;
use jiff::tz::TimeZone;

/// How many people an answer lists.
const LISTED_PEOPLE: usize = 100;

pub fn nick(asking: &mut Asking<'_>, arguments: Arguments) {
    let client = asking.client;
    let (Some(person), Arguments::NewName(wanted, written)) =
        (asking.hall.people.get(client), arguments)
    else {
        return;
    };
    let free = wanted.and_then(|name| {
        asking.hall.people.check_free(client, &name)?;
        Ok(name)
    });
    match free {
        Ok(name) if name == person.name => asking.say(format_args!("you are {name} already")),
        Ok(name) => {
            log_lines::renamed(person.address, person.name.as_str(), name.as_str());
            if !asking.hall.room.here().contains_key(&client) {
                let old = person.name.clone();
                asking.say(format_args!("{old} is now {name}"));
            }
            let fact = Fact::Renamed(client, name);
            asking.apply(fact);
        }
        Err(refusal) => asking.say(format_args!("{refusal}: {}", quote(&written))),
    }
}

pub fn me(asking: &mut Asking<'_>, arguments: Arguments) {
    if let Arguments::Text(action) = arguments {
        let fact = Fact::Did(asking.client, action);
        asking.apply(fact);
    }
}

pub fn who(asking: &mut Asking<'_>, arguments: Arguments) {
    let prefix = match &arguments {
        Arguments::Text(prefix) => prefix.as_str(),
        _ => "",
    };
    let here = asking.hall.room.here();
    let me = asking.hall.people.get(asking.client);
    // Who asks knows of itself, also before others do.
    let newcomer = me.filter(|_| !here.contains_key(&asking.client));
    let newcomer = newcomer.map(|me| (&asking.client, &me.name));
    let matching = here.iter().chain(newcomer);
    let mut matching = matching.filter(|(_, name)| begins_with(name.as_str(), prefix));
    let listed = matching
        .by_ref()
        .take(LISTED_PEOPLE)
        .map(|(client, _)| *client);
    let listed = listed.collect::<Vec<_>>();
    let more = matching.count();
    if listed.is_empty() {
        return asking.say(format_args!("nobody here by that name"));
    }
    asking.say(format_args!("{} here:", listed.len() + more));
    for client in listed {
        let Some(person) = asking.hall.people.get(client) else {
            continue;
        };
        let you = if client == asking.client {
            " (you)"
        } else {
            ""
        };
        let quiet = show_duration(asking.clock.since(person.heard));
        let away = if person.away == Away::No {
            ""
        } else {
            ", away"
        };
        let line = format!("{}{you}, quiet for {quiet}{away}", person.name);
        asking.say(format_args!("{line}"));
    }
    if more > 0 {
        asking.say(format_args!("and {more} more"));
    }
}

/// In any case. Nothing is allocated, because this runs for everybody who is here.
fn begins_with(name: &str, prefix: &str) -> bool {
    let mut name = name.chars().flat_map(char::to_lowercase);
    let mut prefix = prefix.chars().flat_map(char::to_lowercase);
    prefix.all(|character| name.next() == Some(character))
}

pub fn whois(asking: &mut Asking<'_>, arguments: Arguments) {
    let Arguments::Person(called) = arguments else {
        return;
    };
    let found = find_and_introduce(asking, &called);
    let Some(person) = found.and_then(|client| asking.hall.people.get(client)) else {
        return;
    };
    let clock = asking.clock;
    let about = format!(
        "{} joined at {} ({} ago), quiet for {}",
        person.name,
        When::new(person.joined.time, clock.time),
        show_duration(clock.since(person.joined.instant)),
        show_duration(clock.since(person.heard))
    );
    match person.away.clone() {
        Away::No => asking.say(format_args!("{about}")),
        Away::Silently => asking.say(format_args!("{about}, away")),
        Away::Saying(reason) => asking.say(format_args!("{about}, away: {}", quote(&reason))),
    }
}

/// Who is meant by a name, or an answer that nobody is. If others have not been told of them yet,
/// they are now: they may have the name of somebody who has left.
pub fn find_and_introduce(asking: &mut Asking<'_>, called: &Called) -> Option<ClientId> {
    let found = asking.hall.people.find(called);
    if let Some(client) = found {
        asking.apply(Fact::Mentioned(client));
    } else {
        let name = quote(&called.text);
        asking.say(format_args!("nobody here by that name: {name}"));
    }
    found
}

pub fn away(asking: &mut Asking<'_>, arguments: Arguments) {
    let away = match arguments {
        Arguments::Text(reason) => Away::Saying(reason),
        _ => Away::Silently,
    };
    set_away(asking, away);
    asking.say(format_args!("you are away"));
}

pub fn back(asking: &mut Asking<'_>, _: Arguments) {
    set_away(asking, Away::No);
    asking.say(format_args!("you are back"));
}

fn set_away(asking: &mut Asking<'_>, away: Away) {
    if let Some(person) = asking.hall.people.get_mut(asking.client) {
        person.away = away;
    }
}

pub fn history(asking: &mut Asking<'_>, arguments: Arguments) {
    let room = &asking.hall.room;
    let Some(person) = asking.hall.people.get(asking.client) else {
        return;
    };
    if room.history.most_lines() == 0 {
        return asking.say(format_args!("no history is kept"));
    }
    let count = match arguments {
        Arguments::Number(count) => count,
        _ => usize::MAX,
    };
    let entries = room.history.last(count, |author| !person.ignores(author));
    push_history(&mut asking.text, &entries, asking.clock.time);
    if asking.text.is_empty() {
        let has_history = !room.history.is_empty();
        asking.say(if has_history {
            format_args!("nothing to show")
        } else {
            format_args!("nothing has been said yet")
        });
    }
}

pub fn motd(asking: &mut Asking<'_>, _: Arguments) {
    push_motd(&mut asking.text, &asking.hall.motd);
    if asking.text.is_empty() {
        asking.say(format_args!("no message of the day"));
    }
}

pub fn time(asking: &mut Asking<'_>, _: Arguments) {
    let now = asking.clock.time.to_zoned(TimeZone::UTC);
    asking.say(format_args!("{} UTC", now.strftime("%Y-%m-%d %H:%M:%S")));
}

pub fn uptime(asking: &mut Asking<'_>, _: Arguments) {
    let up = show_duration(asking.clock.since(asking.hall.started));
    let count = asking.hall.people.count();
    asking.say(format_args!("up {up}, {count} here"));
}

pub fn version(asking: &mut Asking<'_>, _: Arguments) {
    asking.say(format_args!("chatd {}", env!("CARGO_PKG_VERSION")));
}

//! What the commands do that are about the chat as a whole.

use crate::chat::asking::Asking;
use crate::chat::facts::Fact;
use crate::chat::notices::quote;
use crate::clock::{show_day, show_time};
use crate::event::ClientId;
use crate::logging::clients as client_log;
use crate::name::{Name, Refusal};
use crate::text::{Line, Lines, push_server_line};
use crate::units::show_duration;
use jiff::tz::TimeZone;

const LISTED_PEOPLE: usize = 100;

pub fn nick(asking: &mut Asking<'_>, wanted: Result<Name, Refusal>, written: &Line) {
    let client = asking.client;
    let old = asking.me().name.clone();
    match wanted.and_then(|name| asking.chat.people.check_free(client, name)) {
        Ok(name) if name == old => asking.say(format_args!("you are {name} already")),
        Ok(name) => {
            client_log::renamed(asking.me().address, old.as_str(), name.as_str());
            if !asking.chat.room.here.contains_key(&client) {
                asking.say(format_args!("{old} is now {name}"));
            }
            asking.chat.apply(Fact::Renamed(client, name));
        }
        Err(refusal) => asking.say(format_args!("{refusal}: {}", quote(written))),
    }
}

pub fn me(asking: &mut Asking<'_>, action: &Line) {
    let mut lines = Lines::default();
    lines.push_raw(action.as_str().as_bytes());
    asking.chat.apply(Fact::Did(asking.client, lines));
}

pub fn who(asking: &mut Asking<'_>, prefix: Option<&Line>) {
    let prefix = prefix.map_or("", Line::as_str);
    let (people, here) = (&asking.chat.people, &asking.chat.room.here);
    // Who asks knows of itself, also before others do.
    let me = (&asking.client, &people[asking.client].name);
    let newcomer = Some(me).filter(|_| !here.contains_key(&asking.client));
    let all = here.iter().chain(newcomer);
    let mut matching = all.filter(|(_, name)| begins_with(name.as_str(), prefix));
    let listed = matching.by_ref().take(LISTED_PEOPLE).collect::<Vec<_>>();
    let more = matching.count();
    if listed.is_empty() {
        return asking.say(format_args!("nobody here by that name"));
    }
    let text = &mut asking.text;
    push_server_line(text, format_args!("{} here:", listed.len() + more));
    for (&client, name) in listed {
        let person = &people[client];
        let is_me = client == asking.client;
        let you = if is_me { " (you)" } else { "" };
        let quiet = show_duration(asking.chat.clock().since(person.last_heard));
        let away = if person.away.is_some() { ", away" } else { "" };
        push_server_line(text, format_args!("{name}{you}, quiet for {quiet}{away}"));
    }
    if more > 0 {
        push_server_line(text, format_args!("and {more} more"));
    }
}

/// In any case. Nothing is allocated, because this runs for everybody who is here.
fn begins_with(name: &str, prefix: &str) -> bool {
    let mut name = name.chars().flat_map(char::to_lowercase);
    let mut prefix = prefix.chars().flat_map(char::to_lowercase);
    prefix.all(|character| name.next() == Some(character))
}

pub fn whois(asking: &mut Asking<'_>, other: ClientId) {
    let clock = asking.chat.clock();
    let person = &asking.chat.people[other];
    let name = person.name.clone();
    let joined = show_time(person.joined.time);
    let joined = joined.trim_start_matches(&show_day(clock.time));
    let ago = show_duration(clock.since(person.joined.instant));
    let quiet = show_duration(clock.since(person.last_heard));
    let away = person.away.as_ref();
    let away = away.map(|away| format!(", {away}")).unwrap_or_default();
    asking.say(format_args!(
        "{name} joined at {joined} ({ago} ago), quiet for {quiet}{away}"
    ));
}

pub fn away(asking: &mut Asking<'_>, reason: Option<&Line>) {
    asking.me().away = Some(match reason {
        Some(reason) => format!("away: {}", quote(reason)),
        None => "away".to_owned(),
    });
    asking.say(format_args!("you are away"));
}

pub fn back(asking: &mut Asking<'_>) {
    asking.me().away = None;
    asking.say(format_args!("you are back"));
}

pub fn history(asking: &mut Asking<'_>, count: Option<usize>) {
    let history = &asking.chat.room.history;
    let ignored = &asking.chat.people[asking.client].ignored;
    let (count, now) = (count.unwrap_or(usize::MAX), asking.chat.clock().time);
    history.push_last(&mut asking.text, count, now, |author| {
        !ignored.contains(&author)
    });
    if asking.text.is_empty() {
        asking.say(match (history.most_lines, history.version) {
            (0, _) => format_args!("no history is kept"),
            (_, 0) => format_args!("nothing has been said yet"),
            _ => format_args!("nothing to show"),
        });
    }
}

pub fn motd(asking: &mut Asking<'_>) {
    asking.text = asking.chat.motd.clone();
    if asking.text.is_empty() {
        asking.say(format_args!("no message of the day"));
    }
}

pub fn time(asking: &mut Asking<'_>) {
    let now = asking.chat.clock().time.to_zoned(TimeZone::UTC);
    asking.say(format_args!("{} UTC", now.strftime("%Y-%m-%d %H:%M:%S")));
}

pub fn uptime(asking: &mut Asking<'_>) {
    let up = show_duration(asking.chat.clock().since(asking.chat.started));
    let here = &asking.chat.room.here;
    // Who asks knows of itself, also before others do.
    let count = here.len() + usize::from(!here.contains_key(&asking.client));
    asking.say(format_args!("up {up}, {count} here"));
}

pub fn version(asking: &mut Asking<'_>) {
    asking.say(format_args!("chatd {}", env!("CARGO_PKG_VERSION")));
}

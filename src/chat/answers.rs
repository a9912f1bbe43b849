//! What each command does and what its user reads.

use crate::chat::gathering::join_names;
use crate::chat::history::Entry;
use crate::chat::names::Name;
use crate::chat::{Away, Room, quote};
use crate::clock::{Clock, When};
use crate::command::{Command, HELP};
use crate::delivery::Delivery;
use crate::delivery::filter::Hidden;
use crate::event::ClientId;
use crate::text::Line;
use crate::units::show_duration;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::fmt;
use std::io::Write;
use std::time::Instant;

/// How many people an answer lists.
const LISTED_PEOPLE: usize = 100;

/// Appends a line of the server.
pub fn line(text: &mut Vec<u8>, content: fmt::Arguments<'_>) {
    // Writing to a Vec cannot fail.
    let _ = writeln!(text, "-- {content}");
}

/// Appends the message of the day.
pub fn motd(motd: &[String], text: &mut Vec<u8>) {
    for content in motd {
        line(text, format_args!("{content}"));
    }
}

/// Appends lines of the history, and what they are, unless there are none.
pub fn history(entries: &[&Entry], now: Timestamp, text: &mut Vec<u8>) {
    if entries.is_empty() {
        return;
    }
    // Always in this form, which a script can look for.
    line(
        text,
        format_args!("the last {} lines, times in UTC:", entries.len()),
    );
    for entry in entries {
        entry.write_to(now, text);
        text.push(b'\n');
    }
}

/// Does what `client` asks for.
pub fn answer(
    room: &mut Room,
    client: ClientId,
    command: Command,
    clock: Clock,
    delivery: &mut Delivery,
) {
    let mut text = Vec::new();
    match command {
        Command::Help => help(&mut text),
        Command::Nick(name) => nick(room, client, &name, delivery, &mut text),
        Command::Who(prefix) => who(room, client, prefix.as_deref(), clock.instant, &mut text),
        Command::Whois(name) => whois(room, &name, clock, delivery, &mut text),
        Command::Me(action) => room.act(client, &action, clock, delivery),
        Command::Msg(name, message) => {
            if let Some(to) = find(room, &name, delivery, &mut text) {
                write_privately(room, client, to, &message, delivery);
            }
        }
        Command::Reply(message) => reply(room, client, &message, delivery, &mut text),
        Command::Away(reason) => {
            set_away(room, client, reason.map_or(Away::Silently, Away::Saying));
            line(&mut text, format_args!("you are away"));
        }
        Command::Back => {
            set_away(room, client, Away::No);
            line(&mut text, format_args!("you are back"));
        }
        Command::Ignore(name) => ignore(room, client, &name, delivery, &mut text),
        Command::Ignored => ignored(room, client, delivery, &mut text),
        Command::Unignore(name) => unignore(room, client, &name, delivery, &mut text),
        Command::Quiet => quiet(client, delivery, &mut text),
        Command::History(count) => show_history(room, client, count, clock, delivery, &mut text),
        Command::Motd if room.motd.is_empty() => {
            line(&mut text, format_args!("no message of the day"))
        }
        Command::Motd => motd(&room.motd, &mut text),
        Command::Time => {
            let now = clock.time.to_zoned(TimeZone::UTC);
            line(
                &mut text,
                format_args!("{} UTC", now.strftime("%Y-%m-%d %H:%M:%S")),
            );
        }
        Command::Uptime => {
            let up = show_duration(clock.instant.saturating_duration_since(room.started));
            line(
                &mut text,
                format_args!("up {up}, {} here", room.people.len()),
            );
        }
        Command::Version => line(
            &mut text,
            format_args!("chatd {}", env!("CARGO_PKG_VERSION")),
        ),
        Command::Unknown(word) => {
            line(
                &mut text,
                format_args!("no such command, /help lists them: \"{}\"", quote(&word)),
            );
        }
        Command::Misused(usage) => line(&mut text, format_args!("usage: {usage}")),
        // The client's thread takes this for the client's end, and sends no such command.
        Command::Quit(_) => {}
    }
    if !text.is_empty() {
        delivery.tell(client, &text);
    }
}

fn help(text: &mut Vec<u8>) {
    let width = HELP
        .iter()
        .map(|(usage, _)| usage.len())
        .max()
        .unwrap_or_default();
    for (usage, meaning) in HELP {
        line(text, format_args!("{usage:width$}  {meaning}"));
    }
}

fn nick(
    room: &mut Room,
    client: ClientId,
    wanted: &str,
    delivery: &mut Delivery,
    text: &mut Vec<u8>,
) {
    let Some(person) = room.people.get(&client) else {
        return;
    };
    let renamed = Name::parse(wanted).and_then(|name| {
        room.names.rename(client, &person.name, &name)?;
        Ok(name)
    });
    match renamed {
        Ok(name) if name == person.name => line(text, format_args!("you are {name} already")),
        Ok(name) => room.rename(client, name, delivery),
        Err(refusal) => line(
            text,
            format_args!("{refusal}: \"{}\"", quote(&Line::new(wanted))),
        ),
    }
}

fn who(room: &Room, client: ClientId, prefix: Option<&str>, now: Instant, text: &mut Vec<u8>) {
    let prefix = prefix.unwrap_or_default();
    let is_shown = |other: ClientId| other == client || !room.gathering.is_unannounced(other);
    let mut people = room
        .people
        .iter()
        .filter(|(other, person)| is_shown(**other) && begins_with(person.name.as_str(), prefix));
    let count = people.clone().count();
    if count == 0 {
        return line(text, format_args!("nobody here by that name"));
    }
    line(text, format_args!("{count} here:"));
    for (other, person) in people.by_ref().take(LISTED_PEOPLE) {
        let you = if *other == client { " (you)" } else { "" };
        let quiet = show_duration(now.saturating_duration_since(person.heard));
        let away = if person.away == Away::No {
            ""
        } else {
            ", away"
        };
        line(
            text,
            format_args!("{}{you}, quiet for {quiet}{away}", person.name),
        );
    }
    if count > LISTED_PEOPLE {
        line(text, format_args!("and {} more", count - LISTED_PEOPLE));
    }
}

/// In any case. Nothing is allocated, because this runs for everybody who is here.
fn begins_with(name: &str, prefix: &str) -> bool {
    let mut name = name.chars().flat_map(char::to_lowercase);
    let mut prefix = prefix.chars().flat_map(char::to_lowercase);
    prefix.all(|character| name.next() == Some(character))
}

fn whois(room: &mut Room, name: &str, clock: Clock, delivery: &mut Delivery, text: &mut Vec<u8>) {
    let Some(person) = find(room, name, delivery, text).and_then(|client| room.people.get(&client))
    else {
        return;
    };
    let since = |instant| show_duration(clock.instant.saturating_duration_since(instant));
    let about = format!(
        "{} joined at {} ({} ago), quiet for {}",
        person.name,
        When::new(person.joined.time, clock.time),
        since(person.joined.instant),
        since(person.heard)
    );
    match &person.away {
        Away::No => line(text, format_args!("{about}")),
        Away::Silently => line(text, format_args!("{about}, away")),
        Away::Saying(reason) => line(text, format_args!("{about}, away: \"{}\"", quote(reason))),
    }
}

/// Who is meant by a name. If nobody has been told of them yet, everybody is now: they may have the
/// name of somebody who has left.
fn find(
    room: &mut Room,
    name: &str,
    delivery: &mut Delivery,
    text: &mut Vec<u8>,
) -> Option<ClientId> {
    let found = room.names.find(name);
    if let Some(client) = found {
        room.announce(client, delivery);
    } else {
        let name = quote(&Line::new(name));
        line(text, format_args!("nobody here by that name: \"{name}\""));
    }
    found
}

/// Writes to `to`, unless they ignore the author, who is not told.
fn write_privately(
    room: &mut Room,
    from: ClientId,
    to: ClientId,
    message: &Line,
    delivery: &mut Delivery,
) {
    room.announce(from, delivery);
    let is_far_behind = delivery.is_far_behind(to);
    let [Some(author), Some(reader)] = [from, to].map(|client| room.people.get(&client)) else {
        return;
    };
    let author_name = author.name.clone();
    if is_far_behind {
        // Else anyone could have anyone let go, by writing to them faster than their line is.
        let mut refusal = Vec::new();
        let reader = &reader.name;
        line(
            &mut refusal,
            format_args!("{reader} is too far behind, nothing was sent"),
        );
        return delivery.tell(from, &refusal);
    }
    let mut sent = format!("[you -> {}] {}\n", reader.name, message.as_str()).into_bytes();
    match &reader.away {
        Away::No => {}
        Away::Silently => line(&mut sent, format_args!("{} is away", reader.name)),
        Away::Saying(reason) => line(
            &mut sent,
            format_args!("{} is away: \"{}\"", reader.name, quote(reason)),
        ),
    }
    delivery.tell(from, &sent);
    if delivery.hides(to, Hidden::Author(from)) {
        return;
    }
    let received = format!("[{author_name} -> you] {}\n", message.as_str());
    delivery.tell(to, received.as_bytes());
    if let Some(reader) = room.people.get_mut(&to) {
        reader.correspondent = Some((from, author_name));
    }
}

fn reply(
    room: &mut Room,
    client: ClientId,
    message: &Line,
    delivery: &mut Delivery,
    text: &mut Vec<u8>,
) {
    let correspondent = room
        .people
        .get(&client)
        .and_then(|person| person.correspondent.clone());
    match correspondent {
        None => line(text, format_args!("nobody has written to you yet")),
        Some((to, _)) if room.people.contains_key(&to) => {
            write_privately(room, client, to, message, delivery)
        }
        Some((_, name)) => line(text, format_args!("{name} has left, nothing was sent")),
    }
}

fn set_away(room: &mut Room, client: ClientId, away: Away) {
    if let Some(person) = room.people.get_mut(&client) {
        person.away = away;
    }
}

fn ignore(
    room: &mut Room,
    client: ClientId,
    name: &str,
    delivery: &mut Delivery,
    text: &mut Vec<u8>,
) {
    let Some(other) = find(room, name, delivery, text) else {
        return;
    };
    if other == client {
        return line(text, format_args!("you cannot ignore yourself"));
    }
    // The list is never longer than the room: those who have left since are taken off it.
    let ignored = delivery.ignored(client).into_iter();
    for gone in ignored.filter(|ignored| !room.people.contains_key(ignored)) {
        delivery.show(client, Hidden::Author(gone));
    }
    delivery.hide(client, Hidden::Author(other));
    let name = &room.people[&other].name;
    line(text, format_args!("you ignore {name} now"));
}

fn ignored(room: &Room, client: ClientId, delivery: &Delivery, text: &mut Vec<u8>) {
    let ignored = delivery.ignored(client);
    let people = ignored.iter().filter_map(|other| room.people.get(other));
    let names = people.map(|person| &person.name).collect::<Vec<_>>();
    if names.is_empty() {
        line(text, format_args!("you ignore nobody"));
    } else {
        let names = join_names(names.iter().copied(), names.len(), LISTED_PEOPLE);
        line(text, format_args!("you ignore: {names}"));
    }
}

fn unignore(
    room: &mut Room,
    client: ClientId,
    name: &str,
    delivery: &mut Delivery,
    text: &mut Vec<u8>,
) {
    let Some(other) = find(room, name, delivery, text) else {
        return;
    };
    let name = &room.people[&other].name;
    if delivery.show(client, Hidden::Author(other)) {
        line(text, format_args!("you no longer ignore {name}"));
    } else {
        line(text, format_args!("you do not ignore {name}"));
    }
}

fn quiet(client: ClientId, delivery: &mut Delivery, text: &mut Vec<u8>) {
    if delivery.show(client, Hidden::Presence) {
        line(text, format_args!("joins and departures are shown again"));
    } else {
        delivery.hide(client, Hidden::Presence);
        line(text, format_args!("joins and departures are hidden now"));
    }
}

fn show_history(
    room: &Room,
    client: ClientId,
    count: Option<usize>,
    clock: Clock,
    delivery: &Delivery,
    text: &mut Vec<u8>,
) {
    if room.history.most_lines() == 0 {
        return line(text, format_args!("no history is kept"));
    }
    let is_shown = |author| !delivery.hides(client, Hidden::Author(author));
    let entries = room.history.last(count.unwrap_or(usize::MAX), is_shown);
    if room.history.is_empty() {
        line(text, format_args!("nothing has been said yet"));
    } else if entries.is_empty() {
        line(text, format_args!("nothing to show"));
    }
    history(&entries, clock.time, text);
}

//! What the commands do that are about the chat as a whole.

use crate::chat::asking::Asking;
use crate::chat::commands::Who;
use crate::chat::facts::Fact;
use crate::chat::notices::quote;
use crate::clock::{show_day, show_time};
use crate::event::ClientId;
use crate::name::{Name, Refusal};
use crate::text::{Line, Lines};
use crate::units::show_duration;
use jiff::tz::TimeZone;

/// How many names `/who` lists, on lines of how many columns.
const LISTED_PEOPLE: usize = 200;
const COLUMNS: usize = 78;

pub fn nick(asking: &mut Asking<'_>, wanted: Result<Name, Refusal>, written: &Line) {
    let client = asking.client;
    let old = asking.me().name.clone();
    match wanted.and_then(|name| asking.chat.people.check_free(client, name)) {
        Ok(name) if name == old => asking.say(format_args!("you are {name} already")),
        Ok(name) => asking.chat.rename(client, name),
        Err(refusal) => asking.say(format_args!("{refusal}: {}", quote(written))),
    }
}

pub fn me(asking: &mut Asking<'_>, action: &Line) {
    let mut lines = Lines::default();
    lines.push_raw(action.as_str().as_bytes());
    asking.chat.apply(Fact::Did(asking.client, lines));
}

pub fn who(asking: &mut Asking<'_>, prefix: Option<&Line>) {
    let count = asking.count_here();
    let prefix = prefix.map_or("", Line::as_str);
    let (people, here) = (&asking.chat.people, &asking.chat.room.here);
    let me = (&asking.client, &people[asking.client].name);
    let newcomer = Some(me).filter(|_| !here.contains_key(&asking.client));
    let all = here.iter().chain(newcomer);
    let mut matching = all.filter(|(_, name)| begins_with(name.letters(), prefix));
    let listed = matching.by_ref().take(LISTED_PEOPLE).map(|(client, name)| {
        let away = people[*client].away.as_ref().map_or("", |_| " (away)");
        let you = if *client == asking.client {
            " (you)"
        } else {
            ""
        };
        let mark = people[*client].title.mark;
        format!("{mark}{name}{you}{away}")
    });
    let listed = listed.collect::<Vec<_>>();
    let more = matching.count();
    let found = listed.len() + more;
    if prefix.is_empty() {
        asking.say(format_args!("{count} here:"));
    } else {
        let prefix = quote(&Line::new(prefix));
        asking.say(format_args!("{found} of {count} here begin with {prefix}"));
    }
    for line in fill_lines(&listed) {
        asking.say(format_args!("{line}"));
    }
    if more > 0 {
        asking.say(format_args!("and {more} more"));
    }
}

/// The items with commas between them, on lines that fit behind `-- `.
fn fill_lines(items: &[String]) -> Vec<String> {
    let mut lines = Vec::<String>::new();
    for item in items {
        match lines.last_mut() {
            Some(line) if columns(line) + columns(item) + ", ,-- ".len() <= COLUMNS => {
                line.push_str(", ");
                line.push_str(item);
            }
            _ => {
                if let Some(line) = lines.last_mut() {
                    line.push(',');
                }
                lines.push(item.clone());
            }
        }
    }
    lines
}

/// How many columns of a terminal names take at most: letters of East Asia are two wide.
fn columns(text: &str) -> usize {
    text.chars()
        .map(|c| if c < '\u{1100}' { 1 } else { 2 })
        .sum()
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
    let (name, words) = (person.name.clone(), person.title.words);
    let joined = show_time(person.joined.time);
    let joined = joined.trim_start_matches(&show_day(clock.time));
    let ago = show_duration(clock.since(person.joined.instant));
    let idle = show_duration(clock.since(person.last_heard));
    let away = person.away.as_ref();
    let away = away.map(|away| format!(", {away}")).unwrap_or_default();
    let address = match asking.may {
        Who::Operators => format!(", from {}", person.address),
        _ => String::new(),
    };
    asking.say(format_args!(
        "{name}{words} joined at {joined} ({ago} ago), idle for {idle}{address}{away}"
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
    let (count, now) = (count.unwrap_or(history.shown), asking.chat.clock().time);
    history.push_last(&mut asking.text, count, now, |author| {
        !ignored.contains(&author)
    });
    if asking.text.is_empty() {
        asking.say(match (history.shown, history.version) {
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
    let count = asking.count_here();
    asking.say(format_args!("up {up}, {count} here"));
}

pub fn version(asking: &mut Asking<'_>) {
    asking.say(format_args!("chatd {}", env!("CARGO_PKG_VERSION")));
}

pub fn only_room(asking: &mut Asking<'_>, _: Option<&Line>) {
    asking.say(format_args!("there is one room here"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fill_lines_of_78_columns() {
        let names = (0..30).map(|n| format!("name{n:0>12}")).collect::<Vec<_>>();
        let lines = fill_lines(&names);
        assert_eq!(lines.join(" "), names.join(", "));
        assert!(lines.iter().all(|line| line.len() <= 75), "{lines:?}");
        let exact = ["x".repeat(36), "y".repeat(36), "z".to_owned()];
        assert_eq!(fill_lines(&exact).len(), 2, "75 with the comma");
        assert_eq!(
            fill_lines(&["愛".repeat(18), "愛".repeat(18), "z".to_owned()]).len(),
            2
        );
        assert!(fill_lines(&[]).is_empty());
    }
}

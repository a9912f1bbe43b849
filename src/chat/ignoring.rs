//! What somebody does not want to read.
//!
//! Whom they ignore is a matter of the people; what is not sent to them is one of the delivery.

use crate::chat::asking::Asking;
use crate::chat::notices::join_names;
use crate::delivery::filter::Hidden;
use crate::event::ClientId;

/// How many people one may ignore. Those who have left do not count.
const MOST_IGNORED: usize = 100;

pub fn ignore(asking: &mut Asking<'_>, other: Option<ClientId>) {
    let client = asking.client;
    let Some(other) = other else {
        return list(asking);
    };
    if other == client {
        return asking.say(format_args!("you cannot ignore yourself"));
    }
    let people = &asking.chat.people;
    let ignored = people[client].ignored.iter().copied();
    let gone = ignored.filter(|other| people.get(*other).is_none());
    for gone in gone.collect::<Vec<_>>() {
        stop_ignoring(asking, gone);
    }
    let ignored = &asking.me().ignored;
    if ignored.len() >= MOST_IGNORED && !ignored.contains(&other) {
        asking.say(format_args!("you ignore as many as you may"));
    } else {
        asking.me().ignored.insert(other);
        let delivery = &mut asking.chat.room.delivery;
        delivery.hide(client, Hidden::Author(other));
        let name = asking.chat.people[other].name.clone();
        asking.say(format_args!("you ignore {name} now"));
    }
}

pub fn unignore(asking: &mut Asking<'_>, other: ClientId) {
    let was_ignored = stop_ignoring(asking, other);
    let name = asking.chat.people[other].name.clone();
    if was_ignored {
        asking.say(format_args!("you no longer ignore {name}"));
    } else {
        asking.say(format_args!("you do not ignore {name}"));
    }
}

/// Returns whether they were ignored.
fn stop_ignoring(asking: &mut Asking<'_>, other: ClientId) -> bool {
    let delivery = &mut asking.chat.room.delivery;
    delivery.show(asking.client, Hidden::Author(other));
    asking.me().ignored.remove(&other)
}

fn list(asking: &mut Asking<'_>) {
    let people = &asking.chat.people;
    let ignored = people[asking.client].ignored.iter();
    let here = ignored.filter_map(|other| people.get(*other));
    let names = here.map(|person| &person.name).collect::<Vec<_>>();
    if names.is_empty() {
        asking.say(format_args!("you ignore nobody"));
    } else {
        let names = join_names(names.into_iter(), usize::MAX);
        asking.say(format_args!("you ignore: {names}"));
    }
}

pub fn quiet(asking: &mut Asking<'_>) {
    let is_quiet = !asking.me().is_quiet;
    asking.me().is_quiet = is_quiet;
    let delivery = &mut asking.chat.room.delivery;
    if is_quiet {
        delivery.hide(asking.client, Hidden::Presence);
        asking.say(format_args!("joins and departures are hidden now"));
    } else {
        delivery.show(asking.client, Hidden::Presence);
        asking.say(format_args!("joins and departures are shown again"));
    }
}

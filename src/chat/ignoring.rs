//! What somebody does not want to read.
//!
//! Whom they ignore is a matter of the people; from which line on is one of the delivery.

use crate::chat::answers::find_and_introduce;
use crate::chat::asking::Asking;
use crate::chat::notices::join_names;
use crate::chat::people::Person;
use crate::command::Arguments;
use crate::delivery::filter::Hidden;
use crate::event::ClientId;

pub fn ignore(asking: &mut Asking<'_>, arguments: Arguments) {
    let Arguments::Person(called) = arguments else {
        return list(asking);
    };
    let Some(other) = find_and_introduce(asking, &called) else {
        return;
    };
    if other == asking.client {
        return asking.say(format_args!("you cannot ignore yourself"));
    }
    let at = asking.hall.now();
    for gone in asking.hall.people.forget_gone(asking.client) {
        asking
            .delivery
            .show(asking.client, Hidden::Author(gone), at);
    }
    if !asking.hall.people.may_ignore(asking.client, other) {
        return asking.say(format_args!("you ignore as many as you may"));
    }
    if !hide(asking, Hidden::Author(other)) {
        return;
    }
    asking.hall.people.ignore(asking.client, other);
    say_of(asking, other, "you ignore", " now");
}

pub fn unignore(asking: &mut Asking<'_>, arguments: Arguments) {
    let Arguments::Person(called) = arguments else {
        return;
    };
    let Some(other) = find_and_introduce(asking, &called) else {
        return;
    };
    let at = asking.hall.now();
    asking
        .delivery
        .show(asking.client, Hidden::Author(other), at);
    if asking.hall.people.unignore(asking.client, other) {
        say_of(asking, other, "you no longer ignore", "");
    } else {
        say_of(asking, other, "you do not ignore", "");
    }
}

fn say_of(asking: &mut Asking<'_>, other: ClientId, before: &str, after: &str) {
    if let Some(person) = asking.hall.people.get(other) {
        let name = person.name.clone();
        asking.say(format_args!("{before} {name}{after}"));
    }
}

fn list(asking: &mut Asking<'_>) {
    let people = &asking.hall.people;
    let ignored = people.get(asking.client).map(Person::ignored);
    let ignored = ignored.unwrap_or_default();
    let people = ignored.iter().filter_map(|other| people.get(*other));
    let names = people.map(|person| &person.name).collect::<Vec<_>>();
    if names.is_empty() {
        asking.say(format_args!("you ignore nobody"));
    } else {
        let names = join_names(names.iter().copied(), names.len(), names.len());
        asking.say(format_args!("you ignore: {names}"));
    }
}

/// Hides something from here on, or answers that it cannot.
fn hide(asking: &mut Asking<'_>, what: Hidden) -> bool {
    let at = asking.hall.now();
    let is_hidden = asking.delivery.hide(asking.client, what, at);
    if !is_hidden {
        asking.say(format_args!(
            "you are too far behind: read on, then try again"
        ));
    }
    is_hidden
}

pub fn quiet(asking: &mut Asking<'_>, _: Arguments) {
    let client = asking.client;
    let is_quiet = asking
        .hall
        .people
        .get(client)
        .is_some_and(|person| person.is_quiet);
    if is_quiet {
        let at = asking.hall.now();
        asking.delivery.show(client, Hidden::Presence, at);
        asking.say(format_args!("joins and departures are shown again"));
    } else if hide(asking, Hidden::Presence) {
        asking.say(format_args!("joins and departures are hidden now"));
    } else {
        return;
    }
    if let Some(person) = asking.hall.people.get_mut(client) {
        person.is_quiet = !is_quiet;
    }
}

//! Private messages.

use crate::chat::asking::Asking;
use crate::chat::facts::Fact;
use crate::event::{Answer, ClientId};
use crate::text::Line;
use std::sync::Arc;

pub fn reply(asking: &mut Asking<'_>, message: &Line) {
    match asking.me().correspondent.clone() {
        None => asking.say(format_args!("nobody has written to you yet")),
        Some((to, last_name)) => match last_name.get() {
            None => msg(asking, to, message),
            Some(name) => asking.say(format_args!("{name} has left, nothing was sent")),
        },
    }
}

/// Writes to `to`, unless they ignore the author, who is not told.
pub fn msg(asking: &mut Asking<'_>, to: ClientId, message: &Line) {
    let from = asking.client;
    asking.chat.apply(Fact::Mentioned(from));
    let me = asking.me();
    let (author, last_name) = (me.name.clone(), Arc::clone(&me.last_name));
    let reader = &asking.chat.people[to];
    let (name, away) = (reader.name.clone(), reader.away.clone());
    let is_ignored = reader.ignored.contains(&from);
    if asking.chat.room.delivery.is_far_behind(to) {
        // Else anyone could have anyone let go, by writing to them faster than their line is.
        return asking.say(format_args!("{name} is too far behind, nothing was sent"));
    }
    let message = message.as_str();
    asking.text = format!("[you -> {name}] {message}\n").into_bytes();
    if let Some(away) = away {
        asking.say(format_args!("{name} is {away}"));
    }
    asking.send();
    if !is_ignored {
        let received = format!("[{author} -> you] {message}\n").into_bytes();
        asking.chat.room.delivery.tell(to, Answer::Lines(received));
        asking.chat.people[to].correspondent = Some((from, last_name));
    }
}

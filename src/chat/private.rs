//! Private messages.

use crate::chat::answers::find_and_introduce;
use crate::chat::asking::Asking;
use crate::chat::facts::Fact;
use crate::chat::notices::quote;
use crate::chat::people::Away;
use crate::command::Arguments;
use crate::event::{Answer, ClientId};
use crate::text::{Line, push_server_line};

pub fn msg(asking: &mut Asking<'_>, arguments: Arguments) {
    if let Arguments::Message(called, message) = arguments
        && let Some(to) = find_and_introduce(asking, &called)
    {
        send_privately(asking, to, &message);
    }
}

pub fn reply(asking: &mut Asking<'_>, arguments: Arguments) {
    let Arguments::Text(message) = arguments else {
        return;
    };
    let person = asking.hall.people.get(asking.client);
    match person.and_then(|person| person.correspondent.clone()) {
        None => asking.say(format_args!("nobody has written to you yet")),
        Some((to, _)) if asking.hall.people.get(to).is_some() => {
            send_privately(asking, to, &message)
        }
        Some((_, name)) => asking.say(format_args!("{name} has left, nothing was sent")),
    }
}

/// Writes to `to`, unless they ignore the author, who is not told.
fn send_privately(asking: &mut Asking<'_>, to: ClientId, message: &Line) {
    let from = asking.client;
    asking.apply(Fact::Mentioned(from));
    let people = &asking.hall.people;
    let [Some(author), Some(reader)] = [from, to].map(|client| people.get(client)) else {
        return;
    };
    let (author, reader_name) = (author.name.clone(), reader.name.clone());
    if asking.delivery.is_far_behind(to) {
        // Else anyone could have anyone let go, by writing to them faster than their line is.
        return asking.say(format_args!(
            "{reader_name} is too far behind, nothing was sent"
        ));
    }
    let message = message.as_str();
    let mut sent = format!("[you -> {reader_name}] {message}\n").into_bytes();
    match &reader.away {
        Away::No => {}
        Away::Silently => push_server_line(&mut sent, format_args!("{reader_name} is away")),
        Away::Saying(reason) => {
            let reason = quote(reason);
            push_server_line(&mut sent, format_args!("{reader_name} is away: {reason}"));
        }
    }
    let is_ignored = reader.ignores(from);
    let at = asking.hall.now();
    asking.delivery.tell(from, at, Answer::Lines(sent));
    if is_ignored {
        return;
    }
    let received = format!("[{author} -> you] {message}\n").into_bytes();
    asking.delivery.tell(to, at, Answer::Lines(received));
    if let Some(reader) = asking.hall.people.get_mut(to) {
        reader.correspondent = Some((from, author));
    }
}

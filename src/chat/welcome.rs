//! What a newcomer reads.

use crate::chat::hall::Hall;
use crate::chat::notices::join_names;
use crate::clock::Clock;
use crate::event::Answer;
use crate::name::Name;
use crate::text::push_server_line;

/// How many names a newcomer is shown.
const WELCOME_NAMES: usize = 20;

/// The welcome for somebody who is called `name` and whom nobody knows yet.
pub fn welcome(hall: &mut Hall, name: &Name, clock: Clock) -> [Answer; 2] {
    let history = &hall.room.history;
    let opening = hall.opening.text(&hall.motd, history, clock.time);
    let mut text = Vec::new();
    push_server_line(&mut text, format_args!("welcome to chatd, you are {name}"));
    let here = hall.room.here();
    match here.len() {
        0 => push_server_line(&mut text, format_args!("nobody else is here")),
        count => {
            let names = join_names(here.values(), count, WELCOME_NAMES);
            push_server_line(&mut text, format_args!("here: {names}"));
        }
    }
    push_server_line(
        &mut text,
        format_args!("/nick NAME picks a name, /help lists the commands"),
    );
    [Answer::SharedLines(opening), Answer::Lines(text)]
}

//! What the chat does about what is kept: it forgets what was erased, and tells who searches whom
//! they ignore.

use crate::chat::state::Chat;
use crate::data::Change;
use crate::event::ClientId;
use crate::name::{Name, without_lrm};

/// Takes notice of what another program has changed.
pub fn apply(chat: &mut Chat, change: &Change) {
    match change {
        Change::Erased(erasure) => chat.room.history.erase(|time, line| {
            author(line).is_some_and(|name| erasure.is_about(name, time.as_millisecond()))
        }),
    }
}

/// The letters of the name that stands before a line: `<alice> `, `* alice `. No name has a blank in
/// it.
fn author(line: &[u8]) -> Option<&str> {
    let text = str::from_utf8(line).ok()?;
    let name = match text.strip_prefix("* ") {
        Some(rest) => rest.split_once(' ')?.0,
        None => text.strip_prefix('<')?.split_once("> ")?.0,
    };
    Some(without_lrm(name))
}

/// The names that those have now whom a client ignores.
pub fn names_ignored_by(chat: &Chat, client: ClientId) -> Vec<Name> {
    let ignored = chat.people[client].ignored.iter();
    let here = ignored.filter_map(|other| chat.people.get(*other));
    here.map(|person| person.name.clone()).collect()
}

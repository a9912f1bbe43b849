//! What the chat tells who searches what is kept: whom they ignore.

use crate::chat::state::Chat;
use crate::event::ClientId;
use crate::name::Name;

/// The names that those have now whom a client ignores.
pub fn names_ignored_by(chat: &Chat, client: ClientId) -> Vec<Name> {
    let ignored = chat.people[client].ignored.iter();
    let here = ignored.filter_map(|other| chat.people.get(*other));
    here.map(|person| person.name.clone()).collect()
}

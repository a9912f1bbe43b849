//! Who is on the server, what they are called, and whom they ignore.

use crate::address::Address;
use crate::chat::facts::Fact;
use crate::clock::Clock;
use crate::event::ClientId;
use crate::name::{Name, Refusal, TAKEN};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::mem;
use std::ops::{Index, IndexMut};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

pub struct Person {
    pub name: Name,
    /// What they are on a server with accounts.
    pub title: Title,
    pub address: Address,
    pub joined: Clock,
    /// When they last sent a line, and how many lines had been said in the room before that.
    pub last_heard: Instant,
    pub said_before: u64,
    /// That they are away, and why, as others are told it.
    pub away: Option<String>,
    /// What they were called when they left.
    pub last_name: Arc<OnceLock<Name>>,
    /// Who last wrote to them privately, and what those are called once they have left.
    pub correspondent: Option<(ClientId, Arc<OnceLock<Name>>)>,
    /// Whom they ignore; some may have left since.
    pub ignored: BTreeSet<ClientId>,
    /// They do not read who comes and goes.
    pub is_quiet: bool,
}

/// What others read beside a name: nothing for guests.
#[derive(Debug, Clone, Copy, Default)]
pub struct Title {
    /// Before it, in `/who`.
    pub mark: &'static str,
    /// Behind it, in `/whois`.
    pub words: &'static str,
}

/// Everybody on the server. Whoever says or asks something can be indexed, since nothing comes from
/// a client after its departure, and so can whoever was just found.
#[derive(Default)]
pub struct People {
    people: BTreeMap<ClientId, Person>,
    /// Who has the name that looks so.
    by_look: HashMap<Box<str>, ClientId>,
}

impl Index<ClientId> for People {
    type Output = Person;

    fn index(&self, client: ClientId) -> &Person {
        &self.people[&client]
    }
}

impl IndexMut<ClientId> for People {
    fn index_mut(&mut self, client: ClientId) -> &mut Person {
        match self.people.get_mut(&client) {
            Some(person) => person,
            None => panic!("{client:?} is not here"),
        }
    }
}

impl People {
    /// What a newcomer is called: by its login name if that is free. Otherwise it is a guest, and has its
    /// number: nobody else can have that name.
    pub fn free_or_guest(&self, client: ClientId, login_name: Option<Name>) -> Name {
        let free = login_name.and_then(|name| self.check_free(client, name).ok());
        free.unwrap_or_else(|| Name::guest(client.0))
    }

    /// Adds a newcomer of this name, which nobody else has, who came then.
    pub fn admit(&mut self, client: ClientId, name: Name, address: Address, came: Clock) {
        self.register(client, &name);
        let person = Person {
            name,
            title: Title::default(),
            address,
            joined: came,
            last_heard: came.instant,
            said_before: 0,
            away: None,
            last_name: Arc::default(),
            correspondent: None,
            ignored: BTreeSet::new(),
            is_quiet: false,
        };
        self.people.insert(client, person);
    }

    pub fn apply(&mut self, fact: &Fact) {
        match fact {
            Fact::Renamed(client, name) => {
                let old = mem::replace(&mut self[*client].name, name.clone());
                self.unregister(&old);
                self.register(*client, name);
            }
            Fact::Left(client, _) => {
                if let Some(person) = self.people.remove(client) {
                    self.unregister(&person.name);
                    let _ = person.last_name.set(person.name);
                }
            }
            _ => {}
        }
    }

    fn register(&mut self, client: ClientId, name: &Name) {
        for look in name.looks() {
            self.by_look.insert(look.clone(), client);
        }
    }

    fn unregister(&mut self, name: &Name) {
        for look in name.looks() {
            self.by_look.remove(look);
        }
    }

    /// A name that `client` wants, if nobody else has it, or one that looks like it.
    pub fn check_free(&self, client: ClientId, name: Name) -> Result<Name, Refusal> {
        let others = |look| self.by_look.get(look).filter(|owner| **owner != client);
        match name.looks().iter().find_map(others) {
            Some(_) => Err(TAKEN),
            None => Ok(name),
        }
    }

    /// Who has this name: in another case before one that looks alike.
    pub fn find(&self, name: &Name) -> Option<ClientId> {
        let mut looks = name.looks().iter();
        looks.find_map(|look| self.by_look.get(look)).copied()
    }

    /// Everybody who has this name, or one that looks like it in some case: three at most.
    #[cfg(feature = "data")]
    pub fn holders(&self, name: &Name) -> BTreeSet<ClientId> {
        let looks = name.looks().iter();
        looks
            .filter_map(|look| self.by_look.get(look))
            .copied()
            .collect()
    }

    #[cfg(feature = "data")]
    pub fn iter(&self) -> impl Iterator<Item = (&ClientId, &Person)> {
        self.people.iter()
    }

    /// The names that those have now whom a client ignores: none if it is not here.
    #[cfg(feature = "data")]
    pub fn names_ignored_by(&self, client: ClientId) -> Vec<Name> {
        let ignored = self
            .get(client)
            .into_iter()
            .flat_map(|person| &person.ignored);
        let here = ignored.filter_map(|other| self.get(*other));
        here.map(|person| person.name.clone()).collect()
    }

    /// Somebody who may have left.
    pub fn get(&self, client: ClientId) -> Option<&Person> {
        self.people.get(&client)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::Called;

    const ALICE: ClientId = ClientId(1);
    const BOB: ClientId = ClientId(2);

    fn people() -> People {
        let mut people = People::default();
        for client in [ALICE, BOB] {
            let guest = Name::guest(client.0);
            people.admit(client, guest, Address::User(1), Clock::now());
        }
        people
    }

    fn rename(people: &mut People, client: ClientId, name: &str) -> Result<(), Refusal> {
        let name = Name::parse(name).unwrap();
        let name = people.check_free(client, name)?;
        people.apply(&Fact::Renamed(client, name));
        Ok(())
    }

    #[test]
    fn two_names_that_look_alike_cannot_be_here_together() {
        let mut people = people();
        rename(&mut people, ALICE, "al1ce").unwrap();
        assert_eq!(rename(&mut people, BOB, "alIce"), Err(TAKEN));
        assert_eq!(rename(&mut people, ALICE, "alIce"), Ok(()), "one's own");
        rename(&mut people, ALICE, "ann").unwrap();
        assert_eq!(rename(&mut people, BOB, "al1ce"), Ok(()), "left and free");
        people.apply(&Fact::Left(ALICE, crate::event::Ending::Closed));
        assert_eq!(rename(&mut people, BOB, "ann"), Ok(()), "gone and free");
    }

    #[test]
    fn who_is_known_is_called_by_their_login_name_if_that_is_free() {
        let mut people = people();
        let mut admit = |number, name| {
            let login_name = Some(Name::parse(name).unwrap());
            let client = ClientId(number);
            let name = people.free_or_guest(client, login_name);
            people.admit(client, name.clone(), Address::User(1), Clock::now());
            name.letters().to_owned()
        };
        assert_eq!(admit(3, "carol"), "carol");
        assert_eq!(admit(4, "Carol"), "guest4", "somebody has it");
        people.apply(&Fact::Left(ClientId(3), crate::event::Ending::Closed));
        let login_name = Name::parse("carol").ok();
        let name = people.free_or_guest(ClientId(5), login_name);
        assert_eq!(name.letters(), "carol", "free again");
    }

    #[test]
    fn a_name_is_found_in_any_case() {
        let mut people = people();
        let find = |people: &People, name| match Called::new(name) {
            Called::Name(name) => people.find(&name),
            Called::Nobody(_) => None,
        };
        assert_eq!(find(&people, "Guest1"), Some(ALICE));
        rename(&mut people, ALICE, "Alice").unwrap();
        assert_eq!(find(&people, "aLICE"), Some(ALICE));
        assert_eq!(find(&people, "guest1"), None);
    }
}

//! Who is on the server, what they are called, and whom they ignore.

use crate::chat::facts::Fact;
use crate::clock::Clock;
use crate::event::ClientId;
use crate::name::{Called, Looks, Name, Refusal};
use crate::text::Line;
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::time::Instant;

/// How many people one may ignore.
const MOST_IGNORED: usize = 100;

/// Somebody who is on the server.
pub struct Person {
    /// What they are called.
    pub name: Name,
    /// Where they come from.
    pub address: SocketAddr,
    /// When they came.
    pub joined: Clock,
    /// When they last sent a line.
    pub heard: Instant,
    /// Whether they are away.
    pub away: Away,
    /// Who last wrote to them privately, and what they were called then.
    pub correspondent: Option<(ClientId, Name)>,
    /// Whom they ignore: few, so in no order.
    ignored: Vec<ClientId>,
    /// They do not read who comes and goes.
    pub is_quiet: bool,
}

/// Whether somebody is away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Away {
    /// They are here.
    No,
    /// They are away and gave no text.
    Silently,
    /// They are away and said this.
    Saying(Line),
}

/// Everybody on the server.
#[derive(Default)]
pub struct People {
    people: BTreeMap<ClientId, Person>,
    /// Who has the name that looks so.
    by_look: HashMap<Box<str>, ClientId>,
}

impl Person {
    fn new(name: Name, address: SocketAddr, clock: Clock) -> Self {
        Self {
            name,
            address,
            joined: clock,
            heard: clock.instant,
            away: Away::No,
            correspondent: None,
            ignored: Vec::new(),
            is_quiet: false,
        }
    }

    /// Whether they ignore somebody.
    pub fn ignores(&self, other: ClientId) -> bool {
        self.ignored.contains(&other)
    }

    /// Whom they ignore, in the order in which those came.
    pub fn ignored(&self) -> Vec<ClientId> {
        let mut ignored = self.ignored.clone();
        ignored.sort_unstable();
        ignored
    }
}

impl People {
    /// A newcomer is a guest, and has its number: nobody else can have that name.
    pub fn admit(&mut self, client: ClientId, address: SocketAddr, clock: Clock) -> Name {
        let name = Name::guest(client.0);
        self.register(client, name.looks());
        let person = Person::new(name.clone(), address, clock);
        self.people.insert(client, person);
        name
    }

    /// Applies a fact.
    pub fn apply(&mut self, fact: &Fact) {
        match fact {
            Fact::Renamed(client, name) => {
                if let Some(person) = self.people.get_mut(client) {
                    let old = std::mem::replace(&mut person.name, name.clone());
                    self.unregister(old.looks());
                    self.register(*client, name.looks());
                }
            }
            Fact::Left(client, _) => {
                if let Some(person) = self.people.remove(client) {
                    self.unregister(person.name.looks());
                }
            }
            _ => {}
        }
    }

    fn register(&mut self, client: ClientId, looks: &Looks) {
        self.by_look
            .extend(looks.iter().map(|look| (look.into(), client)));
    }

    fn unregister(&mut self, looks: &Looks) {
        for look in looks.iter() {
            self.by_look.remove(look);
        }
    }

    /// Whether `client` may have a name.
    ///
    /// # Errors
    ///
    /// [`Refusal::Taken`] if somebody else has it, or one that looks like it.
    pub fn check_free(&self, client: ClientId, name: &Name) -> Result<(), Refusal> {
        let mut owners = name
            .looks()
            .iter()
            .filter_map(|look| self.by_look.get(look));
        if owners.any(|owner| *owner != client) {
            Err(Refusal::Taken)
        } else {
            Ok(())
        }
    }

    /// Who is meant: a name that is here under another case before one that looks alike.
    pub fn find(&self, called: &Called) -> Option<ClientId> {
        let mut looks = called.looks.iter().flat_map(Looks::iter);
        looks.find_map(|look| self.by_look.get(look)).copied()
    }

    /// Somebody, if they are still here.
    pub fn get(&self, client: ClientId) -> Option<&Person> {
        self.people.get(&client)
    }

    /// The same, to change them.
    pub fn get_mut(&mut self, client: ClientId) -> Option<&mut Person> {
        self.people.get_mut(&client)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.people.len()
    }

    /// `client` no longer ignores those who have left. Returns whom.
    pub fn forget_gone(&mut self, client: ClientId) -> Vec<ClientId> {
        let ignored = self.people.get(&client).map(Person::ignored);
        let (ignored, gone) = ignored
            .unwrap_or_default()
            .into_iter()
            .partition(|other| self.people.contains_key(other));
        if let Some(person) = self.people.get_mut(&client) {
            person.ignored = ignored;
        }
        gone
    }

    /// Whether `client` may ignore `other` beside those whom it ignores.
    pub fn may_ignore(&self, client: ClientId, other: ClientId) -> bool {
        let person = self.people.get(&client);
        person.is_some_and(|person| person.ignores(other) || person.ignored.len() < MOST_IGNORED)
    }

    /// `client` ignores `other` from now on.
    pub fn ignore(&mut self, client: ClientId, other: ClientId) {
        if let Some(person) = self.people.get_mut(&client)
            && !person.ignores(other)
        {
            person.ignored.push(other);
        }
    }

    /// `client` ignores `other` no longer. Returns whether it did.
    pub fn unignore(&mut self, client: ClientId, other: ClientId) -> bool {
        let Some(person) = self.people.get_mut(&client) else {
            return false;
        };
        let before = person.ignored.len();
        person.ignored.retain(|ignored| *ignored != other);
        person.ignored.len() < before
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const ALICE: ClientId = ClientId(1);
    const BOB: ClientId = ClientId(2);

    fn people() -> People {
        let mut people = People::default();
        for client in [ALICE, BOB] {
            people.admit(client, (Ipv4Addr::LOCALHOST, 1).into(), Clock::now());
        }
        people
    }

    fn rename(people: &mut People, client: ClientId, name: &str) -> Result<(), Refusal> {
        let name = Name::parse(name).unwrap();
        people.check_free(client, &name)?;
        people.apply(&Fact::Renamed(client, name));
        Ok(())
    }

    #[test]
    fn two_names_that_look_alike_cannot_be_here_together() {
        let mut people = people();
        rename(&mut people, ALICE, "al1ce").unwrap();
        assert_eq!(rename(&mut people, BOB, "alIce"), Err(Refusal::Taken));
        assert_eq!(rename(&mut people, ALICE, "alIce"), Ok(()), "one's own");
        rename(&mut people, ALICE, "ann").unwrap();
        assert_eq!(rename(&mut people, BOB, "al1ce"), Ok(()), "left and free");
        people.apply(&Fact::Left(ALICE, crate::chat::facts::Reason::None));
        assert_eq!(rename(&mut people, BOB, "ann"), Ok(()), "gone and free");
    }

    #[test]
    fn a_name_is_found_in_any_case() {
        let mut people = people();
        let find = |people: &People, name| people.find(&Called::new(name));
        assert_eq!(find(&people, "Guest1"), Some(ALICE));
        rename(&mut people, ALICE, "Alice").unwrap();
        assert_eq!(find(&people, "aLICE"), Some(ALICE));
        assert_eq!(find(&people, "guest1"), None);
    }

    #[test]
    fn at_most_100_are_ignored_and_those_who_left_do_not_count() {
        let mut people = people();
        for number in 3..=200 {
            people.admit(
                ClientId(number),
                (Ipv4Addr::LOCALHOST, 1).into(),
                Clock::now(),
            );
        }
        for number in 3..=102 {
            assert!(people.may_ignore(ALICE, ClientId(number)));
            people.ignore(ALICE, ClientId(number));
        }
        assert!(people.may_ignore(ALICE, ClientId(3)), "she does already");
        assert!(!people.may_ignore(ALICE, ClientId(103)));
        people.apply(&Fact::Left(ClientId(50), crate::chat::facts::Reason::None));
        assert_eq!(people.forget_gone(ALICE), [ClientId(50)]);
        assert!(people.may_ignore(ALICE, ClientId(103)));
        people.ignore(ALICE, ClientId(103));
        assert_eq!(people.get(ALICE).unwrap().ignored().len(), 100);
    }
}

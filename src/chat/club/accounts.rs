//! The accounts of the server, and who is logged in to them.

use crate::change::{Account, Rank};
use crate::event::ClientId;
use crate::name::Name;
use jiff::Timestamp;
use std::collections::HashMap;
use std::time::Instant;

#[derive(Default)]
pub struct Accounts {
    /// By the letters of their names.
    entries: HashMap<Box<str>, Entry>,
    /// Whose account has a name that looks so.
    by_look: HashMap<Box<str>, Name>,
    /// Who is logged in, and to which.
    logged_in: HashMap<ClientId, Name>,
}

pub struct Entry {
    pub account: Account,
    /// Its owner's connection, while they are here.
    pub here: Option<ClientId>,
    /// How many lines were said in the room until they left: nothing if they were not here since the
    /// server started.
    pub said_before: Option<u64>,
    /// When a login ended another connection of its owner.
    pub replaced: Option<Instant>,
    /// Its owner says nothing, whatever their connection.
    pub is_muted: bool,
}

impl Accounts {
    pub fn new(accounts: Vec<Account>) -> Self {
        let mut all = Self::default();
        for account in accounts {
            all.put(account);
        }
        all
    }

    /// Adds an account, or changes it; who is logged in to it stays so.
    pub fn put(&mut self, account: Account) {
        for look in account.name.looks() {
            self.by_look.insert(look.clone(), account.name.clone());
        }
        if let Some(entry) = self.entries.get_mut(account.name.letters()) {
            // Other programs may not know yet of the last time.
            let last_here = entry.account.last_here.max(account.last_here);
            entry.account = Account {
                last_here,
                ..account
            };
        } else {
            let letters = account.name.letters().into();
            let entry = Entry {
                account,
                here: None,
                said_before: None,
                replaced: None,
                is_muted: false,
            };
            self.entries.insert(letters, entry);
        }
    }

    /// Nobody is logged in to it any more.
    pub fn remove(&mut self, name: &Name) {
        if let Some(entry) = self.entries.remove(name.letters()) {
            let is_theirs = |owner: &mut Name| *owner == entry.account.name;
            for look in entry.account.name.looks() {
                // Another program may have made one meanwhile that looks like it.
                if self.by_look.get_mut(look).is_some_and(is_theirs) {
                    self.by_look.remove(look);
                }
            }
            if let Some(client) = entry.here {
                self.logged_in.remove(&client);
            }
        }
    }

    /// The account of exactly this name.
    pub fn get(&self, name: &Name) -> Option<&Entry> {
        self.entries.get(name.letters())
    }

    pub fn get_mut(&mut self, name: &Name) -> Option<&mut Entry> {
        self.entries.get_mut(name.letters())
    }

    /// The account that this name belongs to, or looks like the name of.
    pub fn owning(&self, name: &Name) -> Option<&Entry> {
        let mut looks = name.looks().iter();
        let owner = looks.find_map(|look| self.by_look.get(look))?;
        self.get(owner)
    }

    /// The account that a client is logged in to.
    pub fn of(&self, client: ClientId) -> Option<&Entry> {
        self.get(self.logged_in.get(&client)?)
    }

    pub fn name_of(&self, client: ClientId) -> Option<&Name> {
        self.logged_in.get(&client)
    }

    pub fn is_operator(&self, client: ClientId) -> bool {
        let entry = self.of(client);
        entry.is_some_and(|entry| entry.account.rank == Rank::Operator)
    }

    /// Who is logged in.
    pub fn clients(&self) -> Vec<ClientId> {
        self.logged_in.keys().copied().collect()
    }

    /// The owner of this account is here.
    pub fn arrive(&mut self, client: ClientId, name: &Name) {
        if let Some(entry) = self.entries.get_mut(name.letters()) {
            entry.here = Some(client);
            self.logged_in.insert(client, name.clone());
        }
    }

    /// A client has left, after so many lines were said in the room. Returns the name of the account
    /// that it was logged in to.
    pub fn depart(&mut self, client: ClientId, said: u64, now: Timestamp) -> Option<Name> {
        let name = self.logged_in.remove(&client)?;
        let entry = self.entries.get_mut(name.letters())?;
        entry.here = None;
        entry.said_before = Some(said);
        entry.account.last_here = Some(now);
        Some(name)
    }
}

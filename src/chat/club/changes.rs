//! What other programs have changed: accounts, bans, and what was said.

use crate::change::{Account, Change};
use crate::chat::Scene;
use crate::chat::club::Club;
use crate::chat::facts::Fact;
use crate::event::{ClientId, Ending, NOTICES_COST};
use crate::name::Name;

impl Club {
    pub fn changed(&mut self, change: Change) {
        self.chat.delivery().make_room(NOTICES_COST);
        match change {
            Change::Account(account) => self.account_changed(account),
            Change::AccountRemoved(name) => {
                self.put_out_owner(&name, "your account was removed");
                self.accounts.remove(&name);
            }
            Change::Password(name, _, hash) => {
                if let Some(entry) = self.accounts.get(&name) {
                    let account = entry.account.clone();
                    self.account_changed(Account { hash, ..account });
                }
            }
            Change::Rank(name, rank) => {
                if let Some(entry) = self.accounts.get(&name) {
                    let account = entry.account.clone();
                    self.account_changed(Account { rank, ..account });
                }
            }
            Change::WasHere(name, at, _) => {
                if let Some(entry) = self.accounts.get_mut(&name) {
                    entry.account.last_here = entry.account.last_here.max(Some(at));
                }
            }
            Change::Ban(ban) => {
                let victims = self.victims(&ban);
                self.put_ban(&ban);
                self.put_out(&victims, &ban);
            }
            Change::BanRemoved(what) => {
                self.bans.remove(&what);
            }
            Change::Erased(erasure) => self.chat.apply(Fact::Erased(erasure)),
        }
    }

    /// An account is new, or has another password, or its owner another rank.
    fn account_changed(&mut self, account: Account) {
        let name = account.name.clone();
        let known = self.accounts.get(&name);
        let (owner, is_same) = match known {
            Some(entry) => (entry.here, entry.account.hash == account.hash),
            None => (None, true),
        };
        if !is_same {
            self.put_out_owner(&name, "your password was changed");
        }
        let known = self.accounts.get(&name);
        let last_here = known.and_then(|entry| entry.account.last_here);
        self.accounts.put(Account {
            last_here: account.last_here.max(last_here),
            ..account
        });
        self.free(&name, owner);
        if let Some(owner) = owner {
            self.give_title(owner);
        }
    }

    /// Ends the connection of whoever is logged in to an account.
    fn put_out_owner(&mut self, name: &Name, why: &str) {
        let here: Option<ClientId> = self.accounts.get(name).and_then(|entry| entry.here);
        if let Some(client) = here {
            self.tell(client, format_args!("{why}"));
            self.end(client, Ending::Closed);
        }
    }
}

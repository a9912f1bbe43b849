//! Who has an account and who is banned: as the database has it, and how it changes.

#[cfg(test)]
pub mod tests;

use crate::address::parse_network;
use crate::change::{Account, Ban, Change, Presence, Rank, Target};
use crate::name::{Called, Name};
use crate::text::Line;
use jiff::Timestamp;
use log::warn;
use rusqlite::{Connection, Row};
use std::collections::BTreeMap;

/// All accounts and bans at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roll {
    /// By the letters of their names.
    pub accounts: BTreeMap<String, Account>,
    /// By their targets, as these are written down.
    pub bans: BTreeMap<String, Ban>,
}

impl Roll {
    /// Reads all there is. Names that `known` has too are not looked at anew, which would take tens
    /// of microseconds each.
    pub fn read(connection: &Connection, known: &Self) -> rusqlite::Result<Self> {
        let mut roll = Self::default();
        let query = "SELECT name, hash, is_operator, last_here FROM accounts";
        let mut statement = connection.prepare(query)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let letters = row.get::<_, String>(0)?;
            let parsed = match known.accounts.get(&letters) {
                Some(account) => Ok(account.name.clone()),
                None => Name::parse(&letters),
            };
            match parsed {
                Ok(name) => {
                    roll.accounts.insert(letters, account(name, row)?);
                }
                Err(why) => {
                    let letters = Line::new(&letters);
                    warn!(target: "chatd::kept", "nobody can use the account {}: {why}", letters.as_str());
                }
            }
        }
        let query = "SELECT what, whose, made, until, by, text FROM bans ORDER BY id";
        let mut statement = connection.prepare(query)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let what = row.get::<_, String>(0)?;
            if let Some(ban) = ban(&what, row)? {
                roll.bans.insert(what, ban);
            } else {
                let what = Line::new(&what);
                warn!(target: "chatd::kept", "nobody is banned by the ban of {}", what.as_str());
            }
        }
        Ok(roll)
    }

    /// The account of this name, or of one that looks like it.
    pub fn owning(&self, name: &Name) -> Option<&Account> {
        let mut accounts = self.accounts.values();
        accounts.find(|account| account.name.is_like(name))
    }

    /// What has changed since, if it is like `newer` now.
    pub fn changes_to(&self, newer: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        for (letters, account) in &self.accounts {
            if !newer.accounts.contains_key(letters) {
                changes.push(Change::AccountRemoved(account.name.clone()));
            }
        }
        for (letters, account) in &newer.accounts {
            changes.extend(change_of_account(self.accounts.get(letters), account));
        }
        for (what, ban) in &self.bans {
            if !newer.bans.contains_key(what) {
                changes.push(Change::BanRemoved(ban.what.clone()));
            }
        }
        let is_new = |(what, ban): &(&String, &Ban)| self.bans.get(*what) != Some(*ban);
        let bans = newer.bans.iter().filter(is_new);
        changes.extend(bans.map(|(_, ban)| Change::Ban(ban.clone())));
        changes
    }

    /// The bans that are over at that time, to be taken away.
    pub fn bans_over(&self, now: Timestamp) -> Vec<Change> {
        let over = self.bans.values().filter(|ban| !ban.is_in_force(now));
        over.map(|ban| Change::BanRemoved(ban.what.clone()))
            .collect()
    }

    /// All of it, to be written where nothing of it is.
    pub fn changes(&self) -> Vec<Change> {
        Self::default().changes_to(self)
    }

    /// Changes it as [`write`] changes the database, if that has changed anything.
    pub fn apply(&mut self, change: &Change) {
        match change.clone() {
            Change::Account(account) => {
                let letters = account.name.letters().to_owned();
                self.accounts.insert(letters, account);
            }
            Change::AccountRemoved(name) => {
                self.accounts.remove(name.letters());
            }
            Change::Password(name, _, new) => {
                if let Some(account) = self.accounts.get_mut(name.letters()) {
                    account.hash = new;
                }
            }
            Change::Rank(name, rank) => {
                if let Some(account) = self.accounts.get_mut(name.letters()) {
                    account.rank = rank;
                }
            }
            Change::WasHere(name, at, _) => {
                if let Some(account) = self.accounts.get_mut(name.letters()) {
                    account.last_here = account.last_here.max(millisecond(at));
                }
            }
            Change::Ban(mut ban) => {
                ban.made = millisecond(ban.made).unwrap_or(ban.made);
                ban.until = ban.until.and_then(millisecond);
                self.bans.insert(written(&ban.what), ban);
            }
            Change::BanRemoved(what) => {
                self.bans.remove(&written(&what));
            }
            Change::Erased(_) => {}
        }
    }
}

/// What of an account is another than before.
fn change_of_account(known: Option<&Account>, account: &Account) -> Option<Change> {
    let Some(known) = known else {
        return Some(Change::Account(account.clone()));
    };
    let name = || account.name.clone();
    let is_same_hash = known.hash == account.hash;
    let is_same_time = known.last_here == account.last_here;
    match account.last_here {
        _ if known.rank != account.rank && is_same_hash && is_same_time => {
            return Some(Change::Rank(name(), account.rank));
        }
        _ if known.rank != account.rank => {}
        _ if is_same_hash && is_same_time => return None,
        _ if is_same_time => {
            let (old, new) = (known.hash.clone(), account.hash.clone());
            return Some(Change::Password(name(), old, new));
        }
        Some(at) if is_same_hash && known.last_here < Some(at) => {
            return Some(Change::WasHere(name(), at, Presence::HasLeft));
        }
        _ => {}
    }
    Some(Change::Account(account.clone()))
}

/// Writes a change, but for [`Change::Erased`]. Returns how many rows have changed: none if there is
/// no such account, or not with that password, or there is one already that would be new.
pub fn write(connection: &Connection, change: &Change) -> rusqlite::Result<usize> {
    let milliseconds = |time: &Option<Timestamp>| time.map(Timestamp::as_millisecond);
    match change {
        Change::Account(account) => connection.execute(
            "INSERT INTO accounts(name, hash, is_operator, last_here) VALUES(?1, ?2, ?3, ?4)
                ON CONFLICT DO NOTHING",
            (
                account.name.letters(),
                &*account.hash,
                account.rank == Rank::Operator,
                milliseconds(&account.last_here),
            ),
        ),
        Change::AccountRemoved(name) => {
            let query = "DELETE FROM accounts WHERE name = ?1";
            connection.execute(query, [name.letters()])
        }
        Change::Password(name, old, new) => {
            let query = "UPDATE accounts SET hash = ?3 WHERE name = ?1 AND hash = ?2";
            connection.execute(query, (name.letters(), &**old, &**new))
        }
        Change::Rank(name, rank) => {
            let query = "UPDATE accounts SET is_operator = ?2 WHERE name = ?1";
            connection.execute(query, (name.letters(), *rank == Rank::Operator))
        }
        Change::WasHere(name, at, presence) => connection.execute(
            "UPDATE accounts SET last_here = max(?2, ifnull(last_here, ?2)), is_here = ?3
                WHERE name = ?1",
            (
                name.letters(),
                at.as_millisecond(),
                *presence == Presence::Stays,
            ),
        ),
        Change::Ban(ban) => {
            let what = written(&ban.what);
            connection.execute("DELETE FROM bans WHERE what = ?1", [&what])?;
            connection.execute(
                "INSERT INTO bans(what, whose, made, until, by, text) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
                (
                    &what,
                    ban.whose.as_ref().map(Name::letters),
                    ban.made.as_millisecond(),
                    milliseconds(&ban.until),
                    ban.by.letters(),
                    ban.text.as_ref().map(Line::as_str),
                ),
            )
        }
        Change::BanRemoved(what) => {
            let query = "DELETE FROM bans WHERE what = ?1";
            connection.execute(query, [written(what)])
        }
        Change::Erased(_) => Ok(0),
    }
}

/// The server begins, and nobody is here. Who is after a crash was it until the last line was said.
pub fn empty_room(connection: &Connection) -> rusqlite::Result<()> {
    let query = "UPDATE accounts SET is_here = 0, last_here =
        max(last_here, ifnull((SELECT time + 1 FROM lines ORDER BY n DESC LIMIT 1), last_here))
        WHERE is_here";
    connection.execute(query, [])?;
    Ok(())
}

/// Writes a change as [`write`] does, unless it is an account that looks like another program's.
/// `known` are the accounts that there were last. Returns whether anything is another than before.
pub fn write_if_unique(
    connection: &Connection,
    change: &Change,
    known: &Roll,
) -> rusqlite::Result<bool> {
    if let Change::Account(account) = change
        && !known.accounts.contains_key(account.name.letters())
        && Roll::read(connection, known)?
            .owning(&account.name)
            .is_some()
    {
        return Ok(false);
    }
    Ok(write(connection, change)? > 0)
}

/// A target as it is written down: a network with its bits, and an account by its letters alone,
/// among which there is neither `.` nor `:`.
fn written(what: &Target) -> String {
    match what {
        Target::Account(name) => name.letters().to_owned(),
        Target::Network(network) => network.to_string(),
    }
}

/// A time as it is read again.
fn millisecond(time: Timestamp) -> Option<Timestamp> {
    Timestamp::from_millisecond(time.as_millisecond()).ok()
}

fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    let milliseconds = row.get::<_, Option<i64>>(column)?;
    Ok(milliseconds.and_then(|at| Timestamp::from_millisecond(at).ok()))
}

fn account(name: Name, row: &Row<'_>) -> rusqlite::Result<Account> {
    let is_operator = row.get(2)?;
    Ok(Account {
        name,
        hash: row.get::<_, String>(1)?.into(),
        rank: if is_operator {
            Rank::Operator
        } else {
            Rank::Member
        },
        last_here: time(row, 3)?,
    })
}

/// Nothing if it is no ban.
fn ban(what: &str, row: &Row<'_>) -> rusqlite::Result<Option<Ban>> {
    // Who made it may have had a name that nobody can have.
    let readable = |text: &str| match Called::new(text) {
        Called::Name(name) => Some(name),
        Called::Nobody(_) => None,
    };
    let network = parse_network(what).map(Target::Network);
    let Some(what) = network.or_else(|| readable(what).map(Target::Account)) else {
        return Ok(None);
    };
    let whose = row.get::<_, Option<String>>(1)?;
    let (made, by) = (time(row, 2)?, readable(&row.get::<_, String>(4)?));
    let Some((made, by)) = made.zip(by) else {
        return Ok(None);
    };
    let text = row.get::<_, Option<String>>(5)?;
    Ok(Some(Ban {
        what,
        whose: whose.as_deref().and_then(readable),
        made,
        until: time(row, 3)?,
        by,
        text: text.map(|text| Line::new(&text)),
    }))
}

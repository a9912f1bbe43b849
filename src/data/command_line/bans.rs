//! `chatd ban`: who is kept out.

use crate::address::parse_network;
use crate::change::{Ban, Change, Rank, Target};
use crate::chat::club::list_ban;
use crate::config::BanTask;
use crate::data::command_line::{Database, read_roll, show};
use crate::data::roll::Roll;
use crate::name::{Called, Name, without_lrm};
use jiff::Timestamp;
use std::time::Duration;

/// Does it, and returns what to print.
///
/// # Errors
///
/// For the user, on one line, also where there is no such account or ban.
pub fn ban(task: &BanTask) -> Result<String, String> {
    match task {
        BanTask::List { data } => {
            let (roll, now) = (read_roll(&data.path)?, Timestamp::now());
            let bans = roll.bans.values().filter(|ban| ban.is_in_force(now));
            Ok(bans.map(|ban| list_ban(ban) + "\n").collect())
        }
        BanTask::Add { what, time, data } => {
            let mut database = Database::open(&data.path)?;
            database.change(|roll| Ok(vec![Change::Ban(new_ban(roll, what, *time)?)]))?;
            Ok(String::new())
        }
        BanTask::Remove { what, data } => {
            let mut database = Database::open(&data.path)?;
            database.change(|roll| find(roll, what))?;
            Ok(String::new())
        }
    }
}

fn new_ban(roll: &Roll, written: &str, time: Option<Duration>) -> Result<Ban, String> {
    let what = match parse_network(written) {
        Some(network) => Target::Network(network),
        None => match roll.accounts.get(without_lrm(written)) {
            Some(account) if account.rank == Rank::Operator => {
                return Err("operators cannot be banned".to_owned());
            }
            Some(account) => Target::Account(account.name.clone()),
            None => {
                return Err(format!(
                    "{}: neither an account nor an address",
                    show(written)
                ));
            }
        },
    };
    let now = Timestamp::now();
    Ok(Ban {
        what,
        whose: None,
        made: now,
        until: time.and_then(|time| now.checked_add(time).ok()),
        by: Name::of_server(),
        text: None,
    })
}

/// What lifts all bans of a network, or of somebody, even if their account is no more.
fn find(roll: &Roll, written: &str) -> Result<Vec<Change>, String> {
    let is_meant = |ban: &&Ban| match (parse_network(written), Called::new(written)) {
        (Some(network), _) => ban.what == Target::Network(network),
        (None, Called::Name(name)) => ban.is_of(&name),
        (None, Called::Nobody(_)) => false,
    };
    let bans = roll.bans.values().filter(is_meant);
    let lifts = bans.map(|ban| Change::BanRemoved(ban.what.clone()));
    let lifts = lifts.collect::<Vec<_>>();
    if lifts.is_empty() {
        return Err(format!("{} is not banned", show(written)));
    }
    Ok(lifts)
}

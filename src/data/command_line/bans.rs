//! `chatd ban`: who is kept out.

use crate::address::parse_network;
use crate::change::{Ban, Change, Rank, Target};
use crate::chat::notices::quote;
use crate::clock::show_time;
use crate::config::BanTask;
use crate::data::command_line::{Database, read_roll, show};
use crate::data::roll::Roll;
use crate::name::{Name, without_lrm};
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
            let in_force = |ban: &&Ban| ban.until.is_none_or(|until| now < until);
            Ok(roll.bans.values().filter(in_force).map(show_ban).collect())
        }
        BanTask::Add { what, time, data } => {
            let mut database = Database::open(&data.path)?;
            database.change(|roll| Ok(vec![Change::Ban(new_ban(roll, what, *time)?)]))?;
            Ok(String::new())
        }
        BanTask::Remove { what, data } => {
            let mut database = Database::open(&data.path)?;
            database.change(|roll| Ok(vec![Change::BanRemoved(find(roll, what)?)]))?;
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
        until: time.and_then(|time| now.checked_add(time).ok()),
        by: Name::of_server(),
        text: None,
    })
}

/// Of whom there is a ban, even if the account is no more.
fn find(roll: &Roll, written: &str) -> Result<Target, String> {
    let network = parse_network(written).map(|network| network.to_string());
    let what = network.unwrap_or_else(|| without_lrm(written).to_owned());
    let ban = roll.bans.get(&what).map(|ban| ban.what.clone());
    ban.ok_or_else(|| format!("{} is not banned", show(written)))
}

fn show_ban(ban: &Ban) -> String {
    let until = ban.until.map(show_time);
    let until = until.map_or_else(String::new, |until| format!(" until {until}"));
    let text = ban.text.as_ref().map(quote);
    let text = text.map_or_else(String::new, |text| format!(": {text}"));
    format!("{}{until} by {}{text}\n", ban.what, ban.by)
}

//! `chatd user`: accounts.

use crate::change::{Account, Change, Rank};
use crate::clock::show_time;
use crate::config::{UserOptions, UserTask};
use crate::data::command_line::{Database, read_roll, show};
use crate::data::roll::Roll;
use crate::name::{Name, without_lrm};
use crate::passwords::Password;
use crate::passwords::hash::Buffers;
use crate::passwords::made_up::make_up;
use std::fmt::Write as _;
use std::io::{self, BufRead, IsTerminal, Read};
use std::path::Path;
use std::sync::Arc;

/// How many bytes are read of what should be a password: many more than one has.
const MOST_BYTES: u64 = 4096;

/// Does it, and returns what to print.
///
/// # Errors
///
/// For the user, on one line, also where there is no such account.
pub fn user(task: &UserTask) -> Result<String, String> {
    match task {
        UserTask::Add {
            name,
            is_operator: true,
            data,
        } => add(&data.path, name, Rank::Operator),
        UserTask::Add { name, data, .. } => add(&data.path, name, Rank::Member),
        UserTask::Password(options) => {
            // Nobody is asked for nothing.
            find(&read_roll(&options.data.path)?, &options.name)?;
            let hash = hash(&new_password()?)?;
            change(options, |account| {
                Change::Password(account.name.clone(), account.hash.clone(), hash)
            })
        }
        UserTask::Remove(options) => change(options, |account| {
            Change::AccountRemoved(account.name.clone())
        }),
        UserTask::Op(options) => change(options, |account| {
            Change::Rank(account.name.clone(), Rank::Operator)
        }),
        UserTask::Deop(options) => change(options, |account| {
            Change::Rank(account.name.clone(), Rank::Member)
        }),
        UserTask::List { data } => {
            let roll = read_roll(&data.path)?;
            Ok(roll.accounts.values().map(show_account).collect())
        }
    }
}

fn add(directory: &Path, written: &str, rank: Rank) -> Result<String, String> {
    let refuse = |why: &str| format!("{}: {why}", show(written));
    let name = Name::parse(without_lrm(written)).map_err(refuse)?;
    let mut database = Database::make(directory)?;
    let password = make_up().map_err(|error| format!("no password can be made up: {error}"))?;
    let hash = hash(&read(password.as_bytes())?)?;
    let account = Account {
        name,
        hash,
        rank,
        last_here: None,
    };
    database.change(|roll| match roll.owning(&account.name) {
        Some(other) if other.name == account.name => Err(refuse("there is that account already")),
        Some(other) => Err(refuse(&format!("it looks like {}", other.name))),
        None => Ok(vec![Change::Account(account)]),
    })?;
    Ok(password + "\n")
}

/// Changes an account that is there.
fn change(
    options: &UserOptions,
    decide: impl FnOnce(&Account) -> Change,
) -> Result<String, String> {
    let mut database = Database::open(&options.data.path)?;
    database.change(|roll| Ok(vec![decide(find(roll, &options.name)?)]))?;
    Ok(String::new())
}

fn find<'a>(roll: &'a Roll, written: &str) -> Result<&'a Account, String> {
    let written = without_lrm(written);
    roll.accounts.get(written).ok_or_else(|| {
        let name = Name::parse(written).ok();
        let like = name.and_then(|name| roll.owning(&name));
        let like = like.map(|account| format!(", it looks like {}", account.name));
        let like = like.unwrap_or_default();
        format!("there is no account {}{like}", show(written))
    })
}

fn show_account(account: &Account) -> String {
    let rank = match account.rank {
        Rank::Member => "",
        Rank::Operator => ", operator",
    };
    let mut line = format!("{}{rank}, ", account.name);
    // Writing to a String cannot fail.
    let _ = match account.last_here {
        Some(last) => writeln!(line, "last here {}", show_time(last)),
        None => writeln!(line, "not here yet"),
    };
    line
}

/// Asks for a password, twice where somebody types it.
fn new_password() -> Result<Password, String> {
    let password = if io::stdin().is_terminal() {
        ask("new password: ")?
    } else {
        let mut line = Vec::new();
        let mut input = io::stdin().lock().take(MOST_BYTES);
        let read = input.read_until(b'\n', &mut line);
        read.map_err(|error| format!("standard input: {error}"))?;
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        self::read(line.strip_suffix(b"\r").unwrap_or(line))?
    };
    password.check_new()?;
    if io::stdin().is_terminal() && !ask("again: ")?.is(&password) {
        return Err("the two passwords are not the same".to_owned());
    }
    Ok(password)
}

fn ask(prompt: &str) -> Result<Password, String> {
    let typed = rpassword::prompt_password(prompt);
    read(
        typed
            .map_err(|error| format!("the terminal: {error}"))?
            .as_bytes(),
    )
}

fn read(typed: &[u8]) -> Result<Password, String> {
    let password = Password::read(typed);
    password.ok_or_else(|| "a password is text without control characters".to_owned())
}

fn hash(password: &Password) -> Result<Arc<str>, String> {
    // Nobody else has one of them.
    let buffer = Buffers::default().try_take();
    let hash = buffer.map(|mut buffer| buffer.hash(password));
    let hash = hash.unwrap_or(Err(io::ErrorKind::OutOfMemory.into()));
    hash.map(Into::into)
        .map_err(|error| format!("no hash can be made: {error}"))
}

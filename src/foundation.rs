//! What a server with the feature `data` begins with: the broadcaster, and what was kept of accounts,
//! bans and what was said.

use crate::broadcaster::Broadcaster;
use crate::change::Rank;
use crate::chat::club::{Membership, Policy};
use crate::chat::commands::Offer;
use crate::clock::Clock;
use crate::config::{Config, DataOptions, show_path};
use crate::data::search::Readers;
use crate::data::{self, Data, Keeping};
use crate::listener::Port;
use crate::passwords::Password;
use crate::pressure::Pressure;
use crate::shared::Shared;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

/// The longest password that `--password-file` is read for, in bytes: as long as a line can be.
const PASSWORD_BYTES: u64 = 64 << 10;

/// Starts the thread that keeps what is said, once there is what it shares with the others.
pub type BeginKeeping = dyn FnOnce(Arc<Shared>) -> io::Result<Keeping>;

/// What there is beside the broadcaster.
#[derive(Default)]
pub struct Kept {
    pub readers: Option<Readers>,
    pub keeping: Option<Box<BeginKeeping>>,
    pub room_password: Option<Arc<Password>>,
    /// Nobody can put others out.
    has_no_operator: bool,
}

/// Reads what was kept. An error is for the user, on one line.
pub fn lay(config: &Config, pressure: Arc<Pressure>) -> Result<(Broadcaster, Kept), String> {
    let (mode, limits, now) = (&config.mode, config.backlog, Clock::now());
    let options = &config.data;
    let mut kept = Kept::default();
    if let Some(path) = &options.password_file {
        kept.room_password = Some(Arc::new(read_password(path)?));
    }
    let policy = match kept.room_password {
        Some(_) => Policy::RoomPassword,
        None if options.members_only => Policy::MembersOnly,
        None => Policy::Open,
    };
    let broadcaster = match Data::open(options)? {
        Some(data) => {
            let is_operator = |rank| rank == Rank::Operator;
            kept.has_no_operator = !data
                .accounts
                .iter()
                .any(|account| is_operator(account.rank));
            let keeper = data.keeper;
            kept.readers = data.readers;
            kept.keeping = Some(Box::new(|shared| data::start(keeper, shared)));
            let mut offers = vec![Offer::Accounts, Offer::Archive];
            offers.extend(options.takes_registrations.then_some(Offer::Registration));
            let membership = Membership {
                policy,
                offers,
                accounts: data.accounts,
                bans: data.bans,
                keep: data.keep,
            };
            let archive = Some(data.archive);
            Broadcaster::with_accounts(mode, membership, limits, pressure, now, archive)
        }
        None if policy == Policy::RoomPassword => {
            let membership = Membership {
                policy,
                offers: Vec::new(),
                accounts: Vec::new(),
                bans: Vec::new(),
                keep: Box::new(drop),
            };
            Broadcaster::with_accounts(mode, membership, limits, pressure, now, None)
        }
        None => Broadcaster::new(mode, limits, pressure, now, None),
    };
    Ok((broadcaster, kept))
}

/// The password that stands in the first line of a file.
fn read_password(path: &Path) -> Result<Password, String> {
    let name = show_path(path);
    let read = || -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        let file = File::open(path)?.take(PASSWORD_BYTES);
        BufReader::new(file).read_until(b'\n', &mut line)?;
        Ok(line)
    };
    let line = read().map_err(|error| format!("{name}: {error}"))?;
    let line = line.strip_suffix(b"\n").unwrap_or(&line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() {
        return Err(format!("{name}: there is no password in its first line"));
    }
    let password = Password::read(line);
    password.ok_or_else(|| {
        format!("{name}: a password has no control characters, and is UTF-8 of one line")
    })
}

impl Kept {
    /// What whoever runs the server has to do yet, so that accounts are of use: log lines.
    pub fn advice(&self, options: &DataOptions, ports: &[Port]) -> Vec<String> {
        let mut advice = Vec::new();
        let directory = options.directory.as_deref().map(show_path);
        if let Some(directory) = directory.filter(|_| self.has_no_operator) {
            advice.push(format!(
                "there is no operator yet: chatd user add NAME --op --data {directory}"
            ));
        }
        let is_public = |port: &&Port| port.public_address().is_ok_and(|at| at.is_some());
        let public = ports.iter().filter(is_public).collect::<Vec<_>>();
        let is_encrypted = public.iter().any(|port| port.protocol.is_encrypted());
        let is_refused = !public.is_empty() && !is_encrypted;
        let takes_any = options.directory.is_some() || self.room_password.is_some();
        if takes_any && is_refused && !options.takes_passwords_unencrypted {
            let refused = "passwords are refused to everybody who comes from another machine";
            let otherwise = "--tls encrypts them, --insecure-passwords takes them as they are";
            advice.push(format!("{refused}: {otherwise}"));
        }
        advice
    }
}

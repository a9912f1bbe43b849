//! A password that a client has given, or a new one that it wants: what its thread does about that,
//! step by step. The broadcaster is asked for the account first, and told of what was found.

use crate::chat::club::{already_logged_in, is_registered};
use crate::client::connection::Connection;
use crate::client::errand::{Errand, Progress};
use crate::client::prompt::{Credentials, Verdict, Whose};
use crate::event::{Answer, Event, Knowledge};
use crate::name::Name;
use crate::passwords::Password;
use crate::passwords::check::{Against, Check, Found, Hashing, Hindrance, Step, tell_wait};
use crate::text::push_server_line;
use crossbeam_channel::{Receiver, TryRecvError};
use std::sync::Arc;
use std::time::Instant;

pub struct Checking<'a> {
    connection: &'a Connection,
    phase: Phase,
}

enum Phase {
    /// What the broadcaster knows is not known here yet.
    Asking(Option<Credentials>, Receiver<Knowledge>),
    /// If it is right, this has happened.
    Comparing(Check, Option<Event>),
    /// Once there is a hash, this has happened.
    Hashing(Hashing, Option<Hashed>),
}

/// What has happened once a new password has a hash.
type Hashed = Box<dyn FnOnce(Arc<str>) -> Event>;

impl<'a> Checking<'a> {
    pub fn new(
        connection: &'a Connection,
        credentials: Credentials,
        knowledge: Receiver<Knowledge>,
    ) -> Self {
        let phase = Phase::Asking(Some(credentials), knowledge);
        Self { connection, phase }
    }

    /// What is to be done about a password, now that the broadcaster has told what it knows.
    fn weigh(&self, given: Credentials, known: Knowledge) -> Result<Phase, Progress> {
        let Connection { id, address, .. } = *self.connection;
        let compare = |password, hash: Option<Arc<str>>, event| {
            let against = hash.map_or(Against::Nobody, Against::Hash);
            Ok(Phase::Comparing(
                Check::new(password, against, address),
                event,
            ))
        };
        match (given, known.logged_in, known.account) {
            (Credentials::Login(..) | Credentials::Register(..), Some(mine), _) => {
                let mut text = Vec::new();
                let line = already_logged_in(&mine);
                push_server_line(&mut text, format_args!("{line}"));
                let told = Event::Answered(id, Answer::Lines(text));
                Err(Progress::Judged(Verdict::Right, Some(told)))
            }
            (Credentials::Login(Whose::Own | Whose::Named(_), password), _, Some(account)) => {
                let (name, hash) = account;
                let event = Event::LoggedIn(id, name, Arc::clone(&hash));
                compare(password, Some(hash), Some(event))
            }
            (Credentials::Login(_, password), ..) => compare(password, None, None),
            (Credentials::Old(password), Some(_), Some((_, hash))) => {
                compare(password, Some(hash), None)
            }
            (Credentials::New(password), Some(_), Some((_, old))) => {
                let changed = move |new| Event::PasswordChanged(id, old, new);
                let hashing = Hashing::new(password);
                Ok(Phase::Hashing(hashing, Some(Box::new(changed))))
            }
            (Credentials::Old(_) | Credentials::New(_), ..) => {
                Err(refuse("you are not logged in: /login NAME"))
            }
            (Credentials::Register(..), _, Some((owner, _))) => Err(refuse(is_registered(&owner))),
            (Credentials::Register(name, password), ..) => self.register(name, password),
            (Credentials::Common(password), ..) => {
                let expected = self.connection.shared.room_password.clone();
                let against = expected.map_or(Against::Nobody, Against::Common);
                let check = Check::new(password, against, address);
                Ok(Phase::Comparing(check, Some(Event::GavePassword(id))))
            }
        }
    }

    /// Anybody may make an account, but not many.
    fn register(&self, name: Name, password: Password) -> Result<Phase, Progress> {
        let id = self.connection.id;
        let debts = &self.connection.shared.means.debts;
        let host = self.connection.address.host();
        let account = debts.begin_account(host, Instant::now()).map_err(|wait| {
            let wait = tell_wait(wait);
            refuse(format!("too many new accounts, try again in {wait}"))
        })?;
        let registered = move |hash| Event::Registered(id, name, hash, account);
        let hashing = Hashing::new(password);
        Ok(Phase::Hashing(hashing, Some(Box::new(registered))))
    }
}

fn refuse(reason: impl Into<String>) -> Progress {
    Progress::Judged(Verdict::Refused(reason.into()), None)
}

impl Errand for Checking<'_> {
    fn step(&mut self, now: Instant) -> Progress {
        let means = &self.connection.shared.means;
        match &mut self.phase {
            Phase::Asking(given, knowledge) => match (knowledge.try_recv(), given.take()) {
                (Ok(known), Some(given)) => match self.weigh(given, known) {
                    Ok(phase) => {
                        self.phase = phase;
                        Progress::Again
                    }
                    Err(progress) => progress,
                },
                (Err(TryRecvError::Empty), waiting) => {
                    *given = waiting;
                    Progress::Wait
                }
                // The client was ended, and reads nothing more.
                _ => refuse(Hindrance::Busy.to_string()),
            },
            Phase::Comparing(check, event) => match check.step(means, now) {
                Step::Wait => Progress::Wait,
                Step::Done(Found::Right) => Progress::Judged(Verdict::Right, event.take()),
                Step::Done(Found::Wrong) => Progress::Judged(Verdict::Wrong, None),
                Step::Done(Found::NotChecked(why)) => refuse(why.to_string()),
            },
            Phase::Hashing(hashing, hashed) => match hashing.step(means, now) {
                Step::Wait => Progress::Wait,
                Step::Done(Err(why)) => refuse(why.to_string()),
                Step::Done(Ok(hash)) => {
                    let event = hashed.take().map(|hashed| hashed(hash.into()));
                    Progress::Judged(Verdict::Right, event)
                }
            },
        }
    }
}

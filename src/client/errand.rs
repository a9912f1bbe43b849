//! What a client's thread does for it that takes time: an errand. It goes in steps, between which
//! the thread listens to the bell and encrypts what is to be read. Until it is done nothing more of
//! what the client sends is looked at.

use crate::client::connection::Connection;
use crate::event::Event;
use std::time::Instant;
#[cfg(feature = "data")]
use {
    crate::client::checking::Checking,
    crate::client::prompt::{Credentials, Verdict},
    crate::data::search::{Search, Searches},
    crate::event::Knowledge,
    crate::name::Name,
    crate::text::Line,
    crossbeam_channel::Receiver,
};

/// Something that takes time, step by step.
pub trait Errand {
    /// Takes the next step, of some milliseconds at most; to check a password takes about 55.
    fn step(&mut self, now: Instant) -> Progress;
}

/// How far an errand is.
pub enum Progress {
    /// There is more to do.
    Again,
    /// It waits for something that others have.
    Wait,
    /// It is done, and this has come of it.
    Done(Event),
    /// The same of a password that was given, if anybody is to know of it.
    #[cfg(feature = "data")]
    Judged(Verdict, Option<Event>),
    /// Nobody wants it: the client was ended, or is not let in.
    #[cfg(feature = "data")]
    InVain,
}

/// What a client wants that is an errand.
pub enum Wish {
    /// `/search`: the text, and the names of those whom the client ignores, once they are known.
    #[cfg(feature = "data")]
    Search(Line, Receiver<Vec<Name>>),
    /// To know whether a password is right, or to have a new one: what it has given, and what the
    /// broadcaster knows of the account, once it says it.
    #[cfg(feature = "data")]
    Check(Credentials, Receiver<Knowledge>),
}

/// The errands of one client.
#[derive(Default)]
pub struct Errands {
    #[cfg(feature = "data")]
    searches: Searches,
}

impl Errands {
    #[cfg(feature = "data")]
    pub fn begin<'a>(
        &mut self,
        wish: Wish,
        connection: &'a Connection,
        now: Instant,
    ) -> Box<dyn Errand + 'a> {
        match wish {
            Wish::Search(text, ignored) => {
                let readers = connection.shared.readers.as_ref();
                let readers = self.searches.admit(readers, now);
                let buffers = &connection.shared.means.buffers;
                let search = Search::new(connection.id, &text, ignored, readers, buffers, now);
                Box::new(search)
            }
            Wish::Check(credentials, knowledge) => {
                Box::new(Checking::new(connection, credentials, knowledge))
            }
        }
    }

    /// In the core there are none.
    #[cfg(not(feature = "data"))]
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    pub fn begin(&mut self, wish: Wish, _: &Connection, _: Instant) -> Box<dyn Errand> {
        match wish {}
    }
}

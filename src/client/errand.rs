//! What a client's thread does for it that takes time: an errand. It goes in steps, between which
//! the thread listens to the bell and encrypts what is to be read. Until it is done nothing more of
//! what the client sends is looked at.

use crate::event::{ClientId, Event};
use crate::shared::Shared;
use std::time::Instant;
#[cfg(feature = "data")]
use {
    crate::data::search::{Search, Searches},
    crate::name::Name,
    crate::text::Line,
    crossbeam_channel::Receiver,
};

/// Something that takes time, step by step.
pub trait Errand {
    /// Takes the next step, of some milliseconds at most.
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
}

/// What a client wants that is an errand.
pub enum Wish {
    /// `/search`: the text, and the names of those whom the client ignores, once they are known.
    #[cfg(feature = "data")]
    Search(Line, Receiver<Vec<Name>>),
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
        client: ClientId,
        shared: &'a Shared,
        now: Instant,
    ) -> Box<dyn Errand + 'a> {
        match wish {
            Wish::Search(text, ignored) => {
                let readers = shared.readers.as_ref();
                let readers = self.searches.admit(readers, now);
                Box::new(Search::new(client, &text, ignored, readers, now))
            }
        }
    }

    /// In the core there are none.
    #[cfg(not(feature = "data"))]
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    pub fn begin(&mut self, wish: Wish, _: ClientId, _: &Shared, _: Instant) -> Box<dyn Errand> {
        match wish {}
    }
}

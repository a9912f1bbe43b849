//! Who has started the server, and may wait to hear how it is.

/// What the server does from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Everything runs, with what was read last.
    Ready,
    /// Everything is read anew. `Ready` follows.
    Reloading,
    /// It ends. Nothing follows.
    Stopping,
}

pub trait Supervisor: Send + Sync {
    /// Tells it so. May take some seconds, but no time to tell that the server ends.
    fn tell(&self, stage: Stage);
}

/// Nobody waits.
impl Supervisor for () {
    fn tell(&self, _: Stage) {}
}

//! Faults that a test asks for, in a build with the feature `fault-injection`. No release has it.

use crate::command::Command;

/// `/faultpanic` makes the broadcaster panic.
///
/// # Panics
///
/// That is what it is for.
pub fn in_broadcaster(command: &Command) {
    assert!(
        !is(command, "/faultpanic"),
        "a fault in the broadcaster, as a test asked for"
    );
}

/// `/faultpanicclient` makes the thread of the client panic.
///
/// # Panics
///
/// That is what it is for.
pub fn in_session(command: &Command) {
    assert!(
        !is(command, "/faultpanicclient"),
        "a fault in a client's thread, as a test asked for"
    );
}

fn is(command: &Command, word: &str) -> bool {
    matches!(command, Command::Unknown(unknown) if unknown.as_str() == word)
}

//! Faults that a test asks for, in a build with the feature `fault-injection`. No release has it.

use crate::command::Command;

/// Panics at this command, which is unknown otherwise.
pub fn panic_at(word: &str, command: &Command) {
    let is_asked_for = matches!(command, Command::Unknown(unknown) if unknown.as_str() == word);
    assert!(!is_asked_for, "a fault, as a test asked for");
}

//! Faults that a test asks for, in a build with the feature `fault-injection`. No release has it.

use crate::address::Address;
use crate::command::Command;
use std::net::Ipv4Addr;

/// Panics at this command, which is unknown otherwise.
pub fn panic_at(word: &str, command: &Command) {
    let is_asked_for = matches!(command, Command::Unknown(unknown) if unknown.as_str() == word);
    assert!(!is_asked_for, "a fault, as a test asked for");
}

/// Panics at whoever comes from this address, which a client has only if it chooses it.
pub fn panic_at_address(address: Address) {
    let fault = Ipv4Addr::new(127, 0, 0, 66);
    let is_asked_for = matches!(address, Address::Tcp(address) if address.ip() == fault);
    assert!(!is_asked_for, "a fault, as a test asked for");
}

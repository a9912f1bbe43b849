//! What the log says of clients: names and addresses, and never what they say.

use crate::address::Address;
use crate::event::{Ending, Tally};
use crate::name::Name;
use crate::units::show_duration;
use log::info;
use std::time::Duration;

/// A client has joined; in raw mode it has no name.
pub fn joined(address: Address, name: Option<&Name>) {
    match name {
        Some(name) => info!(target: "chatd::joined", "joined: {address} {name}"),
        None => info!(target: "chatd::joined", "joined: {address}"),
    }
}

pub fn renamed(address: Address, old: &Name, new: &Name) {
    info!(target: "chatd::renamed", "renamed: {address} {old} is now {new}");
}

pub fn left(
    address: Address,
    name: Option<&Name>,
    stayed: Duration,
    ending: &Ending,
    Tally { lines, bytes }: Tally,
) {
    let stayed = show_duration(stayed);
    let name = name.map(|name| format!(" {name}")).unwrap_or_default();
    info!(target: "chatd::left", "left: {address}{name}, {lines} lines, {bytes} bytes, {stayed}, {ending}");
}

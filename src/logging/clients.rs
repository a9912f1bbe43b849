//! What the log says of clients: names and addresses, and never what they say.

use crate::address::Address;
use crate::event::{Ending, Tally};
use crate::name::Name;
use crate::units::show_duration;
#[cfg(feature = "data")]
use log::debug;
use log::info;
#[cfg(feature = "data")]
use std::fmt;
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

/// A client waits to be let in.
#[cfg(feature = "data")]
pub fn waits(address: Address) {
    debug!(target: "chatd::lobby", "waits to be let in: {address}");
}

/// It has left and was never let in.
#[cfg(feature = "data")]
pub fn gave_up(address: Address, stayed: Duration, ending: &Ending, Tally { lines, bytes }: Tally) {
    let stayed = show_duration(stayed);
    debug!(target: "chatd::lobby", "was not let in: {address}, {lines} lines, {bytes} bytes, {stayed}, {ending}");
}

/// An operator has done something: who, and what.
#[cfg(feature = "data")]
pub fn ordered(what: fmt::Arguments<'_>) {
    info!(target: "chatd::operators", "operator: {what}");
}

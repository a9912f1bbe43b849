//! What the log says of clients: names and addresses, and never what they say.

use crate::chat::names::Name;
use crate::event::Ending;
use crate::units::show_duration;
use crate::wire::Tally;
use log::info;
use std::net::SocketAddr;
use std::time::Duration;

/// A client has joined; in raw mode it has no name.
pub fn joined(peer: SocketAddr, name: Option<&Name>) {
    match name {
        Some(name) => info!(target: "chatd::joined", "joined: {peer} {name}"),
        None => info!(target: "chatd::joined", "joined: {peer}"),
    }
}

/// It has another name.
pub fn renamed(peer: SocketAddr, old: &Name, new: &Name) {
    info!(target: "chatd::renamed", "renamed: {peer} {old} {new}");
}

/// It has left.
pub fn left(
    peer: SocketAddr,
    name: Option<&Name>,
    tally: Tally,
    stayed: Duration,
    ending: &Ending,
) {
    let Tally { lines, bytes } = tally;
    let stayed = show_duration(stayed);
    match name {
        Some(name) => {
            info!(target: "chatd::left", "left: {peer} {name}, {lines} lines, {bytes} bytes, {stayed}, {ending}");
        }
        None => {
            info!(target: "chatd::left", "left: {peer}, {lines} lines, {bytes} bytes, {stayed}, {ending}")
        }
    }
}

/// There was no room for a client.
pub fn turned_away(peer: SocketAddr) {
    info!(target: "chatd::turned_away", "turned away: {}", SocketAddr::new(peer.ip().to_canonical(), peer.port()));
}

//! chatd as a service of its machine.

pub mod activation;
mod local;
pub mod unix_socket;

//! chatd as a service of its machine.

mod local;
pub mod unix_socket;

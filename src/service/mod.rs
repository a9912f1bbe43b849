//! chatd as a service of the machine: Unix sockets and sockets that were handed down, what systemd is
//! told, and what is put beside the program when it is installed. The core does not need it.

pub(crate) mod activation;
mod completions;
mod local;
mod manual;
pub(crate) mod notify;
pub(crate) mod unix_socket;

pub use completions::completions;
pub use manual::manual;

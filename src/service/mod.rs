//! chatd as a service of the machine: what systemd is told, and what is put beside the program when
//! it is installed. The core does not need it.

mod completions;
mod manual;
pub(crate) mod notify;

pub use completions::completions;
pub use manual::manual;

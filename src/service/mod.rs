//! chatd as a service of the machine. The core does not need it.

pub mod notify;

//! Section 8: chatd as a service of its machine.

mod activation;
mod unix_clients;
mod unix_socket;
mod users;

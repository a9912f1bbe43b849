//! Section 8: chatd as a service of its machine.

mod activation;
mod ssh;
mod unix_clients;
mod unix_socket;
mod users;

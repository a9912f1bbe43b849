//! Section 8: chatd as a service.

mod activation;
mod completions;
mod manual;
mod notify;
mod ssh;
mod unit_files;
mod unix_clients;
mod unix_socket;
mod users;

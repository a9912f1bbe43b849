//! Section 8: chatd as a service.

mod completions;
mod manual;
mod notify;
mod unit_files;

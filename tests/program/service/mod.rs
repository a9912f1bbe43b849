//! Section 8: chatd as a service.

mod notify;

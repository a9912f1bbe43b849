//! Section 7: accounts, who may come in, and operators.
//!
//! | topic | file |
//! | --- | --- |
//! | passwords where there are no accounts | `none` |
//! | the options | `options` |
//! | `/login`, and who has a name | `login` |
//! | the owner comes by another connection | `elsewhere` |
//! | `/register`, `/password` | `new_passwords` |
//! | what you missed | `missed` |
//! | `--members-only` | `members_only` |
//! | `--password-file` | `room_password` |
//! | which connections passwords are taken over | `connections` |
//! | telnet: the screen does not show a password | `telnet` |
//! | kicks, bans, mutes, erasures | `operators` |
//! | nothing secret anywhere | `secrecy` |
//! | what wrong passwords cost, and who waits for a check | `debts` |
//! | `nc`, `telnet`, `ncat --ssl`, `nc -U` | `real_clients` |
//! | many wrong passwords, names, new accounts, strangers and logins | `attack` |

mod none;

#[cfg(feature = "data")]
mod attack;
#[cfg(feature = "data")]
mod connections;
#[cfg(feature = "data")]
mod debts;
#[cfg(feature = "data")]
mod elsewhere;
#[cfg(feature = "data")]
mod login;
#[cfg(feature = "data")]
mod members_only;
#[cfg(feature = "data")]
mod missed;
#[cfg(feature = "data")]
mod new_passwords;
#[cfg(feature = "data")]
mod operators;
#[cfg(feature = "data")]
mod options;
#[cfg(feature = "data")]
mod real_clients;
#[cfg(feature = "data")]
mod room_password;
#[cfg(feature = "data")]
mod secrecy;
#[cfg(feature = "data")]
mod telnet;

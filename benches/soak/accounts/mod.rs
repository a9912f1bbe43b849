//! People with accounts, and those who try to come in without: what that costs those who chat.
//!
//! | file | idea |
//! | --- | --- |
//! | `data` | where a server keeps its data, and the accounts in there |
//! | `visits` | clients with accounts, and clients that come again and again |
//! | `times` | how long something took each time |
//! | `memory` | what the server occupies meanwhile |
//! | `intruders` | wrong passwords, and names that nobody has |
//! | `registrations` | as many new accounts as possible |
//! | `members` | members only, and thousands of strangers who wait |
//! | `searchers` | logins beside searches |
//! | `takeovers` | owners who come by another connection |

mod data;
mod intruders;
mod members;
mod memory;
mod registrations;
mod searchers;
mod takeovers;
mod times;
mod visits;

use std::time::Duration;

use crate::scenario::{Scenario, scenario};

/// How long lines may take of those who chat while others log in, but for one in a hundred.
const CHAT: Duration = Duration::from_millis(100);

/// In the order in which they are measured.
pub const SCENARIOS: [Scenario; 8] = [
    scenario("passwords", intruders::at_one_address),
    scenario("passwords-everywhere", intruders::everywhere),
    scenario("guessed-names", intruders::guessed_names),
    scenario("registrations", registrations::registrations),
    scenario("strangers", members::strangers),
    scenario("searchers", searchers::searchers),
    scenario("bots", takeovers::bots),
    scenario("take-overs", takeovers::owners),
];

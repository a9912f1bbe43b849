//! All scenarios, by name.

use crate::args::Args;
use crate::sheet::Sheet;
use crate::{crowds, figures, remains, slow_readers, together};

/// Something that is done to a server of its own, and measured.
pub struct Scenario {
    /// What `--only` calls it.
    pub name: &'static str,
    pub measure: fn(&Args, &mut Sheet),
}

/// All that there are, in the order in which they are measured.
pub fn all() -> impl Iterator<Item = &'static Scenario> {
    #[cfg(feature = "data")]
    let with_accounts = crate::accounts::SCENARIOS.iter();
    #[cfg(not(feature = "data"))]
    let with_accounts = [].iter();
    WITHOUT_ACCOUNTS.iter().chain(with_accounts)
}

const WITHOUT_ACCOUNTS: [Scenario; 16] = [
    scenario("stalled", figures::processor_of_stalled_clients),
    scenario("silent", figures::memory_of_silent_clients),
    scenario("connections", figures::what_stays_of_connections),
    scenario("flooder", figures::delay_beside_a_flooder),
    scenario("flooders", slow_readers::flooders),
    scenario("names", slow_readers::names),
    scenario("replaced", slow_readers::replaced),
    scenario("gatherer", slow_readers::gatherer),
    scenario("crowd-of-flooders", crowds::crowd_of_flooders),
    scenario("crowd-of-askers", crowds::crowd_of_askers),
    scenario("two-thousand", crowds::two_thousand),
    scenario("readers", crowds::readers),
    scenario("toggler", remains::toggler),
    scenario("stopped", remains::stopped),
    scenario("ignoring", remains::ignoring),
    scenario("everything", together::everything),
];

/// What `--only` takes.
pub fn names() -> impl Iterator<Item = &'static str> {
    all().map(|scenario| scenario.name)
}

/// One of them.
pub const fn scenario(name: &'static str, measure: fn(&Args, &mut Sheet)) -> Scenario {
    Scenario { name, measure }
}

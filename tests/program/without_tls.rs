//! Section 6, where chatd is built without the feature `tls`.

use crate::kit::are_unknown;

#[test]
fn without_it_the_options_are_unknown() {
    are_unknown(&["--tls", "--tls-cert", "--tls-key", "--plain-port"]);
}

//! Section 6, where chatd is built without the feature `tls`.

use crate::kit::{Server, complaint};

#[test]
fn without_it_the_options_are_unknown() {
    for option in ["--tls", "--tls-cert", "--tls-key", "--plain-port"] {
        let mut command = Server::command();
        command.args([option, "1"]);
        let line = complaint(command, 2);
        assert!(
            line.contains("unexpected") && line.contains(option),
            "{line}"
        );
    }
}

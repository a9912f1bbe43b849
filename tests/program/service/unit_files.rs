//! The unit files of the README.

use std::fs;

use crate::kit::{Server, TempFile, are_installed, new_command, run_to_end};

/// The block of the README that has this section in it.
fn block(section: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = fs::read_to_string(path).unwrap();
    let mut blocks = readme.split("```");
    let found = blocks.find(|block| block.starts_with("ini\n") && block.contains(section));
    found.unwrap().trim_start_matches("ini\n").to_owned()
}

#[test]
fn systemd_understands_the_unit_files_of_the_readme() {
    if !are_installed(&["systemd-analyze"]) {
        return;
    }
    let program = Server::command().get_program().to_str().unwrap().to_owned();
    let service = block("[Service]").replace("/usr/local/bin/chatd", &program);
    assert!(service.contains(&program), "{service}");
    let service = TempFile::with(&service);
    let socket = TempFile::with(&block("[Socket]"));
    let mut verify = new_command("systemd-analyze");
    verify.args(["verify", "--man=no"]);
    // Under these names.
    verify.arg(format!("{}:chatd.service", service.path()));
    verify.arg(format!("{}:chatd.socket", socket.path()));
    let output = run_to_end(verify);
    assert!(
        output.status.success() && output.stdout.is_empty() && output.stderr.is_empty(),
        "{output:?}"
    );
}

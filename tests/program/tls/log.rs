//! What the log says.

use crate::kit::{Server, TlsClient, are_installed, new_command, one_shot, run_to_end};

use super::Identity;

/// The log without the times, until somebody is there.
fn log_of(args: &[&str]) -> Vec<String> {
    let mut command = Server::command();
    command.args(args);
    let server = Server::launch(command);
    server.connect();
    server.log_line(|line| line.contains("SHA-1"));
    let lines = server.log();
    // A warning may stand there that is about the limit on open files.
    let text = |line: &String| line.split_once("INFO ] ").map(|(_, text)| text.to_owned());
    lines.iter().filter_map(text).collect()
}

#[test]
fn there_is_a_line_for_each_port_the_main_one_first_and_how_people_join() {
    let identity = Identity::new();
    let cert = [
        "--port",
        "0",
        "--plain-port",
        "0",
        "--tls-cert",
        identity.path(),
    ];
    let log = log_of(&[&cert[..], &["--bind", "0.0.0.0"]].concat());
    let [main, plain, join, ..] = &log[..] else {
        panic!("{log:#?}");
    };
    let port = main.strip_prefix("listening on 0.0.0.0:");
    let port = port.and_then(|port| port.strip_suffix(" with TLS"));
    let port = port.unwrap_or_else(|| panic!("{log:#?}"));
    assert!(
        plain.starts_with("listening on 0.0.0.0:") && !plain.contains("TLS"),
        "{plain}"
    );
    assert!(join.starts_with("join with: ncat --ssl "), "{join}");
    assert!(join.ends_with(&format!(" {port}")), "{join}");
    let log = log_of(&[&cert[..], &["--bind", "127.0.0.1"]].concat());
    assert!(
        !log.iter().any(|line| line.contains("join with")),
        "{log:#?}"
    );
}

#[test]
fn the_fingerprints_are_those_that_openssl_and_ncat_print() {
    if !are_installed(&["openssl", "ncat"]) {
        return;
    }
    let identity = Identity::new();
    let server = Server::start(&["--tls-cert", identity.path()]);
    let said = |digest: &str| {
        let line = server.log_line(|line| line.contains(digest));
        line.rsplit_once("fingerprint is ")
            .expect("a fingerprint")
            .1
            .to_owned()
    };
    let of_openssl = |option: &str| {
        let mut command = new_command("openssl");
        command.args([
            "x509",
            "-noout",
            "-fingerprint",
            option,
            "-in",
            identity.path(),
        ]);
        let text = String::from_utf8(run_to_end(command).stdout).unwrap();
        text.trim()
            .rsplit_once('=')
            .expect("a fingerprint")
            .1
            .to_owned()
    };
    assert_eq!(said("SHA-256"), of_openssl("-sha256"));
    assert_eq!(
        said("SHA-1").replace(' ', ""),
        of_openssl("-sha1").replace(':', "")
    );
    let output = one_shot("echo /quit | ncat -v --ssl 127.0.0.1 $PORT", &server);
    let text = String::from_utf8_lossy(&output.stderr);
    let line = format!("SHA-1 fingerprint: {}", said("SHA-1"));
    assert!(text.contains(&line), "{line} is not in {text}");
}

#[test]
fn tls_alone_says_that_the_certificate_lasts_as_long_as_the_server_and_how_to_keep_one() {
    let says = |log: &[String]| log.iter().any(|line| line.contains("chatd cert FILE"));
    let server = Server::start(&["--tls"]);
    let line = server.log_line(|line| line.contains("chatd cert FILE"));
    assert!(line.contains("lasts until the server ends"), "{line}");
    let first = TlsClient::shaken(&server).certificate();
    let other = Server::start(&["--tls"]);
    assert_ne!(
        TlsClient::shaken(&other).certificate(),
        first,
        "another run"
    );
    let identity = Identity::new();
    let log = log_of(&[
        "--port",
        "0",
        "--bind",
        "127.0.0.1",
        "--tls-cert",
        identity.path(),
    ]);
    assert!(!says(&log), "{log:#?}");
}

#[test]
fn a_client_is_logged_as_a_plain_one_with_what_it_said_and_not_how_that_came() {
    let server = Server::start(&["--tls", "-vv"]);
    let mut alice = TlsClient::join(&server, "alice");
    let address = alice.stream.local_addr().unwrap();
    for byte in b"my little secret\n" {
        alice.send(&[*byte]);
    }
    alice.send(b"/quit\n");
    let bytes = "/nick alice\nit is me\n/version\nmy little secret\n/quit\n".len();
    let line = server.log_line(|line| line.contains("left: "));
    let expected = format!("left: {address} alice, 5 lines, {bytes} bytes, ");
    assert!(
        line.contains(&expected) && line.ends_with(", quit"),
        "{line}"
    );
    let log = server.log().join("\n");
    assert!(!log.contains("secret") && !log.contains("rustls"), "{log}");
}

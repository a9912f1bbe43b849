//! The options, their variables, and files that are of no use.

use std::fs;

use crate::kit::{Server, TempFile, TlsClient, are_installed, complaint, new_command, run_to_end};

use super::{Identity, block, mode, new_path, private};

type Variables<'a> = &'a [(&'a str, &'a str)];

#[test]
fn the_options_and_their_variables_imply_tls() {
    let identity = Identity::new();
    let [certificate, key] =
        ["CERTIFICATE", "PRIVATE KEY"].map(|label| private(&block(&identity.text(), label)));
    let (both, certificate, key) = (identity.path(), certificate.path(), key.path());
    let cases: [(&[&str], Variables<'_>); 7] = [
        (&["--tls"], &[]),
        (&[], &[("CHATD_TLS", "true")]),
        (&["--tls-cert", both], &[]),
        (&["--tls-cert", certificate, "--tls-key", key], &[]),
        (&["--tls-key", key], &[("CHATD_TLS_CERT", certificate)]),
        (
            &[],
            &[("CHATD_TLS_CERT", certificate), ("CHATD_TLS_KEY", key)],
        ),
        (&["--tls-cert", both], &[("CHATD_TLS", "false")]),
    ];
    for (args, variables) in cases {
        let mut command = Server::command();
        command
            .args(["--port", "0", "--bind", "127.0.0.1"])
            .args(args);
        command.envs(variables.iter().copied());
        let server = Server::launch(command);
        server.log_line(|line| line.ends_with(" with TLS"));
        TlsClient::join(&server, "alice");
    }
}

#[test]
fn an_empty_variable_counts_as_not_set() {
    let mut command = Server::command();
    command.args(["--port", "0", "--bind", "127.0.0.1"]);
    for name in [
        "CHATD_TLS",
        "CHATD_TLS_CERT",
        "CHATD_TLS_KEY",
        "CHATD_PLAIN_PORT",
    ] {
        command.env(name, "");
    }
    let server = Server::launch(command);
    server.log_line(|line| line.contains("listening on ") && !line.contains("TLS"));
}

#[test]
fn usage_errors_name_the_option_or_the_variable() {
    let cases: [(&[&str], Variables<'_>, &str); 8] = [
        (&["--plain-port", "0"], &[], "--plain-port"),
        (&[], &[("CHATD_PLAIN_PORT", "0")], "CHATD_PLAIN_PORT"),
        (
            &["--tls", "--port", "7", "--plain-port", "7"],
            &[],
            "--plain-port",
        ),
        (
            &["--tls", "--port", "7"],
            &[("CHATD_PLAIN_PORT", "7")],
            "CHATD_PLAIN_PORT",
        ),
        (&["--tls", "--plain-port", "65536"], &[], "from 0 to 65535"),
        (&["--tls", "--plain-port", "-1"], &[], "--plain-port"),
        (&["--tls-key", "key.pem"], &[], "--tls-key"),
        (&[], &[("CHATD_TLS", "perhaps")], "CHATD_TLS"),
    ];
    for (args, variables, named) in cases {
        let mut command = Server::command();
        command.args(args).envs(variables.iter().copied());
        let line = complaint(command, 2);
        assert!(line.contains(named), "{line}");
    }
}

#[test]
fn a_file_that_is_of_no_use_is_one_line_that_names_it_and_exit_1() {
    let (identity, other) = (Identity::new(), Identity::new());
    let text = identity.text();
    let certificate = TempFile::with(&block(&text, "CERTIFICATE"));
    let key = TempFile::with(&block(&text, "PRIVATE KEY"));
    let foreign = TempFile::with(&block(&other.text(), "PRIVATE KEY"));
    let rubbish = TempFile::with("this is no PEM\n");
    let bytes = TempFile::with("");
    fs::write(bytes.path(), b"\x30\x82\xff\xfe\0").unwrap();
    let torn = TempFile::with(&text[..text.len() / 4]);
    let nonsense = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let nonsense = TempFile::with(&(nonsense.to_owned() + &block(&text, "PRIVATE KEY")));
    let nonsense_key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let nonsense_key = TempFile::with(nonsense_key);
    let nowhere = new_path();
    let nowhere = nowhere.to_str().unwrap();
    let [
        certificate,
        key,
        foreign,
        rubbish,
        bytes,
        torn,
        nonsense,
        nonsense_key,
    ] = [
        &certificate,
        &key,
        &foreign,
        &rubbish,
        &bytes,
        &torn,
        &nonsense,
        &nonsense_key,
    ]
    .map(TempFile::path);
    let cases = [
        (nowhere, None, nowhere, "No such file"),
        ("/", None, "/", "directory"),
        (rubbish, None, rubbish, "certificate"),
        (bytes, None, bytes, ""),
        (torn, None, torn, ""),
        (nonsense, None, nonsense, ""),
        (key, None, key, "certificate"),
        (certificate, None, certificate, "key"),
        (certificate, Some(nowhere), nowhere, "No such file"),
        (certificate, Some(rubbish), rubbish, "key"),
        (certificate, Some(certificate), certificate, "key"),
        (certificate, Some(nonsense_key), nonsense_key, ""),
        (certificate, Some(foreign), foreign, "does not fit"),
        (nowhere, Some(key), nowhere, "No such file"),
        (rubbish, Some(key), rubbish, "certificate"),
    ];
    for (certificate, key, named, reason) in cases {
        let mut command = Server::command();
        command.args([
            "--port",
            "0",
            "--bind",
            "127.0.0.1",
            "--tls-cert",
            certificate,
        ]);
        command.args(key.map(|key| ["--tls-key", key]).iter().flatten());
        let line = complaint(command, 1);
        assert!(
            line.starts_with(&format!("chatd: {named}: ")) && line.contains(reason),
            "{line}, which should name {named} and say {reason:?}"
        );
    }
}

/// What openssl writes to stdout.
fn openssl(line: &str) -> String {
    let mut shell = new_command("sh");
    shell.args(["-c", &format!("openssl {line}")]);
    let output = run_to_end(shell);
    assert!(output.status.success(), "{line}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What chatd says of a certificate that it does not take.
fn refused(file: &TempFile) -> String {
    let mut command = Server::command();
    command.args([
        "--port",
        "0",
        "--bind",
        "127.0.0.1",
        "--tls-cert",
        file.path(),
    ]);
    let line = complaint(command, 1);
    let name = format!("chatd: {}: ", file.path());
    let reason = line.strip_prefix(&name);
    reason.unwrap_or_else(|| panic!("{line}")).to_owned()
}

#[test]
fn a_file_that_is_cut_off_or_has_an_encrypted_key_is_said_to_be_so() {
    if !are_installed(&["openssl"]) {
        return;
    }
    let identity = Identity::new();
    let text = identity.text();
    let certificate = block(&text, "CERTIFICATE");
    let in_the_key = text.find("-----END PRIVATE").unwrap();
    for cut in [100, in_the_key] {
        let line = refused(&private(&text[..cut]));
        assert!(line.starts_with("it is cut off"), "{line}");
    }
    for kind in ["pkey", "ec"] {
        let line = format!("{kind} -aes128 -passout pass:word -in {}", identity.path());
        let line = refused(&private(&(certificate.clone() + &openssl(&line))));
        assert!(line.contains("is encrypted"), "{kind}: {line}");
    }
}

#[test]
fn a_key_that_cannot_be_used_is_told_which_can() {
    if !are_installed(&["openssl"]) {
        return;
    }
    for (kind, is_taken) in [
        ("ec -pkeyopt ec_paramgen_curve:P-256", true),
        ("ec -pkeyopt ec_paramgen_curve:P-384", true),
        ("ed25519", true),
        ("rsa:2048", true),
        ("ec -pkeyopt ec_paramgen_curve:P-521", false),
        ("ed448", false),
        ("rsa:1024", false),
    ] {
        let line = format!("req -x509 -newkey {kind} -nodes -subj /CN=chatd -keyout - 2>/dev/null");
        let file = private(&openssl(&line));
        if is_taken {
            TlsClient::join(&Server::start(&["--tls-cert", file.path()]), "alice");
        } else {
            let line = refused(&file);
            let taken = "ECDSA P-256 or P-384, Ed25519, RSA of 2048 to 4096 bits";
            assert!(line.contains(taken), "{kind}: {line}");
        }
    }
}

#[test]
fn what_stands_beside_the_blocks_of_a_file_does_not_matter() {
    let mut bytes = b"Universit\xe4t\n".to_vec();
    bytes.extend(Identity::new().text().as_bytes());
    let file = private("");
    fs::write(file.path(), bytes).unwrap();
    TlsClient::join(&Server::start(&["--tls-cert", file.path()]), "alice");
}

#[test]
fn a_key_file_that_others_can_read_is_a_warning() {
    let identity = Identity::new();
    for (of_file, is_warned) in [(0o600, false), (0o620, false), (0o640, true), (0o604, true)] {
        mode(identity.path(), of_file);
        let server = Server::start(&["--tls-cert", identity.path()]);
        let warns = |line: &String| line.contains("WARN") && line.contains(identity.path());
        let log = server.log();
        assert_eq!(log.iter().any(warns), is_warned, "{of_file:o}: {log:#?}");
    }
}

#[test]
fn a_certificate_without_its_key_may_be_read_by_others() {
    let text = Identity::new().text();
    let certificate = TempFile::with(&block(&text, "CERTIFICATE"));
    mode(certificate.path(), 0o644);
    let key = private(&block(&text, "PRIVATE KEY"));
    let server = Server::start(&["--tls-cert", certificate.path(), "--tls-key", key.path()]);
    let log = server.log();
    assert!(
        !log.iter().any(|line| line.contains("can read")),
        "{log:#?}"
    );
}

#[test]
fn two_ports_may_both_be_chosen_by_the_system() {
    let server = Server::start(&["--tls", "--plain-port", "0"]);
    assert_ne!(server.plain_address(), server.address());
}

#[test]
fn the_help_lists_them() {
    let mut command = Server::command();
    command.arg("--help");
    let output = run_to_end(command);
    let text = String::from_utf8_lossy(&output.stdout);
    for option in ["--tls", "--tls-cert", "--tls-key", "--plain-port", "cert"] {
        assert!(text.contains(option), "{option} is not in {text}");
    }
}

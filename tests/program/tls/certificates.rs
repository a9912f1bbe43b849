//! `chatd cert`, and certificates that are renewed.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::kit::{
    Server, TempFile, TlsClient, answers, are_installed, complaint, new_command, run_to_end,
};

use super::{Identity, cert, new_path};

/// What openssl says of a certificate.
fn shown_by_openssl(path: &str, options: &[&str]) -> String {
    let mut command = new_command("openssl");
    command.args(["x509", "-noout", "-in", path]).args(options);
    let output = run_to_end(command);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn it_makes_a_new_file_of_mode_0600_and_says_nothing() {
    let path = new_path();
    // Whatever the umask is.
    let mut command = Server::command_after("umask 0");
    command.arg("cert").arg(&path);
    let output = run_to_end(command);
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{output:?}"
    );
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    let text = fs::read_to_string(&path).unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(mode & 0o7777, 0o600);
    for label in ["CERTIFICATE", "PRIVATE KEY"] {
        assert_eq!(
            text.matches(&format!("-----BEGIN {label}-----\n")).count(),
            1,
            "{text}"
        );
    }
}

#[test]
fn a_file_that_is_there_already_is_left_as_it_is() {
    let file = TempFile::with("precious\n");
    let line = complaint(cert(file.path().as_ref()), 1);
    assert!(
        line.contains(file.path()) && line.contains("File exists"),
        "{line}"
    );
    assert_eq!(fs::read_to_string(file.path()).unwrap(), "precious\n");
    let line = complaint(cert("/nowhere/at/all".as_ref()), 1);
    assert!(line.contains("/nowhere/at/all: No such file"), "{line}");
}

#[test]
fn where_it_cannot_be_written_nothing_is_left_in_the_way() {
    let path = new_path();
    // As a full disk, which no test can have.
    let mut command = Server::command_after("trap '' XFSZ; ulimit -f 0");
    command.arg("cert").arg(&path);
    let line = complaint(command, 1);
    assert!(
        line.contains(path.to_str().unwrap()) && line.contains("File too large"),
        "{line}"
    );
    assert!(!path.exists());
}

#[test]
fn the_file_has_to_be_said_and_what_the_environment_says_of_a_server_does_not_matter() {
    let mut command = Server::command();
    command.arg("cert");
    complaint(command, 2);
    let path = new_path();
    let mut command = cert(&path);
    command
        .env("CHATD_MOTD", "/nowhere/at/all")
        .env("CHATD_PLAIN_PORT", "7");
    let output = run_to_end(command);
    assert!(output.status.success(), "{output:?}");
    fs::remove_file(&path).unwrap();
}

#[test]
fn it_is_for_the_hosts_name_localhost_and_the_loopback_addresses_from_2000_and_without_an_end() {
    if !are_installed(&["openssl"]) {
        return;
    }
    let identity = Identity::new();
    let text = shown_by_openssl(identity.path(), &["-text"]);
    for part in [
        "Not Before: Jan  1 00:00:00 2000 GMT",
        "Not After : Dec 31 23:59:59 9999 GMT",
        "ASN1 OID: prime256v1",
        "Signature Algorithm: ecdsa-with-SHA256",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let names = shown_by_openssl(identity.path(), &["-ext", "subjectAltName"]);
    let names = names.lines().nth(1).expect("names").trim();
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let host = host.trim();
    let is_name = host
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    let of_host = if is_name && host != "localhost" {
        format!("DNS:{host}, ")
    } else {
        String::new()
    };
    let loopback = "DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1";
    assert_eq!(names, format!("{of_host}{loopback}"));
    let ends: Vec<String> = ["-subject_hash", "-issuer_hash"]
        .map(|option| shown_by_openssl(identity.path(), &[option]))
        .into();
    assert_eq!(ends[0], ends[1], "self-signed");
}

#[test]
fn a_client_that_has_the_certificate_verifies_the_server_by_it() {
    if !are_installed(&["openssl", "python3"]) {
        return;
    }
    let identity = Identity::new();
    let server = Server::start(&["--tls-cert", identity.path()]);
    let python = "import os, socket, ssl
context = ssl.create_default_context(cafile=os.environ['CERT'])
for name in ('localhost', '127.0.0.1'):
    stream = socket.create_connection(('127.0.0.1', int(os.environ['PORT'])))
    stream = context.wrap_socket(stream, server_hostname=name)
    assert stream.version() == 'TLSv1.3'
    stream.sendall(b'/version\\n')
    assert stream.recv(1)
";
    let openssl = "openssl s_client -quiet -verify_return_error -verify_hostname localhost \
        -CAfile $CERT -connect 127.0.0.1:$PORT";
    for line in [
        "python3 -c \"$PYTHON\"".to_owned(),
        format!("echo /quit | {openssl} | grep welcome"),
        format!("echo /quit | {openssl} -partial_chain | grep welcome"),
    ] {
        let mut shell = new_command("sh");
        shell.args(["-c", &line]).env("PYTHON", python);
        shell.env("CERT", identity.path());
        shell.env("PORT", server.port().to_string());
        let output = run_to_end(shell);
        assert!(output.status.success(), "{line}: {output:?}");
    }
}

#[test]
fn sighup_takes_a_renewed_certificate_into_use_and_who_is_connected_notices_nothing() {
    let identity = Identity::new();
    let server = Server::start(&["--tls-cert", identity.path()]);
    let mut before = TlsClient::join(&server, "before");
    identity.renew();
    assert_eq!(
        TlsClient::shaken(&server).certificate(),
        before.certificate()
    );
    server.signal("HUP");
    let line = server.log_line(|line| line.contains("SIGHUP"));
    assert!(
        line.ends_with("INFO ] SIGHUP: the certificate was read anew"),
        "{line}"
    );
    server.log_lines(2, |line| line.contains("SHA-256"));
    let mut after = TlsClient::join(&server, "after");
    assert_ne!(after.certificate(), before.certificate());
    after.send(b"is somebody here?\n");
    before.expect("<after> is somebody here?");
    before.send(b"I am\n");
    after.expect("<before> I am");
}

#[test]
fn a_broken_file_changes_nothing_at_sighup_and_is_an_error_in_the_log() {
    let identity = Identity::new();
    let server = Server::start(&["--tls-cert", identity.path()]);
    let before = TlsClient::shaken(&server).certificate();
    let other = Identity::new();
    let mixed =
        super::block(&other.text(), "CERTIFICATE") + &super::block(&identity.text(), "PRIVATE KEY");
    for (count, text) in (1..).zip(["", "rubbish\n", &mixed]) {
        fs::write(identity.path(), text).unwrap();
        server.signal("HUP");
        let lines = server.log_lines(count, |line| line.contains("SIGHUP"));
        let line = lines.last().unwrap();
        assert!(
            line.contains("ERROR") && line.contains(identity.path()),
            "{line}"
        );
        assert_eq!(TlsClient::shaken(&server).certificate(), before);
    }
    identity.renew();
    server.signal("HUP");
    server.log_line(|line| line.ends_with("SIGHUP: the certificate was read anew"));
    assert_ne!(TlsClient::shaken(&server).certificate(), before);
}

#[test]
fn a_pipe_in_the_place_of_a_file_at_sighup_is_an_error_and_keeps_nobody_from_the_next_reload() {
    let identity = Identity::new();
    let server = Server::start(&["--tls-cert", identity.path()]);
    let before = TlsClient::shaken(&server).certificate();
    fs::remove_file(identity.path()).unwrap();
    let mut command = new_command("mkfifo");
    command.arg(identity.path());
    assert!(run_to_end(command).status.success());
    server.signal("HUP");
    let line = server.log_line(|line| line.contains("SIGHUP"));
    assert!(
        line.contains("ERROR") && line.contains("not a file"),
        "{line}"
    );
    assert_eq!(TlsClient::shaken(&server).certificate(), before);
    identity.renew();
    server.signal("HUP");
    server.log_line(|line| line.ends_with("SIGHUP: the certificate was read anew"));
}

#[test]
fn at_sighup_one_log_line_says_what_was_done_with_motd_and_certificate() {
    let (identity, motd) = (Identity::new(), TempFile::with("hello\n"));
    let server = Server::start(&["--motd", motd.path(), "--tls-cert", identity.path()]);
    let mut alice = server.joined("alice");
    fs::write(motd.path(), "good day\n").unwrap();
    server.signal("HUP");
    server.log_lines(2, |line| line.contains("SHA-256"));
    let log = server.log();
    let said: Vec<&String> = log.iter().filter(|line| line.contains("SIGHUP")).collect();
    let [line] = said[..] else {
        panic!("{said:#?}")
    };
    assert!(
        line.contains("message of the day") && line.contains("certificate"),
        "{line}"
    );
    assert_eq!(answers(&mut alice, "/motd"), ["-- good day"]);
}

#[test]
fn a_certificate_that_was_made_for_the_run_stays_at_sighup() {
    let server = Server::start(&["--tls"]);
    let before = TlsClient::shaken(&server).certificate();
    server.signal("HUP");
    server.log_line(|line| line.ends_with("SIGHUP: there is nothing to read anew"));
    assert_eq!(TlsClient::shaken(&server).certificate(), before);
}

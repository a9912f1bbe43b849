//! `ssh HOST nc -U PATH`: people from elsewhere by a Unix socket, so that sshd does keys and
//! encryption.

use std::env;
use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use rustix::process::getuid;

use crate::kit::{
    Program, Server, SocketPath, TempFile, are_installed, eventually, new_command, run_to_end,
    skip, text,
};

/// An sshd of the test's own, on a port of its own, with keys of its own. It and its files go with
/// this value.
struct Sshd {
    process: Child,
    folder: PathBuf,
    port: u16,
}

impl Sshd {
    /// Nothing where there is none, or none can be started: the test is skipped then.
    fn start() -> Option<Self> {
        if !are_installed(&["ssh", "ssh-keygen", "nc", "id"]) {
            return None;
        }
        // It is on the search path of the superuser alone, and wants to be started by its path.
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
        let mut programs = folders.map(|folder| folder.join("sshd"));
        let Some(program) = programs.find(|program| program.is_file()) else {
            skip("sshd is not installed");
            return None;
        };
        let folder = PathBuf::from(SocketPath::new().path()).with_extension("ssh");
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, PermissionsExt::from_mode(0o700)).unwrap();
        make_key(&folder.join("host"));
        make_key(&folder.join("user"));
        fs::copy(folder.join("user.pub"), folder.join("authorized")).unwrap();
        // Free, since nobody listens there any more when sshd begins.
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let port = port.unwrap().port();
        let file = |name| folder.join(name).display().to_string();
        let config = [
            ("ListenAddress", "127.0.0.1".to_owned()),
            ("Port", port.to_string()),
            ("HostKey", file("host")),
            ("AuthorizedKeysFile", file("authorized")),
            ("PidFile", "none".to_owned()),
            ("UsePAM", "no".to_owned()),
            ("StrictModes", "no".to_owned()),
            ("PasswordAuthentication", "no".to_owned()),
            ("PermitRootLogin", "yes".to_owned()),
        ];
        let lines = config.map(|(name, value)| format!("{name} {value}\n"));
        fs::write(folder.join("config"), lines.concat()).unwrap();
        if getuid().is_root() {
            // It separates its privileges there, and the start of the service makes it.
            let _ = fs::create_dir_all("/run/sshd");
        }
        let mut command = new_command(program);
        command.args(["-D", "-e", "-f"]).arg(folder.join("config"));
        command.stderr(File::create(folder.join("log")).unwrap());
        let process = command.spawn().expect("sshd starts");
        let mut sshd = Self {
            process,
            folder,
            port,
        };
        let mut has_ended = false;
        eventually("sshd listens", || {
            has_ended = sshd.process.try_wait().unwrap().is_some();
            has_ended || TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        if has_ended || !sshd.lets_in() {
            skip(format_args!("sshd lets nobody in: {}", sshd.log()));
            return None;
        }
        Some(sshd)
    }

    /// `ssh` to it as whoever runs this test, to run a command there.
    fn ssh(&self, command: &[&str]) -> Command {
        let mut ssh = new_command("ssh");
        let known = self.folder.join("known");
        ssh.args([
            "-F",
            "none",
            "-o",
            "BatchMode=yes",
            "-o",
            "StrictHostKeyChecking=no",
        ]);
        ssh.args(["-o", &format!("UserKnownHostsFile={}", known.display())]);
        ssh.args(["-p", &self.port.to_string(), "-i"]);
        ssh.arg(self.folder.join("user"))
            .arg("127.0.0.1")
            .args(command);
        ssh
    }

    fn lets_in(&self) -> bool {
        run_to_end(self.ssh(&["true"])).status.success()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if thread::panicking() {
            eprintln!("sshd logged:\n{}", self.log());
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn make_key(file: &Path) {
    let mut command = new_command("ssh-keygen");
    command
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(file);
    let output = run_to_end(command);
    assert!(output.status.success(), "{output:?}");
}

/// What the user is called who runs these tests.
fn own_name() -> String {
    let mut command = new_command("id");
    command.arg("-un");
    let output = run_to_end(command);
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn people_from_elsewhere_join_with_ssh_and_nc() {
    let Some(sshd) = Sshd::start() else { return };
    let socket = SocketPath::new();
    let server = Server::start(&["--socket", socket.path()]);
    let mut alice = server.joined("alice");
    let mut program = Program::spawn(sshd.ssh(&["nc", "-N", "-U", socket.path()]));
    program.wait_for_welcome();
    // They are who they are there.
    let joined = format!("joined: uid:{} ", getuid().as_raw());
    let joined = server.log_line(|line| line.contains(&joined));
    let called = joined.rsplit_once(' ').unwrap().1;
    let own_name = own_name();
    assert!(called == own_name || own_name == "root", "{joined}");
    program.showed(&format!("-- welcome to chatd, you are {called}"));
    program.say("/nick bob\nhello from afar");
    alice.expect("<bob> hello from afar");
    alice.send("hello back");
    program.expect("<alice> hello back");
    program.say("/quit");
    alice.expect("-- bob left");
    program.ends();
}

#[test]
fn what_a_pipe_sends_by_ssh_arrives_whole_and_the_end_of_it_is_a_departure() {
    let Some(sshd) = Sshd::start() else { return };
    let socket = SocketPath::new();
    let server = Server::start(&["--socket", socket.path()]);
    let mut alice = server.joined("alice");
    let lines = text((0..500).map(|line| format!("line {line}")));
    let input = TempFile::with(&format!("/nick bob\n{lines}"));
    let mut command = sshd.ssh(&["nc", "-N", "-U", socket.path()]);
    command.stdin(Stdio::from(File::open(input.path()).unwrap()));
    let output = run_to_end(command);
    assert!(output.status.success(), "{output:?}");
    for line in 0..500 {
        alice.expect(&format!("<bob> line {line}"));
    }
    alice.expect("-- bob left");
}

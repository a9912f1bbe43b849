//! The command: reads what the user wants, serves, and says in one line why it could not.

use chatd::config::{Config, NoConfig, Task};
use chatd::server::{ServerError, serve};
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let config = match Config::from_command_line() {
        Ok(config) => config,
        Err(NoConfig { text, status: 0 }) => return status_of(print(&text)),
        Err(NoConfig { text, status }) => {
            complain(&text);
            return ExitCode::from(status);
        }
    };
    if let Some(task) = &config.task {
        return status_of(run(task));
    }
    match serve(config) {
        Ok(()) => ExitCode::SUCCESS,
        // The log says why, as far as anybody reads it. Who waits for stderr here may wait for
        // ever.
        Err(ServerError::Broken) => ExitCode::FAILURE,
        Err(ServerError::Refused(text)) => status_of(Err(text)),
    }
}

fn status_of(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            complain(&text);
            ExitCode::FAILURE
        }
    }
}

/// Does what is not serving, or says why it could not.
fn run(task: &Task) -> Result<(), String> {
    match *task {
        #[cfg(feature = "tls")]
        Task::Cert { ref file } => chatd::make_certificate(file),
        #[cfg(feature = "data")]
        Task::Log(ref options) => chatd::print_log(options),
        #[cfg(feature = "data")]
        Task::Erase(ref options) => print(&chatd::erase(options)?),
        #[cfg(feature = "data")]
        Task::User(ref task) => print(&chatd::user(task)?),
        #[cfg(feature = "data")]
        Task::Ban(ref task) => print(&chatd::ban(task)?),
        #[cfg(feature = "service")]
        Task::Man => print(&chatd::service::manual()),
        #[cfg(feature = "service")]
        Task::Completions { shell } => print(&chatd::service::completions(shell)),
    }
}

/// Prints it as far as anybody reads it: that a pipe is closed (`| head`) is no error.
fn print(text: &str) -> Result<(), String> {
    let mut output = io::stdout().lock();
    let written = output.write_all(text.as_bytes());
    match written.and_then(|()| output.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(format!("standard output: {error}"))
        }
        _ => Ok(()),
    }
}

/// Not `eprintln`, which panics where stderr cannot be written.
fn complain(error: &str) {
    let _ = writeln!(io::stderr(), "chatd: {error}");
}

//! The command: reads what the user wants, serves, and says in one line why it could not.

#[cfg(feature = "tls")]
use chatd::config::Task;
use chatd::config::{Config, NoConfig};
#[cfg(feature = "tls")]
use chatd::make_certificate;
use chatd::server::{ServerError, serve};
use std::io::{self, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let config = match Config::from_command_line() {
        Ok(config) => config,
        Err(NoConfig { text, status: 0 }) => {
            let _ = write!(io::stdout(), "{text}");
            return ExitCode::SUCCESS;
        }
        Err(NoConfig { text, status }) => {
            complain(&text);
            return ExitCode::from(status);
        }
    };
    #[cfg(feature = "tls")]
    if let Some(Task::Cert { file }) = &config.task {
        return match make_certificate(file) {
            Ok(()) => ExitCode::SUCCESS,
            Err(text) => {
                complain(&text);
                ExitCode::FAILURE
            }
        };
    }
    match serve(config) {
        Ok(()) => ExitCode::SUCCESS,
        // The log says why, as far as anybody reads it. Who waits for stderr here may wait for
        // ever.
        Err(ServerError::Broken) => ExitCode::FAILURE,
        Err(ServerError::Refused(text)) => {
            complain(&text);
            ExitCode::FAILURE
        }
    }
}

/// Not `eprintln`, which panics where stderr cannot be written.
fn complain(error: &str) {
    let _ = writeln!(io::stderr(), "chatd: {error}");
}

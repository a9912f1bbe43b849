//! The command: reads what the user wants, serves, and says in one line why it could not.

#[cfg(any(feature = "tls", feature = "data"))]
use chatd::config::Task;
use chatd::config::{Config, NoConfig};
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
    #[cfg(any(feature = "tls", feature = "data"))]
    if let Some(task) = &config.task {
        return match perform(task) {
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

/// What is done in place of serving.
#[cfg(any(feature = "tls", feature = "data"))]
fn perform(task: &Task) -> Result<(), String> {
    match task {
        #[cfg(feature = "tls")]
        Task::Cert { file } => chatd::make_certificate(file),
        #[cfg(feature = "data")]
        Task::Log(options) => chatd::print_log(options),
        #[cfg(feature = "data")]
        Task::Erase(options) => chatd::erase(options),
    }
}

/// Not `eprintln`, which panics where stderr cannot be written.
fn complain(error: &str) {
    let _ = writeln!(io::stderr(), "chatd: {error}");
}

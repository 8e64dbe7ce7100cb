//! The result of a command, and its exit code.

use std::io::{self, Write as _};
use std::process::ExitCode;

use super::shown;

/// A result for standard output, and an exit code.
#[derive(Debug)]
pub(super) struct Answer {
    text: String,
    code: u8,
}

impl Answer {
    /// `well` is false if there are problems.
    pub(super) fn new(text: String, well: bool) -> Self {
        Self { text: shown::lines(&text), code: if well { 0 } else { NOT_WELL } }
    }

    pub(super) fn json(value: &serde_json::Value, well: bool) -> Self {
        Self { text: shown::json(value), code: if well { 0 } else { NOT_WELL } }
    }
}

/// A command that failed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) text: String,
    pub(super) code: u8,
}

impl Failure {
    pub(super) fn failed(text: impl ToString) -> Self {
        Self { text: text.to_string(), code: FAILED }
    }

    pub(super) fn usage(text: impl ToString) -> Self {
        Self { text: text.to_string(), code: USAGE }
    }

    /// Prints the failure, and returns the exit code.
    pub(super) fn told(self) -> ExitCode {
        say(&self.text);
        ExitCode::from(self.code)
    }
}

/// Writes an answer to standard output.
pub(super) fn print(answer: Answer) -> Result<ExitCode, Failure> {
    let mut output = io::stdout();
    match output.write_all(answer.text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::failed(format!("cannot write to standard output: {error}; check where it is redirected to")))
        }
        _ => Ok(ExitCode::from(answer.code)),
    }
}

/// Prints a line to standard error in one write, because others may write there, too.
pub(super) fn say(text: &str) {
    // If standard error is closed, there is nobody left to report to.
    drop(io::stderr().write_all(format!("auditrail: {}\n", shown::plain(text)).as_bytes()));
}

/// The command could not do its work.
const FAILED: u8 = 1;
/// The arguments or the settings are wrong; for the former, clap uses this code, too.
const USAGE: u8 = 2;
/// The command did its work and found something that needs attention: problems, or records that are not delivered.
const NOT_WELL: u8 = 3;

//! `auditrail proxy`.

mod config;
mod http;
mod stdio;
#[cfg(test)]
mod tests;
mod tracer;

use std::process::ExitCode;

use clap::ArgMatches;

use self::config::Configuration;
use super::{Answer, Failure, args, print};
use crate::trail::StartError;

/// Runs the command, if it is the proxy's: its exit code may be the server's.
pub(super) fn main(matches: &ArgMatches) -> Option<ExitCode> {
    match matches.subcommand()? {
        ("proxy", command) => Some(run(command).unwrap_or_else(Failure::told)),
        _ => None,
    }
}

/// Becomes the server, if this process was started by the proxy for that. Returns only if it cannot.
pub(super) fn launched() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1).peekable();
    arguments.next_if(|first| first == args::LAUNCH)?;
    let failure = match args::launch().no_binary_name(true).try_get_matches_from(arguments) {
        Ok(command) => stdio::become_server(&command),
        Err(error) => Failure::usage(error),
    };
    Some(failure.told())
}

fn run(command: &ArgMatches) -> Result<ExitCode, Failure> {
    let configuration = Configuration::find(command)?;
    if command.get_flag(args::PRINT_CONFIG) {
        return print(Answer::new(configuration.shown()?, true));
    }
    let code = match configuration.program() {
        Some(program) => stdio::run(&configuration, program)?,
        None => http::run(&configuration)?,
    };
    Ok(ExitCode::from(code))
}

/// A mistake of the user's, or something that went wrong.
fn not_started(configuration: &Configuration, error: &StartError) -> Failure {
    let text = configuration.words.start(error);
    match error {
        StartError::Config(_) => Failure::usage(text),
        _ => failed(text),
    }
}

fn failed(text: impl ToString) -> Failure {
    Failure { text: text.to_string(), code: PROXY_FAILED }
}

/// As `env` and `timeout` have it, so that it is not taken for the server's.
const PROXY_FAILED: u8 = 125;

//! `auditrail proxy`.

mod config;
mod http;
mod stdio;
mod tracer;

use std::process::ExitCode;

use clap::ArgMatches;

use self::config::Configuration;
use super::{Answer, Failure, args, print};
use crate::trail::StartError;

/// Runs the command, if it is one of the proxy's: its exit code may be the server's.
pub(super) fn main(matches: &ArgMatches) -> Option<ExitCode> {
    let result = match matches.subcommand()? {
        ("proxy", command) => run(command),
        (args::LAUNCH, command) => Err(stdio::become_server(command)),
        _ => return None,
    };
    Some(result.unwrap_or_else(Failure::told))
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
fn not_started(error: &StartError) -> Failure {
    match error {
        StartError::Config(_) => Failure::usage(error),
        error => failed(error),
    }
}

fn failed(text: impl ToString) -> Failure {
    Failure { text: text.to_string(), code: PROXY_FAILED }
}

/// As `env` and `timeout` have it, so that it is not taken for the server's.
const PROXY_FAILED: u8 = 125;

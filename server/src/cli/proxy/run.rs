//! Runs `auditrail proxy`.

use std::process::ExitCode;

use clap::ArgMatches;

use super::config::Configuration;
use super::{http, stdio};
use crate::cli::args;
use crate::cli::outcome::{Answer, Failure, print};

/// Runs the command, if it is the proxy's: its exit code may be the server's.
pub(in crate::cli) fn main(matches: &ArgMatches) -> Option<ExitCode> {
    match matches.subcommand()? {
        ("proxy", command) => Some(run(command).unwrap_or_else(Failure::told)),
        _ => None,
    }
}

/// Becomes the server, if this process was started by the proxy for that. Returns only if it cannot.
pub(in crate::cli) fn launched() -> Option<ExitCode> {
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

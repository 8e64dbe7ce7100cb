//! Runs `auditrail proxy`.

use std::process::ExitCode;

use auditrail::Trail;
use auditrail::trail::{StartError, TrailBuilder};
use clap::Parser as _;

use super::config::Configuration;
use super::{http, stdio};
use crate::cli::args::{LAUNCH, LaunchArguments, ProxyArguments};
use crate::cli::outcome::{Answer, Failure, print};

/// Runs the proxy. The exit code may be the server's.
pub(in crate::cli) fn run(arguments: &ProxyArguments) -> Result<ExitCode, Failure> {
    let configuration = Configuration::find(arguments)?;
    if arguments.print_config {
        return print(Answer::new(configuration.shown()?, true));
    }
    let code = match configuration.program() {
        Some(program) => stdio::run(&configuration, program)?,
        None => http::run(&configuration)?,
    };
    Ok(ExitCode::from(code))
}

/// Runs the proxy over stdio on a trail that somebody else starts. Returns the exit code of the server.
pub(in crate::cli) fn run_on(
    arguments: &ProxyArguments,
    start: impl FnOnce(TrailBuilder) -> Result<Trail, StartError>,
) -> Result<u8, Failure> {
    let configuration = Configuration::find(arguments)?;
    match configuration.program() {
        Some(program) => stdio::run_on(&configuration, program, start),
        None => Err(Failure::usage("name a command")),
    }
}

/// Becomes the server, if the proxy started this process for that. Returns only if it cannot.
pub(in crate::cli) fn launched() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1).peekable();
    arguments.next_if(|first| first == LAUNCH)?;
    let failure = match LaunchArguments::try_parse_from(arguments) {
        Ok(arguments) => stdio::become_server(&arguments),
        Err(error) => Failure::usage(error),
    };
    Some(failure.told())
}

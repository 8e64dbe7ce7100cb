//! `auditrail proxy`.

use std::ffi::OsString;
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;
use std::process::ExitCode;

use clap::ArgMatches;

use super::{Failure, args};
use crate::Trail;
use crate::proxy::stdio::{StdioError, StdioProxy, Streams, launch};
use crate::trail::StartError;

/// Runs the command, if it is one of the proxy's: its exit code may be the server's.
pub(super) fn main(matches: &ArgMatches) -> Option<ExitCode> {
    let result = match matches.subcommand()? {
        ("proxy", command) => run(command),
        (args::LAUNCH, command) => Err(become_server(command)),
        _ => return None,
    };
    Some(match result {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            drop(writeln!(io::stderr(), "auditrail: {}", failure.text));
            ExitCode::from(failure.code)
        }
    })
}

fn run(command: &ArgMatches) -> Result<u8, Failure> {
    let mut words = command.get_many::<OsString>(args::COMMAND).into_iter().flatten().cloned();
    let program = words.next().ok_or_else(|| Failure::usage("name the server's command, behind --"))?;
    let file_name = Path::new(&program).file_name().unwrap_or(&program).to_string_lossy().into_owned();
    let name = command.get_one::<String>(args::NAMES).cloned().unwrap_or(file_name);
    let trail = Trail::builder(name).start().map_err(|error| match error {
        StartError::Config(_) => Failure::usage(error),
        error => Failure { text: error.to_string(), code: PROXY_FAILED },
    })?;
    let proxy = StdioProxy::new(program, words);
    let proxy = match std::env::current_exe() {
        Ok(own) if cfg!(target_os = "linux") => proxy.launcher(own, args::LAUNCH),
        _ => proxy,
    };
    let failed = |text: String| Failure { text, code: PROXY_FAILED };
    let streams = Streams::of_process().map_err(|error| failed(format!("no standard streams: {error}")))?;
    proxy.run(trail, streams).map_err(|error| match &error {
        StdioError::Spawn { source, .. } => Failure { text: error.to_string(), code: no_command(source) },
        _ => failed(error.to_string()),
    })
}

/// Returns only if it cannot.
fn become_server(command: &ArgMatches) -> Failure {
    let parent = command.get_one::<u32>(args::PARENT).copied().unwrap_or_default();
    let words: Vec<_> = command.get_many::<OsString>(args::COMMAND).into_iter().flatten().cloned().collect();
    let Some((program, arguments)) = words.split_first() else { return Failure::usage("name a command") };
    let error = launch(parent, program, arguments);
    let text = format!("cannot start {program:?}: {error}; name a program that is there and may be run");
    Failure { text, code: no_command(&error) }
}

/// As a shell has it (POSIX, 2.8.2).
fn no_command(error: &io::Error) -> u8 {
    if error.kind() == ErrorKind::NotFound { 127 } else { 126 }
}

/// As `env` and `timeout` have it, so that it is not taken for the server's.
const PROXY_FAILED: u8 = 125;

//! A server over standard input and output.

use std::ffi::OsString;
use std::io::{self, ErrorKind};

use auditrail::Trail;
use auditrail::internals::TrailInside as _;
use auditrail::trail::{StartError, TrailBuilder};

use super::config::Configuration;
use super::failure::{failed, not_started};
use super::{identity, tracer};
use crate::cli::args::{LAUNCH, LaunchArguments};
use crate::cli::outcome::Failure;
use crate::proxy::stdio::{StdioError, StdioProxy, Streams, launch};

/// The exit code of the server.
pub(super) fn run(configuration: &Configuration, program: &OsString) -> Result<u8, Failure> {
    let trail = identity::over_stdio(configuration, configuration.trail())?;
    let trail = trail.start().map_err(|error| not_started(configuration, &error))?;
    let tracer = tracer::install(configuration, &trail)?;
    relay(configuration, program, trail, tracer)
}

/// As [`run`], on a trail that `start` starts, and without spans.
pub(super) fn run_on(
    configuration: &Configuration,
    program: &OsString,
    start: impl FnOnce(TrailBuilder) -> Result<Trail, StartError>,
) -> Result<u8, Failure> {
    let trail = identity::over_stdio(configuration, configuration.trail())?;
    let trail = start(trail).map_err(|error| not_started(configuration, &error))?;
    trail.core().expect_no_ids();
    relay(configuration, program, trail, ())
}

fn relay(
    configuration: &Configuration,
    program: &OsString,
    trail: Trail,
    kept: impl Send + 'static,
) -> Result<u8, Failure> {
    let mut proxy = StdioProxy::new(program, configuration.command.iter().skip(1).cloned());
    proxy = proxy.inject_trace(configuration.file.trace.inject);
    if let Some(bytes) = configuration.file.stdio.held_bytes {
        proxy = proxy.held_bytes(bytes);
    }
    if cfg!(target_os = "linux")
        && let Ok(own) = std::env::current_exe()
    {
        proxy = proxy.launcher(own, LAUNCH);
    }
    let streams = Streams::of_process().map_err(|error| failed(format!("no standard streams: {error}")))?;
    proxy.run_keeping(trail, kept, streams).map_err(|error| match &error {
        StdioError::Spawn { source, .. } => Failure { text: error.to_string(), code: no_command(source) },
        _ => failed(error),
    })
}

/// Returns only if it fails.
pub(super) fn become_server(arguments: &LaunchArguments) -> Failure {
    let Some((program, rest)) = arguments.command.split_first() else { return Failure::usage("name a command") };
    let error = launch(arguments.parent, program, rest);
    let text = format!("cannot start {program:?}: {error}; check that the program exists and is executable");
    Failure { text, code: no_command(&error) }
}

/// As a shell reports it (POSIX, 2.8.2).
fn no_command(error: &io::Error) -> u8 {
    if error.kind() == ErrorKind::NotFound { 127 } else { 126 }
}

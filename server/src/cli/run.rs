//! Runs the command of the arguments.

use std::process::ExitCode;

use clap::ArgMatches;

use super::location::Place;
use super::outcome::{Answer, Failure, print};
use super::proxy;
use super::{args, drain, fsck, ledger, quarantine, stat};

/// Runs the command of the process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    if let Some(code) = proxy::launched() {
        return code;
    }
    survive_large_files();
    let matches = match args::command().try_get_matches_from(std::env::args_os()) {
        Ok(matches) => matches,
        Err(error) => {
            // The help goes to standard output, and whoever closes it early has read enough.
            drop(error.print());
            return u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from);
        }
    };
    if let Some(code) = proxy::main(&matches) {
        return code;
    }
    match run(&matches).and_then(print) {
        Ok(code) => code,
        Err(failure) => failure.told(),
    }
}

/// Output into a file that may grow no more ends a process by a signal (SIGXFSZ), without a word; caught, the write is an error.
/// Caught and not ignored: a server that the proxy starts gets the default again.
fn survive_large_files() {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else { return };
    let _inside = runtime.enter();
    // If it cannot be caught, all is as if this were not here. The handler stays when its listener goes.
    drop(tokio::signal::unix::signal(tokio::signal::unix::SignalKind::from_raw(libc::SIGXFSZ)));
}

fn run(matches: &ArgMatches) -> Result<Answer, Failure> {
    let Some(("journal", journal)) = matches.subcommand() else { return Err(Failure::usage("name a command")) };
    let Some((name, command)) = journal.subcommand() else { return Err(Failure::usage("name a command")) };
    let place = Place::find(command)?;
    match (name, command.subcommand()) {
        ("stat", _) => stat::run(&place),
        ("fsck", _) => fsck::run(&place),
        ("ledger", _) => ledger::run(&place),
        ("drain", _) => drain::run(&place, command),
        ("quarantine", Some((name, command))) => quarantine::run(&place, name, command),
        _ => Err(Failure::usage("name a command; `auditrail journal --help` has them")),
    }
}

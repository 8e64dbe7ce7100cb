//! The command line: arguments and printing. What it does is done by the other modules, and `docs/cli.md` describes it.
//!
//! Invariants:
//! 1. Results go to standard output, in one piece; everything else goes to standard error.
//! 2. A reader that closes standard output early is no failure.
//! 3. What stands in a journal was said by others: it is shown without control characters and others that are not seen, also
//!    as JSON, and on standard error.

mod args;
mod drain;
mod fsck;
mod ledger;
mod place;
mod progress;
#[cfg(feature = "proxy")]
mod proxy;
mod quarantine;
mod shown;
mod stat;
#[cfg(test)]
mod tests;
mod words;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::ArgMatches;

use self::place::Place;

/// Runs the command of the process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    #[cfg(feature = "proxy")]
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
    #[cfg(feature = "proxy")]
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

fn print(answer: Answer) -> Result<ExitCode, Failure> {
    let mut output = io::stdout();
    match output.write_all(answer.text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::failed(format!("cannot write to standard output: {error}; see where it goes")))
        }
        _ => Ok(ExitCode::from(answer.code)),
    }
}

/// What a command says, and how it ends.
#[derive(Debug)]
struct Answer {
    text: String,
    code: u8,
}

impl Answer {
    /// All is well, or it is not.
    fn new(text: String, well: bool) -> Self {
        Self { text: shown::lines(&text), code: if well { 0 } else { NOT_WELL } }
    }

    fn json(value: &serde_json::Value, well: bool) -> Self {
        Self { text: shown::json(value), code: if well { 0 } else { NOT_WELL } }
    }
}

/// A command that did not do what it was asked for.
#[derive(Debug)]
struct Failure {
    text: String,
    code: u8,
}

impl Failure {
    fn failed(text: impl ToString) -> Self {
        Self { text: text.to_string(), code: FAILED }
    }

    fn usage(text: impl ToString) -> Self {
        Self { text: text.to_string(), code: USAGE }
    }

    /// Says it, and gives the exit code.
    fn told(self) -> ExitCode {
        say(&self.text);
        ExitCode::from(self.code)
    }
}

/// A line on standard error, in one piece, as others may write there, too.
fn say(text: &str) {
    // A closed standard error leaves nobody to tell.
    drop(io::stderr().write_all(format!("auditrail: {}\n", shown::plain(text)).as_bytes()));
}

/// The command could not do its work.
const FAILED: u8 = 1;
/// The arguments or the settings are wrong; clap's code for the former.
const USAGE: u8 = 2;
/// It did its work, and what it found needs somebody: problems, or records that are not delivered.
const NOT_WELL: u8 = 3;

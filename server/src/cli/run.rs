//! Runs the command of the arguments.

use std::process::ExitCode;

use clap::Parser as _;

use super::args::{Arguments, Command, JournalArguments, JournalCommand};
use super::location::Place;
use super::outcome::{Answer, Failure, print};
use super::proxy;
use super::{drain, expect, fsck, ledger, policy, quarantine, stat, tail};

/// Runs the command of the process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    if let Some(code) = proxy::launched() {
        return code;
    }
    survive_large_files();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // The help goes to standard output; a reader that closes it early has read enough.
            drop(error.print());
            return u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from);
        }
    };
    let result = match &arguments.command {
        Command::Journal(arguments) => journal(arguments).and_then(print),
        Command::Tail(arguments) => tail::run(arguments),
        Command::Proxy(arguments) => proxy::run(arguments),
        Command::Expect(arguments) => expect::run(arguments),
        Command::Policy(command) => policy::run(command),
    };
    result.unwrap_or_else(Failure::told)
}

/// Output to a file that has reached the size limit ends a process silently with a signal (SIGXFSZ). If the signal is
/// caught, the write is an error. It is caught and not ignored, so that a server started by the proxy gets the
/// default action.
fn survive_large_files() {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else { return };
    let _inside = runtime.enter();
    // If it cannot be caught, nothing changes. The handler stays when its listener is dropped.
    drop(tokio::signal::unix::signal(tokio::signal::unix::SignalKind::from_raw(libc::SIGXFSZ)));
}

fn journal(arguments: &JournalArguments) -> Result<Answer, Failure> {
    let place = Place::find(&arguments.which)?;
    match &arguments.command {
        JournalCommand::Stat => stat::run(&place),
        JournalCommand::Fsck => fsck::run(&place),
        JournalCommand::Ledger => ledger::run(&place),
        JournalCommand::Drain(arguments) => drain::run(&place, arguments),
        JournalCommand::Quarantine(command) => quarantine::run(&place, command),
    }
}

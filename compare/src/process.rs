//! A process of ours, that never outlives the one who holds it.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::error::Error;
use crate::wait::until;

/// A running process. Dropping it is `kill -9`.
#[derive(Debug)]
pub(crate) struct Process {
    what: String,
    child: Child,
    /// Where it writes what goes wrong.
    log: PathBuf,
}

impl Process {
    pub(crate) fn start(what: &str, command: &mut Command, log: PathBuf) -> Result<Self, Error> {
        let child = command.spawn().map_err(Error::io(format!("starting {what}")))?;
        Ok(Self { what: what.to_owned(), child, log })
    }

    /// An error if it has ended.
    pub(crate) fn must_run(&mut self) -> Result<(), Error> {
        self.status()?.map_or(Ok(()), |status| Err(self.ended(status)))
    }

    /// Waits for its own end, which has to be a good one.
    pub(crate) fn finish(mut self, bound: Duration) -> Result<(), Error> {
        let status = self.wait(bound)?;
        if status.success() { Ok(()) } else { Err(self.ended(status)) }
    }

    /// SIGTERM, and waits for the end.
    pub(crate) fn terminate(mut self, bound: Duration) -> Result<(), Error> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)
            .map_err(|error| Error::io(format!("SIGTERM for {}", self.what))(error.into()))?;
        self.wait(bound).map(drop)
    }

    fn wait(&mut self, bound: Duration) -> Result<ExitStatus, Error> {
        let mut status = None;
        until(&format!("{} ends", self.what.clone()), bound, || {
            status = self.status()?;
            Ok(status.is_some())
        })?;
        status.ok_or(Error::Interrupted)
    }

    fn status(&mut self) -> Result<Option<ExitStatus>, Error> {
        self.child.try_wait().map_err(Error::io(format!("waiting for {}", self.what)))
    }

    fn ended(&self, status: ExitStatus) -> Error {
        let said = fs::read_to_string(&self.log).unwrap_or_default();
        let tail: Vec<_> = said.lines().rev().take(5).collect();
        Error::Ended { what: self.what.clone(), status, said: tail.into_iter().rev().collect::<Vec<_>>().join("\n") }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already; then there is nothing to do.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

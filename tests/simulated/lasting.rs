//! Faults that stay until they are lifted, over any number of starts.

use std::io;
use std::path::Path;

use super::{SimulatedFs, State};

/// What a process asks of a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// To make a file or a directory.
    Create,
    /// To open what is there, or to list it.
    Open,
    Read,
    /// Also of frames.
    Write,
    Sync,
    SyncDirectory,
    Rename,
    Remove,
}

/// Something that fails each time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lasting {
    pub operation: Operation,
    /// As the system counts them: `ENOSPC`, `EIO`.
    pub errno: i32,
    /// How the paths end of which it is so; all of them where that is empty.
    pub ending: String,
}

impl SimulatedFs {
    /// It fails from now on, for all processes.
    pub fn begin_fault(&self, fault: Lasting) {
        self.state().lasting.push(fault);
    }

    /// Everything that was made to fail until it is lifted works again.
    pub fn lift_faults(&self) {
        self.state().lasting.clear();
    }

    pub fn has_faults(&self) -> bool {
        !self.state().lasting.is_empty()
    }

    /// How often something was made to fail until now, for a moment or for long.
    pub fn failures(&self) -> u64 {
        self.state().failures
    }
}

impl State {
    pub(super) fn injected(&mut self, what: &str) -> io::Error {
        self.failures += 1;
        io::Error::other(format!("injected: {what}"))
    }

    pub(super) fn full(&mut self) -> io::Error {
        self.failures += 1;
        io::ErrorKind::StorageFull.into()
    }

    pub(super) fn lasting(&mut self, operation: Operation, path: &Path) -> io::Result<()> {
        let path = path.to_string_lossy();
        let is_this = |fault: &&Lasting| fault.operation == operation && path.ends_with(&fault.ending);
        match self.lasting.iter().find(is_this) {
            Some(fault) => {
                self.failures += 1;
                Err(io::Error::from_raw_os_error(fault.errno))
            }
            None => Ok(()),
        }
    }
}

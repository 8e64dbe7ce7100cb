//! What can be read from a journal, and whether its processes live.

use super::untouched::Untouched;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::journal::directory::Ledger;
use crate::journal::disk::Fs;
use crate::journal::error::{self, JournalError};
use crate::journal::format::JournalPaths;
use crate::journal::quarantine::{Quarantine, Quarantined};
use crate::record::StreamId;

/// A journal that is only inspected.
#[derive(Debug, Clone)]
pub struct Inspection {
    pub(super) paths: JournalPaths,
    quarantine: Quarantine,
}

/// Whether a process writes or drains a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Owner {
    /// A process holds the stream's lock: its own, or one that drains what a dead process left.
    Alive,
    /// No process does. The next start of a process of the service, or `auditrail journal drain`, ships what is left.
    Gone,
    /// The directory stayed locked for longer than an inspection waits.
    Unknown,
}

impl Inspection {
    /// Opens the journal in a directory (the one that contains `streams`).
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn of(directory: &Path) -> Result<Self, JournalError> {
        let paths = JournalPaths::new(directory);
        let fix = "name the directory of a journal's service (AUDITRAIL_DIR), as the user who may read it";
        Untouched.list(&paths.streams()).map_err(JournalError::io("find a journal in", paths.root(), fix))?;
        Ok(Self { quarantine: Quarantine::of(Arc::new(Untouched), directory), paths })
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.paths.root()
    }

    /// The streams, oldest first.
    ///
    /// # Errors
    /// The error of the disk.
    pub fn streams(&self) -> Result<Vec<StreamId>, JournalError> {
        Ok(self.names_of_streams()?.iter().filter_map(|name| StreamId::parse(name)).collect())
    }

    /// The names of the files in quarantine, sorted.
    ///
    /// # Errors
    /// The error of the disk.
    pub fn quarantine_names(&self) -> Result<Vec<String>, JournalError> {
        self.quarantine.names()
    }

    /// Reads a file of the quarantine.
    ///
    /// # Errors
    /// The error of the disk, or that the file is damaged.
    pub fn quarantined(&self, name: &str) -> Result<Quarantined, JournalError> {
        self.quarantine.read(name)
    }

    /// The ledger: what is known of removed streams.
    ///
    /// # Errors
    /// The error of the disk.
    pub fn ledger(&self) -> Result<Ledger, JournalError> {
        Ledger::read(&Untouched, &self.paths).map_err(JournalError::io("read", &self.paths.ledger(), error::FIX))
    }

    /// Whether the owner of a stream lives.
    #[must_use]
    pub fn owner(&self, stream: StreamId) -> Owner {
        for _ in 0..LOOKS {
            let directory = match Untouched.open(&self.paths.lock()) {
                Ok(directory) => Some(directory),
                // A copy of a journal, in which no process locks streams.
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(_) => return Owner::Unknown,
            };
            if directory.as_ref().is_none_or(|directory| directory.try_lock().unwrap_or(false)) {
                return match Untouched.open(&self.paths.stream(stream).owner()).and_then(|owner| owner.try_lock()) {
                    Ok(true) => Owner::Gone,
                    Ok(false) => Owner::Alive,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Owner::Gone,
                    Err(_) => Owner::Unknown,
                };
            }
            std::thread::sleep(BETWEEN_LOOKS);
        }
        Owner::Unknown
    }

    pub(super) fn names_of_streams(&self) -> Result<Vec<String>, JournalError> {
        self.list(&self.paths.streams())
    }

    fn list(&self, directory: &Path) -> Result<Vec<String>, JournalError> {
        Untouched.list(directory).map_err(JournalError::io("list", directory, error::FIX))
    }
}

/// A process that opens or removes a stream holds the directory's lock for a few synced writes.
const LOOKS: u32 = 200;
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

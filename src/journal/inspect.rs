//! Looks at a journal without touching it, also while its processes run: for people, and for `auditrail journal`.
//!
//! Invariants:
//! 1. No file is opened for writing, made, cut, removed, or given other rights.
//! 2. Whether an owner lives is asked by a shared lock that is tried and given back at once, under the lock of the directory:
//!    nobody who opens or adopts a stream ever finds it taken by an inspection.
//! 3. What an owner appends or settles meanwhile is no problem: what looks like one in a living stream is read again.

mod check;
mod problem;
mod stat;
mod untouched;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub use self::problem::{Problem, ProblemKind};
pub use self::stat::{JournalStat, QuarantineStat, SinkStat, StreamStat};

use self::untouched::Untouched;
use super::error::JournalError;
use super::fs::{File, Fs};
use super::header::{LONGEST_HEADER, SegmentHeader};
use super::ledger::Ledger;
use super::place::Place;
use super::quarantine::{Quarantine, Quarantined};
use crate::record::StreamId;

/// A journal that is only looked at.
#[derive(Debug, Clone)]
pub struct Inspection {
    place: Place,
    quarantine: Quarantine,
}

/// Whether a stream has a process that writes or drains it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Owner {
    /// Somebody holds the stream's lock: its process, or one that drains what a dead process left.
    Alive,
    /// Nobody does: the next start of a process of the service, or `auditrail journal drain`, ships what is left.
    Gone,
    /// The directory was locked for longer than a look may wait.
    Unknown,
}

impl Inspection {
    /// The journal in that directory (the one with `streams` in it).
    ///
    /// # Errors
    /// If there is none, or it cannot be read.
    pub fn of(directory: &Path) -> Result<Self, JournalError> {
        let place = Place::new(directory);
        let fix = "name the directory of a journal's service (AUDITRAIL_DIR), as the user who may read it";
        Untouched.list(&place.streams()).map_err(JournalError::io("find a journal in", place.root(), fix))?;
        Ok(Self { quarantine: Quarantine::of(Arc::new(Untouched), directory), place })
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.place.root()
    }

    /// The streams, oldest first.
    ///
    /// # Errors
    /// What the disk says.
    pub fn streams(&self) -> Result<Vec<StreamId>, JournalError> {
        Ok(self.names_of_streams()?.iter().filter_map(|name| StreamId::parse(name)).collect())
    }

    /// The names of what is in quarantine, sorted.
    ///
    /// # Errors
    /// What the disk says.
    pub fn quarantine_names(&self) -> Result<Vec<String>, JournalError> {
        self.quarantine.names()
    }

    /// Reads a file of the quarantine.
    ///
    /// # Errors
    /// What the disk says, or that the file is damaged.
    pub fn quarantined(&self, name: &str) -> Result<Quarantined, JournalError> {
        self.quarantine.read(name)
    }

    /// What is kept of the streams whose files are gone.
    ///
    /// # Errors
    /// What the disk says.
    pub fn ledger(&self) -> Result<Ledger, JournalError> {
        Ledger::read(&Untouched, &self.place).map_err(JournalError::io("read", &self.place.ledger(), super::error::FIX))
    }

    /// Whether the owner of a stream lives.
    #[must_use]
    pub fn owner(&self, stream: StreamId) -> Owner {
        for _ in 0..LOOKS {
            let directory = match Untouched.open(&self.place.lock()) {
                Ok(directory) => Some(directory),
                // A copy of a journal, in which nobody can be about to lock a stream.
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(_) => return Owner::Unknown,
            };
            if directory.as_ref().is_none_or(|directory| directory.try_lock().unwrap_or(false)) {
                return match Untouched.open(&self.place.stream(stream).owner()).and_then(|owner| owner.try_lock()) {
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

    fn names_of_streams(&self) -> Result<Vec<String>, JournalError> {
        self.list(&self.place.streams())
    }

    fn list(&self, directory: &Path) -> Result<Vec<String>, JournalError> {
        Untouched.list(directory).map_err(JournalError::io("list", directory, super::error::FIX))
    }
}

/// The header at the beginning of a segment or of the file `stream`, if there is a sound one.
fn header(file: &dyn File) -> io::Result<Option<SegmentHeader>> {
    let mut bytes = vec![0; LONGEST_HEADER];
    let read = file.read_at(0, &mut bytes)?;
    bytes.truncate(read);
    Ok(SegmentHeader::decode(&bytes))
}

/// Whoever opens or removes a stream holds the directory's lock for some synced writes.
const LOOKS: u32 = 200;
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

//! What an adoption reports on its way.

use crate::journal::JournalError;
use crate::record::StreamId;

/// A stream of a dead process, and what was shipped for it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DrainedStream {
    /// The stream.
    pub stream: StreamId,
    /// Records that were pending in it.
    pub pending: u64,
    /// Calls that were answered on behalf of the dead process, after the whole stream was read.
    pub answered: u64,
    /// Records that are shipped for it: those that were pending and, once written, the answers and its last record.
    pub records: u64,
}

/// One step of an adoption.
#[derive(Debug)]
pub(in crate::trail) enum AdoptionEvent {
    /// These streams are about to be drained.
    Found(Vec<DrainedStream>),
    /// No more are looked for; that many were not looked at.
    Searched {
        /// Streams; some may have owners that live.
        unvisited: usize,
    },
    /// All of this one was read, and its end is written.
    Ended(DrainedStream),
    /// This one stays as it is.
    Unreadable(StreamId, JournalError),
    /// All of this one is settled.
    Drained(DrainedStream),
}

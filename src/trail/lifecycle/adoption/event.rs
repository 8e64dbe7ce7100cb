//! What an adoption comes by, for whoever watches it.

use crate::journal::JournalError;
use crate::record::StreamId;

/// What became of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DrainedStream {
    /// The stream.
    pub stream: StreamId,
    /// Records that waited in it.
    pub pending: u64,
    /// Calls that were answered in the name of the dead process, once all of the stream was read.
    pub answered: u64,
    /// Records that are shipped for it: those that waited and, once they are written, the answers and the record that ends it.
    pub records: u64,
}

/// What an adoption comes by.
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

//! What happens to a journal, and who is told of it.

use std::fmt::Debug;

use crate::record::StreamId;

/// Who is told what happens to the journal. Called with no lock held; must not block.
pub trait Watcher: Debug + Send + Sync {
    /// Something happened.
    fn happened(&self, event: Event);

    /// Whether all that was told is kept, and would survive a power loss. Asked before files go whose loss was told; where it
    /// is not so, they stay, and it is told again. It may wait for a disk.
    fn is_kept(&self) -> bool {
        true
    }
}

/// What happens to a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// It does not work as it should; said once until [`Event::Recovered`].
    Degraded {
        /// `error.type` of the alarm record.
        error_type: &'static str,
        /// For people.
        text: String,
    },
    /// It works again.
    Recovered {
        /// The `error.type` that is over.
        error_type: &'static str,
        /// For people.
        text: String,
    },
    /// Records were found damaged or are not there any more.
    Lost {
        /// Their stream.
        stream: StreamId,
        /// How many; at least that many where only their bytes are known.
        count: u64,
        /// The first of their sequence numbers, if it is known.
        first: u64,
        /// The last of their sequence numbers.
        last: u64,
    },
    /// Files are removed from the quarantine, so that others have room.
    Discarded {
        /// Their stream.
        stream: StreamId,
        /// How many records they have, at least.
        count: u64,
        /// The first of the sequence numbers; 0 if one is not known.
        first: u64,
        /// The last of the sequence numbers.
        last: u64,
    },
}

/// Nobody.
#[derive(Debug, Clone, Copy)]
pub struct Unwatched;

impl Watcher for Unwatched {
    fn happened(&self, _: Event) {}
}

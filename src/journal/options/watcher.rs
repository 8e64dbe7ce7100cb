//! The events of a journal, and who receives them.

use std::fmt::Debug;

use crate::record::StreamId;

/// Receives the events of a journal. It is called without a lock held, and must not block.
pub trait Watcher: Debug + Send + Sync {
    /// Receives an event.
    fn happened(&self, event: Event);

    /// Whether everything that was reported is stored and would survive a power loss. The journal asks before it removes
    /// files whose loss was reported; on `false`, the files stay and the loss is reported again. This may wait for a disk.
    fn is_kept(&self) -> bool {
        true
    }
}

/// An event of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Something does not work; reported once, until [`Event::Recovered`].
    Degraded {
        /// The `error.type` of the alarm record.
        error_type: &'static str,
        /// A description for people.
        text: String,
    },
    /// Something works again.
    Recovered {
        /// The `error.type` that is over.
        error_type: &'static str,
        /// A description for people.
        text: String,
    },
    /// Records were found damaged or are missing.
    Lost {
        /// The stream.
        stream: StreamId,
        /// How many records; at least that many if only their bytes are known.
        count: u64,
        /// The first sequence number, if it is known.
        first: u64,
        /// The last sequence number.
        last: u64,
    },
    /// Files were removed from the quarantine to make room.
    Discarded {
        /// The stream.
        stream: StreamId,
        /// How many records the files have, at least.
        count: u64,
        /// The first sequence number; 0 if one is unknown.
        first: u64,
        /// The last sequence number.
        last: u64,
    },
}

/// Ignores all events.
#[derive(Debug, Clone, Copy)]
pub struct Unwatched;

impl Watcher for Unwatched {
    fn happened(&self, _: Event) {}
}

//! What the journal says of itself.

use crate::journal::handle::Journal;
use crate::journal::numbers::Sequence;

/// Counts and bytes of a stream at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// Records that were taken.
    pub appended: u64,
    /// The sequence number up to which all are settled: every sink has them, or quarantine, or they are reported as lost.
    pub settled: Sequence,
    /// Bytes of frames that are not settled.
    pub pending_bytes: u64,
    /// Bytes that the segments of this stream take on the disk.
    pub allocated_bytes: u64,
    /// Bytes that wait in other streams of the directory, as they were counted last.
    pub others_bytes: u64,
    /// Bytes that may wait in all segments.
    pub max_bytes: u64,
    /// When the oldest record was made that was read and is not settled, nanoseconds since 1970.
    pub oldest_unix_nano: Option<u64>,
    /// Calls that are open.
    pub open_calls: usize,
}

impl Usage {
    /// Records that are not settled.
    #[must_use]
    pub const fn pending(&self) -> u64 {
        self.appended.saturating_sub(self.settled)
    }
}

impl Journal {
    /// Counts and bytes now.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let state = self.0.state();
        Usage {
            appended: state.appended.sequence - 1,
            settled: state.progress.settled(),
            pending_bytes: state.appended.pending_bytes,
            allocated_bytes: state.segments.allocated(),
            others_bytes: self.0.others_bytes(),
            max_bytes: self.0.options.max_bytes,
            oldest_unix_nano: state.progress.oldest_unix_nano(),
            open_calls: state.calls.iter().count(),
        }
    }
}

//! Counts and bytes of a stream.

use crate::journal::handle::Journal;
use crate::journal::numbers::Sequence;
use crate::journal::planted::planted;

/// Counts and bytes of a stream at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// The number of records that were accepted.
    pub appended: u64,
    /// The sequence number up to which all records are settled: every sink has them, or they are in quarantine or reported
    /// as lost.
    pub settled: Sequence,
    /// The size of the frames that are not settled.
    pub pending_bytes: u64,
    /// The size of this stream's segments on the disk.
    pub allocated_bytes: u64,
    /// How many bytes wait in other streams of the directory, as last counted.
    pub others_bytes: u64,
    /// How many bytes may wait in all segments.
    pub max_bytes: u64,
    /// The time of the oldest record that was read and is not settled, in nanoseconds since 1970.
    pub oldest_unix_nano: Option<u64>,
    /// The number of open calls.
    pub open_calls: usize,
}

impl Usage {
    const NOTHING: Self = Self {
        appended: 0,
        settled: 0,
        pending_bytes: 0,
        allocated_bytes: 0,
        others_bytes: 0,
        max_bytes: 0,
        oldest_unix_nano: None,
        open_calls: 0,
    };

    /// The number of records that are not settled.
    #[must_use]
    pub const fn pending(&self) -> u64 {
        self.appended.saturating_sub(self.settled)
    }
}

impl Journal {
    /// The current counts. In a forked child they are zero: the stream belongs to its parent.
    #[must_use]
    pub fn usage(&self) -> Usage {
        // Checked before the lock is taken: another thread of the parent may have held it at the fork.
        if self.is_inherited() && !planted("count-in-a-child") {
            return Usage { max_bytes: self.0.options.max_bytes, ..Usage::NOTHING };
        }
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

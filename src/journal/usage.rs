//! What the journal says of itself.

use std::sync::atomic::Ordering;

use super::{Journal, Sequence, Shared};

/// Counts and bytes of a stream at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// Records that were taken.
    pub appended: u64,
    /// The sequence number up to which all are settled: the sink has them, or quarantine, or they are reported as lost.
    pub settled: Sequence,
    /// Bytes of frames that are not settled.
    pub pending_bytes: u64,
    /// Bytes that the segments of this stream take on the disk.
    pub allocated_bytes: u64,
    /// Bytes that the segments of other streams in the directory take.
    pub others_bytes: u64,
    /// Bytes that all segments may take.
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
            appended: state.sequence - 1,
            settled: state.settled,
            pending_bytes: state.pending_bytes,
            allocated_bytes: state.allocated(),
            others_bytes: self.0.others_bytes(),
            max_bytes: self.0.options.max_bytes,
            oldest_unix_nano: state.oldest_unix_nano,
            open_calls: state.calls.iter().count(),
        }
    }
}

impl Shared {
    /// There may be room for another segment: whoever waits for it tries again.
    pub(super) fn wake_for_room(&self) {
        let mut state = self.state();
        state.full_because = None;
        self.note_fullness(&state);
        state.commit_wanted = true;
        drop(state);
        self.commit_wanted.notify_one();
        self.room.notify_waiters();
    }

    pub(super) fn others_bytes(&self) -> u64 {
        self.others_bytes.load(Ordering::Relaxed)
    }
}

//! How long anybody waits for a disk that stands still, and what becomes of a record that it did not take.

use std::time::Duration;

use crate::journal::JournalError;

/// Why a record is not in the journal.
#[derive(Debug)]
pub(in crate::trail) enum NotTaken {
    /// It is counted, and told by a gap record.
    Counted,
    /// The disk stands still. It is not counted.
    Stalled(JournalError),
}

pub(in crate::trail) const RETRY_INTERVAL: Duration = Duration::from_millis(100);
/// As long as a thread of an executor may be held up: whoever waits longer gives it back meanwhile.
pub(in crate::trail) const BLOCKING_PATIENCE: Duration = Duration::from_millis(20);
/// How long the end of a trail waits for a disk, at each step: more than one takes that is slow.
pub(in crate::trail) const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(5);

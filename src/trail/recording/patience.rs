//! How long callers wait for a stalled disk, and what happens to a record that it did not accept.

use std::time::Duration;

use crate::journal::JournalError;

/// Why a record is not in the journal.
#[derive(Debug)]
pub(in crate::trail) enum NotTaken {
    /// It is counted, and told by a gap record.
    Counted,
    /// The disk stands still. It is not counted.
    Stalled(JournalError),
    /// The policy leaves it out. It is counted, and told by a gap record.
    Suppressed,
}

pub(in crate::trail) const RETRY_INTERVAL: Duration = Duration::from_millis(100);
/// How long a thread of an executor may block; longer waits yield it.
pub(in crate::trail) const BLOCKING_PATIENCE: Duration = Duration::from_millis(20);
/// How long shutdown waits for the disk at each step: longer than a slow disk takes.
pub(in crate::trail) const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(5);

//! Callers that record very much wait for the disk.

use std::pin::Pin;
use std::time::Duration;

use super::trail_core::Core;
use crate::trail::timer::within;

/// Until the disk has come after.
pub(crate) type Pause = Pin<Box<dyn Future<Output = ()> + Send + Sync>>;

impl Core {
    /// What somebody waits for who has much to record, or a little, until the disk has come after: a burst must not fill the
    /// memory that holds what is not synced, as records would be refused then. `None` if nobody has to wait.
    pub(crate) fn pause(&self, is_much: bool) -> Option<Pause> {
        let most = if is_much { MUCH_UNSYNCED } else { MOST_UNSYNCED };
        if !self.recorder.journal.is_behind(most) {
            return None;
        }
        let journal = self.recorder.journal.clone();
        // A disk that hangs holds up nobody for ever.
        Some(Box::pin(async move { drop(within(LONGEST_PAUSE, journal.caught_up(most)).await) }))
    }
}

/// Two commits of a slow disk; beyond, who writes in bulk waits, and nobody else does.
const MUCH_UNSYNCED: u64 = 4 << 20;
/// Half of what the journal takes unsynced.
const MOST_UNSYNCED: u64 = 12 << 20;
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

//! What could not be kept: counted, told to the operator once per episode, and told by gap records in the stream.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::config::Notices;
use crate::journal::JournalError;
use crate::ship::ShipStats;

/// Counters of what is missing, and of how much of it gap records have told.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    refused: AtomicU64,
    refused_told: AtomicU64,
    lost_told: AtomicU64,
    full: AtomicBool,
}

/// `auditrail.gap.cause`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// The journal could not take them.
    Refused,
    /// The sink refused them for good.
    Lost,
}

impl Cause {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Lost => "lost",
        }
    }
}

impl Gaps {
    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Counts one record that the journal did not take.
    pub(super) fn refuse(&self, notices: &Notices, error: &JournalError) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        if !self.full.swap(true, Ordering::Relaxed) {
            notices.warn(format!("audit records are being refused: {error}; a gap record will tell how many"));
        }
    }

    /// The journal took one: the episode is over once there is room enough not to begin again at once.
    pub(super) fn taken(&self, notices: &Notices, has_room: impl FnOnce() -> bool) {
        if self.full.load(Ordering::Relaxed) && has_room() && self.full.swap(false, Ordering::Relaxed) {
            notices.recovered("audit records are taken again");
        }
    }

    /// Tells what is new by `write`, which says whether it could. Cheap when there is nothing to tell.
    pub(super) fn tell(&self, shipped: &ShipStats, write: impl Fn(Cause, u64) -> bool) {
        let refused = self.refused.load(Ordering::Relaxed);
        let lost = shipped.snapshot().quarantined;
        for (cause, total, told) in
            [(Cause::Refused, refused, &self.refused_told), (Cause::Lost, lost, &self.lost_told)]
        {
            let before = told.load(Ordering::Relaxed);
            // Whoever wins the exchange writes the record; the others go on.
            if before < total
                && told.compare_exchange(before, total, Ordering::Relaxed, Ordering::Relaxed).is_ok()
                && !write(cause, total - before)
            {
                told.fetch_sub(total - before, Ordering::Relaxed);
            }
        }
    }
}

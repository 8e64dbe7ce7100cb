//! What the shipper counts.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters that only grow. Shared with the trail, which reports them.
#[derive(Debug, Default)]
pub struct ShipStats {
    delivered: AtomicU64,
    lost: AtomicU64,
    failed_requests: AtomicU64,
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct StatsSnapshot {
    /// Records that the sink took.
    pub delivered: u64,
    /// Records that the sink refused for good.
    pub lost: u64,
    /// Requests that failed, retries included.
    pub failed_requests: u64,
}

impl ShipStats {
    /// The counters now.
    #[must_use]
    pub fn snapshot(&self) -> StatsSnapshot {
        StatsSnapshot {
            delivered: self.delivered.load(Ordering::Relaxed),
            lost: self.lost.load(Ordering::Relaxed),
            failed_requests: self.failed_requests.load(Ordering::Relaxed),
        }
    }

    pub(super) fn delivered(&self, records: u64) {
        self.delivered.fetch_add(records, Ordering::Relaxed);
    }

    pub(super) fn lost(&self, records: u64) {
        self.lost.fetch_add(records, Ordering::Relaxed);
    }

    pub(super) fn failed(&self) {
        self.failed_requests.fetch_add(1, Ordering::Relaxed);
    }
}

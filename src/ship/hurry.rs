//! A flush cuts our own pauses short.

use std::sync::Arc;

use tokio::sync::watch;

/// A counter of flushes, which any number of pauses can watch. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Hurry(Arc<watch::Sender<u64>>);

impl Hurry {
    pub(super) fn now(&self) {
        self.0.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// The count, for [`beyond`](Self::beyond).
    pub(super) fn count(&self) -> u64 {
        *self.0.borrow()
    }

    /// Waits until the count changes.
    pub(super) async fn beyond(&self, count: u64) {
        // The sender is ours, so it exists.
        drop(self.0.subscribe().wait_for(|now| *now != count).await);
    }
}

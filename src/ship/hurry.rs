//! Somebody flushes: pauses of our own are cut short.

use std::sync::Arc;

use tokio::sync::watch;

/// A counter of hurries, which any number of pauses can watch. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Hurry(Arc<watch::Sender<u64>>);

impl Hurry {
    pub(super) fn now(&self) {
        self.0.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// The count, to be given to [`beyond`](Self::beyond).
    pub(super) fn count(&self) -> u64 {
        *self.0.borrow()
    }

    /// Waits until the count is another one.
    pub(super) async fn beyond(&self, count: u64) {
        // The sender is ours, so that it cannot be gone.
        drop(self.0.subscribe().wait_for(|now| *now != count).await);
    }
}

//! Waits until records are settled.

use std::time::{Duration, Instant};

use crate::journal::format::SinkName;
use crate::journal::handle::Journal;
use crate::journal::numbers::Sequence;
use crate::journal::state::State;

impl Journal {
    /// Waits until every sink has settled everything up to a record.
    pub async fn settled(&self, through: Sequence) {
        self.until(|state| state.progress.settled() >= through).await;
    }

    /// Waits until one sink has settled everything up to a record.
    pub async fn settled_by(&self, sink: SinkName, through: Sequence) {
        self.until(|state| state.progress.settled_by(sink) >= through).await;
    }

    async fn until(&self, is_settled: impl Fn(&State) -> bool) {
        // In a forked child it never happens.
        if self.is_inherited() {
            return std::future::pending().await;
        }
        loop {
            let changed = self.0.settled.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if is_settled(&self.0.state()) {
                return;
            }
            changed.await;
        }
    }

    /// Blocks the thread until every sink has settled everything up to a record. Returns whether that happened before the
    /// deadline.
    #[must_use]
    pub fn settled_within(&self, through: Sequence, deadline: Duration) -> bool {
        if self.is_inherited() {
            return false;
        }
        let end = Instant::now().checked_add(deadline);
        let mut state = self.0.state();
        while state.progress.settled() < through {
            let left = end.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return false;
            }
            state = self.0.settled_blocking.wait_timeout(state, left);
        }
        true
    }
}

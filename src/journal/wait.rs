//! Waiting for what the journal and the shipper do.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use super::append::Receipt;
use super::error::JournalError;
use super::sinks::SinkName;
use super::state::State;
use super::{Journal, Sequence, Shared, error};

/// A commit failed, and so did the second attempt in a new segment. The record is in the journal and the next commit tries
/// again, but nobody can say that it would survive a power loss.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the record is not durable: {0}")]
pub struct NotSynced(String);

impl Journal {
    /// Waits until what was taken with that receipt would survive a power loss. All who wait share one `fdatasync`.
    ///
    /// # Errors
    /// [`NotSynced`].
    pub async fn synced(&self, receipt: Receipt) -> Result<(), NotSynced> {
        if self.is_inherited() {
            return Err(NotSynced(JournalError::Forked.to_string()));
        }
        let failures = self.0.state().failures;
        let mut joined = false;
        loop {
            let changed = self.0.synced.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            {
                let mut state = self.0.state();
                if state.lost.contains(&receipt.frames) {
                    return Err(NotSynced(LOST.to_owned()));
                }
                if state.synced.frames >= receipt.frames {
                    return Ok(());
                }
                if let Some(failure) = state.failure.clone().filter(|_| state.failures != failures) {
                    return Err(NotSynced(failure));
                }
                // Another commit is no use to a record that is in the one under way.
                if !joined && state.group.under_way < receipt.frames {
                    joined = true;
                    self.0.join_commit(&mut state);
                }
            }
            changed.await;
        }
    }

    /// Has everything that was appended made durable, and blocks the thread no longer than that. Without a thread of its own the
    /// journal commits on this one.
    ///
    /// # Errors
    /// What the disk said, or that it stands still: the commit goes on.
    pub fn commit_within(&self, patience: Duration) -> Result<(), JournalError> {
        let shared = &self.0;
        if self.is_inherited() || !shared.options.background {
            return self.commit();
        }
        let (frames, failures) = {
            let state = shared.state();
            (state.frames, state.failures)
        };
        self.commit_soon();
        let end = Instant::now().checked_add(patience);
        let mut state = shared.state();
        while state.synced.frames < frames || state.poisoned {
            let failed = state.failure.clone().filter(|_| state.failures != failures);
            if let Some(failure) = failed {
                let failed = JournalError::io("sync", shared.place.root(), error::FIX);
                return Err(failed(std::io::Error::other(failure)));
            }
            let left = end.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Err(shared.stands_still());
            }
            state = shared.synced_blocking.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(())
    }

    /// Whether more than that many bytes wait for a commit to begin.
    #[must_use]
    pub fn is_behind(&self, bytes: u64) -> bool {
        !self.is_inherited() && self.0.state().unsynced_bytes > bytes
    }

    /// Waits until no more than that many bytes wait for a commit to begin.
    pub async fn caught_up(&self, bytes: u64) {
        // In a forked child nothing waits for a commit, and nobody there may look at the list of those who wait for one.
        while self.is_behind(bytes) {
            let changed = self.0.synced.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if !self.is_behind(bytes) {
                return;
            }
            self.commit_soon();
            changed.await;
        }
    }

    /// Has everything that was appended committed soon.
    pub fn commit_soon(&self) {
        if self.is_inherited() {
            return;
        }
        let mut state = self.0.state();
        if !state.is_clean() && !std::mem::replace(&mut state.commit_wanted, true) {
            self.0.commit_wanted.notify_one();
        }
    }

    /// Waits until everything up to a record is settled: every sink has it. In a forked child that does not come to pass.
    pub async fn settled(&self, through: Sequence) {
        self.until(|state| state.settled() >= through).await;
    }

    /// Waits until everything up to a record is settled for that sink, whatever the others have.
    pub async fn settled_by(&self, sink: SinkName, through: Sequence) {
        self.until(|state| state.settled_by(sink) >= through).await;
    }

    async fn until(&self, is_settled: impl Fn(&State) -> bool) {
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

    /// Blocks the thread until it is settled; says whether that came to pass before the deadline.
    #[must_use]
    pub fn settled_within(&self, through: Sequence, deadline: Duration) -> bool {
        if self.is_inherited() {
            return false;
        }
        let end = Instant::now().checked_add(deadline);
        let mut state = self.0.state();
        while state.settled() < through {
            let left = end.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return false;
            }
            state = self.0.settled_blocking.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Waits until there may be room again. Counts from the call, not from the first poll: whoever calls it before looking
    /// for room misses nothing.
    pub fn room(&self) -> impl Future<Output = ()> {
        self.0.room.notified()
    }
}

impl Shared {
    fn join_commit(&self, state: &mut State) {
        state.group.waiting += 1;
        let complete = state.group.gathering.is_some_and(|wanted| state.group.waiting >= wanted);
        if !std::mem::replace(&mut state.commit_wanted, true) || complete {
            self.commit_wanted.notify_one();
        }
    }

    /// Tells those who wait for a commit that it failed.
    pub(super) fn fail_waiters(&self, failure: &str) {
        let mut state = self.state();
        state.failures += 1;
        state.failure = Some(failure.to_owned());
        drop(state);
        self.synced.notify_waiters();
        self.synced_blocking.notify_all();
    }
}

const LOST: &str =
    "its commit failed, and the system had dropped some of what it was to make durable; a gap record tells what";

//! Waits until records are durable.

use std::time::{Duration, Instant};

use crate::journal::append::Receipt;
use crate::journal::error::{self, JournalError};
use crate::journal::handle::Journal;
use crate::journal::state::{Shared, State};

/// A commit failed twice, the second time in a new segment. The record is in the journal and the next commit tries again,
/// but it may not survive a power loss.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the record is not durable: {0}")]
pub struct NotSynced(String);

impl Journal {
    /// Waits until the record of that receipt survives a power loss. All that wait share one `fdatasync`.
    ///
    /// # Errors
    /// [`NotSynced`].
    pub async fn synced(&self, receipt: Receipt) -> Result<(), NotSynced> {
        if self.is_inherited() {
            return Err(NotSynced(JournalError::Forked.to_string()));
        }
        let failures = self.0.state().commits.failures;
        let mut joined = false;
        loop {
            let changed = self.0.synced.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            {
                let mut state = self.0.state();
                if state.commits.lost.contains(&receipt.frames) {
                    return Err(NotSynced(LOST.to_owned()));
                }
                if state.commits.synced.frames >= receipt.frames {
                    return Ok(());
                }
                if let Some(failure) = state.commits.failure.clone().filter(|_| state.commits.failures != failures) {
                    return Err(NotSynced(failure));
                }
                // If the record is in the running commit, another commit would not help.
                if !joined && state.commits.group.under_way < receipt.frames {
                    joined = true;
                    self.0.join_commit(&mut state);
                }
            }
            changed.await;
        }
    }

    /// Makes everything durable that was appended, and blocks the thread no longer than `patience`. A journal without
    /// threads commits on this thread.
    ///
    /// # Errors
    /// The error of the disk, or that it is stalled. In that case the commit continues.
    pub fn commit_within(&self, patience: Duration) -> Result<(), JournalError> {
        let shared = &self.0;
        if self.is_inherited() || !shared.options.background {
            return self.commit();
        }
        let (frames, failures) = {
            let state = shared.state();
            (state.appended.frames, state.commits.failures)
        };
        self.commit_soon();
        let end = Instant::now().checked_add(patience);
        let mut state = shared.state();
        while state.commits.synced.frames < frames || state.commits.poisoned {
            let failed = state.commits.failure.clone().filter(|_| state.commits.failures != failures);
            if let Some(failure) = failed {
                let failed = JournalError::io("sync", shared.paths.root(), error::FIX);
                return Err(failed(std::io::Error::other(failure)));
            }
            let left = end.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Err(shared.stalled_error());
            }
            state = shared.synced_blocking.wait_timeout(state, left);
        }
        Ok(())
    }

    /// Whether more than that many bytes wait for a commit to start.
    #[must_use]
    pub fn is_behind(&self, bytes: u64) -> bool {
        !self.is_inherited() && self.0.state().commits.unsynced_bytes > bytes
    }

    /// Waits until no more than that many bytes wait for a commit to start.
    pub async fn caught_up(&self, bytes: u64) {
        // Checked first: a forked child must not touch the list of those who wait.
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

    /// Requests a commit of everything that was appended.
    pub fn commit_soon(&self) {
        if self.is_inherited() {
            return;
        }
        let mut state = self.0.state();
        if !state.is_clean() && !std::mem::replace(&mut state.commits.wanted, true) {
            self.0.commit_wanted.notify_one();
        }
    }
}

impl Shared {
    fn join_commit(&self, state: &mut State) {
        state.commits.group.waiting += 1;
        let complete = state.commits.group.gathering.is_some_and(|wanted| state.commits.group.waiting >= wanted);
        if !std::mem::replace(&mut state.commits.wanted, true) || complete {
            self.commit_wanted.notify_one();
        }
    }

    /// Wakes the threads that wait for a commit, which has failed.
    pub(in crate::journal) fn fail_waiters(&self, failure: &str) {
        let mut state = self.state();
        state.commits.failures += 1;
        state.commits.failure = Some(failure.to_owned());
        drop(state);
        self.synced.notify_waiters();
        self.synced_blocking.notify_all();
    }
}

const LOST: &str = "its commit failed, and the system had discarded a part of what it should have made durable; a gap record has the numbers";

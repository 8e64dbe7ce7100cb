//! What was read for a sink and is not settled. The handle that reads ahead and the one that settles share it.

use std::collections::VecDeque;

use crate::journal::format::Cursor;
use crate::journal::numbers::Sequence;
use crate::journal::state::Shared;
use crate::locks::{Mutex, MutexGuard};

/// Batches that were read and are not settled, oldest first.
#[derive(Debug)]
pub(in crate::journal) struct Ahead {
    /// The index of the sink in the options.
    sink: usize,
    batches: Mutex<VecDeque<Passed>>,
}

/// A batch that was read and is not settled.
#[derive(Debug)]
pub(in crate::journal) struct Passed {
    /// The sequence number of its last record.
    pub(in crate::journal) last: Sequence,
    /// How far the stream is done when the batch is settled. This includes damage that follows the batch.
    pub(in crate::journal) cursor: Cursor,
    pub(in crate::journal) oldest_unix_nano: Option<u64>,
}

impl Ahead {
    pub(in crate::journal) fn of(sink: usize) -> Self {
        Self { sink, batches: Mutex::default() }
    }

    pub(in crate::journal) fn sink(&self) -> usize {
        self.sink
    }

    /// Adds a batch that was read.
    pub(in crate::journal) fn push(&self, passed: Passed, shared: &Shared) {
        let mut batches = self.batches();
        batches.push_back(passed);
        self.note_oldest(&batches, shared);
    }

    /// Passes over what no sink needs: intents, copies, damage. It is settled together with the batch before it; if there
    /// is none, this returns how far the stream is done.
    pub(in crate::journal) fn pass_over(&self, cursor: Cursor) -> Option<Cursor> {
        match self.batches().back_mut() {
            Some(before) => {
                before.cursor = cursor;
                None
            }
            None => Some(cursor),
        }
    }

    /// Removes the batches up to a record. Returns how far the stream is done, if that has changed.
    pub(in crate::journal) fn pop(&self, through: Sequence, shared: &Shared) -> Option<Cursor> {
        let mut batches = self.batches();
        let mut last = None;
        while let Some(passed) = batches.front().filter(|passed| passed.last <= through) {
            last = Some(passed.cursor);
            batches.pop_front();
        }
        self.note_oldest(&batches, shared);
        last
    }

    /// The batches are locked, so the noted time never goes back.
    fn note_oldest(&self, batches: &VecDeque<Passed>, shared: &Shared) {
        let oldest = batches.front().and_then(|passed| passed.oldest_unix_nano);
        if let Some(progress) = shared.state().progress.sinks.get_mut(self.sink) {
            progress.oldest_unix_nano = oldest;
        }
    }

    /// No code under the lock can panic, so a poisoned lock still guards a consistent queue.
    fn batches(&self) -> MutexGuard<'_, VecDeque<Passed>> {
        self.batches.lock()
    }
}

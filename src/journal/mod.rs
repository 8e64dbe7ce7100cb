//! The journal: a record counts once it is here, and leaves only when the sink has it.
//!
//! This journal holds its records in memory, bounded in bytes. It never drops one in silence: when it is full, `append`
//! says so, and the trail counts what it could not keep and tells it by a gap record. A record in it survives neither
//! a `kill -9` nor a power loss.
//!
//! Invariants:
//! 1. Positions count from 1, in the order of `append`, without a gap.
//! 2. `settled <= read <= appended`; a record is dropped only by `settle`, oldest first.
//! 3. The bytes held never exceed the maximum.

mod reader;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::record::StreamId;

pub use self::reader::{Batch, BatchLimits, Entry, Reader, Refused};

/// The place of a record in the journal, from 1.
pub type Position = u64;

/// `audit.sequence.number`.
pub type Sequence = u64;

/// A bounded queue of encoded records. Clones share it.
#[derive(Debug, Clone)]
pub struct Journal(Arc<Shared>);

/// What the journal says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// Records accepted since the start.
    pub appended: u64,
    /// Records that left it: accepted by the sink, or given up and counted.
    pub settled: u64,
    /// Bytes of the records that it holds.
    pub bytes: usize,
}

/// Why a record was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// No room.
    #[error(
        "the journal is full: it holds {bytes} of {max_bytes} bytes; see why the collector does not take them, \
         or raise AUDITRAIL_JOURNAL_MAX_BYTES"
    )]
    Full {
        /// Bytes held.
        bytes: usize,
        /// Bytes allowed.
        max_bytes: usize,
    },
}

impl Journal {
    /// A journal in memory that holds at most that many bytes of records. The reader is the only one.
    #[must_use]
    pub fn in_memory(max_bytes: usize, stream: StreamId, resource: Bytes, scope: Bytes) -> (Self, Reader) {
        let journal = Self(Arc::new(Shared {
            max_bytes,
            state: Mutex::default(),
            appended: Notify::new(),
            settled: Notify::new(),
            settled_blocking: Condvar::new(),
        }));
        (journal.clone(), Reader::new(journal, stream, resource, scope))
    }

    /// Takes one encoded record. Never waits.
    ///
    /// # Errors
    /// [`JournalError::Full`]: the record is not taken.
    pub fn append(&self, record: &[u8]) -> Result<Position, JournalError> {
        let mut state = self.0.state();
        if state.bytes + record.len() > self.0.max_bytes {
            return Err(JournalError::Full { bytes: state.bytes, max_bytes: self.0.max_bytes });
        }
        state.records.push_back(Bytes::copy_from_slice(record));
        state.bytes += record.len();
        state.appended += 1;
        let position = state.appended;
        // Waking a thread costs microseconds: only the first record after a pause does it.
        let wake = std::mem::take(&mut state.reader_sleeps);
        drop(state);
        if wake {
            self.0.appended.notify_one();
        }
        Ok(position)
    }

    /// Waits until everything up to a position is settled.
    pub async fn settled(&self, position: Position) {
        loop {
            let changed = self.0.settled.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.0.state().settled >= position {
                return;
            }
            changed.await;
        }
    }

    /// The same for a thread that may block; says whether it came to pass before the deadline.
    #[must_use]
    pub fn settled_within(&self, position: Position, deadline: Duration) -> bool {
        let end = Instant::now().checked_add(deadline);
        let mut state = self.0.state();
        while state.settled < position {
            let left = end.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return false;
            }
            state = self.0.settled_blocking.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Counts and bytes.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let state = self.0.state();
        Usage { appended: state.appended, settled: state.settled, bytes: state.bytes }
    }
}

#[derive(Debug)]
struct Shared {
    max_bytes: usize,
    state: Mutex<State>,
    appended: Notify,
    settled: Notify,
    settled_blocking: Condvar,
}

#[derive(Debug, Default)]
struct State {
    records: VecDeque<Bytes>,
    bytes: usize,
    appended: Position,
    settled: Position,
    quarantine: Vec<Bytes>,
    reader_sleeps: bool,
}

impl Shared {
    /// No code under the lock can panic, so a poisoned lock still holds a whole state.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

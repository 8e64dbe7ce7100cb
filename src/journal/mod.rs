//! The write-ahead journal: a record counts once it is here, and leaves only when the sink has it.
//!
//! A stream is one process's run: a directory of segments, written by that process alone and settled by it or, after its
//! death, by whoever adopts it. A segment is a file of frames with space allocated beforehand; a frame is a record with
//! lengths, sequence number and checksums. `docs/format.md` has every byte.
//!
//! Invariants:
//! 1. Sequence numbers count from 1, in the order of frames, without a gap. What is missing afterwards is reported.
//! 2. When `append` returns, the record survives the death of the process; once `synced` does, it survives a power loss.
//! 3. Nothing unsynced is read, so nothing unsynced is ever shipped.
//! 4. `settled <= read <= synced <= appended`, for each sink; a segment is removed only when all its records are settled for all.
//! 5. What was appended is never changed. A tail that nobody can have been told of is cut; whatever else is damaged is set
//!    aside in quarantine and reported, and what follows is read on.
//! 6. A stream is adopted by one process at a time, and only when its owner is gone: the lock ends with the process.
//! 7. What is settled without the sink, set aside or removed is told before, and what tells of it is durable.
//! 8. A stream has one process: a child that was forked writes nothing to that of its parent, and does not keep its lock.
//! 9. No lock that an append takes is held while the disk is waited for, and a thread of the host waits for it only as long as it
//!    was given; for the one store that the kernel itself may let wait see `turn`.
//! 10. Each sink has a handle that reads ahead and one that settles, on any threads; what they share has one owner (`ahead.rs`).
//! 11. What a stream's last number was is in the ledger before its files go.

mod adopt;
mod ahead;
mod append;
mod calls;
mod commit;
mod copies;
mod cursor;
mod directory;
mod disk;
mod error;
mod forked;
mod frame;
mod fs;
mod header;
mod inspect;
mod keeper;
mod ledger;
mod mapped;
mod mark;
mod open;
mod options;
mod place;
mod planted;
mod pressure;
mod quarantine;
mod reader;
mod recover;
mod renew;
mod resume;
mod roll;
mod scan;
mod secret;
mod settle;
mod sinks;
mod state;
#[cfg(test)]
mod tests;
mod tolerant;
mod turn;
mod usage;
mod wait;
mod writer;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

pub use self::adopt::{
    ADOPTED_AT_ONCE, ADOPTION_DESCRIPTORS, Adopted, Lot, OpenRequest, Orphan, Search, orphans, orphans_of,
};
pub use self::append::{Admission, Append, Receipt, Room};
pub use self::calls::CallNumber;
pub use self::disk::Disk;
pub use self::error::JournalError;
pub use self::frame::{HEADER, Kind};
pub use self::fs::{File, Fs, Identity};
pub use self::inspect::{Inspection, JournalStat, Owner, Problem, ProblemKind, QuarantineStat, SinkStat, StreamStat};
pub use self::keeper::Keeper;
pub use self::ledger::{Ledger, Removed};
pub use self::open::Opened;
pub use self::options::{DEFAULT_MAX_BYTES, Event, JournalOptions, LEAST_MAX_BYTES, Unwatched, Watcher};
pub(crate) use self::planted::planted;
pub use self::pressure::Pressure;
pub use self::quarantine::{Cause, Quarantine, QuarantineBound, Quarantined, Refused};
pub use self::reader::{Batch, BatchLimits, Entry, Reader};
pub use self::secret::{Secret, secret};
pub use self::settle::Settler;
pub use self::sinks::{SinkHandles, SinkName, Sinks};
pub use self::tolerant::{Tolerant, Without};
pub use self::usage::Usage;
pub use self::wait::NotSynced;

use self::copies::Copies;
use self::forked::Birth;
use self::mark::Mark;
use self::place::StreamPlace;
use self::settle::SavedCursor;
use self::state::State;
use crate::record::StreamId;

/// The number of a record in its stream, from 1: `audit.sequence.number`.
pub type Sequence = u64;

/// The writing end of a stream. Clones share it.
#[derive(Debug, Clone)]
pub struct Journal(Arc<Shared>);

impl Journal {
    /// The id of the stream.
    #[must_use]
    pub fn stream(&self) -> StreamId {
        self.0.stream
    }

    /// Whether this process is a child of the one that opened the journal, by a fork: nothing can be written then, and nothing
    /// that is waited for comes to pass.
    #[must_use]
    pub fn is_inherited(&self) -> bool {
        self.0.birth.is_over()
    }
}

#[derive(Debug)]
struct Shared {
    options: JournalOptions,
    stream: StreamId,
    /// In which process.
    birth: Birth,
    place: StreamPlace,
    segment_bytes: u64,
    /// Bytes of the longest record that is taken.
    longest_record: usize,
    /// The lock on the stream, as long as this is held.
    owner: Arc<dyn File>,
    /// Of each sink. Held by whoever settles.
    cursors: Mutex<Vec<SavedCursor>>,
    mark: Mark,
    state: Mutex<State>,
    /// Bytes that could be taken.
    left: AtomicU64,
    /// Held by whoever commits.
    committing: Mutex<Copies>,
    /// What is degraded now, by its `error.type`.
    troubles: Mutex<Vec<&'static str>>,
    /// Bytes that wait in other streams, and when they were counted.
    others_bytes: AtomicU64,
    others_counted: Mutex<Option<Instant>>,
    /// Something was told that must be kept before anything is settled or removed.
    told: AtomicBool,
    /// For the committer's thread.
    commit_wanted: Condvar,
    /// For whoever waits for the turn to write.
    turned: Condvar,
    /// The disk does not stand still any more.
    moved: Notify,
    stands: AtomicBool,
    /// For the thread that writes.
    job_wanted: Condvar,
    job_done: Condvar,
    /// A thread of the journal has ended.
    ended: Condvar,
    synced: Notify,
    synced_blocking: Condvar,
    readable: Notify,
    settled: Notify,
    settled_blocking: Condvar,
    /// There may be room again.
    room: Notify,
}

impl Shared {
    /// No code under the lock can panic, so a poisoned lock still holds a whole state.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the first frame of a segment begins.
    fn header_length(&self) -> u64 {
        header::length(&self.options.resource, &self.options.scope) as u64
    }

    /// Tells that records are not there any more, once for all sinks.
    fn lost(&self, first: Sequence, last: Sequence) {
        self.told.store(true, Ordering::Relaxed);
        let untold = self.state().untold(first, last);
        for (first, last) in untold {
            let count = (last + 1).saturating_sub(first);
            self.options.watcher.happened(Event::Lost { stream: self.stream, count, first, last });
        }
    }

    /// Whether everything that was told is durable where it was told: before that, nothing is settled or removed.
    fn is_told(&self) -> bool {
        if !self.told.load(Ordering::Relaxed) || planted("settle-before-told") {
            return true;
        }
        let kept = self.options.watcher.is_kept();
        self.told.store(!kept, Ordering::Relaxed);
        kept
    }

    /// Tells the watcher that something does not work, once until it does.
    fn degraded(&self, error_type: &'static str, text: &dyn std::fmt::Display) {
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        if !troubles.contains(&error_type) {
            troubles.push(error_type);
            drop(troubles);
            self.options.watcher.happened(Event::Degraded { error_type, text: text.to_string() });
        }
    }

    /// Tells the watcher that it works again, if it did not.
    fn recovered(&self, error_type: &'static str, text: &str) {
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        let before = troubles.len();
        troubles.retain(|trouble| *trouble != error_type);
        let was_there = troubles.len() < before;
        drop(troubles);
        if was_there {
            self.options.watcher.happened(Event::Recovered { error_type, text: text.to_owned() });
        }
    }
}

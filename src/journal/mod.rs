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

mod append;
mod directory;
mod disk;
mod entry;
mod error;
mod format;
mod handle;
mod inspect;
mod numbers;
mod open;
mod options;
mod planted;
mod quarantine;
mod read;
mod recover;
mod space;
mod state;
mod sync;
#[cfg(test)]
mod tests;
mod upkeep;
mod write;

pub use self::append::{Append, Receipt, Room};
pub use self::directory::{Ledger, Removed};
pub use self::disk::{Disk, File, Fs, Identity, Tolerant, Without};
pub use self::entry::Entry;
pub(crate) use self::error::FIX;
pub use self::error::JournalError;
pub use self::format::{HEADER, Kind, SinkName};
pub use self::handle::Journal;
pub use self::inspect::{Inspection, JournalStat, Owner, Problem, ProblemKind, QuarantineStat, StreamStat};
pub use self::numbers::{CallNumber, Sequence};
pub use self::open::Opened;
pub(crate) use self::options::LOCK_PATIENCE;
pub use self::options::{
    DEFAULT_MAX_BYTES, Event, JournalOptions, LEAST_MAX_BYTES, QuarantineBound, Sinks, Unwatched, Watcher,
};
pub(crate) use self::planted::planted;
pub use self::quarantine::{Cause, Quarantine, Quarantined, Refused};
pub use self::read::{Batch, BatchLimits, Reader, Settler, SinkHandles};
pub use self::recover::{
    ADOPTED_AT_ONCE, ADOPTION_DESCRIPTORS, Adopted, Lot, OpenRequest, Orphan, Search, orphans, orphans_of,
};
pub use self::space::{Pressure, Usage};
pub use self::sync::NotSynced;
pub use self::upkeep::Keeper;
pub use self::write::Admission;

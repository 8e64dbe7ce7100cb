//! The write-ahead journal: a record counts once it is here, and leaves only when every sink has it.
//!
//! A stream is one run of one process: a directory of segments. Only that process writes to it; after its death, the process
//! that adopts it does. A segment is a file of frames whose space is allocated in advance; a frame is a record with its length,
//! its sequence number and checksums. `docs/format.md` describes every byte.
//!
//! ```text
//!                        Journal (handle.rs)
//!  append ─► write/ ─► active segment ─► sync/ ─► read/ ─► batches for the sinks
//!              │ turn, next segment        │        │ settle: cursors, segments that go
//!              └─ space/: is there room?   │        └─ quarantine/: refused, damaged
//!                                          │
//!            upkeep/: the thread that syncs, prepares segments and watches files
//!
//!  after a death: recover/ reads the stream, adopts it, and removes it once it is settled
//!  to look at it: inspect/ changes nothing
//!
//!  below all of them: state/ (memory), directory/ (lock, ledger), format/ (bytes), disk/ (files)
//! ```
//!
//! Invariants:
//! 1. Sequence numbers start at 1 and increase by one, in the order of frames. A missing number is reported.
//! 2. When `append` returns, the record survives the death of the process; when `synced` returns, it survives a power loss.
//! 3. Nothing unsynced is read, so nothing unsynced is shipped.
//! 4. `settled <= read <= synced <= appended`, for each sink. A segment is removed only when all sinks have settled all of its
//!    records.
//! 5. What was appended is never changed. A tail that cannot have been acknowledged is skipped; other damage is copied to the
//!    quarantine and reported, and reading continues after it.
//! 6. One process at a time adopts a stream, and only after its owner is gone: the lock ends with the process.
//! 7. A record that is settled without a sink, set aside or removed is reported first, and the report is durable.
//! 8. A stream has one process: a forked child writes nothing to the stream of its parent, and does not keep its lock.
//! 9. No lock that an append takes is held while a thread waits for the disk. A thread of the host waits for the disk only as
//!    long as its caller allows; `write/turn.rs` has the one exception, a store that blocks in the kernel.
//! 10. Each sink has a handle that reads ahead and one that settles, on any threads; what they share has one owner
//!     (`read/ahead.rs`).
//! 11. The last number of a stream is in the ledger before its files are removed.

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
pub(crate) use self::append::{WITHDRAWN, encode_frame, encode_intent, intended};
pub use self::directory::{Ledger, RemovedStream};
pub use self::disk::{Disk, File, Fs, Identity, Tolerant, Without};
pub(crate) use self::disk::{Locked, check_length};
pub use self::entry::Entry;
pub(crate) use self::error::FIX;
pub use self::error::JournalError;
pub use self::format::{HEADER, Kind, SinkName};
pub use self::handle::Journal;
pub use self::inspect::{
    FollowedRecord, Inspection, JournalStat, Owner, Problem, ProblemKind, QuarantineStat, SinkStat, StreamFollower,
    StreamStat,
};
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
